/**
 * The timestamps that sign commands: Unix seconds, each greater than all before it on the same gateway, through restarts,
 * `kill -9` and clocks set back. Numbers are reserved durably in small blocks ahead of their use, so that handing one out
 * rarely waits for a disk. Which were used is told by `sequence.ts`. When to ask for one, and what a gateway says to it, is
 * left to the gateway's client.
 */
import { randomUUID } from 'node:crypto';
import { textOf } from '../common/errors';
import type { Clock } from '../common/clock';
import type { Json, State } from '../state/state';
import { asSequence, GAP, giveBack, resume, take, takeBack, toJson, UNUSED, type Sequence } from './sequence';

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
/** A block that is used up sooner belongs to a burst. To be ahead of the clock is no sign: a clock may have been wrong. */
const BURST_MS = 1000;

/**
 * A sequence this far ahead of the clock was not brought there by commands (a gateway takes seconds for each) but by a
 * clock that was wrong. When the gateway refuses such a timestamp, the clock is believed instead.
 */
const WRONG_CLOCK_SECONDS = GAP;
/** Below it a timestamp is not ahead of the clock in any way a gateway could mind. */
const SLIGHT_LEAD_SECONDS = 2;

/** More than other processes can have been ahead of this one: a gateway takes a second or more for each command. */
const DISTANCE_AFTER_LOSS = 30;

/** After a failed attempt to keep them. Few are used in that time, and a disk that is full minds no more. */
const KEEP_PAUSE_MS = 250;

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

/** What is kept. In a shared home it has a name of its own, so that whoever was there before notices a loss. */
interface Kept {
  sequence: Sequence;
  era?: string;
  /** The sequence began with a distance to what was used in the era before. */
  apart: boolean;
}

export class Timestamps {
  /** As this process knows it: what it has kept, and what it could not keep. */
  private sequence: Sequence = UNUSED;
  /** The greatest that was handed out. */
  private last = 0;
  /** All up to this one are reserved durably for this process. */
  private reserved = 0;
  private block = SMALL_BLOCK;
  /** When the last block was reserved, on the clock's `elapsed()`. */
  private blockAt = -Infinity;
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
  private cancelKeeping: (() => void) | undefined;
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
   * goes on with a distance: once, by whoever is the first to notice.
   */
  private async takeShared(): Promise<number> {
    const known = this.era;
    const { given, ...kept } = await this.options.state.change(this.options.key, (current) => {
      const found = asKept(current);
      const { era = randomUUID() } = found;
      const isNew = known !== undefined && found.era !== known;
      const isLost = isNew && !found.apart;
      const home = found.sequence;
      const next = take(home, isLost ? this.distant() : this.seconds(), 1);
      // Far ahead of the clock it is another process that has let the sequence start anew, for good reason.
      const isOld = next.first <= this.last && this.last - this.seconds() <= WRONG_CLOCK_SECONDS;
      const { sequence, first } = isOld ? take(home, this.distant(), 1) : next;
      const apart = found.apart || isLost;
      return { value: { ...toJson(sequence), era, apart }, result: { sequence, era, given: first } };
    });
    this.sequence = kept.sequence;
    this.era = kept.era;
    return given;
  }

