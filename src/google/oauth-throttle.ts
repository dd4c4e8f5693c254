/**
 * Slows down the guessing of passwords on the login page: a few tries are free, then each costs a growing pause, counted
 * for the user and for the address, kept across restarts. The pauses are capped at a minute, so that an attack makes the
 * rightful owner wait but never locks them out. What is shown meanwhile is left to the page.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../common/clock';
import type { Json, State } from '../state/state';
import { isObject } from './json';

interface Rule {
  /** Failures that cost nothing. */
  free: number;
  /** The first pause; each further failure doubles it, up to `capMs`. */
  firstMs: number;
  capMs: number;
  /** A counter that rested this long starts again. */
  forgetMs: number;
}

/** A household behind one address mistypes; a guesser at the cap has 1440 tries a day. */
const RULES = {
  address: { free: 20, firstMs: 2000, capMs: 60_000, forgetMs: 60 * 60_000 },
  user: { free: 8, firstMs: 2000, capMs: 60_000, forgetMs: 24 * 60 * 60_000 },
} as const satisfies Record<string, Rule>;

/** Names that are not listed share this many counters, so that inventing names fills no disk and looks no different. */
const STRANGER_SLOTS = 256;
const MAX_ADDRESSES = 2000;

interface Counter {
  failures: number;
  at: number;
}
type Counters = Record<string, Counter>;
interface Table {
  users: Counters;
  addresses: Counters;
}

export interface LoginThrottleOptions {
  state: State;
  key: string;
  clock: Clock;
  /** Keys the hashes of names and addresses, so that the state tells neither. */
  secret: () => Promise<Buffer>;
}

export interface Attempt {
  /** Milliseconds to wait; 0: go ahead, the try is counted as failed until `succeeded` is called. */
  waitMs: number;
  /** True for the try that used up the last free one. */
  last: boolean;
  /** What was counted for the address before. */
  before: Counter | undefined;
}

export class LoginThrottle {
  constructor(private readonly options: LoginThrottleOptions) {}

  /** Asks for a try. Counting comes first, so that tries side by side are counted one by one. @throws StateError */
  async attempt(name: string, listed: boolean, address: string): Promise<Attempt> {
    const user = await this.userSlot(name, listed);
    const place = await this.hash(`address ${address}`);
    return this.options.state.change(this.options.key, (current) => {
      const now = this.options.clock.now();
      const { table, isNew } = upTo(now, asTable(current));
      const waitMs = Math.max(
        waiting(RULES.user, table.users[user], now),
        waiting(RULES.address, table.addresses[place], now),
      );
      const before = table.addresses[place];
      if (waitMs > 0) {
        const result = { waitMs, last: false, before };
        return isNew ? { value: table as unknown as Json, result } : { result };
      }
      const users = counted(RULES.user, table.users, user, now);
      const addresses = newest(counted(RULES.address, table.addresses, place, now));
      const last = users[user]?.failures === RULES.user.free || addresses[place]?.failures === RULES.address.free;
      return { value: { users, addresses } as unknown as Json, result: { waitMs: 0, last, before } };
    });
  }

  /**
   * The try that was let through had the right password. Clears the user's counter, but of the address only this one try:
   * or a guesser with a login of their own could clear it between guesses.
   */
  async succeeded(name: string, address: string, { before }: Attempt): Promise<void> {
    const user = await this.userSlot(name, true);
    const place = await this.hash(`address ${address}`);
    await this.options.state.change(this.options.key, (current) => {
      const { users, addresses } = asTable(current);
      const mine = addresses[place] ?? { failures: 1, at: 0 };
      // Unless others tried meanwhile it is as if this try had not been, its pause included.
      const alone = before !== undefined && mine.failures === before.failures + 1;
      const restored = alone ? before : { failures: mine.failures - 1, at: mine.at };
      const next: Table = {
        users: Object.fromEntries(Object.entries(users).filter(([slot]) => slot !== user)),
        addresses: { ...addresses, [place]: restored },
      };
      return { value: next as unknown as Json, result: undefined };
    });
  }

  private async userSlot(name: string, listed: boolean): Promise<string> {
    const hash = await this.hash(`user ${name.normalize('NFC').trim()}`);
    return listed ? hash : `stranger ${parseInt(hash.slice(0, 8), 16) % STRANGER_SLOTS}`;
  }

  private async hash(text: string): Promise<string> {
    return createHmac('sha256', await this.options.secret())
      .update(text)
      .digest('hex')
      .slice(0, 32);
  }
}

function waiting(rule: Rule, counter: Counter | undefined, now: number): number {
  if (counter === undefined || counter.failures < rule.free) return 0;
  // The exponent is bounded before the power is taken; the cap is reached long before.
  const pause = Math.min(rule.capMs, rule.firstMs * 2 ** Math.min(20, counter.failures - rule.free));
  return counter.at + pause - now;
}

/**
 * A clock that was set back must not turn the pause into hours. What seems to have been tried later than now counts as
 * tried now, and is kept so: or the pause would begin anew with every look at it.
 */
function upTo(now: number, table: Table): { table: Table; isNew: boolean } {
  const ahead = (counters: Counters): boolean => Object.values(counters).some(({ at }) => at > now);
  if (!ahead(table.users) && !ahead(table.addresses)) return { table, isNew: false };
  const set = (counters: Counters): Counters =>
    Object.fromEntries(
      Object.entries(counters).map(([slot, { failures, at }]) => [slot, { failures, at: Math.min(at, now) }]),
    );
  return { table: { users: set(table.users), addresses: set(table.addresses) }, isNew: true };
}

function counted(rule: Rule, counters: Counters, slot: string, now: number): Counters {
  const kept = Object.entries(counters).filter(([, { at }]) => now - at < rule.forgetMs);
  const before = kept.find(([name]) => name === slot)?.[1].failures ?? 0;
  return { ...Object.fromEntries(kept), [slot]: { failures: before + 1, at: now } };
}

function newest(counters: Counters): Counters {
  const entries = Object.entries(counters);
  if (entries.length <= MAX_ADDRESSES) return counters;
  return Object.fromEntries(entries.sort(([, a], [, b]) => b.at - a.at).slice(0, MAX_ADDRESSES));
}

function asTable(json: Json | undefined): Table {
  const { users, addresses } = isObject(json) ? json : {};
  return { users: asCounters(users), addresses: asCounters(addresses) };
}

/** What is no counter, in a file that was damaged, counts as none. */
function asCounters(json: Json | undefined): Counters {
  const entries = Object.entries(isObject(json) ? json : {}).filter(
    ([, counter]) => isObject(counter) && typeof counter.failures === 'number' && typeof counter.at === 'number',
  );
  return Object.fromEntries(entries) as unknown as Counters;
}
