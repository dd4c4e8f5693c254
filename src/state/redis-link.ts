/**
 * The connections to Redis: one for commands, and one, made when first needed, that listens. The library reconnects, keeps
 * commands until a connection stands and ends those that are not answered in time; what is added here is a limit for
 * repeating, the word for a failure, and one warning for each outage.
 */
import { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import { pause, type Clock } from '../common/clock';
import { systemCode, textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import type { Log } from '../common/log';
import type { RedisAddress } from './redis-url';
import { StateError } from './state';

export interface LinkOptions {
  clock: Clock;
  /** From 0 up to 1. */
  random: () => number;
  /** Gets a warning when Redis goes, and one when it is back. */
  log: Log;
  /** Milliseconds for one answer of Redis. */
  answerMs: number;
  /** Milliseconds that a command may spend on connecting, waiting and repeating. */
  commandMs: number;
  /** Milliseconds without trouble after which Redis is said to be back. */
  steadyMs: number;
}

/** Error replies that pass by themselves: start-up, a failover, a long script of another client. */
const PASSING = ['LOADING', 'READONLY', 'MASTERDOWN', 'TRYAGAIN', 'BUSY'];
const RETRY_MS = 40;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MOST_MS = 1000;
/** A connection that is given up says goodbye for so long; a dead one would do so for minutes. */
const DISCONNECT_MS = 100;
/** A listening connection is silent by nature; it is asked this often whether it still lives. */
const HEARTBEAT_MS = 10_000;
/** A listener that fails may fail with each message. */
const REPEAT_MS = 60_000;

export class RedisLink {
  private readonly client: Redis;
  private listening: Redis | undefined;
  private readonly channels = new EventEmitter().setMaxListeners(0);
  private readonly gaps = new EventEmitter().setMaxListeners(0);
  /** Settles when Redis has all subscriptions that were asked for until now. */
  private subscribed: Promise<unknown> = Promise.resolve();
  private readonly closing = new AbortController();
  private cancelHeartbeat: () => void = () => undefined;
  /** When the connection for commands went, by the clock's `elapsed`; undefined while it is there. */
  private downSince: number | undefined;
  private lastReason = 'ECONNRESET';
  private outageNoted = false;
  private goodNews: (() => void) | undefined;
  private failureNotedAt = -Infinity;

  constructor(
    private readonly address: RedisAddress,
    private readonly options: LinkOptions,
  ) {
    this.downSince = options.clock.elapsed();
    // A command that cannot be sent, or loses its connection, fails at once and is repeated here.
    this.client = this.connect({ maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false });
    this.client.on('ready', () => {
      this.downSince = undefined;
      this.lastReason = 'ECONNRESET';
      this.expectGoodNews();
    });
    this.client.on('close', () => {
      this.cancelGoodNews();
      this.downSince ??= options.clock.elapsed();
    });
    this.client.on('error', (error: unknown) => this.note(reasonOf(error) ?? this.lastReason));
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

  /** Reaches those who have subscribed here before, too. */
  async publish(channel: string, text: string): Promise<void> {
    await this.subscribed;
    await this.run(() => this.client.publish(channel, text));
  }

  /** Kept up until the returned function is called, over all reconnections. @param onGap messages may have been missed */
  subscribe(channel: string, onMessage: (text: string) => void, onGap: () => void = () => undefined): () => void {
    const [message, gap] = [this.guarded(onMessage), this.guarded(onGap)];
    if (this.channels.listenerCount(channel) === 0) {
      const asked = this.listener().subscribe(channel);
      this.subscribed = Promise.allSettled([this.subscribed, asked]).then(() => undefined);
    }
    this.channels.on(channel, message);
    this.gaps.on('gap', gap);
    return () => {
      this.channels.off(channel, message);
      this.gaps.off('gap', gap);
      if (this.channels.listenerCount(channel) === 0) this.listening?.unsubscribe(channel).catch(() => undefined);
    };
  }

  /** What is under way is answered first. */
  async close(): Promise<void> {
    this.closing.abort(new StateError('the state was closed', 'ECLOSED'));
    this.cancelGoodNews();
    this.cancelHeartbeat();
    this.listening?.disconnect();
    await this.client.quit().catch(() => this.client.disconnect());
  }

  private async run<T>(command: () => Promise<T>): Promise<T> {
    const { clock, commandMs } = this.options;
    const { signal } = this.closing;
    // Right after a loss a moment's wait is worth it; later a caller is better served by a quick refusal.
    const until = Math.min(clock.elapsed(), this.downSince ?? Infinity) + commandMs;
    for (let reason: string | undefined; ;) {
      signal.throwIfAborted();
      if (clock.elapsed() + RETRY_MS >= until) throw this.failure(reason ?? this.lastReason);
      try {
        const answer = await command();
        this.expectGoodNews();
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        // That there is no connection, or no longer, says less than why, which the connection's own events tell.
        const said = isReply(error) || this.client.status === 'ready' ? reasonOf(error) : undefined;
        reason = said ?? reason;
        if (said !== undefined && isReply(error) && !PASSING.includes(said)) throw this.failure(said);
        if (said === 'ETIMEDOUT') this.note(said);
      }
      await pause(clock, RETRY_MS, signal);
    }
  }

  private listener(): Redis {
    if (this.listening !== undefined) return this.listening;
    // The library keeps subscriptions up: it sends again what was asked for before, or without, a connection.
    const client = this.connect({ maxRetriesPerRequest: null });
    this.listening = client;
    client.on('error', () => undefined);
    client.on('message', (channel: string, text: string) => this.channels.emit(channel, text));
    client.once('ready', () =>
      client.on('ready', () => {
        // Answered behind the subscriptions, which the library has just sent.
        client.ping().then(
          () => this.gaps.emit('gap'),
          () => undefined,
        );
      }),
    );
    this.beat(client);
    return client;
  }

  /** One that fails harms neither the others nor the process. */
  private guarded<T extends unknown[]>(listener: (...given: T) => void): (...given: T) => void {
    return (...given) => {
      try {
        listener(...given);
      } catch (error) {
        const now = this.options.clock.elapsed();
        if (now - this.failureNotedAt < REPEAT_MS) return;
        this.failureNotedAt = now;
        this.options.log.warn(`a listener of the shared state failed: ${foreignText(textOf(error))}`);
      }
    };
  }

  private beat(client: Redis): void {
    this.cancelHeartbeat = this.options.clock.after(HEARTBEAT_MS, () => {
      // Where no answer comes, the library begins a new connection.
      if (client.status === 'ready') client.ping().catch(() => undefined);
      this.beat(client);
    });
  }

  private connect(retries: { maxRetriesPerRequest: number | null; autoResendUnfulfilledCommands?: boolean }): Redis {
    const { host, port, tls, username, password, database } = this.address;
    const { answerMs, random } = this.options;
    const client = new Redis({
      host,
      port,
      db: database,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      // Node.js names the server in its hello only where it is asked to, and hosted servers choose by that name.
      ...(tls ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {}),
      disableClientInfo: true,
      protocol: 2,
      connectTimeout: answerMs,
      commandTimeout: answerMs,
      // A connection may be dead without knowing it: begin a new one rather than wait for TCP to notice.
      socketTimeout: answerMs,
      disconnectTimeout: DISCONNECT_MS,
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      retryStrategy: (times) =>
        Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(times - 1, 10), RECONNECT_MOST_MS) * (0.8 + 0.4 * random()),
      ...retries,
    });
    client.setMaxListeners(0);
    return client;
  }

  /** One that takes connections, but lets every write wait, would come and go with each command. */
  private expectGoodNews(): void {
    if (!this.outageNoted || this.goodNews !== undefined) return;
    this.goodNews = this.options.clock.after(this.options.steadyMs, () => {
      this.goodNews = undefined;
      this.outageNoted = false;
      this.options.log.warn(`Redis at ${this.address.label} answers again`);
    });
  }

  private cancelGoodNews(): void {
    this.goodNews?.();
    this.goodNews = undefined;
  }

  private note(reason: string): void {
    this.lastReason = reason;
    this.cancelGoodNews();
    if (this.outageNoted || this.closing.signal.aborted) return;
    this.outageNoted = true;
    this.options.log.warn(`Redis at ${this.address.label} cannot be used (${reason}); trying again until it can`);
  }

  private failure(reason: string): StateError {
    return new StateError(`the shared state in Redis at ${this.address.label} cannot be used (${reason})`, reason);
  }
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/**
 * The system's or Redis's word for a failure; undefined where it only says that there is no connection. Never more of the
 * error: it may quote a command, and so a secret.
 */
function reasonOf(error: unknown): string | undefined {
  if (isReply(error)) return /^-?([A-Z]+)\b/.exec(textOf(error))?.[1] ?? 'ERR';
  const code = systemCode(error);
  if (code !== undefined) return foreignText(code, 60);
  return /time(d )?out/i.test(textOf(error)) ? 'ETIMEDOUT' : undefined;
}
