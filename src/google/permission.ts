/**
 * Whether a command may reach the flow: the user's no, the PIN with its lock-out, the user's yes, what the device cannot
 * do, and open sensors, in this order. Before a required PIN is right nothing is said of the device.
 */
import { abortable, lifetime } from '../common/abort';
import { isRecord } from '../common/json';
import { Challenges, type ChallengesOptions, type Question } from './challenges';
import type { Device } from './devices/device';
import { entriesOf, withBlocking } from './devices/status-report';
import type { Command } from './devices/trait';
import { failed, type Execution, type Result } from './fulfillment';
import type { Identity, States } from './types';

/**
 * Milliseconds that a command may take on its way to the flow. It takes longer where a disk or Redis hangs, or the process
 * stood still: Google gets an answer while it still waits, and no door opens after the user was answered that it did not.
 */
export const LONGEST_ON_THE_WAY_MS = 3000;

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
  private readonly challenges: Challenges;

  constructor(private readonly options: ChallengesOptions) {
    this.challenges = new Challenges(options);
  }

  /** @throws StateError, or an error when the State does not answer in time; then nothing may run */
  async check(request: CommandRequest): Promise<Verdict> {
    const { command, execution, device } = request;
    const questions = questionsOf(request);
    // An object without the member that was asked for is no answer.
    const { pin, ack } = isRecord(execution.challenge) ? execution.challenge : {};
    if (ack === false) {
      await this.inTime(request, this.challenges.forget(questions[0]));
      return { refused: failed('userCancelled') };
    }
    let acknowledged = false;
    if (needsPin(request)) {
      if (device.settings.pin === '') return { refused: failed('challengeFailedNotSetup') };
      const given = typeof pin === 'string' ? pin.replace(/\s+/g, '') : '';
      const wrong = await this.inTime(request, this.pinRefusal(request, given));
      if (wrong !== undefined) return { refused: wrong };
      acknowledged = ack === true && (await this.inTime(request, this.redeemAny(questions)));
      // Without a PIN only the answer to a question that followed the right PIN counts.
      if (given === '' && !acknowledged) return { refused: challenged('pinNeeded') };
    } else if (ack === true) {
      acknowledged = await this.inTime(request, this.redeemAny(questions));
    }
    if (command.refused !== undefined) return { refused: failed(command.refused) };
    const stopped = refusalOfOpen(request) ?? (acknowledged ? undefined : questionOfOpen(request));
    if (stopped === undefined) return { acknowledged };
    if (stopped.challengeNeeded !== undefined) await this.remember(request);
    return { refused: stopped };
  }

  /** The user is asked about this command, by the flow or because something is open. @throws as `check` */
  remember(request: CommandRequest): Promise<void> {
    return this.inTime(request, this.challenges.remember(questionsOf(request)[0]));
  }

  /** The user cannot be asked any more. @throws as `check` */
  forget(request: CommandRequest): Promise<void> {
    return this.inTime(request, this.challenges.forget(questionsOf(request)[0]));
  }

  private async pinRefusal({ identity, device }: CommandRequest, given: string): Promise<Result | undefined> {
    const { agentUserId } = identity;
    if (given === '') {
      return (await this.challenges.isLockedOut(agentUserId, device.id)) ? failed('tooManyFailedAttempts') : undefined;
    }
    const verdict = await this.challenges.checkPin(agentUserId, device.id, given, device.settings.pin);
    if (verdict === 'right') return undefined;
    return verdict === 'wrong' ? challenged('challengeFailedPinNeeded') : failed('tooManyFailedAttempts');
  }

  private async redeemAny(questions: readonly Question[]): Promise<boolean> {
    for (const question of questions) if (await this.challenges.redeem(question)) return true;
    return false;
  }

  private async inTime<T>({ since }: CommandRequest, work: Promise<T>): Promise<T> {
    const { clock } = this.options;
    const late = (): Error => new Error('what is kept of PINs and questions could not be read or written in time');
    const life = lifetime({ clock, deadline: since + LONGEST_ON_THE_WAY_MS, late });
    try {
      return await abortable(work, life.signal);
    } finally {
      life.end();
    }
  }
}

export function challenged(type: NonNullable<Result['challengeNeeded']>['type']): Result {
  return { status: 'ERROR', errorCode: 'challengeNeeded', challengeNeeded: { type } };
}

function needsPin({ device, command }: CommandRequest): boolean {
  const { pinFor } = device.settings;
  return pinFor === 'always' || (pinFor === 'release' && command.releases);
}

/** EXCEPTIONS where arming is refused because something is open. */
function refusalOfOpen({ device, command, shown }: CommandRequest): Result | undefined {
  const { currentStatusReport: report, isArmed, currentArmLevel } = shown;
  if (command.action !== 'arm' || device.settings.onOpenSensors !== 'refuse') return undefined;
  if (entriesOf(report).length === 0) return undefined;
  // As the guide has it: not armed, at the level that was asked for.
  const level = isArmed === true ? currentArmLevel : (command.params.armLevel ?? currentArmLevel);
  return {
    status: 'EXCEPTIONS',
    states: { ...shown, ...withLevel(level), currentStatusReport: withBlocking(report, true) },
  };
}

/** The question whether to arm although something is open. */
function questionOfOpen({ device, command, shown }: CommandRequest): Result | undefined {
  const { currentStatusReport: report, currentArmLevel } = shown;
  if (command.action !== 'arm' || device.settings.onOpenSensors !== 'ask') return undefined;
  if (entriesOf(report).length === 0) return undefined;
  const level = withLevel(command.params.armLevel ?? currentArmLevel);
  const states = { online: true, isArmed: true, ...level, currentStatusReport: withBlocking(report, false) };
  return { ...challenged('ackNeeded'), states };
}

function withLevel(level: States[string] | undefined): States {
  return level === undefined ? {} : { currentArmLevel: level };
}

/**
 * What the user is asked about, and after it what else an answer to this command may have been asked about. With a PIN:
 * the very command that the PIN was given for. Without one: the direction and the level, for where none was named with the
 * question, Google may add one to the answer, as it does in the guide's PIN sample.
 */
function questionsOf(request: CommandRequest): [Question, ...Question[]] {
  const { identity, device, command, execution } = request;
  const { name, action, params } = command;
  const question = (detail: Question['detail']): Question => ({
    agentUserId: identity.agentUserId,
    deviceId: device.id,
    command: name,
    detail,
  });
  if (needsPin(request) || action === undefined) {
    return [question(Object.fromEntries(Object.entries(params).filter(([key]) => key !== 'followUpToken')))];
  }
  const { armLevel = null } = params;
  const [named, unnamed] = [question([action, armLevel]), question([action, null])];
  return isRecord(execution.params) && 'armLevel' in execution.params ? [named, unnamed] : [unnamed, named];
}
