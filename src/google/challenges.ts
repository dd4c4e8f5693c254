/**
 * Who may do what: PINs, the lock-out after wrong ones, and the memory of a question that Google carries to the user. All
 * of it lives in the State, so that neither a restart nor another process gives a guesser a fresh start, and every change
 * is durable before the answer goes out.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../common/clock';
import type { Json, State } from '../state/state';
import { canonical, isObject, type JsonObject } from './json';

/** Wrong PINs of one user for one device until no PIN is taken any more, and for how long. */
const ATTEMPTS = 5;
const LOCK_OUT_MS = 5 * 60_000;
/** How long an answered question stays good. */
const MEMORY_MS = 2 * 60_000;

export type PinVerdict = 'right' | 'wrong' | 'locked';

/** What a question was about. An answer counts for exactly that. */
export interface Matter {
  agentUserId: string;
  deviceId: string;
  /** The command's name and what narrows it: its parameters, or the direction alone. */
  command: string;
  detail: Json;
}

export interface ChallengesOptions {
  state: State;
  clock: Clock;
  /** Begins the keys that are kept. */
  prefix: string;
}

export class Challenges {
  private readonly pins: string;
  private readonly questions: string;

  constructor(private readonly options: ChallengesOptions) {
    this.pins = `${options.prefix}/pins`;
    this.questions = `${options.prefix}/questions`;
  }

  /** Whether this user has to wait before a PIN for this device is looked at. @throws StateError */
  async lockedOut(agentUserId: string, deviceId: string): Promise<boolean> {
    const person = personOf(agentUserId, deviceId);
    const now = this.options.clock.now();
    const all = await this.options.state.get(this.pins);
    const until = untilOf(isObject(all) ? all[person] : undefined);
    // A clock that was set back must not lengthen the wait.
    if (until > now + LOCK_OUT_MS) await this.checkedAgain(person, now);
    return until > now;
  }

  private async checkedAgain(person: string, now: number): Promise<void> {
    await this.options.state.change(this.pins, (current) => {
      const all = isObject(current) ? current : {};
      if (untilOf(all[person]) <= now + LOCK_OUT_MS) return { result: undefined };
      return { value: { ...all, [person]: { until: now + LOCK_OUT_MS } }, result: undefined };
    });
  }

  /**
   * Looks at a PIN and counts it. Attempts that come side by side are counted one by one, so that no burst gets more of
   * them than patience would.
   * @throws StateError when the count could not be kept; then nothing may run.
   */
  checkPin(agentUserId: string, deviceId: string, given: string, expected: string): Promise<PinVerdict> {
    const right = sameText(given, expected);
    const person = personOf(agentUserId, deviceId);
    const now = this.options.clock.now();
    return this.options.state.change<PinVerdict>(this.pins, (current) => {
      const all = isObject(current) ? current : {};
      const mine = all[person];
      if (untilOf(mine) > now) return { result: 'locked' };
      if (right) return mine === undefined ? { result: 'right' } : { value: less(all, [person]), result: 'right' };
      const failures = failuresOf(mine) + 1;
      // The last one too is told to be wrong: what follows is locked out, and says so.
      const record: JsonObject = failures >= ATTEMPTS ? { until: now + LOCK_OUT_MS } : { failures };
      return { value: { ...all, [person]: record }, result: 'wrong' };
    });
  }

  /** Remembers that this was asked (and the PIN for it accepted). Durable when it resolves. @throws StateError */
  async remember(matter: Matter): Promise<void> {
    const now = this.options.clock.now();
    await this.options.state.change(this.questions, (current) => ({
      value: { ...fresh(current, now), [nameOf(matter)]: now + MEMORY_MS },
      result: undefined,
    }));
  }

  /** Whether this was asked and not answered yet. It counts once: nobody redeems it again. @throws StateError */
  async redeem(matter: Matter): Promise<boolean> {
    const name = nameOf(matter);
    const now = this.options.clock.now();
    return this.options.state.change(this.questions, (current) => {
      const open = fresh(current, now);
      return open[name] === undefined ? { result: false } : { value: less(open, [name]), result: true };
    });
  }

  /** The user said no: whatever was asked about this command is over. @throws StateError */
  async forget(matter: Matter): Promise<void> {
    const now = this.options.clock.now();
    await this.options.state.change(this.questions, (current) => {
      const open = fresh(current, now);
      const over = Object.keys(open).filter((name) => name.startsWith(subjectOf(matter)));
      return over.length === 0 ? { result: undefined } : { value: less(open, over), result: undefined };
    });
  }
}

/** Questions that are still open. One that seems to end later than any can was asked before the clock was set back. */
function fresh(current: Json | undefined, now: number): JsonObject {
  return Object.fromEntries(
    Object.entries(isObject(current) ? current : {}).filter(
      ([, until]) => typeof until === 'number' && until > now && until <= now + MEMORY_MS,
    ),
  );
}

function untilOf(record: Json | undefined): number {
  const { until = 0 } = isObject(record) ? record : {};
  return typeof until === 'number' ? until : 0;
}

function failuresOf(record: Json | undefined): number {
  const { failures = 0 } = isObject(record) ? record : {};
  return typeof failures === 'number' ? failures : 0;
}

/** Hashed: device ids may be of any length and form. */
function personOf(agentUserId: string, deviceId: string): string {
  return digest(canonical([agentUserId, deviceId])).toString('base64url');
}

function subjectOf(matter: Matter): string {
  return `${digest(canonical([matter.agentUserId, matter.deviceId, matter.command])).toString('base64url')}.`;
}

function nameOf(matter: Matter): string {
  return subjectOf(matter) + digest(canonical(matter.detail)).toString('base64url');
}

function less(all: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Takes the same time wherever the texts differ. */
function sameText(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}
