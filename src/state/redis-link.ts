/**
 * The connections to Redis: one for commands, and one, made when first needed, that listens. The library reconnects, keeps
 * commands meanwhile and sends them again; what is added here is the word for a failure and one warning for each outage.
 */
import { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import type { Clock } from '../common/clock';
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
  /** Milliseconds that a command may spend on connecting, waiting and being sent again: half of it for one answer. */
  commandMs: number;
}

/** A new connection is tried so often in a command's time, and a command ends with the reason before its time is over. */
const CONNECTIONS = 10;
const MOST_CONNECTIONS = 9;
/** Without trouble for so many times a command's time, Redis is said to be back. */
const STEADY = 3;
/** A connection that is given up says goodbye for so long; a dead one would do so for minutes. */
const DISCONNECT_MS = 100;
/** A listening connection is silent by nature; it is asked this often whether it still lives. */
const HEARTBEAT_MS = 10_000;
/** An event beside those of the channels. */
const GAP = Symbol('gap');

export class RedisLink {
  private readonly client: Redis;
  private listening: Redis | undefined;
  private readonly news = new EventEmitter().setMaxListeners(0);
  /** Settles when Redis has all subscriptions that were asked for until now. */
  private subscribed: Promise<unknown> = Promise.resolve();
  private lastReason = 'ECONNRESET';
  private outageNoted = false;
  /** A command has waited in vain for a connection. */
  private givenUp = false;
  private cancelGoodNews: () => void = () => undefined;

  constructor(
    private readonly address: RedisAddress,
    private readonly options: LinkOptions,
  ) {
    this.client = this.connect(MOST_CONNECTIONS - 1);
    this.client.on('ready', () => this.expectGoodNews());
    this.client.on('error', (error: unknown) => this.note(reasonOf(error) ?? this.lastReason));
  }

  /**
   * Runs a Lua script. It is run again when its answer was lost, so scripts are written to bear that.
   * @throws StateError
   */
  script(lua: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.ask(() => this.client.eval(lua, keys.length, ...keys, ...values));
  }

  /** @throws StateError */
  get(key: string): Promise<string | null> {
    return this.ask(() => this.client.get(key));
  }

  /** Reaches those who have subscribed here before, too. @throws StateError */
  async publish(channel: string, text: string): Promise<void> {
    await this.subscribed;
    await this.ask(() => this.client.publish(channel, text));
  }

  /** Kept up until the returned function is called, over all reconnections. @param onGap messages may have been missed */
  subscribe(channel: string, onMessage: (text: string) => void, onGap: () => void = () => undefined): () => void {
    const [message, gap] = [this.guarded(onMessage), this.guarded(onGap)];
    const client = (this.listening ??= this.listen());
    if (this.news.listenerCount(channel) === 0) this.subscribed = client.subscribe(channel).catch(() => undefined);
    this.news.on(channel, message);
    this.news.on(GAP, gap);
    return () => {
      this.news.off(channel, message);
      this.news.off(GAP, gap);
      if (this.news.listenerCount(channel) === 0) client.unsubscribe(channel).catch(() => undefined);
    };
  }

  /** What was asked for is answered first. */
  async close(): Promise<void> {
    this.cancelGoodNews();
    this.listening?.disconnect();
    await this.client.quit().catch(() => this.client.disconnect());
  }

  /** The first command of an outage waits for its end, as long as a command may; those after it are told at once. */
  private async ask<T>(command: () => Promise<T>): Promise<T> {
    let reason = this.lastReason;
    if (!this.givenUp) {
      try {
        return await command();
      } catch (error) {
        this.givenUp = !['ready', 'end'].includes(this.client.status);
        // Of one that waited for a connection it matters why there is none.
        reason = (this.givenUp && this.outageNoted ? undefined : reasonOf(error)) ?? this.lastReason;
      }
    }
    throw new StateError(`the shared state in Redis at ${this.address.label} cannot be used (${reason})`, reason);
  }

  private listen(): Redis {
    // The library keeps subscriptions up: it sends again what was asked for before, or without, a connection.
    const client = this.connect(null);
    client.on('error', () => undefined);
    client.on('message', (channel: string, text: string) => this.news.emit(channel, text));
    client.once('ready', () =>
      client.on('ready', () => {
        // Answered behind the subscriptions, which the library has just sent.
        client.ping().then(
          () => this.news.emit(GAP),
          () => undefined,
        );
      }),
    );
    this.beat(client);
    return client;
  }

  /** A listener that fails harms neither the others nor the process, and is named once. */
  private guarded<T extends unknown[]>(listener: (...given: T) => void): (...given: T) => void {
    let isNoted = false;
    return (...given) => {
      try {
        listener(...given);
      } catch (error) {
        if (!isNoted) this.options.log.warn(`a listener of the shared state failed: ${foreignText(textOf(error))}`);
        isNoted = true;
      }
    };
  }

  /** Where no answer comes, the library begins a new connection. */
  private beat(client: Redis): void {
    const ask = (): void => {
      if (client.status === 'ready') client.ping().catch(() => undefined);
      if (client.status !== 'end') this.beat(client);
    };
    this.options.clock.after(HEARTBEAT_MS, ask, true);
  }

  /** @param retries after so many new connections commands are given up; null: never */
  private connect(retries: number | null): Redis {
    const { host, port, tls, username, password, database } = this.address;
    const { commandMs, random } = this.options;
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
      connectTimeout: commandMs / 2,
      // A connection may be dead without knowing it: begin a new one rather than wait for TCP to notice.
      socketTimeout: commandMs / 2,
      commandTimeout: commandMs,
      disconnectTimeout: DISCONNECT_MS,
      // A master that has become a replica: its name may lead to the new one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      retryStrategy: () => (commandMs / CONNECTIONS) * (0.5 + 0.5 * random()),
      maxRetriesPerRequest: retries,
    });
    client.setMaxListeners(0);
    return client;
  }

  /** One that takes connections, but lets every write wait, would come and go with each command. */
  private expectGoodNews(): void {
    this.givenUp = false;
    this.lastReason = 'ECONNRESET';
    this.cancelGoodNews();
    if (!this.outageNoted) return;
    this.cancelGoodNews = this.options.clock.after(STEADY * this.options.commandMs, () => {
      this.outageNoted = false;
      this.options.log.warn(`Redis at ${this.address.label} answers again`);
    });
  }

  private note(reason: string): void {
    this.lastReason = reason;
    this.cancelGoodNews();
    if (this.outageNoted) return;
    this.outageNoted = true;
    this.options.log.warn(`Redis at ${this.address.label} cannot be used (${reason}); trying again until it can`);
  }
}

/**
 * The system's or Redis's word for a failure; undefined where it only says that there is no connection. Never more of the
 * error: it may quote a command, and so a secret.
 */
function reasonOf(error: unknown): string | undefined {
  const text = textOf(error);
  if (error instanceof Error && error.name === 'ReplyError') return /^-?([A-Z]+)\b/.exec(text)?.[1] ?? 'ERR';
  if (text === 'Connection is closed.') return 'ECLOSED';
  const code = systemCode(error);
  if (code !== undefined) return foreignText(code, 60);
  return /time(d )?out/i.test(text) ? 'ETIMEDOUT' : undefined;
}
