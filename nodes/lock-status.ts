/**
 * Reads a lock for each message, and watches it where an interval is set: sends when the state changes (or after each
 * poll), an error once for an outage. The polling itself is the gateway's watcher.
 */
import { TRANSPORT_CODES, type GatewayError } from '../src/thekeys/errors';
import type { LockReading } from '../src/thekeys/answers';
import { readIdentifier } from '../src/thekeys/commands';
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
    /** What the last poll found; the badge is about this lock. */
    let polled: LockReading | undefined;
    /** What the last poll met instead, while that lasts. */
    let outage: GatewayError | undefined;
    const watched =
      settings.interval === 0
        ? undefined
        : access.share(readIdentifier({}, { node: settings.identifier, gateway: access.identifier }));

    /** After a reading for a message. One of another lock changes nothing in what the badge is about. */
    const showAnswer = (reading: LockReading): void => {
      if (watched === undefined) badge.result(reading);
      else if (watched.identifier === reading.identifier) badge.state(reading);
      else if (outage !== undefined) node.showFailure(outage);
      else badge.state(polled ?? reading);
    };

    node.onInput(async (message, { signal, settings: { identifier: ofNode } }) => {
      const identifier = readIdentifier(message, { node: ofNode, gateway: access.identifier });
      const { onProgress, end } = badge.follow('reading');
      try {
        const options = { deadlineMs: READ_DEADLINE_MS, timeoutMs: access.timeoutMs, signal, onProgress };
        const reading = await access.gateway.lockStatus(access.share(identifier), options);
        end();
        showAnswer(reading);
        return answer(message, { ...reading }, identifier);
      } finally {
        end();
      }
    });

    if (watched === undefined) return;
    const intervalMs = Math.max(LEAST_INTERVAL_MS, settings.interval);
    const stop = access.gateway.watch(
      { share: watched, intervalMs, timeoutMs: access.timeoutMs },
      {
        onReading: (reading) => {
          const isNews = polled?.state !== reading.state || polled.code !== reading.code;
          polled = reading;
          outage = undefined;
          if (!badge.following) badge.state(reading);
          if (!isNews && settings.emit === 'change') return;
          node.emit({ _msgid: node.RED.util.generateId(), topic: reading.identifier, payload: { ...reading } });
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
