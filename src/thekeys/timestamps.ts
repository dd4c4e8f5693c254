/**
 * The timestamps that sign commands: Unix seconds, each greater than all before it on the same gateway, through restarts,
 * `kill -9` and clocks set back. Numbers are reserved durably in small blocks before they are needed, so that the next
 * one waits for nothing. Which were used is written in `sequence.ts`; when to use one is for the commands.
 */
import { randomUUID } from 'node:crypto';
import { textOf } from '../common/errors';
import { isRecord } from '../common/json';
import { StateError, type Json } from '../state/state';
import type { Channel } from './command';
import { ExchangeFailure } from './exchange';
import { asSequence, GAP, giveBack, reserve, resume, rewind, toJson, UNUSED, type Sequence } from './sequence';

/**
 * How many are reserved at once. After `kill -9` the sequence goes on behind the reserved ones, so this is also how many
 * seconds it may then run ahead of the clock: few, and no gateway is known to mind seconds.
 */
const SMALL_BLOCK = 4;
/** Under a burst of commands blocks double up to this, so that a fast gateway does not wait for a slow disk. */
const LARGE_BLOCK = 64;
/** A block that is used up sooner belongs to a burst. To be ahead of the clock is no sign: a clock may have been wrong. */
const BURST_MS = 1000;

/** A reserved one that is further behind the clock is not sent: the connection took too long. */
const OLDEST_SECONDS = 10;
/** After a failed attempt to keep them. Few are used in that time, and a disk that is full minds no more. */
const KEEP_PAUSE_MS = 250;

/**
 * A sequence this far ahead of the clock was not brought there by commands (a gateway takes seconds for each) but by a
 * clock that was wrong. When the gateway refuses such a timestamp, the clock is believed instead.
 */
const WRONG_CLOCK_SECONDS = GAP;
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
 * What to do about a refused timestamp: use the next one; use it when the clock has caught up; or use one of the
 * sequence that now starts anew at the clock.
 */
export type Advice = { kind: 'retry' } | { kind: 'wait'; ms: number } | { kind: 'restarted' };

export class Timestamps {
  /** As this process knows it: what it has kept, and what it could not keep. */
  private sequence: Sequence = UNUSED;
  /** The greatest that was used. */
  private last = 0;
  /** All up to this one are reserved for this process. */
  private reserved = 0;
  private block = SMALL_BLOCK;
  /** When the last block was reserved, on the clock's `elapsed()`. */
  private blockAt = -Infinity;
  private reserving: Promise<void> | undefined;
  /** The greatest from this process that the gateway has accepted, or may have: no word came of its fate. */
  private accepted = 0;
  /** Used last; what the gateway says to it is not known yet. */
  private open: number | undefined;
  /** How many far ahead of the clock were refused since one was last accepted. */
  private refusals = 0;
  /** Where the sequence stood before the clock was believed instead, until a gateway has accepted that. */
  private before: number | undefined;
  private troubled = false;
  private warnedOfSlowness = false;
  private cancelKeeping: (() => void) | undefined;
  /** It is written down where the sequence stands, and nothing was used since. */
  private settled = false;
  /** The name of the shared sequence when this process used it last. */
  private sequenceId: string | undefined;

  /** @param options `key`: of the sequence, one per physical gateway */
  constructor(private readonly options: Pick<Channel, 'state' | 'key' | 'clock' | 'log'>) {}

  /**
   * Sees to it that `next()` has one to give. It waits for a disk, but not for long.
   * @throws StateError where several processes share the sequence and its home cannot be reached: a guess could be a
   * timestamp that another process uses too.
   */
  async reserve(): Promise<void> {
    if (this.options.state.shared) {
      this.reserved = await this.reserveShared();
      this.last = this.reserved - 1;
      return;
    }
    // While nothing can be kept, each one tries again: as soon as it can, all that were used meanwhile are covered.
    if (this.troubled || this.candidate() > this.reserved) await this.reserveBlock();
    if (this.last >= this.reserved) await this.reserveBlock();
  }