  private distant(): number {
    return Math.max(this.seconds(), this.last) + DISTANCE_AFTER_LOSS;
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
      await this.move(this.before, resume);
      this.before = undefined;
      this.refusals = 0;
      return { kind: 'retry' };
    }
    if (lead <= SLIGHT_LEAD_SECONDS) return { kind: 'retry' };
    if (lead > WRONG_CLOCK_SECONDS) this.refusals += 1;
    // Behind what was used before the clock went wrong, be it by a process that is gone.
    const behind = Math.max(now - 1, this.sequence.below);
    const isNear = behind - now <= WRONG_CLOCK_SECONDS && behind < timestamp - 1;
    if (lead > WRONG_CLOCK_SECONDS && isNear && (this.accepted <= behind || this.refusals >= REFUSALS_BEYOND_DOUBT)) {
      const before = this.last;
      if (!(await this.move(behind, takeBack))) return { kind: 'retry' };
      this.before = before;
      return { kind: 'restarted' };
    }
    return { kind: 'wait', ms: lead * 1000 };
  }

  /** Writes down exactly where the sequence stands, so that the next process starts right behind it. */
  async settle(): Promise<void> {
    this.cancelKeeping?.();
    this.cancelKeeping = undefined;
    if (this.options.state.shared || this.last === 0) return;
    await this.reserving;
    const { last, reserved } = this;
    const settled = await this.quietly(
      () =>
        this.options.state.change(this.options.key, (current) => {
          const home = this.later(asKept(current).sequence);
          // Another process that uses the same folder may have gone on behind what was reserved here.
          if (home.at !== reserved) return { result: undefined };
          const result = giveBack(home, last);
          return { value: toJson(result), result };
        }),
      () => undefined,
    );
    if (settled === undefined) return;
    this.sequence = settled;
    this.reserved = last;
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
    const now = this.options.clock.elapsed();
    const isBurst = floor > this.seconds() + SMALL_BLOCK && now - this.blockAt < BURST_MS;
    this.block = isBurst ? Math.min(LARGE_BLOCK, this.block * 2) : SMALL_BLOCK;
    this.blockAt = now;
    const block = this.options.reserveAhead === false ? 1 : this.block;
    let home = this.sequence;
    const taken = await this.quietly(
      () =>
        this.options.state.change(this.options.key, (current) => {
          home = this.later(asKept(current).sequence);
          const result = take(home, floor, block);
          return { value: toJson(result.sequence), result };
        }),
      // What cannot be written may still be read, and be news to this process.
      () => take(home, floor, 1),
    );
    this.own(taken);
  }

  /** Writes down what could not be kept, without waiting for the next command: the process may be killed before it. */
  private async keep(): Promise<void> {
    await this.quietly(
      () =>
        this.options.state.change(this.options.key, (current) => {
          const home = this.later(asKept(current).sequence);
          return { value: toJson(home), result: undefined };
        }),
      () => undefined,
    );
  }

  private keepSoon(): void {
    if (this.options.reserveAhead === false) return;
    this.cancelKeeping ??= this.options.clock.after(KEEP_PAUSE_MS, () => {
      this.cancelKeeping = undefined;
      if (this.troubled) void this.keep();
    });
  }

  private own({ sequence, first, count }: ReturnType<typeof take>): void {
    this.sequence = sequence;
    // What lies between the old block and this one is not ours, even where the clock points there again.
    if (first !== this.reserved + 1) this.last = Math.max(this.last, first - 1);
    this.reserved = first + count - 1;
  }

  /** Of the sequence as it is kept and as it is known here, the one that has gone on: what could not be kept counts too. */
  private later(home: Sequence): Sequence {
    return this.sequence.at > home.at ? this.sequence : home;
  }

  /**
   * Lets the sequence go on behind `last`, far below or where it was before. False, and nothing changed, where another
   * process has gone on with it since: what that one used must not come again.
   */
  private async move(last: number, way: typeof takeBack | typeof resume): Promise<boolean> {
    await this.reserving;
    const { shared } = this.options.state;
    const own = Math.max(this.last, this.reserved, last);
    const change = (): Promise<Sequence | undefined> =>
      this.options.state.change(this.options.key, (current) => {
        const { sequence, ...rest } = asKept(current);
        if (sequence.at > own) return { result: undefined };
        const result = way(shared ? sequence : this.later(sequence), last);
        return { value: { ...toJson(result), ...(shared ? rest : {}) }, result };
      });
    const moved = shared ? await change() : await this.quietly(change, () => way(this.sequence, last));
    if (moved === undefined) return false;
    this.sequence = moved;
    this.last = last;
    if (!shared) this.reserved = last;
    return true;
  }

  /** Does it, or warns once that it cannot be done, and does otherwise. */
  private async quietly<T>(work: () => Promise<T>, otherwise: () => T): Promise<T> {
    try {
      const result = await work();
      this.troubled = false;
      return result;
    } catch (error) {
      if (!this.troubled) {
        this.options.warn(
          `the timestamps of commands cannot be kept: ${textOf(error)}. Commands work, but after a restart with a clock set back the gateway may refuse them for a while.`,
        );
      }
      this.troubled = true;
      this.keepSoon();
      return otherwise();
    }
  }
}

function asKept(value: Json | undefined): Kept {
  const sequence = asSequence(value) ?? UNUSED;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { sequence, apart: false };
  const { era, apart } = value;
  return { sequence, ...(typeof era === 'string' ? { era } : {}), apart: apart === true };
}
