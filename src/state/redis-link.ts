/**
 * The connections to Redis: one for commands, and one, made when first needed, that listens. Every command ends within
 * a few seconds, whatever Redis or the network do; connections come back by themselves. What the commands mean is left
 * to `redis.ts` and `redis-lease.ts`.
 */
import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { Cluster, Redis } from 'ioredis';
import { pause, type Clock } from '../common/clock';
import { systemCode, textOf } from '../common/errors';
import { seldom } from '../common/seldom';
import type { RedisAddress } from './redis-url';
import { StateError } from './state';

export interface LinkOptions {
  clock: Clock;
  /** Told when Redis goes, and when it is back: once each, without secrets. */
  warn: (message: string) => void;
  /** Milliseconds for one answer of Redis. */
  answerMs: number;
  /** Milliseconds that a command may spend on connecting, waiting and repeating. */
  commandMs: number;
  /** Milliseconds without trouble after which Redis is said to be back. */
  steadyMs: number;
}

type Client = Redis | Cluster;

/** One who listens to a channel. */
export interface Ear {
  hear: (text: string) => void;
  /** Messages may have been missed. */
  onGap?: () => void;
}

/** Error replies that pass by themselves: start-up, a failover, a Cluster moving its slots, a long script of somebody's. */
const PASSING = ['LOADING', 'READONLY', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'BUSY', 'MOVED', 'ASK'];
const RETRY_MS = 40;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MOST_MS = 1000;
/** A connection that is given up says goodbye for so long; a dead one would do so for minutes. */
const DISCONNECT_MS = 100;
/** A listening connection is silent by nature; it is asked this often whether it still lives. */
const HEARTBEAT_MS = 10_000;
/** What a listener cannot bear may come again and again. */
const REPEAT_MS = 60_000;

export class RedisLink {
  private readonly client: Client;
  private listening: { client: Client; stopHeartbeat: () => void } | undefined;
  private readonly listeners = new Map<string, Set<Ear>>();
  private readonly subscribing = new Set<Promise<unknown>>();
  private readonly closing = new AbortController();
  /** When the connection for commands went, by the clock's `elapsed`; undefined while it is there. */
  private downSince: number | undefined;
  private lastReason = 'ECONNREFUSED';
  private outageTold = false;
  private dropping = false;
  private cancelGoodNews: () => void = () => undefined;
  private readonly warnOfListener: (message: string) => void;

