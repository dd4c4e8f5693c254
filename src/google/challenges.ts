/**
 * What is remembered of questions: wrong PINs with the lock-out after them, and what Google carries to the user. All of it
 * lives in the State, so that neither a restart nor another process gives a guesser a fresh start, and every change is
 * durable before the answer goes out.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../common/clock';
import { canonical, isRecord, type Json } from '../common/json';
import { PinAttempts, sameText, type PinVerdict } from '../state/pin-attempts';
import type { State } from '../state/state';
import type { JsonObject } from './types';

/** How long an answered question stays good. */
const MEMORY_MS = 2 * 60_000;

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
  private readonly pins: PinAttempts;
  private readonly questions: string;

  constructor(private readonly options: ChallengesOptions) {
    this.pins = new PinAttempts({ ...options, key: `${options.prefix}/pins` });
    this.questions = `${options.prefix}/questions`;
  }

  /** Whether this user has to wait before a PIN for this device is looked at. @throws StateError */
  isLockedOut(agentUserId: string, deviceId: string): Promise<boolean> {
    return this.pins.isLockedOut(subjectOf(agentUserId, deviceId));
  }

  /** Looks at a PIN and counts it. @throws StateError when the count could not be kept; then nothing may run. */
  checkPin(agentUserId: string, deviceId: string, given: string, expected: string): Promise<PinVerdict> {
    return this.pins.check(subjectOf(agentUserId, deviceId), sameText(given, expected));
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
