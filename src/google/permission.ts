/**
 * Whether a command may reach the flow: the user's no, the PIN with its lock-out, the user's yes, what the device cannot
 * do, and open sensors, in this order. Before a required PIN is right nothing is said of the device. Questions are kept in the
 * State as wrong PINs are, and each change is durable before the answer goes out.
 */
import { abortable, lifetime } from '../common/abort';
import type { Clock } from '../common/clock';
import { canonical, isRecord, pickFields, type Json } from '../common/json';
import { fingerprint, sameSecret } from '../common/secrets';
import { PinAttempts } from '../state/pin-attempts';
import type { Decide } from '../state/state';
import type { Device } from './devices/device';
import { entriesOf, withBlocking } from './devices/status-report';
import type { Command } from './devices/trait';
import { challenged, failed, type Result } from './results';
import type { AccountContext, Execution, Identity, JsonObject, States } from './types';

/**
 * Milliseconds that a command may take on its way to the flow. It takes longer where a disk or Redis hangs, or the process
 * stood still: Google gets an answer while it still waits, and no door opens after the user was answered that it did not.
 */
export const LONGEST_ON_THE_WAY_MS = 3000;
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
  private readonly pins: PinAttempts;

  constructor(private readonly options: AccountContext) {
    this.pins = new PinAttempts({ ...options, key: `${options.prefix}/pins` });
  }

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
    return this.change(request, (open, now) => ({
      value: { ...open, [nameOf(request, detailsOf(request)[0])]: now + MEMORY_MS },
      result: undefined,
    }));
  }

  /** The user said no, or cannot be asked any more: whatever was asked about this command is over. @throws as `check` */
  forget(request: CommandRequest): Promise<void> {
    return this.change(request, (open) => {
      const rest = pickFields(open, (name) => !name.startsWith(nameOf(request)));
      const isSame = Object.keys(rest).length === Object.keys(open).length;
      return { ...(isSame ? {} : { value: rest }), result: undefined };
    });
  }

  /** Whether the user was asked about this and has not answered yet. It counts once. */
  private redeem(request: CommandRequest): Promise<boolean> {
    return this.change(request, (open) => {
      const names = detailsOf(request).map((detail) => nameOf(request, detail));
      const asked = names.find((name) => name in open);
      if (asked === undefined) return { result: false };
      return { value: pickFields(open, (name) => name !== asked), result: true };
    });
  }

  private async pinRefusal({ identity, device, since }: CommandRequest, given: string): Promise<Result | undefined> {
    const { clock } = this.options;
    const who = hashOf([identity.agentUserId, device.id]);
    if (given === '') {
      return (await onTheWay(clock, since, this.pins.isLockedOut(who))) ? failed('tooManyFailedAttempts') : undefined;
    }
    const verdict = await onTheWay(clock, since, this.pins.check(who, sameSecret(given, device.settings.pin)));
    if (verdict === 'right') return undefined;
    return verdict === 'wrong' ? challenged('challengeFailedPinNeeded') : failed('tooManyFailedAttempts');
  }

  /** One step in what is kept of questions. */
  private change<T>(
    { since }: CommandRequest,
    decide: (open: JsonObject, now: number) => ReturnType<Decide<T>>,
  ): Promise<T> {
    const { state, clock, prefix } = this.options;
    const now = clock.now();
    const changed = state.change(`${prefix}/questions`, (current) => decide(openQuestions(current, now), now));
    return onTheWay(clock, since, changed);
  }
}

/** Something that a request of Google waits for. @throws where it takes longer than the request may be on its way */
export async function onTheWay<T>(clock: Clock, since: number, work: Promise<T>): Promise<T> {
  const late = (): Error => new Error('what is kept of links, PINs and questions could not be read or written in time');
  const life = lifetime({ clock, deadline: since + LONGEST_ON_THE_WAY_MS, late });
  try {
    return await abortable(work, life.signal);
  } finally {
    life.end();
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

/** Device ids may be of any length and form, so they are kept as hashes. */
function hashOf(value: Json): string {
  return fingerprint(canonical(value));
}
