/**
 * State in a Redis server, for any number of processes. Every change is one atomic step there.
 *
 * What is kept here is as durable as the Redis is: run it with `appendonly yes` and `appendfsync always` (or
 * `everysec`, and up to a second of changes is lost with the machine). Redis must not evict: `maxmemory-policy noeviction`.
 *
 * When Redis is away every call fails within seconds with a StateError. One whose answer was lost on the way may have
 * been carried out all the same: a number is then skipped, or a value stands though its writer got an error.
 */
import { randomBytes } from 'node:crypto';
import { pause, systemClock } from '../common/clock';
import { textOf } from '../common/errors';
import { parseJson } from '../common/json';
import type { Log } from '../common/log';
import { RenewedLease } from './lease';
import { RedisLink, type LinkOptions } from './redis-link';
import { parseRedisUrl } from './redis-url';
import { StateError, type Decide, type Json, type Lease, type LeaseOptions, type State } from './state';
import { Turns } from './turns';

export interface RedisStateOptions extends Partial<LinkOptions> {
  /** As `redis-url.ts` describes. */
  url: string;
  /** Gets a warning when Redis goes and when it is back, and leases at trace. */
  log: Log;
}

// A value is kept as `<id> <JSON>`: the id is new with every change, so that one can see whether a change whose answer
// was lost took place. A deleted value leaves its id for a while, with nothing after it, for the same reason.

/** Arguments: the id that was read ('' for none), the new id, the JSON ('' to delete). Gives 1 when it was written. */
const LUA_CHANGE = `
local current = redis.call('GET', KEYS[1])
local id = current and string.match(current, '^%S+') or ''
if id ~= ARGV[1] and id ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2] .. ' ', 'PX', 60000)
else redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3]) end
return 1`;

/**
 * Keys: the lease, and the line of those who wait for it, in the order in which they came. Arguments: token, its duration, and
 * for how long a place in the line is kept that is not asked for again. Gives 1 when it was granted.
 */
