/**
 * The exclusive use of a name, over all processes that share a Redis: a lock that expires by itself, and a queue of
 * those who wait, so that nobody is passed over. The order within one process, and everything else, is left to
 * `redis.ts`.
 *
 * A process that was stopped (a laptop's lid, a debugger, an overloaded machine) may believe that it holds a lease
 * which others have taken over long since. `lost` therefore compares times whenever it is read: read it right before
 * acting. What still slips between that look and the act is for the resource to refuse; a lock gateway does so, as each
 * request carries a timestamp, reserved under the lease, that has to be greater than any before.
 */
import type { Clock } from '../common/clock';
import type { RedisLink } from './redis-link';
import { StateError, type Lease } from './state';

// Keys: lock (token of the holder), queue (tokens by place), seen (tokens by the time they asked last).
// Tokens are `<process>.<number>`; each process listens on a channel of its own.

/** Drops those who no longer ask, and gives the first of the queue. Needs `now` and `patience`. */
const LUA_HEAD = `
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - patience)) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('ZREM', KEYS[3], gone)
end
local head = redis.call('ZRANGE', KEYS[2], 0, 0)[1]`;

const LUA_NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * Arguments: token, ttl, patience, the latest time at which anybody waits for the answer. Gives 1: held; 0: queued; -1: too
 * late, nothing done; and after it Redis's time. A Redis that hung carries out what was sent meanwhile when it goes on:
 * without that time, for those who have given up long since, and everybody would wait for the end of their leases.
 */
const LUA_ACQUIRE = `${LUA_NOW}
local token, ttl, patience = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if now > tonumber(ARGV[4]) then return {-1, now} end
local holder = redis.call('GET', KEYS[1])
if not holder then ${LUA_HEAD}
  if not head or head == token then holder = token end
end
if holder == token then
  redis.call('SET', KEYS[1], token, 'PX', ttl)
  redis.call('ZREM', KEYS[2], token)
  redis.call('ZREM', KEYS[3], token)
  return {1, now}
end
if not redis.call('ZSCORE', KEYS[2], token) then
  local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
  redis.call('ZADD', KEYS[2], last and last + 1 or 1, token)
end
redis.call('ZADD', KEYS[3], now, token)
redis.call('PEXPIRE', KEYS[2], ttl + patience)
redis.call('PEXPIRE', KEYS[3], ttl + patience)
return {0, now}`;

/** Arguments: token, ttl. Gives 1 while the lock is the token's. */
const LUA_RENEW = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

/** Arguments: token, patience, start of the channels' names. Lets go, leaves the queue, and calls whoever is next. */
const LUA_RELEASE = `${LUA_NOW}
local patience = tonumber(ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
${LUA_HEAD}
if head then redis.call('PUBLISH', ARGV[3] .. string.match(head, '^[^.]+'), head) end
return 1`;

const HELD = 1;
const LATE = -1;

/** A waiter that has not asked for this long is taken for dead. It asks several times as often. */
const PATIENCE_MS = 2000;
const ASKS_PER_PATIENCE = 5;
/** The holder's own idea of the end is this much earlier than Redis's: clocks run at slightly different speeds. */
const MARGIN = 0.1;

/** What the last answer told of Redis's clock. Its way is part of the difference, so a little too much. */
export interface RedisTime {
  /** Milliseconds by which it is ahead of our `elapsed`; NaN before the first answer. */
  ahead: number;
}

export interface RedisLeaseOptions {
  link: RedisLink;
  clock: Clock;
  time: RedisTime;
  /** Keys of the lock, the queue and the times of asking, in one slot of a Cluster. */
  keys: readonly [string, string, string];
  /** `<process>.<number>`, never used before. */
  token: string;
  /** Channel on which the processes are called is this followed by `<process>`. */
  channelPrefix: string;
  ttlMs: number;
  /** Called once, when the lease was released or lost. */
  onEnd: () => void;
}

export class RedisLease implements Lease {
  private readonly losing = new AbortController();
  private readonly patienceMs: number;
  private validUntil = 0;
  private cancelExpiry: () => void = () => undefined;
  private cancelRenewal: () => void = () => undefined;
  private released: Promise<void> | undefined;

