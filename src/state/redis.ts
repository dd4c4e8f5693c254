/**
 * State in a Redis server, for any number of processes. Every change is one atomic step there. Connections are left to
 * `redis-link.ts`, the rules of a lease to `redis-lease.ts`, the form of the address to `redis-url.ts`.
 *
 * What is kept here is as durable as the Redis is: run it with `appendonly yes` and `appendfsync always` (or
 * `everysec`, and up to a second of changes is lost with the machine), and with replicas (Sentinel) put `replicas=1` in
 * the address, so that a failover forgets nothing. Redis must not evict: `maxmemory-policy noeviction`.
 *
 * When Redis is away every call fails within seconds with a StateError. One whose answer was lost on the way may have
 * been carried out all the same: a number is then skipped, or a value stands that its writer was told had failed.
 */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { pause, systemClock, type Clock } from '../common/clock';
import { RedisLease, type RedisTime } from './redis-lease';
import { RedisLink } from './redis-link';
import { parseRedisUrl } from './redis-url';
import { StateError, type Change, type Json, type Lease, type LeaseOptions, type State } from './state';
import { Turns } from './turns';

export interface RedisStateOptions {
  /** As `redis-url.ts` describes. */
  url: string;
  /** Told when Redis goes, and when it is back. */
  warn: (message: string) => void;
  clock?: Clock;
  /** Milliseconds for one answer; default 1500. */
  answerMs?: number;
  /** Milliseconds for a whole call, with connecting and repeating; default 3000. */
  commandMs?: number;
  /** Milliseconds without trouble after which Redis is said to be back; default 10000. */
  steadyMs?: number;
}

// A value is kept as `<id> <JSON>`: the id is new with every change, so that one can tell whether a change whose answer
// was lost took place. A deleted value leaves its id for a while, with nothing after it, for the same reason.

/** Arguments: the id that was read ('' for none), the new id, the JSON ('' to delete). Gives 1 when it was written. */
const LUA_CHANGE = `
local current = redis.call('GET', KEYS[1])
local id = current and string.match(current, '^%S+') or ''
if id ~= ARGV[1] and id ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2] .. ' ', 'PX', 60000)
else redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3]) end
return 1`;

/** How often a change is decided anew because others were quicker. Callers in one process take turns before that. */
const CHANGE_ATTEMPTS = 60;
const CHANGE_PAUSE_MS = 10;

export class RedisState implements State {
  readonly shared = true;
  private readonly clock: Clock;
  private readonly link: RedisLink;
  private readonly prefix: string;
  /** This process (this object, to be exact) among those who wait for leases. */
  private readonly self = randomBytes(9).toString('base64url');
  private counter = 0;
  private readonly turns = new Turns();
  private readonly wakers = new Map<string, () => void>();
  private wakeable: Promise<void> | undefined;
  private readonly leases = new Set<RedisLease>();
  private readonly time: RedisTime = { ahead: NaN };
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly closing = new AbortController();

  /** @throws CodedError `INVALID_INPUT` for an address that cannot be read. Connects by itself, then and later. */
  constructor(options: RedisStateOptions) {
    const address = parseRedisUrl(options.url);
    this.clock = options.clock ?? systemClock;
    this.prefix = address.prefix;
    setMaxListeners(0, this.closing.signal);
    this.link = new RedisLink(address, {
      clock: this.clock,
      warn: options.warn,
      answerMs: options.answerMs ?? 1500,
      commandMs: options.commandMs ?? 3000,
      steadyMs: options.steadyMs ?? 10_000,
    });
  }

  async get(key: string): Promise<Json | undefined> {
    return this.read(await this.track(this.link.get(this.keyOf(key))), key).value;
  }

