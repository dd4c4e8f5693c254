/**
 * Whether a command may reach the flow: the user's no, the PIN with its lock-out, the user's yes, what the device cannot
 * do, and open sensors, in this order. Before a required PIN is right nothing is said of the device. Wrong PINs and
 * questions are kept in the State, so that neither a restart nor another process gives a guesser a fresh start, and
 * every change is durable before the answer goes out.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { abortable, lifetime } from '../common/abort';
import type { Clock } from '../common/clock';
import { canonical, isRecord, pickFields, type Json } from '../common/json';
import type { Decide, State } from '../state/state';
import type { Device } from './devices/device';
import { entriesOf, withBlocking } from './devices/status-report';
import type { Command } from './devices/trait';
import { challenged, failed, type Result } from './results';
import type { Execution, Identity, JsonObject, States } from './types';

/**
 * Milliseconds that a command may take on its way to the flow. It takes longer where a disk or Redis hangs, or the process
 * stood still: Google gets an answer while it still waits, and no door opens after the user was answered that it did not.
 */
export const LONGEST_ON_THE_WAY_MS = 3000;
/** Wrong PINs of one user for one device until no PIN is looked at any more, and for how long. */
const ATTEMPTS = 5;
const LOCK_OUT_MS = 5 * 60_000;
/** How long a wrong PIN counts: two of last month and three of today are no attack. */
const ATTEMPT_COUNTS_MS = 24 * 60 * 60_000;
/** How long an answered question stays good. */
const MEMORY_MS = 2 * 60_000;

export interface CommandRequest {
  identity: Identity;
  device: Device;
  command: Command;
  execution: Execution;
  /** What the device is shown as. */
  shown: Readonly<States>;
  /** When it came, by the clock's `elapsed`. */
  since: number;
}

/** Refused, with the answer to Google; or permitted, and whether the user has agreed to what they were asked. */
export type Verdict = { refused: Result } | { acknowledged: boolean };

export class Permission {
  constructor(private readonly options: { state: State; clock: Clock; prefix: string }) {}

  /** @throws StateError, or an error when the State does not answer in time; then nothing may run */
  async check(request: CommandRequest): Promise<Verdict> {
    const { command, execution, device } = request;
    // An object without the member that was asked for is no answer.
    const { pin, ack } = isRecord(execution.challenge) ? execution.challenge : {};
    if (ack === false) {
      await this.forget(request);
      return { refused: failed('userCancelled') };
    }
    const given = typeof pin === 'string' ? pin.replace(/\s+/g, '') : '';
    if (needsPin(request)) {
      if (device.settings.pin === '') return { refused: failed('challengeFailedNotSetup') };
      const wrong = await this.pinRefusal(request, given);
      if (wrong !== undefined) return { refused: wrong };
    }
    const acknowledged = ack === true && (await this.redeem(request));
    // Without a PIN only the answer to a question that followed the right PIN counts.
    if (needsPin(request) && given === '' && !acknowledged) return { refused: challenged('pinNeeded') };
    if (command.refused !== undefined) return { refused: failed(command.refused) };
    const stopped = stoppedByOpenSensors(request, acknowledged);
    if (stopped === undefined) return { acknowledged };
    if (stopped.challengeNeeded !== undefined) await this.remember(request);
    return { refused: stopped };
  }

  /** The user is asked about this command, by the flow or because something is open. @throws as `check` */
  remember(request: CommandRequest): Promise<void> {
    return this.change(request, 'questions', (current, now) => ({
      value: { ...openQuestions(current, now), [nameOf(request, detailsOf(request)[0])]: now + MEMORY_MS },
      result: undefined,
    }));
  }

  /** The user said no, or cannot be asked any more: whatever was asked about this command is over. @throws as `check` */
  forget(request: CommandRequest): Promise<void> {
    return this.change(request, 'questions', (current, now) => {
      const all = openQuestions(current, now);
      const rest = pickFields(all, (name) => !name.startsWith(nameOf(request)));
      return Object.keys(rest).length === Object.keys(all).length
        ? { result: undefined }
        : { value: rest, result: undefined };
    });
  }

  /** Whether the user was asked about this and has not answered yet. It counts once. */
  private redeem(request: CommandRequest): Promise<boolean> {
    return this.change(request, 'questions', (current, now) => {
      const all = openQuestions(current, now);
      const asked = detailsOf(request)
        .map((detail) => nameOf(request, detail))
        .find((name) => name in all);
      return asked === undefined
        ? { result: false }
        : { value: pickFields(all, (name) => name !== asked), result: true };
    });
  }