  constructor(
    private readonly address: RedisAddress,
    private readonly options: LinkOptions,
  ) {
    setMaxListeners(0, this.closing.signal);
    this.warnOfListener = seldom(options.warn, options.clock, REPEAT_MS);
    this.downSince = options.clock.elapsed();
    this.client = this.connect();
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

  /** Milliseconds that anybody waits for one answer. */
  get answerMs(): number {
    return this.options.answerMs;
  }

  /**
   * Runs a Lua script. It may be run again when its answer was lost, so scripts are written to bear that.
   * @throws StateError
   */
  script(lua: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.run((client) => client.eval(lua, keys.length, ...keys, ...values));
  }

  /** As `script`, and waits until as many replicas as the address asks for have the change. */
  durableScript(lua: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    const { replicas } = this.address;
    if (replicas === 0) return this.script(lua, keys, values);
    return this.run(async (client) => {
      const answers = await client
        .pipeline()
        .eval(lua, keys.length, ...keys, ...values)
        .wait(replicas, Math.floor(this.options.answerMs / 2))
        .exec();
      const [ran, waited] = answers ?? [];
      const failure = ran?.[0] ?? waited?.[0];
      if (failure) throw failure;
      if (Number(waited?.[1]) < replicas) throw Object.assign(new Error('too few replicas'), { code: 'ENOREPLICAS' });
      return ran?.[1];
    });
  }

  get(key: string): Promise<string | null> {
    return this.run((client) => client.get(key));
  }

  async publish(channel: string, text: string): Promise<void> {
    // Whoever subscribed here before publishing hears itself.
    await this.subscribed();
    await this.run((client) => client.publish(channel, text));
  }

  /** Resolves when Redis has the subscription, or when it is clear that this takes longer; it is kept up all the same. */
  async listen(channel: string, ear: Ear): Promise<void> {
    const known = this.listeners.get(channel);
    if (known !== undefined) known.add(ear);
    else {
      this.listeners.set(channel, new Set([ear]));
      void this.subscribe(this.listener(), [channel]);
    }
    await this.subscribed();
  }

  unlisten(channel: string, ear: Ear): void {
    const known = this.listeners.get(channel);
    known?.delete(ear);
    if (known?.size !== 0) return;
    this.listeners.delete(channel);
    this.listening?.client.unsubscribe(channel).catch(() => undefined);
  }

  close(): void {
    this.closing.abort(new StateError('the state was closed', 'ECLOSED'));
    this.cancelGoodNews();
    this.listening?.stopHeartbeat();
    this.listening?.client.disconnect();
    this.client.disconnect();
  }

  private async run<T>(command: (client: Client) => Promise<T>): Promise<T> {
    const { clock, commandMs } = this.options;
    const until = clock.elapsed() + commandMs;
    let reason: string | undefined;
    for (;;) {
      await this.connected(until, reason);
      try {
        return await command(this.client);
      } catch (error) {
        // That a connection ended says less than why it was ended.
        const latest = reasonOf(error);
        if (reason === undefined || latest !== 'ECONNRESET') reason = latest;
        const passing = !isReply(error) || PASSING.includes(reason);
        if (!passing) throw this.failure(reason);
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
    if (await this.whenReady(this.client, left)) return;
    this.closing.signal.throwIfAborted();
    throw this.failure(reason === undefined || reason === 'ECONNRESET' ? this.lastReason : reason);
  }

  /** True as soon as the connection can be used, false when `ms` passed before, or this is closed. */
  private whenReady(client: Client, ms: number): Promise<boolean> {
    if (this.closing.signal.aborted) return Promise.resolve(false);
    if (client.status === 'ready') return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (ready: boolean): void => {
        cancel();
        client.off('ready', onReady);
        this.closing.signal.removeEventListener('abort', onClose);
        resolve(ready);
      };
      const onReady = (): void => settle(true);
      const onClose = (): void => settle(false);
      const cancel = this.options.clock.after(ms, () => settle(false));
      client.once('ready', onReady);
      this.closing.signal.addEventListener('abort', onClose, { once: true });
    });
  }

  /** Ends the connection for commands, once, however many of them found it dead. */
  private drop(): void {
    if (this.dropping) return;
    this.dropping = true;
    this.client.disconnect(true);
  }

  private listener(): Client {
    if (this.listening !== undefined) return this.listening.client;
    const client = this.connect();
    client.on('error', () => undefined);
    let before = false;
    client.on('ready', () => {
      const subscribed = this.subscribe(client, [...this.listeners.keys()]);
      if (before) void subscribed.then(() => this.tell((ear) => ear.onGap?.()));
      before = true;
    });
    client.on('message', (channel: string, text: string) => this.tell((ear) => ear.hear(text), channel));
    this.listening = { client, stopHeartbeat: this.heartbeat(client) };
    return client;
  }

  /** Calls those who listen (to one channel, or at all). Their defects are theirs. */
  private tell(say: (ear: Ear) => void, channel?: string): void {
    const told = channel === undefined ? [...this.listeners.values()] : [this.listeners.get(channel) ?? new Set<Ear>()];
    for (const ear of told.flatMap((ears) => [...ears])) {
      try {
        say(ear);
      } catch (error) {
        this.warnOfListener(`a listener of the shared state failed: ${textOf(error)}`);
      }
    }
  }

  /** Resolves when Redis has taken the subscription, or has failed to. */
  private async subscribe(client: Client, channels: readonly string[]): Promise<void> {
    if (channels.length === 0) return;
    // Not connected yet: the `ready` handler subscribes. Callers wait for that, a moment.
    const done =
      client.status === 'ready' ? client.subscribe(...channels) : this.whenReady(client, this.options.answerMs);
    const pending: Promise<unknown> = done.catch(() => undefined);
    this.subscribing.add(pending);
    void pending.then(() => this.subscribing.delete(pending));
    await pending;
  }

  private async subscribed(): Promise<void> {
    while (this.subscribing.size > 0) await Promise.all(this.subscribing);
  }

  private heartbeat(client: Client): () => void {
    let cancel: () => void = () => undefined;
    const next = (): void => {
      cancel = this.options.clock.after(HEARTBEAT_MS, () => {
        if (client.status === 'ready') {
          client.ping().catch(() => {
            if (!this.closing.signal.aborted) client.disconnect(true);
          });
        }
        next();
      });
    };
    next();
    return () => cancel();
  }

  private connect(): Client {
    const client = this.build();
    client.setMaxListeners(0);
    return client;
  }

  private build(): Client {
    const { address, options } = this;
    const retry = (times: number): number =>
      Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(times - 1, 10), RECONNECT_MOST_MS) * (0.8 + 0.4 * Math.random());
    const common = {
      ...(address.username === undefined ? {} : { username: address.username }),
      ...(address.password === undefined ? {} : { password: address.password }),
      ...(address.tls ? { tls: {} } : {}),
      db: address.database,
      disableClientInfo: true,
      protocol: 2 as const,
      connectTimeout: options.answerMs,
      commandTimeout: options.answerMs,
      disconnectTimeout: DISCONNECT_MS,
      // Waiting and repeating are done here, with limits; the library is to fail at once.
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    };
    if (address.kind === 'cluster') {
      return new Cluster([...address.nodes], {
        // By name, as certificates are made out; the library would resolve the names first.
        ...(address.tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
        redisOptions: { ...common, autoResubscribe: true },
        enableOfflineQueue: false,
        slotsRefreshTimeout: options.answerMs,
        clusterRetryStrategy: retry,
      });
    }
    if (address.kind === 'sentinel') {
      return new Redis({
        ...common,
        sentinels: [...address.nodes],
        ...(address.masterName === undefined ? {} : { name: address.masterName }),
        ...(address.sentinelPassword === undefined ? {} : { sentinelPassword: address.sentinelPassword }),
        ...(address.tls ? { sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
        sentinelRetryStrategy: retry,
        sentinelCommandTimeout: options.answerMs,
        failoverDetector: true,
        enableOfflineQueue: false,
        retryStrategy: retry,
      });
    }
    const [node] = address.nodes;
    // Node.js names the server in its hello only where it is told to, and hosted servers choose by that name.
    const tls = address.tls && isIP(node.host) === 0 ? { tls: { servername: node.host } } : {};
    return new Redis({ ...common, ...node, ...tls, enableOfflineQueue: false, retryStrategy: retry });
  }

  /** One that takes connections, but lets every write wait, would come and go with each command. */
  private expectGoodNews(): void {
    if (!this.outageTold) return;
    this.cancelGoodNews();
    this.cancelGoodNews = this.options.clock.after(this.options.steadyMs, () => {
      this.outageTold = false;
      this.options.warn(`Redis at ${this.address.label} answers again`);
    });
  }

  private note(reason: string): void {
    this.lastReason = reason;
    this.cancelGoodNews();
    if (this.outageTold || this.closing.signal.aborted) return;
    this.outageTold = true;
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
  const nested = (error as { lastNodeError?: unknown } | null)?.lastNodeError;
  if (nested !== undefined) return reasonOf(nested);
  if (isReply(error)) return /^-?([A-Z]+)\b/.exec(textOf(error))?.[1] ?? 'ERR';
  const code = systemCode(error);
  if (code !== undefined) return code;
  return /timed? ?out/i.test(textOf(error)) ? 'ETIMEDOUT' : 'ECONNRESET';
}