  change<T>(key: string, decide: (current: Json | undefined) => Change<T>): Promise<T> {
    return this.track(
      this.turns.take(`change ${key}`, async () => {
        for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt += 1) {
          const { id, value } = this.read(await this.link.get(this.keyOf(key)), key);
          const change = decide(value);
          if (!('value' in change)) return change.result;
          const text = change.value === undefined ? '' : JSON.stringify(change.value);
          const written = await this.link.durableScript(LUA_CHANGE, [this.keyOf(key)], [id, this.fresh(), text]);
          if (written === 1) return change.result;
          await pause(this.clock, Math.random() * CHANGE_PAUSE_MS * Math.min(attempt + 1, 5));
        }
        throw new StateError(`${key} is changed by others all the time`, 'EBUSY');
      }),
    );
  }

  lease(name: string, options: LeaseOptions): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const waiting = new AbortController();
      const left = (): boolean => waiting.signal.aborted;
      const sources = [options.signal, this.closing.signal].filter((signal) => signal !== undefined);
      const settled = (): void => {
        for (const signal of sources) signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        settled();
        const reason = sources.find((signal) => signal.aborted)?.reason as Error;
        waiting.abort(reason);
        reject(reason);
      };
      for (const signal of sources) signal.addEventListener('abort', abort, { once: true });
      if (sources.some((signal) => signal.aborted)) abort();
      // One asks Redis at a time, so that the order within this process is the order of asking.
      void this.turns.take(`lease ${name}`, async () => {
        if (left()) return;
        const asking = this.acquire(name, options.ttlMs, waiting.signal);
        const granted = await this.track(asking).catch((error: unknown) => reject(error as Error));
        settled();
        if (!granted) return;
        if (left()) void this.track(granted.lease.release());
        else resolve(granted.lease);
        await granted.ended;
      });
    });
  }

  async publish(channel: string, message: Json): Promise<void> {
    await this.track(this.link.publish(this.channelOf(channel), JSON.stringify(message)));
  }

  subscribe(channel: string, listener: (message: Json) => void, onGap?: () => void): () => void {
    const hear = (text: string): void => {
      let message: Json;
      try {
        message = JSON.parse(text) as Json;
      } catch {
        // Somebody else's.
        return;
      }
      listener(message);
    };
    const ear = { hear, ...(onGap === undefined ? {} : { onGap }) };
    void this.link.listen(this.channelOf(channel), ear);
    return () => this.link.unlisten(this.channelOf(channel), ear);
  }

  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new StateError('the state was closed', 'ECLOSED'));
    const released = [...this.leases].map((lease) => lease.release());
    await Promise.allSettled([...released, ...this.underWay]);
    this.link.close();
  }

  /** The lease, and a promise that ends with it, however it ends. */
  private async acquire(
    name: string,
    ttlMs: number,
    signal: AbortSignal,
  ): Promise<{ lease: Lease; ended: Promise<void> }> {
    const channelPrefix = `${this.prefix}wake:`;
    this.wakeable ??= this.link.listen(`${channelPrefix}${this.self}`, {
      hear: (token) => this.wakers.get(token)?.(),
    });
    await this.wakeable;
    const token = this.fresh();
    const slot = `${this.prefix}lease:{${encodeURIComponent(name)}}`;
    let onEnd: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (onEnd = resolve));
    const lease = new RedisLease({
      link: this.link,
      clock: this.clock,
      time: this.time,
      keys: [`${slot}:lock`, `${slot}:queue`, `${slot}:seen`],
      token,
      channelPrefix,
      ttlMs,
      onEnd,
    });
    try {
      await lease.acquire((wake) => this.wakers.set(token, wake), signal);
    } catch (error) {
      void this.track(lease.release());
      throw error;
    } finally {
      this.wakers.delete(token);
    }
    this.leases.add(lease);
    void ended.then(() => this.leases.delete(lease));
    return { lease, ended };
  }

  private read(text: string | null, key: string): { id: string; value: Json | undefined } {
    if (text === null) return { id: '', value: undefined };
    const space = text.indexOf(' ');
    const id = text.slice(0, space);
    const json = text.slice(space + 1);
    if (space > 0 && json === '') return { id, value: undefined };
    try {
      if (space > 0) return { id, value: JSON.parse(json) as Json };
    } catch {
      // The same as without a space: somebody else's.
    }
    throw new StateError(`the value of ${key} in Redis was not written by this package`, 'EBADVALUE');
  }

  private keyOf(key: string): string {
    return `${this.prefix}state:${key}`;
  }

  private channelOf(channel: string): string {
    return `${this.prefix}channel:${channel}`;
  }

  private fresh(): string {
    this.counter += 1;
    return `${this.self}.${this.counter}`;
  }

  private track<T>(work: Promise<T>): Promise<T> {
    const quiet = work.then(
      () => undefined,
      () => undefined,
    );
    this.underWay.add(quiet);
    void quiet.then(() => this.underWay.delete(quiet));
    return work;
  }
}