  constructor(private readonly options: RedisLeaseOptions) {
    this.patienceMs = Math.min(PATIENCE_MS, options.ttlMs);
  }

  /**
   * Waits for the lease. `called` registers what is to run when Redis says that it is this token's turn. After a failure
   * call `release` all the same: it gives back a place in the queue, or a lock that came with an answer nobody saw.
   */
  async acquire(called: (wake: () => void) => void, signal: AbortSignal): Promise<void> {
    const { link, clock, time, keys, token, ttlMs } = this.options;
    let wasLate = false;
    for (;;) {
      signal.throwIfAborted();
      const nudge = new Promise<void>((resolve) => called(resolve));
      const asked = clock.elapsed();
      const latest = Math.floor(asked + time.ahead + link.answerMs) || 0;
      const answer = await link.script(LUA_ACQUIRE, keys, [token, ttlMs, this.patienceMs, latest]);
      const [outcome, now] = answer as [number, number];
      time.ahead = now - asked;
      signal.throwIfAborted();
      const held = outcome === HELD;
      if (held) this.extend(asked);
      // Not if Redis answered so late that the lease is over already.
      if (held && clock.elapsed() < this.validUntil) return;
      // Its clock is known from now on, so at once; a clock that is never known shall not be asked without end.
      const again = outcome === LATE && !wasLate;
      wasLate = outcome === LATE;
      if (!held && !again) await this.rest(nudge, signal);
    }
  }

  get lost(): AbortSignal {
    if (this.options.clock.elapsed() >= this.validUntil) this.lose();
    return this.losing.signal;
  }

  release(): Promise<void> {
    if (this.released === undefined) {
      this.stop();
      // A lock that cannot be given back expires; its holder has nothing to do about it.
      this.released = this.letGo().catch(() => undefined);
      this.options.onEnd();
    }
    return this.released;
  }

  private stop(): void {
    this.cancelExpiry();
    this.cancelRenewal();
  }

  private async letGo(): Promise<void> {
    const { link, keys, token, channelPrefix } = this.options;
    await link.script(LUA_RELEASE, keys, [token, this.patienceMs, channelPrefix]);
  }

  /** Until called, or until it is time to ask again: jittered, so that processes do not ask in step. */
  private rest(nudge: Promise<void>, signal: AbortSignal): Promise<void> {
    const ms = (this.patienceMs / ASKS_PER_PATIENCE) * (0.75 + 0.5 * Math.random());
    return new Promise((resolve) => {
      const settle = (): void => {
        cancel();
        signal.removeEventListener('abort', settle);
        resolve();
      };
      const cancel = this.options.clock.after(ms, settle);
      signal.addEventListener('abort', settle, { once: true });
      void nudge.then(settle);
    });
  }

  /** Counts from when Redis was asked, so that the answer's way never makes the lease longer than Redis's own. */
  private extend(asked: number): void {
    const { clock, ttlMs } = this.options;
    this.validUntil = asked + ttlMs * (1 - MARGIN);
    this.stop();
    this.cancelExpiry = clock.after(this.validUntil - clock.elapsed(), () => this.lose());
    this.cancelRenewal = clock.after(ttlMs / 3, () => void this.renew());
  }

  private async renew(): Promise<void> {
    const { link, clock, keys, token, ttlMs } = this.options;
    const asked = clock.elapsed();
    try {
      const mine = (await link.script(LUA_RENEW, keys, [token, ttlMs])) === 1;
      if (this.released !== undefined || this.lost.aborted) return;
      if (mine) this.extend(asked);
      else this.lose();
    } catch {
      // Redis is away. As long as the lease lasts, it may come back.
      if (this.released !== undefined || this.lost.aborted) return;
      this.cancelRenewal = clock.after(ttlMs / 10, () => void this.renew());
    }
  }

  private lose(): void {
    if (this.losing.signal.aborted || this.released !== undefined) return;
    this.stop();
    this.losing.abort(new StateError('the lease was lost', 'ESTALE'));
    this.options.onEnd();
  }
}