  /**
   * Looks at a PIN and counts it; without one, only at the lock-out. Attempts that come side by side are counted one by
   * one, so that no burst gets more of them than patience would.
   */
  private pinRefusal(request: CommandRequest, given: string): Promise<Result | undefined> {
    const { identity, device } = request;
    const right = sameText(given, device.settings.pin);
    const who = hashOf([identity.agentUserId, device.id]);
    return this.change<Result | undefined>(request, 'pins', (current, now) => {
      const all = isRecord(current) ? current : {};
      const { until, failures = 0, at = now } = numbersIn(all[who]);
      if (until !== undefined && until > now) {
        // A clock that was set back must not lengthen the wait.
        const longest = now + LOCK_OUT_MS;
        const result = failed('tooManyFailedAttempts');
        return until > longest ? { value: { ...all, [who]: { until: longest } }, result } : { result };
      }
      if (given === '') return { result: undefined };
      if (right) {
        return who in all
          ? { value: pickFields(all, (name) => name !== who), result: undefined }
          : { result: undefined };
      }
      const attempts = (now - at < ATTEMPT_COUNTS_MS ? failures : 0) + 1;
      // The last one too is answered as wrong: what follows is locked out, and is answered so.
      const record: JsonObject = attempts >= ATTEMPTS ? { until: now + LOCK_OUT_MS } : { failures: attempts, at: now };
      return { value: { ...all, [who]: record }, result: challenged('challengeFailedPinNeeded') };
    });
  }

  /** One step in what is kept. */
  private async change<T>(
    { since }: CommandRequest,
    key: 'pins' | 'questions',
    decide: (current: Json | undefined, now: number) => ReturnType<Decide<T>>,
  ): Promise<T> {
    const { state, clock, prefix } = this.options;
    const late = (): Error => new Error('what is kept of PINs and questions could not be read or written in time');
    const life = lifetime({ clock, deadline: since + LONGEST_ON_THE_WAY_MS, late });
    const now = clock.now();
    try {
      return await abortable(
        state.change(`${prefix}/${key}`, (current) => decide(current, now)),
        life.signal,
      );
    } finally {
      life.end();
    }
  }
}

function needsPin({ device, command }: CommandRequest): boolean {
  const { pinFor } = device.settings;
  return pinFor === 'always' || (pinFor === 'release' && command.releases);
}

/** The answer where arming is asked while something is open: EXCEPTIONS, or the question whether to arm all the same. */
function stoppedByOpenSensors({ device, command, shown }: CommandRequest, acknowledged: boolean): Result | undefined {
  const { currentStatusReport: report, isArmed, currentArmLevel } = shown;
  const { onOpenSensors } = device.settings;
  if (command.action !== 'arm' || entriesOf(report).length === 0) return undefined;
  const { armLevel = currentArmLevel } = command.params;
  if (onOpenSensors === 'refuse') {
    // As the guide has it: not armed, at the level that was asked for.
    const level = isArmed === true ? currentArmLevel : armLevel;
    const states = { ...shown, ...withLevel(level), currentStatusReport: withBlocking(report, true) };
    return { status: 'EXCEPTIONS', states };
  }
  if (onOpenSensors !== 'ask' || acknowledged) return undefined;
  const states = { isArmed: true, ...withLevel(armLevel), currentStatusReport: withBlocking(report, false) };
  return { ...challenged('ackNeeded'), states: { online: true, ...states } };
}

function withLevel(level: States[string] | undefined): States {
  return level === undefined ? {} : { currentArmLevel: level };
}

/**
 * What the user is asked about, and after it what else an answer to this command may have been asked about. With a PIN:
 * the very command that the PIN was given for. Without one: the direction and the level, for where none was named with the
 * question, Google may add one to the answer, as it does in the guide's PIN sample.
 */
function detailsOf(request: CommandRequest): [Json, ...Json[]] {
  const { command, execution } = request;
  const { action, params } = command;
  if (needsPin(request) || action === undefined) return [pickFields(params, (name) => name !== 'followUpToken')];
  const { armLevel = null } = params;
  const [named, unnamed] = [
    [action, armLevel],
    [action, null],
  ];
  return isRecord(execution.params) && 'armLevel' in execution.params ? [named, unnamed] : [unnamed, named];
}

/** The name of a question, or what the names of all questions about the command begin with. */
function nameOf({ identity, device, command }: CommandRequest, detail?: Json): string {
  return `${hashOf([identity.agentUserId, device.id, command.name])}.${detail === undefined ? '' : hashOf(detail)}`;
}

/** Questions that are still open. One that seems to end later than any can was asked before the clock was set back. */
function openQuestions(current: Json | undefined, now: number): JsonObject {
  return pickFields(
    isRecord(current) ? current : {},
    (_, until) => typeof until === 'number' && until > now && until <= now + MEMORY_MS,
  );
}

function numbersIn(record: Json | undefined): Partial<Record<'until' | 'failures' | 'at', number>> {
  return isRecord(record) ? pickFields(record as Record<string, number>, (_, value) => typeof value === 'number') : {};
}

/** Device ids may be of any length and form, so they are kept as hashes. */
function hashOf(value: Json): string {
  return digest(canonical(value)).toString('base64url');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Takes the same time wherever the texts differ. */
function sameText(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}
