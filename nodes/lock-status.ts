/**
 * Reads a lock for each message, and watches it where an interval is set: sends when the state changes (or after each
 * poll), an error once for an outage. The polling itself is the gateway's watcher.
 */
import { TRANSPORT_CODES, type GatewayError } from '../src/thekeys/errors';
import type { LockReading } from '../src/thekeys/answers';
import { readIdentifier } from '../src/thekeys/commands';
import { lockNumber, SaidStates } from '../src/thekeys/readings';
import { defineNode } from './shared/define-node';
import {
  emitSetting,
  gatewayOf,
  intervalSetting,
  lockSetting,
  READ_DEADLINE_MS,
  startOf,
} from './shared/gateway-access';
import { LockBadge } from './shared/lock-badge';
import { answer } from './shared/message';

const LEAST_INTERVAL_MS = 1000;

export = defineNode({
  type: 'lock-status',
  catalogue: 'gateway-config',
  settings: { identifier: lockSetting, interval: intervalSetting, emit: emitSetting },
  transportCodes: TRANSPORT_CODES,
  start: (node) => {
    const access = gatewayOf(node.RED, node.config.gateway);
    const badge = new LockBadge(node.badge, node.words);
    const { settings, words } = node;
    startOf(node, access, settings.identifier);
    const said = new SaidStates(access.gateway.readings);
    const lock = settings.identifier === '' ? access.identifier : settings.identifier;
    /** The last reading of the node's lock, whichever node asked for it; the badge is about this lock. */
    let last: LockReading | undefined;
    /** What the last poll met instead, while that lasts. */
    let outage: GatewayError | undefined;
    /** Messages that wait for a reading of the node's lock. */
    let asking = 0;
    let hasPolled = false;
    const isWatching = settings.interval > 0;
    const show = (reading: LockReading): void => {
      if (badge.following) return;
      if (isWatching) badge.state(reading);
      else badge.result(reading);
    };
    if (lock !== '') said.begin(lock);

    node.onInput(async (message, { signal, settings: { identifier: ofNode } }) => {
      const identifier = readIdentifier(message, { node: ofNode, gateway: access.identifier, named: access.named });
      const share = access.share(identifier);
      const isOwn = lockNumber(identifier) === lockNumber(lock);
      const { onProgress, end } = badge.follow('reading');
      said.begin(identifier);
      if (isOwn) asking += 1;
      try {
        const options = { deadlineMs: READ_DEADLINE_MS, timeoutMs: access.timeoutMs, signal, onProgress };
        const reading = await access.gateway.lockStatus(share, options);
        end();
        if (isOwn) last = reading;
        // A reading of another lock changes nothing in what the badge of a watching node is about.
        if (isWatching && !isOwn && outage !== undefined) node.showFailure(outage);
        else show(isWatching ? (last ?? reading) : reading);
        return answer(message, await said.say(reading), identifier);
      } finally {
        end();
        if (isOwn) asking -= 1;
      }
    });

    const stopFollowing = lock === '' || isWatching ? () => undefined : access.gateway.readings.subscribe(lock, show);
    node.signal.addEventListener('abort', stopFollowing, { once: true });
    if (!isWatching) return;
    const watched = access.share(readIdentifier({}, { node: settings.identifier, gateway: access.identifier }));
    const intervalMs = Math.max(LEAST_INTERVAL_MS, settings.interval);
    const stop = access.gateway.watch(
      { share: watched, intervalMs, timeoutMs: access.timeoutMs },
      {
        onReading: (reading, polled) => {
          if (polled) outage = undefined;
          show(reading);
          const isNews = !hasPolled || last?.state !== reading.state || last.code !== reading.code;
          // The first poll comes in a moment, and what a message waits for goes out as its answer.
          if (!polled && (!hasPolled || !isNews || asking > 0)) return;
          hasPolled = true;
          last = reading;
          if (!isNews && settings.emit === 'change') return;
          void said.say(reading).then((payload) => {
            node.emit({ _msgid: node.RED.util.generateId(), topic: reading.identifier, payload });
          });
        },
        onTrouble: (error) => {
          outage = error;
          node.report(error);
        },
        onTroubleLasts: (error) => {
          outage = error;
          // A message may have been answered meanwhile, and the badge shows that still.
          if (!badge.following) node.showFailure(error);
        },
        onRecovered: () => node.log.info(words('log.recovered', { lock: watched.identifier }) ?? ''),
      },
    );
    // At once, rather than when the commands under way have ended.
    node.signal.addEventListener('abort', stop, { once: true });
  },
});
