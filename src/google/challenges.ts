/**
 * What is remembered of questions: wrong PINs with the lock-out after them, and what Google carries to the user. All of it
 * lives in the State, so that neither a restart nor another process gives a guesser a fresh start, and every change is
 * durable before the answer goes out.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../common/clock';
import { canonical, isRecord, type Json } from '../common/json';
import type { State } from '../state/state';
import type { JsonObject } from './types';

/** Wrong PINs of one user for one device until no PIN is looked at any more, and for how long. */
const ATTEMPTS = 5;
const LOCK_OUT_MS = 5 * 60_000;
/** How long a wrong PIN counts: two of last month and three of today are no attack. */
const ATTEMPT_COUNTS_MS = 24 * 60 * 60_000;
/** How long an answered question stays good. */
const MEMORY_MS = 2 * 60_000;

export type PinVerdict = 'right' | 'wrong' | 'locked out';

/** What a question is about. An answer counts for exactly that. */
export interface Question {
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
  async isLockedOut(agentUserId: string, deviceId: string): Promise<boolean> {
    const who = subjectOf(agentUserId, deviceId);
    const now = this.options.clock.now();
    const all = await this.options.state.get(this.pins);
    const until = numberIn(isRecord(all) ? all[who] : undefined, 'until');
    // A clock that was set back must not lengthen the wait.
    if (until > now + LOCK_OUT_MS) await this.shortenLockOut(who, now);
    return until > now;
  }

  private async shortenLockOut(who: string, now: number): Promise<void> {
    await this.options.state.change(this.pins, (current) => {
      const all = isRecord(current) ? current : {};
      if (numberIn(all[who], 'until') <= now + LOCK_OUT_MS) return { result: undefined };
      return { value: { ...all, [who]: { until: now + LOCK_OUT_MS } }, result: undefined };
    });
  }

  /**
   * Looks at a PIN and counts it. Attempts that come side by side are counted one by one, so that no burst gets more of
   * them than patience would.
   * @throws StateError when the count could not be kept; then nothing may run.
   */
  checkPin(agentUserId: string, deviceId: string, given: string, expected: string): Promise<PinVerdict> {
    const right = sameText(given, expected);
    const who = subjectOf(agentUserId, deviceId);
    const now = this.options.clock.now();
    return this.options.state.change<PinVerdict>(this.pins, (current) => {
      const all = isRecord(current) ? current : {};
      const mine = all[who];
      if (numberIn(mine, 'until') > now) return { result: 'locked out' };
      if (right) return mine === undefined ? { result: 'right' } : { value: without(all, [who]), result: 'right' };
      const counts = now - numberIn(mine, 'at', now) < ATTEMPT_COUNTS_MS;
      const failures = (counts ? numberIn(mine, 'failures') : 0) + 1;
      // The last one too is answered as wrong: what follows is locked out, and is answered so.
      const record: JsonObject = failures >= ATTEMPTS ? { until: now + LOCK_OUT_MS } : { failures, at: now };
      return { value: { ...all, [who]: record }, result: 'wrong' };
    });
  }

  /** Remembers that this was asked (and the PIN for it accepted). Durable when it resolves. @throws StateError */
  async remember(question: Question): Promise<void> {
    const now = this.options.clock.now();
    await this.options.state.change(this.questions, (current) => ({
      value: { ...open(current, now), [nameOf(question)]: now + MEMORY_MS },
      result: undefined,
    }));
  }

  /** Whether this was asked and not answered yet. It counts once. @throws StateError */
  async redeem(question: Question): Promise<boolean> {
    const name = nameOf(question);
    const now = this.options.clock.now();
    return this.options.state.change(this.questions, (current) => {
      const all = open(current, now);
      return all[name] === undefined ? { result: false } : { value: without(all, [name]), result: true };
    });
  }

  /** The user said no: whatever was asked about this command is over. @throws StateError */
  async forget(question: Question): Promise<void> {
    const now = this.options.clock.now();
    await this.options.state.change(this.questions, (current) => {
      const all = open(current, now);
      const over = Object.keys(all).filter((name) => name.startsWith(commandOf(question)));
      return over.length === 0 ? { result: undefined } : { value: without(all, over), result: undefined };
    });
  }
}

/** Questions that are still open. One that seems to end later than any can was asked before the clock was set back. */
function open(current: Json | undefined, now: number): JsonObject {
  return Object.fromEntries(
    Object.entries(isRecord(current) ? current : {}).filter(
      ([, until]) => typeof until === 'number' && until > now && until <= now + MEMORY_MS,
    ),
  );
}

function numberIn(record: Json | undefined, name: string, otherwise = 0): number {
  const value = isRecord(record) ? record[name] : undefined;
  return typeof value === 'number' ? value : otherwise;
}

/** Hashed: device ids may be of any length and form. */
function subjectOf(...parts: string[]): string {
  return digest(canonical(parts)).toString('base64url');
}

function commandOf({ agentUserId, deviceId, command }: Question): string {
  return `${subjectOf(agentUserId, deviceId, command)}.`;
}

function nameOf(question: Question): string {
  return commandOf(question) + digest(canonical(question.detail)).toString('base64url');
}

function without(all: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Takes the same time wherever the texts differ. */
function sameText(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}
