/**
 * Reads a lock for each message, and watches it where an interval is set: speaks when the state changes (or after each
 * poll), tells an outage once and its end once. The polling itself is left to the gateway's watcher.
 */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { secondsSetting, textSetting } from '../src/common/settings';
import { invalidInput } from '../src/common/errors';
import type { LockReading } from '../src/thekeys/answers';
import { readIdentifier } from '../src/thekeys/commands';
import { TRANSPORT_CODES, type GatewayError } from '../src/thekeys/errors';
import type { WatchListener } from '../src/thekeys/watcher';
import { Adapter, type Message } from './shared/adapter';
import { accessOf, answer, configuredLock, gatewayWords, READ_DEADLINE_MS } from './shared/gateway-node';
import { LockBadge } from './shared/lock-badge';

interface LockStatusDef extends NodeDef {
  gateway?: unknown;
  identifier?: unknown;
  interval?: unknown;
  emit?: unknown;
}

/** A node without the setting only answers messages. */
const INTERVAL = { name: 'the interval of the node', fallback: 0, zero: true, most: 86_400 } as const;
const LEAST_INTERVAL_MS = 1000;

function init(RED: NodeAPI): void {
  function LockStatusNode(this: Node, config: LockStatusDef): void {
    RED.nodes.createNode(this, config);
    const access = accessOf(RED, config.gateway);
    const from = { node: config.identifier, gateway: access.identifier };
    const fault = access.fault(configuredLock(config.identifier, access));
    const words = gatewayWords(RED, fault);
    const adapter = new Adapter(this, { RED, words, transportCodes: TRANSPORT_CODES });
    const badge = new LockBadge(adapter, words);
    /** What the last poll found; the badge is about this lock. */
    let polled: LockReading | undefined;
    /** What the last poll met instead, while that lasts. */
    let outage: GatewayError | undefined;
    let watched: string | undefined;
    badge.begin(fault);

    /** After a reading for a message. One of another lock changes nothing in what the badge is about. */
    const showAnswer = (reading: LockReading): void => {
      if (watched === undefined || watched === reading.identifier) badge.reading(reading);
      else if (outage !== undefined) adapter.showFailure(outage);
      else badge.reading(polled ?? reading);
    };

    adapter.onInput(async (message: Message, { signal }) => {
      access.check();
      const identifier = readIdentifier(message, from);
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

    const listener = (always: boolean): WatchListener => ({
      onReading: (reading) => {
        const news = polled?.state !== reading.state || polled.code !== reading.code;
        polled = reading;
        outage = undefined;
        if (!badge.following) badge.reading(reading);
        if (news || always)
          adapter.emit({ _msgid: RED.util.generateId(), topic: reading.identifier, payload: { ...reading } });
      },
      onTrouble: (error) => {
        outage = error;
        adapter.report(error);
      },
      onTroubleLasts: (error) => {
        outage = error;
        // A message may have been answered meanwhile, and the badge shows that still.
        if (!badge.following) adapter.showFailure(error);
      },
      onRecovered: () => {
        this.log(words('log.recovered', { lock: readIdentifier({}, from) }));
      },
    });

    try {
      const intervalMs = secondsSetting(config.interval, INTERVAL);
      const always = emitSetting(config.emit) === 'always';
      if (intervalMs > 0) {
        access.check();
        const share = access.share(readIdentifier({}, from));
        watched = share.identifier;
        const watch = { share, intervalMs: Math.max(LEAST_INTERVAL_MS, intervalMs), timeoutMs: access.timeoutMs };
        const stop = access.gateway.watch(watch, listener(always));
        // At once, rather than when the commands under way have ended.
        adapter.signal.addEventListener('abort', stop, { once: true });
      }
    } catch (error) {
      adapter.report(error);
      // Nothing was asked yet that could be wrong.
      badge.show('failed', fault ?? 'settings');
    }
  }

  RED.nodes.registerType('lock-status', LockStatusNode);
}

/** @throws CodedError INVALID_INPUT */
function emitSetting(value: unknown): 'change' | 'always' {
  const text = textSetting(value, 'the emission of the node').toLowerCase();
  if (text === '' || text === 'change') return 'change';
  if (text === 'always') return 'always';
  throw invalidInput(
    `the node is to send "${text.slice(0, 30)}"`,
    'Choose in the node when it sends: change or always.',
  );
}

export = init;