  /** The next one, for immediate use, after `reserve()`. @throws ExchangeFailure where it has become too old meanwhile */
  next(): number {
    if (this.open !== undefined) this.accepted = Math.max(this.accepted, this.open);
    this.open = undefined;
    const isOld = this.reserved < this.seconds() - OLDEST_SECONDS;
    if (this.last >= this.reserved || isOld) throw new ExchangeFailure('connect', false, 'ETIMEDOUT');
    this.last = Math.min(this.candidate(), this.reserved);
    this.open = this.last;
    this.settled = false;
    if (!this.options.state.shared && this.reserved - this.last < this.block / 2) void this.reserveBlock();
    return this.last;
  }

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
   * How likely our clock is the cause of such a refusal: `some` where the sequence is far ahead of the clock,
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
      if (!(await this.move(behind, rewind))) return { kind: 'retry' };
      this.before = before;
      return { kind: 'restarted' };
    }
    return { kind: 'wait', ms: lead * 1000 };
  }

  /** Writes down exactly where the sequence stands, so that the next process starts right behind it. */
  async settle(): Promise<void> {
    this.cancelKeeping?.();
    this.cancelKeeping = undefined;
    this.settled = true;
    if (this.options.state.shared || this.last === 0) return;
    await this.reserving;
    const { last, reserved } = this;
    const settled = await this.kept(
      (current) => {
        const home = this.later(current);
        // Another process that uses the same folder may have gone on behind what was reserved here.
        if (home.at !== reserved) return undefined;
        return { sequence: giveBack(home, last) };
      },
      () => undefined,
    );
    if (settled === undefined) return;
    this.sequence = settled.sequence;
    this.reserved = last;
  }

  private seconds(): number {
    return Math.floor(this.options.clock.now() / 1000);
  }

  private candidate(): number {
    return Math.max(this.seconds(), this.last + 1);
  }

  /** Reserves a block behind the last one; one reservation at a time. Where it cannot be kept, memory must do. */
  private reserveBlock(): Promise<void> {
    this.reserving ??= this.reserveNext().finally(() => {
      this.reserving = undefined;
    });
    return this.reserving;
  }

  private async reserveNext(): Promise<void> {
    const now = this.options.clock.elapsed();
    const least = Math.max(this.candidate(), this.reserved + 1);
    const isBurst = least > this.seconds() + SMALL_BLOCK && now - this.blockAt < BURST_MS;
    this.block = isBurst ? Math.min(LARGE_BLOCK, this.block * 2) : SMALL_BLOCK;
    this.blockAt = now;
    const { sequence, first, count } = await this.kept(
      (current) => {
        // What cannot be written may still be read, and be news to this process.
        this.sequence = this.later(current);
        return reserve(this.sequence, least, this.block);
      },
      () => reserve(this.sequence, Math.max(least, this.candidate()), 1),
    );
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
  private async move(last: number, way: typeof rewind | typeof resume): Promise<boolean> {
    await this.reserving;
    const { shared } = this.options.state;
    const own = Math.max(this.last, this.reserved, last);
    const moved = await this.kept(
      (current) => (current.at > own ? undefined : { sequence: way(shared ? current : this.later(current), last) }),
      () => ({ sequence: way(this.sequence, last) }),
    );
    if (moved === undefined) return false;
    this.sequence = moved.sequence;
    this.last = last;
    this.reserved = last;
    return true;
  }

  /**
   * Changes the sequence where it is kept. Where that fails, or takes too long for a state, warns once and does otherwise: what
   * is kept keeps no door shut. A shared sequence has nothing else to do. @param decide undefined: nothing is to be changed
   */
  private async kept<T extends { sequence: Sequence } | undefined>(
    decide: (current: Sequence) => T,
    otherwise: () => T,
  ): Promise<T> {
    let decided: { result: T } | undefined;
    const change = (): Promise<T> =>
      this.options.state.change(this.options.key, (current) => {
        const result = decide(asSequence(current) ?? UNUSED);
        decided = { result };
        if (result === undefined) return { result };
        return { value: { ...aboutOf(current), ...toJson(result.sequence) }, result };
      });
    if (this.options.state.shared) return change();
    try {
      const result = await change();
      this.troubled = false;
      return result;
    } catch (error) {
      const isSlow = error instanceof StateError && error.reason === 'ETIMEDOUT';
      // Once for each trouble, and once only of a disk that is slow now and then.
      if (!this.troubled && !(isSlow && this.warnedOfSlowness)) {
        this.options.log.warn(
          `the timestamps of commands cannot be kept: ${textOf(error)}. Commands work, but after a restart with a clock set back the gateway may refuse them for a while.`,
        );
      }
      this.warnedOfSlowness ||= isSlow;
      // A disk that is slow gets the change all the same, later: to decide again would skip a block with each command.
      if (isSlow && decided !== undefined) return decided.result;
      this.troubled = true;
      if (!this.settled) this.keepSoon();
      return otherwise();
    }
  }

  /** Without waiting for the next command, as the process may be killed before it. */
  private keepSoon(): void {
    this.cancelKeeping ??= this.options.clock.after(KEEP_PAUSE_MS, () => {
      this.cancelKeeping = undefined;
      if (!this.troubled) return;
      const keep = (current: Sequence): { sequence: Sequence } => ({ sequence: this.later(current) });
      void this.kept(keep, () => keep(this.sequence));
    });
  }

  /**
   * One from the home that several processes share. Where that was lost, or turns out to be an old copy by giving one that
   * this process has used (a failover to a replica that lagged), what the others used is not known, so the sequence goes
   * on with a distance: once, by the process that is the first to notice.
   */
  private async reserveShared(): Promise<number> {
    const known = this.sequenceId;
    const used = this.last;
    const distant = Math.max(this.seconds(), used) + DISTANCE_AFTER_LOSS;
    const { given, sequence, id } = await this.options.state.change(this.options.key, (current) => {
      const home = asSequence(current) ?? UNUSED;
      const about = aboutOf(current);
      const { era: id = randomUUID() } = about;
      const isLost = known !== undefined && about.era !== known && about.apart !== true;
      const next = reserve(home, isLost ? distant : this.seconds(), 1);
      // Far ahead of the clock it is another process that has let the sequence start anew, for good reason.
      const isOld = next.first <= used && used - this.seconds() <= WRONG_CLOCK_SECONDS;
      const reserved = isOld ? reserve(home, distant, 1) : next;
      const value = { ...toJson(reserved.sequence), era: id, apart: about.apart === true || isLost };
      return { value, result: { sequence: reserved.sequence, id, given: reserved.first } };
    });
    this.sequence = sequence;
    this.sequenceId = id;
    return given;
  }
}

/**
 * Of a shared sequence: its name (`era`), so that a process that has used it notices when it was lost, and whether it began
 * at a distance from what was used before (`apart`). Processes of an earlier version may share it under these names.
 */
function aboutOf(value: Json | undefined): { era?: string; apart?: boolean } {
  const { era, apart } = isRecord(value) ? value : {};
  return { ...(typeof era === 'string' && { era }), ...(typeof apart === 'boolean' && { apart }) };
}
