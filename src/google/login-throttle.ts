/**
 * Slows down the guessing of passwords on the login page: a few tries are free, then each costs a growing pause, counted
 * for the name and for the address, kept across restarts. The pauses are capped at a minute, and an address without failures
 * has tries of its own, so that an attack from one machine does not keep the owner out.
 */
import type { Clock } from '../common/clock';
import { isRecord, pickFields, type Json } from '../common/json';
import type { State } from '../state/state';
import type { PageKey } from './page-key';
import { normalName } from './users';

interface Rule {
  /** Failures that cost nothing. */
  free: number;
  /** A counter that rested this long starts again. */
  forgetMs: number;
}

/** A household behind one address mistypes; a guesser at the cap has 1440 tries a day. */
const ADDRESS: Rule = { free: 20, forgetMs: 60 * 60_000 };
const NAME: Rule = { free: 8, forgetMs: 24 * 60 * 60_000 };
/** The first pause; each further failure doubles it, up to the cap. */
const FIRST_PAUSE_MS = 2000;
const CAP_MS = 60_000;
/** An address with fewer failures does not wait for what others failed at this name, … */
const OWN_TRIES = 2;
/** … so often for one name, until a login under it succeeds: or many addresses would be no slower than one. */
const SPARE_TRIES = 20;

/**
 * All names share this many counters, listed or not: so that inventing names fills no disk, and what was done to other names
 * does not show which are listed. A byte of the hash says which.
 */
const NAME_SLOT_DIGITS = 2;
const MAX_ADDRESSES = 2000;

interface Counter {
  failures: number;
  at: number;
  /** Of `failures`, those that went beyond the pause because their address had none. */
  spare?: number;
}
type Counters = Record<string, Counter>;
interface Table {
  names: Counters;
  addresses: Counters;
}

export interface LoginThrottleOptions {
  state: State;
  key: string;
  clock: Clock;
  /** Keys the hashes of names and addresses, so that the state shows neither. */
  pageKey: PageKey;
}

export interface Attempt {
  /** Milliseconds to wait; 0: go ahead, the try is counted as failed until `succeeded` is called. */
  waitMs: number;
  /** True for the try that used up the last free one. */
  last: boolean;
  /** For `succeeded`. */
  readonly counted: { name: string; address: string; before: Counter | undefined };
}

export class LoginThrottle {
  constructor(private readonly options: LoginThrottleOptions) {}

  /** Asks for a try. Counting comes first, so that tries side by side are counted one by one. @throws StateError */
  async attempt(typed: string, from: string): Promise<Attempt> {
    const name = (await this.hash(`user ${normalName(typed)}`)).slice(0, NAME_SLOT_DIGITS);
    const address = await this.hash(`address ${from}`);
    return this.change((table, now) => {
      const [ofName, before] = [table.names[name], table.addresses[address]];
      const counted = { name, address, before };
      const nameWaitMs = waiting(NAME, ofName, now);
      const spare = (before?.failures ?? 0) < OWN_TRIES && nameWaitMs > 0 && (ofName?.spare ?? 0) < SPARE_TRIES;
      const waitMs = Math.max(spare ? 0 : nameWaitMs, waiting(ADDRESS, before, now));
      if (waitMs > 0) return { result: { waitMs, last: false, counted } };
      const names = count(table.names, name, now, spare);
      const addresses = newest(count(table.addresses, address, now));
      const last = names[name]?.failures === NAME.free || addresses[address]?.failures === ADDRESS.free;
      return { table: { names, addresses }, result: { waitMs: 0, last, counted } };
    });
  }

  /**
   * The try that was let through had the right password. Clears the name's failures, but of the address only this one try:
   * or a guesser with a login of their own could clear it between guesses.
   */
  succeeded({ counted: { name, address, before } }: Attempt): Promise<void> {
    return this.change((table) => {
      const { failures, at } = table.addresses[address] ?? { failures: 1, at: 0 };
      // Unless others tried meanwhile it is as if this try had not been, its pause included.
      const alone = before !== undefined && failures === before.failures + 1;
      const names = pickFields(table.names, (each) => each !== name);
      const addresses = { ...table.addresses, [address]: alone ? before : { failures: failures - 1, at } };
      return { table: { names, addresses }, result: undefined };
    });
  }

  private change<T>(step: (table: Table, now: number) => { table?: Table; result: T }): Promise<T> {
    return this.options.state.change(this.options.key, (current) => {
      const now = this.options.clock.now();
      const kept = readTable(current, now);
      const { table, result } = step(kept, now);
      if (table !== undefined) return { value: table as unknown as Json, result };
      const isSame = JSON.stringify(kept) === JSON.stringify(current);
      return isSame ? { result } : { value: kept as unknown as Json, result };
    });
  }

  private async hash(text: string): Promise<string> {
    return (await this.options.pageKey.sign(text)).toString('hex').slice(0, 32);
  }
}

function waiting({ free }: Rule, counter: Counter | undefined, now: number): number {
  if (counter === undefined || counter.failures < free) return 0;
  // The exponent is bounded before the power is taken; the cap is reached long before.
  const pause = Math.min(CAP_MS, FIRST_PAUSE_MS * 2 ** Math.min(20, counter.failures - free));
  return counter.at + pause - now;
}

function count(counters: Counters, slot: string, now: number, spare = false): Counters {
  const before = counters[slot];
  const used = (before?.spare ?? 0) + (spare ? 1 : 0);
  // A spare try is counted, but does not make the pause of the others begin anew.
  const at = spare && before !== undefined ? before.at : now;
  const counter = { failures: (before?.failures ?? 0) + 1, at, ...(used === 0 ? {} : { spare: used }) };
  return { ...counters, [slot]: counter };
}

function newest(counters: Counters): Counters {
  const entries = Object.entries(counters);
  if (entries.length <= MAX_ADDRESSES) return counters;
  return Object.fromEntries(entries.sort(([, a], [, b]) => b.at - a.at).slice(0, MAX_ADDRESSES));
}

function readTable(json: Json | undefined, now: number): Table {
  const { names, addresses } = isRecord(json) ? json : {};
  return { names: readCounters(names, NAME, now), addresses: readCounters(addresses, ADDRESS, now) };
}

/** Those that still count. What is no counter, in a file that was damaged, is none. */
function readCounters(value: unknown, { forgetMs }: Rule, now: number): Counters {
  const entries = Object.entries(isRecord(value) ? (value as Counters) : {}).filter(
    ([, counter]) =>
      isRecord(counter) &&
      typeof counter.failures === 'number' &&
      typeof counter.at === 'number' &&
      now - counter.at < forgetMs,
  );
  // A clock that was set back must not turn the pause into hours. What seems to have been tried later than now counts as
  // tried now, and is kept so: or the pause would begin anew with every look at it.
  return Object.fromEntries(
    entries.map(([slot, counter]) => [slot, counter.at > now ? { ...counter, at: now } : counter]),
  );
}
