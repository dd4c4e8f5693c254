/**
 * The connections to Redis: one for commands, and one, made when first needed, that listens. Every command ends within
 * a few seconds, whatever Redis or the network do; connections come back by themselves. What the commands mean is left
 * to `redis.ts`.
 */
import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import { onAbort } from '../common/abort';
import { pause, type Clock } from '../common/clock';
import { systemCode, textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import type { RedisAddress } from './redis-url';
import { StateError } from './state';

export interface LinkOptions {
  clock: Clock;
  /** From 0 up to 1. */
  random: () => number;
  /** Called when Redis goes, and when it is back: once each, without secrets. */
  warn: (message: string) => void;
  /** Milliseconds for one answer of Redis. */
  answerMs: number;
  /** Milliseconds that a command may spend on connecting, waiting and repeating. */
  commandMs: number;
  /** Milliseconds without trouble after which Redis is said to be back. */
  steadyMs: number;
}

export interface Subscriber {
  onMessage: (text: string) => void;
  /** Messages may have been missed. */
  onGap?: (() => void) | undefined;
}

/** Error replies that pass by themselves: start-up, a failover, a long script of somebody else's. */
const PASSING = ['LOADING', 'READONLY', 'MASTERDOWN', 'TRYAGAIN', 'BUSY'];
const RETRY_MS = 40;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MOST_MS = 1000;
/** A connection that is given up says goodbye for so long; a dead one would do so for minutes. */
const DISCONNECT_MS = 100;
/** A listening connection is silent by nature; it is asked this often whether it still lives. */
const HEARTBEAT_MS = 10_000;
/** A subscriber that fails may fail with each message. */
const REPEAT_MS = 60_000;

export class RedisLink {
  private readonly client: Redis;
  private listening: Redis | undefined;
  private cancelHeartbeat: () => void = () => undefined;
  private readonly subscribers = new Map<string, Set<Subscriber>>();
  private readonly subscribing = new Set<Promise<unknown>>();
  private readonly closing = new AbortController();
  /** When the connection for commands went, by the clock's `elapsed`; undefined while it is there. */
  private downSince: number | undefined;
  private lastReason = 'ECONNREFUSED';
  private outageNoted = false;
  private dropping = false;
  private cancelGoodNews: () => void = () => undefined;
  private failureNotedAt = -Infinity;

  constructor(
    private readonly address: RedisAddress,
    private readonly options: LinkOptions,
  ) {
    setMaxListeners(0, this.closing.signal);
    this.downSince = options.clock.elapsed();
    this.client = this.connect(true);
    this.client.on('ready', () => {
      this.downSince = undefined;
      this.dropping = false;
      this.expectGoodNews();
    });
    this.client.on('close', () => {
      this.cancelGoodNews();
      this.dropping = false;
      this.downSince ??= options.clock.elapsed();
    });
    this.client.on('error', (error: unknown) => this.note(reasonOf(error)));
  }

  /**
   * Runs a Lua script. It may be run again when its answer was lost, so scripts are written to bear that.
   * @throws StateError
   */
  script(lua: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.run(() => this.client.eval(lua, keys.length, ...keys, ...values));
  }

  get(key: string): Promise<string | null> {
    return this.run(() => this.client.get(key));
  }

  async publish(channel: string, text: string): Promise<void> {
    // Those who subscribed here before get it too.
    await Promise.all(this.subscribing);
    await this.run(() => this.client.publish(channel, text));
  }

  /** Kept up until the returned function is called, over all reconnections. */
  subscribe(channel: string, subscriber: Subscriber): () => void {
    const known = this.subscribers.get(channel);
    if (known !== undefined) known.add(subscriber);
    else {
      this.subscribers.set(channel, new Set([subscriber]));
      const pending: Promise<unknown> = this.listener()
        .subscribe(channel)
        .catch(() => undefined)
        .finally(() => this.subscribing.delete(pending));
      this.subscribing.add(pending);
    }
    return () => {
      const all = this.subscribers.get(channel);
      if (all?.delete(subscriber) !== true || all.size > 0) return;
      this.subscribers.delete(channel);
      this.listening?.unsubscribe(channel).catch(() => undefined);
    };
  }

  close(): void {
    this.closing.abort(new StateError('the state was closed', 'ECLOSED'));
    this.cancelGoodNews();
    this.cancelHeartbeat();
    this.listening?.disconnect();
    this.client.disconnect();
  }

  private async run<T>(command: () => Promise<T>): Promise<T> {
    const { clock, commandMs } = this.options;
    const until = clock.elapsed() + commandMs;
    let reason: string | undefined;
    for (;;) {
      await this.connected(until, reason);
      try {
        return await command();
      } catch (error) {
        // That a connection ended says less than why it was ended.
        const latest = reasonOf(error);
        if (reason === undefined || latest !== 'ECONNRESET') reason = latest;
        if (isReply(error) && !PASSING.includes(reason)) throw this.failure(reason);
        if (reason === 'ETIMEDOUT') {
          // Perhaps the connection is dead without knowing it: begin a new one rather than wait for TCP to notice.
          this.note(reason);
          this.drop();
        }
        if (clock.elapsed() + RETRY_MS >= until) throw this.failure(reason);
      }
      await pause(clock, RETRY_MS, this.closing.signal);
    }
  }

  /**
   * Waits for the connection. Right after a loss that is worth a moment, as it is mostly back at once; later a caller
   * is better served by a quick refusal.
   */
  private async connected(until: number, reason: string | undefined): Promise<void> {
    const { clock, commandMs } = this.options;
    const left = Math.min(until, (this.downSince ?? clock.elapsed()) + commandMs) - clock.elapsed();
    if (await this.isReadyWithin(left)) return;
    this.closing.signal.throwIfAborted();
    throw this.failure(reason === undefined || reason === 'ECONNRESET' ? this.lastReason : reason);
  }

  /** False when `ms` passed before the connection could be used, or this is closed. */
  private isReadyWithin(ms: number): Promise<boolean> {
    if (this.closing.signal.aborted) return Promise.resolve(false);
    if (this.client.status === 'ready') return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (ready: boolean): void => {
        cancel();
        forget();
        this.client.off('ready', onReady);
        resolve(ready);
      };
      const onReady = (): void => settle(true);
      const cancel = this.options.clock.after(ms, () => settle(false));
      const forget = onAbort(this.closing.signal, () => settle(false));
      this.client.once('ready', onReady);
    });
  }

  /** Ends the connection for commands, once, however many of them found it dead. */
  private drop(): void {
    if (this.dropping) return;
    this.dropping = true;
    this.client.disconnect(true);
  }

  private listener(): Redis {
    if (this.listening !== undefined) return this.listening;
    // The library keeps subscriptions up: it sends again what was asked for before, or without, a connection.
    const client = this.connect(false);
    this.listening = client;
    client.on('error', () => undefined);
    client.on('message', (channel: string, text: string) => {
      this.call(this.subscribers.get(channel) ?? [], ({ onMessage }) => onMessage(text));
    });
    let before = false;
    client.on('ready', () => {
      if (before) {
        // Answered behind the subscriptions, which the library has just sent.
        const all = (): Subscriber[] => [...this.subscribers.values()].flatMap((each) => [...each]);
        client.ping().then(
          () => this.call(all(), ({ onGap }) => onGap?.()),
          () => undefined,
        );
      }
      before = true;
    });
    this.beat(client);
    return client;
  }

  /** Calls subscribers. One that fails harms neither the others nor the process. */
  private call(subscribers: Iterable<Subscriber>, call: (subscriber: Subscriber) => void): void {
    for (const subscriber of [...subscribers]) {
      try {
        call(subscriber);
      } catch (error) {
        const now = this.options.clock.elapsed();
        if (now - this.failureNotedAt < REPEAT_MS) continue;
        this.failureNotedAt = now;
        this.options.warn(`a listener of the shared state failed: ${foreignText(textOf(error))}`);
      }
    }
  }

  private beat(client: Redis): void {
    this.cancelHeartbeat = this.options.clock.after(HEARTBEAT_MS, () => {
      if (client.status === 'ready') {
        client.ping().catch(() => {
          if (!this.closing.signal.aborted) client.disconnect(true);
        });
      }
      this.beat(client);
    });
  }

  /** @param failsAtOnce for commands: waiting and repeating are done here, with limits */
  private connect(failsAtOnce: boolean): Redis {
    const { host, port, tls, username, password, database } = this.address;
    const { answerMs, random } = this.options;
    const client = new Redis({
      host,
      port,
      db: database,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      // Node.js names the server in its hello only where it is told to, and hosted servers choose by that name.
      ...(tls ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {}),
      disableClientInfo: true,
      protocol: 2,
      connectTimeout: answerMs,
      commandTimeout: answerMs,
      disconnectTimeout: DISCONNECT_MS,
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      retryStrategy: (times) =>
        Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(times - 1, 10), RECONNECT_MOST_MS) * (0.8 + 0.4 * random()),
      enableOfflineQueue: !failsAtOnce,
      autoResendUnfulfilledCommands: !failsAtOnce,
      maxRetriesPerRequest: failsAtOnce ? 0 : null,
    });
    client.setMaxListeners(0);
    return client;
  }

  /** One that takes connections, but lets every write wait, would come and go with each command. */
  private expectGoodNews(): void {
    if (!this.outageNoted) return;
    this.cancelGoodNews();
    this.cancelGoodNews = this.options.clock.after(this.options.steadyMs, () => {
      this.outageNoted = false;
      this.options.warn(`Redis at ${this.address.label} answers again`);
    });
  }

  private note(reason: string): void {
    this.lastReason = reason;
    this.cancelGoodNews();
    if (this.outageNoted || this.closing.signal.aborted) return;
    this.outageNoted = true;
    this.options.warn(`Redis at ${this.address.label} cannot be used (${reason}); trying again until it can`);
  }

  private failure(reason: string): StateError {
    return new StateError(`the shared state in Redis at ${this.address.label} cannot be used (${reason})`, reason);
  }
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** The system's or Redis's word for a failure. Never more of the error: it may quote a command, and so a secret. */
function reasonOf(error: unknown): string {
  if (isReply(error)) return /^-?([A-Z]+)\b/.exec(textOf(error))?.[1] ?? 'ERR';
  const code = systemCode(error);
  if (code !== undefined) return foreignText(code, 60);
  return /timed? ?out/i.test(textOf(error)) ? 'ETIMEDOUT' : 'ECONNRESET';
}
