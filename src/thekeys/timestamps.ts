/**
 * The timestamps that sign commands: Unix seconds, each greater than all before it on the same gateway, through restarts,
 * `kill -9` and clocks set back. Numbers are reserved durably in small blocks ahead of their use, so that handing one out
 * rarely waits for a disk. When to ask for one, and what a gateway says to it, is left to the gateway's client.
 */
import { randomUUID } from 'node:crypto';
import { textOf } from '../common/errors';
import type { Clock } from '../common/clock';
import type { Json, State } from '../state/state';

export interface TimestampsOptions {
  state: State;
  /** Of the sequence: one per physical gateway. */
  key: string;
  clock: Clock;
  /** False where other processes take from the same sequence by and by: then each number is reserved when it is used. */
  reserveAhead?: boolean;
  /** Told, once per trouble, what a person should know of the place where the sequence is kept. */
  warn: (message: string) => void;
}

/**
 * How many are reserved at once. After `kill -9` the sequence goes on behind the reserved ones, so this is also how many
 * seconds it may then run ahead of the clock: few, and no gateway is known to mind seconds.
 */
const SMALL_BLOCK = 4;
/** Under a burst of commands blocks double up to this, so that a fast gateway does not wait for a slow disk. */
const LARGE_BLOCK = 64;

/**
 * A sequence this far ahead of the clock was not brought there by commands (a gateway takes seconds for each) but by a
 * clock that was wrong. When the gateway refuses such a timestamp, the clock is believed instead.
 */
const WRONG_CLOCK_SECONDS = 60;
/** Below it a timestamp is not ahead of the clock in any way a gateway could mind. */
const SLIGHT_LEAD_SECONDS = 2;

/** More than other processes can have been ahead of this one: a gateway takes a second or more for each command. */
const DISTANCE_AFTER_LOSS = 30;

/**
 * One that may have been accepted keeps the sequence from starting anew behind it, unless so many after it were refused
 * that it cannot have been.
 */
const REFUSALS_BEYOND_DOUBT = 6;

/**
 * What to do about a refused timestamp: take the next one; take it when the clock has caught up; or take one of the
 * sequence that now starts anew at the clock.
 */
export type Advice = { kind: 'retry' } | { kind: 'wait'; ms: number } | { kind: 'restarted' };

/** What lies in a shared home beside the sequence: a name of its own, so that whoever was there before notices a loss. */
interface Era {
  id: string;
  /** The sequence began with a distance to what was used in the era before. */
  apart: boolean;
}

export class Timestamps {
  /** The greatest that was handed out. */
  private last = 0;
  /** All up to this one are reserved durably for this process. */
  private reserved = 0;
  private block = SMALL_BLOCK;
  private reserving: Promise<void> | undefined;
  /** The greatest from this process that the gateway has accepted, or may have: no word came of its fate. */
  private accepted = 0;
  /** Handed out last; what the gateway says to it is not known yet. */
  private open: number | undefined;
  /** How many far ahead of the clock were refused since one was last accepted. */
  private refusals = 0;
  /** Where the sequence stood before the clock was believed instead, until a gateway has accepted that. */
  private before: number | undefined;
  private troubled = false;
  /** That of the shared home when this process was there last. */
  private era: string | undefined;

  constructor(private readonly options: TimestampsOptions) {}

  /** Lets the reservation of the next timestamp start early: while a command waits for its turn or for a connection. */
  prepare(): void {
    if (this.options.state.shared || this.options.reserveAhead === false) return;
    if (this.candidate() > this.reserved) void this.reserve(this.candidate());
  }

  /**
   * The next timestamp, for immediate use.
   * @throws StateError where several processes share the sequence and its home cannot be reached: a guess could be a
   * timestamp that another process uses too.
   */
  async next(): Promise<number> {
    if (this.open !== undefined) this.accepted = Math.max(this.accepted, this.open);
    this.open = undefined;
    const given = await this.take();
    this.open = given;
    return given;
  }

  private async take(): Promise<number> {
    if (this.options.state.shared) {
      this.last = await this.takeShared();
      return this.last;
    }
    if (this.options.reserveAhead === false) this.last = Math.max(this.last, this.reserved);
    // While nothing can be kept, each one tries again: as soon as it can, all that were used meanwhile are covered.
    if (this.troubled) await this.reserve(this.candidate());
    while (this.candidate() > this.reserved) await this.reserve(this.candidate());
    const given = this.candidate();
    this.last = given;
    if (this.options.reserveAhead === false) return given;
    if (this.reserved - given < this.block / 2) void this.reserve(given + 1);
    return given;
  }

  /**
   * From the home that several processes share. Where that was lost, or turns out to be an old copy by giving one that this
   * process has used (a failover to a replica that lagged), what the others used is known to nobody, so the sequence
   * goes on with a distance.
   */
  private async takeShared(): Promise<number> {
    const { state, key } = this.options;
    const lost = await this.wasHomeLost();
    const given = await state.reserve(key, lost ? this.distant() : this.seconds(), 1);
    const lead = this.last - this.seconds();
    // Far ahead of the clock it is another process that has let the sequence start anew, for good reason.
    if (given > this.last || lead > WRONG_CLOCK_SECONDS) return given;
    return state.reserve(key, this.distant(), 1);
  }

  private distant(): number {
    return Math.max(this.seconds(), this.last) + DISTANCE_AFTER_LOSS;
  }