const LUA_ACQUIRE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
local function place(token) return KEYS[2] .. ':' .. token end
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2] or 0
redis.call('ZADD', KEYS[2], 'NX', last + 1, ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('SET', place(ARGV[1]), 1, 'PX', ARGV[3])
local first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
while redis.call('EXISTS', place(first)) == 0 do
  redis.call('ZREM', KEYS[2], first)
  first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
end
if first ~= ARGV[1] or not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return 1`;

/** Arguments: token, duration. Gives 1 while the lease is the token's. */
const LUA_RENEW = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

/** Keys as for acquiring. Gives the token's lease back, and its place in the line. */
const LUA_RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return redis.call('ZREM', KEYS[2], ARGV[1])`;

/** How often a change is decided anew because others were quicker. Callers in one process take turns before that. */
const CHANGE_ATTEMPTS = 60;
const CHANGE_PAUSE_MS = 10;
/** Who waits for a lease asks so often, give or take a half. */
const ASK_MS = 50;
/**
 * A place in the line outlasts a process that is busy for a moment; one that has died holds up the others for so long.
 */
const PLACE_MS = 1000;

export class RedisState implements State {
  readonly shared = true;
  private readonly options: LinkOptions;
  private readonly link: RedisLink;
  private readonly prefix: string;
  private readonly self = randomBytes(9).toString('base64url');
  private counter = 0;
  private readonly changes = new Turns();
  private readonly leases = new Turns();
  private closed: Promise<void> | undefined;

  /** @throws CodedError `INVALID_INPUT` for an address that cannot be read. Connects by itself, then and later. */
  constructor({ url, ...options }: RedisStateOptions) {
    const address = parseRedisUrl(url);
    const times = { answerMs: 1500, commandMs: 3000, steadyMs: 10_000 };
    this.options = { clock: systemClock, random: Math.random, ...times, ...options };
    this.link = new RedisLink(address, this.options);
    this.prefix = address.prefix;
  }

  async get(key: string): Promise<Json | undefined> {
    return this.read(await this.link.get(this.keyOf(key)), key).value;
  }

  change<T>(key: string, decide: Decide<T>): Promise<T> {
    return this.changes.run(key, async () => {
      for (let attempt = 1; attempt <= CHANGE_ATTEMPTS; attempt += 1) {
        const { id, value } = this.read(await this.link.get(this.keyOf(key)), key);
        const change = decide(value);
        if (!('value' in change)) return change.result;
        const text = change.value === undefined ? '' : JSON.stringify(change.value);
        const written = await this.link.script(LUA_CHANGE, [this.keyOf(key)], [id, this.fresh(), text]);
        if (written === 1) return change.result;
        await pause(this.options.clock, this.options.random() * CHANGE_PAUSE_MS * Math.min(attempt, 5));
      }
      throw new StateError(`${key} is changed by others all the time`, 'EBUSY');
    });
  }

  lease(name: string, options: LeaseOptions): Promise<Lease> {
    return this.leases.lease(name, options.signal, () => this.acquire(name, options));
  }

  publish(channel: string, message: Json): Promise<void> {
    return this.link.publish(this.channelOf(channel), JSON.stringify(message));
  }

  subscribe(channel: string, listener: (message: Json) => void, onGap?: () => void): () => void {
    const onMessage = (text: string): void => {
      const message = parseJson(text) as Json | undefined;
      // Anything else is not of this package.
      if (message !== undefined) listener(message);
    };
    return this.link.subscribe(this.channelOf(channel), onMessage, onGap);
  }

  close(): Promise<void> {
    return (this.closed ??= this.end());
  }

  private async end(): Promise<void> {
    await this.leases.release();
    await this.changes.ended();
    await this.link.close();
  }

  /** Asks until it is granted. */
  private async acquire(name: string, { ttlMs, signal }: LeaseOptions): Promise<Lease> {
    const { link } = this;
    const { clock, random, log, answerMs } = this.options;
    if (this.closed !== undefined) throw new StateError('the state was closed', 'ECLOSED');
    const slot = `${this.prefix}lease:${name}`;
    const keys = [slot, `${slot}:line`];
    const token = this.fresh();
    // A grant whose answer comes too late, because Redis hung, is to end soon, as no caller holds it.
    const firstMs = Math.min(ttlMs, 2 * answerMs);
    const renew = async (): Promise<boolean> => (await link.script(LUA_RENEW, keys, [token, ttlMs])) === 1;
    const release = (): Promise<unknown> => link.script(LUA_RELEASE, keys, [token]);
    const trace = (what: string): void => log.trace(`lease ${name}: ${what}`);
    const began = clock.elapsed();
    try {
      for (let attempt = 1; ; attempt += 1) {
        const asked = clock.elapsed();
        const granted = await link.script(LUA_ACQUIRE, keys, [token, firstMs, PLACE_MS]);
        signal?.throwIfAborted();
        if (granted === 1) {
          const lease = new RenewedLease({ name, log, clock, asked, firstMs, ttlMs, renew, release });
          trace(`acquired after ${Math.round(clock.elapsed() - began)} ms`);
          if (!lease.lost.aborted) return lease;
        } else if (attempt === 1) trace('waits, as another process has it');
        await pause(clock, ASK_MS * (0.5 + random()), signal);
      }
    } catch (error) {
      trace(`given up: ${textOf(error)}`);
      // It may have been granted with an answer that was lost.
      release().catch(() => undefined);
      throw error;
    }
  }

  private read(text: string | null, key: string): { id: string; value: Json | undefined } {
    if (text === null) return { id: '', value: undefined };
    const space = text.indexOf(' ');
    const id = text.slice(0, space);
    const json = text.slice(space + 1);
    if (space > 0 && json === '') return { id, value: undefined };
    const value = space > 0 ? (parseJson(json) as Json | undefined) : undefined;
    if (value !== undefined) return { id, value };
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
}