  /** Whether the shared home was lost since this process was there last, and it is the first to go on with a distance. */
  private async wasHomeLost(): Promise<boolean> {
    const known = this.era;
    const { id, lost } = await this.options.state.change(`${this.options.key}/era`, (current) => {
      const found = asEra(current);
      const isNew = known !== undefined && found?.id !== known;
      if (found === undefined) {
        const id = randomUUID();
        return { value: { id, apart: isNew }, result: { id, lost: isNew } };
      }
      if (!isNew || found.apart) return { result: { id: found.id, lost: false } };
      return { value: { id: found.id, apart: true }, result: { id: found.id, lost: true } };
    });
    this.era = id;
    return lost;
  }

  /** The gateway took it. */
  confirm(timestamp: number): void {
    this.accepted = Math.max(this.accepted, timestamp);
    this.open = undefined;
    this.before = undefined;
    this.refusals = 0;
  }

  /** The gateway refused it because, it says, its own clock is wrong: so it was not accepted. */
  spare(timestamp: number): void {
    if (this.open === timestamp) this.open = undefined;
  }

  /**
   * How much speaks for our clock as the cause of such a refusal: `some` where the sequence is far ahead of the clock,
   * `strong` where so many were refused that the gateway's clock cannot be it.
   */
  doubt(timestamp: number): 'none' | 'some' | 'strong' {
    if (timestamp - this.seconds() <= WRONG_CLOCK_SECONDS) return 'none';
    if (this.refusals >= REFUSALS_BEYOND_DOUBT) return 'strong';
    this.refusals += 1;
    return 'some';
  }

  /**
   * The gateway refused it, perhaps for its own sake: what to do before trying another one.
   * Where the sequence had run far ahead of a clock that was once wrong, it starts anew at the clock.
   */
  async refused(timestamp: number): Promise<Advice> {
    const now = this.seconds();
    const lead = timestamp - now;
    this.open = undefined;
    if (this.before !== undefined) {
      // The clock was not the cause either. The sequence goes on where it was, so that nothing is used twice.
      await this.restart(this.before);
      this.before = undefined;
      this.refusals = 0;
      return { kind: 'retry' };
    }
    if (lead <= SLIGHT_LEAD_SECONDS) return { kind: 'retry' };
    if (lead > WRONG_CLOCK_SECONDS) this.refusals += 1;
    if (lead > WRONG_CLOCK_SECONDS && (this.accepted < now || this.refusals >= REFUSALS_BEYOND_DOUBT)) {
      const before = this.last;
      if (!(await this.restart(now - 1))) return { kind: 'retry' };
      this.before = before;
      return { kind: 'restarted' };
    }
    return { kind: 'wait', ms: lead * 1000 };
  }

  /** Writes down exactly where the sequence stands, so that the next process starts right behind it. */
  async settle(): Promise<void> {
    if (this.options.state.shared || this.last === 0) return;
    await this.reserving;
    const { last, reserved } = this;
    await this.quietly(async () => {
      const mine = await this.options.state.change(this.options.key, (current) =>
        // Another process that uses the same folder may have gone on behind what was reserved here.
        current === reserved ? { value: last, result: true } : { result: false },
      );
      if (mine) this.reserved = last;
    });
  }

  private seconds(): number {
    return Math.floor(this.options.clock.now() / 1000);
  }

  private candidate(): number {
    return Math.max(this.seconds(), this.last + 1);
  }

  /** Reserves a block from `floor` on; one reservation at a time. Where it cannot be kept, memory must do. */
  private async reserve(floor: number): Promise<void> {
    if (this.reserving !== undefined) {
      await this.reserving;
      return;
    }
    this.reserving = this.reserveBlock(Math.max(floor, this.reserved + 1)).finally(() => {
      this.reserving = undefined;
    });
    await this.reserving;
  }

  private async reserveBlock(floor: number): Promise<void> {
    // Ahead of the clock there is a burst; with it there is one command now and then.
    this.block = floor > this.seconds() + SMALL_BLOCK ? Math.min(LARGE_BLOCK, this.block * 2) : SMALL_BLOCK;
    const block = this.options.reserveAhead === false ? 1 : this.block;
    const kept = await this.quietly(async () => {
      this.own(await this.options.state.reserve(this.options.key, floor, block), block);
    });
    if (!kept) this.own(floor, 1);
  }

  private own(first: number, count: number): void {
    // What lies between the old block and this one is not ours, even where the clock points there again.
    if (first !== this.reserved + 1) this.last = Math.max(this.last, first - 1);
    this.reserved = first + count - 1;
  }

  /**
   * Lets the sequence go on behind `last`. False, and nothing changed, where another process has gone on with it since:
   * what that one used must not come again.
   */
  private async restart(last: number): Promise<boolean> {
    await this.reserving;
    const { shared } = this.options.state;
    const own = Math.max(this.last, this.reserved, last);
    const outcome = { mine: true };
    const write = async (): Promise<void> => {
      outcome.mine = await this.options.state.change(this.options.key, (current) =>
        typeof current === 'number' && current > own ? { result: false } : { value: last, result: true },
      );
    };
    if (shared) await write();
    else await this.quietly(write);
    if (!outcome.mine) return false;
    this.last = last;
    if (!shared) this.reserved = last;
    return true;
  }

  /** Does it, or warns once that it cannot be done. True when it was done. */
  private async quietly(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.troubled = false;
      return true;
    } catch (error) {
      if (!this.troubled) {
        this.options.warn(
          `the timestamps of commands cannot be kept: ${textOf(error)}. Commands work, but after a restart with a clock set back the gateway may refuse them for a while.`,
        );
      }
      this.troubled = true;
      return false;
    }
  }
}

function asEra(value: Json | undefined): Era | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { id, apart } = value;
  return typeof id === 'string' ? { id, apart: apart === true } : undefined;
}
