/**
 * What Google gets of a command: the result, made of what the flow said, and the follow-up of one that was answered
 * PENDING. Pure.
 */
import { isRecord, pickFields } from '../common/json';
import type { Device } from './devices/device';
import { FOLLOW_UP } from './devices/published';
import { entriesOf, withBlocking } from './devices/status-report';
import type { Command } from './devices/trait';
import type { GoogleCode } from './error-codes';
import type { StatesAnswer } from './flow-messages';
import type { States } from './types';

/** How a command ended for one device. */
export interface Result {
  status: 'SUCCESS' | 'PENDING' | 'OFFLINE' | 'EXCEPTIONS' | 'ERROR';
  states?: States;
  errorCode?: string;
  challengeNeeded?: { type: 'ackNeeded' | 'pinNeeded' | 'challengeFailedPinNeeded' };
  debugString?: string;
}

export function failed(errorCode: GoogleCode, debugString?: string): Result {
  return { status: 'ERROR', errorCode, ...(debugString === undefined ? {} : { debugString }) };
}

export function challenged(type: NonNullable<Result['challengeNeeded']>['type']): Result {
  return { status: 'ERROR', errorCode: 'challengeNeeded', challengeNeeded: { type } };
}

/** What a flow's states make of the device (`kept`) and of the command. @param now milliseconds since 1970 */
export function resultOf(
  device: Device,
  command: Command,
  answer: StatesAnswer,
  before: Readonly<States>,
  now: number,
): { kept: States; result: Result } {
  const { said, results } = answer;
  const failure = failureOf(command, said);
  // Of a lock it counts what was read: it locked, whatever else is wrong with it.
  const blocked = answer.blocking && command.name !== 'LockUnlock';
  const unknown = said.online === false || said.isLocked === null;
  const stopped = blocked || unknown || failure !== undefined;
  const kept = device.next(before, { said, command, stopped, now });
  const states = device.answered(kept, now, command, said, results);
  if (command.action === 'arm') Object.assign(states, armingStates(device, command, kept, { said, blocked }));
  if (failure !== undefined && !blocked) return { kept, result: { ...failed(failure), states } };
  if (states.online === false) return { kept, result: { status: 'OFFLINE', errorCode: 'deviceOffline', states } };
  return { kept, result: { status: blocked ? 'EXCEPTIONS' : 'SUCCESS', states } };
}

/** Why a command failed whose flow says what the device is now: it is not as asked. */
function failureOf(
  { name, action, failure }: Command,
  { isLocked, isJammed, isArmed }: States,
): GoogleCode | undefined {
  if (name === 'LockUnlock') {
    if (isJammed === true) return 'deviceJammingDetected';
    return typeof isLocked === 'boolean' && isLocked !== (action === 'close') ? failure : undefined;
  }
  return name === 'ArmDisarm' && typeof isArmed === 'boolean' && isArmed !== (action === 'arm') ? failure : undefined;
}

/** What the answer to arming shows besides. */
function armingStates(
  device: Device,
  { params }: Command,
  kept: Readonly<States>,
  { said, blocked }: { said: Readonly<States>; blocked: boolean },
): States {
  const { armLevel } = params;
  // As the guide has it: stopped while arming, not armed, at the level that was asked for.
  if (blocked && kept.isArmed === false && armLevel !== undefined && !('currentArmLevel' in said)) {
    return { currentArmLevel: armLevel };
  }
  // Those who were asked know already what is open; the guide does not repeat it to them.
  if (device.settings.onOpenSensors !== 'allow' || 'currentStatusReport' in said) return {};
  const { currentStatusReport: report } = kept;
  return entriesOf(report).length > 0 ? { currentStatusReport: withBlocking(report, false) } : {};
}

/** Google's word on a command that was answered PENDING. */
export interface FollowUp {
  /** Without its prefix. */
  trait: string;
  /** Google's `followUpResponse`. */
  response:
    | ({ status: 'SUCCESS'; followUpToken: string } & States)
    | { status: 'FAILURE'; followUpToken: string; errorCode: string };
}

/** The follow-up of a command that ended late; undefined where Google asked for none, or would refuse it. */
export function followUpOf({ followUpTrait: trait, failure, params }: Command, result: Result): FollowUp | undefined {
  const { followUpToken } = params;
  if (trait === undefined || typeof followUpToken !== 'string' || followUpToken === '') return undefined;
  // The user cannot be asked by a follow-up.
  if (result.challengeNeeded !== undefined) return undefined;
  if (result.status !== 'SUCCESS') {
    return { trait, response: { status: 'FAILURE', errorCode: result.errorCode ?? failure, followUpToken } };
  }
  const { states = [], needed = [] } = FOLLOW_UP[trait] ?? {};
  const said = pickFields(openPercentOf(result.states ?? {}), (name) => states.includes(name));
  if (needed.some((name) => !(name in said))) return undefined;
  return { trait, response: { status: 'SUCCESS', ...said, followUpToken } };
}

/** A follow-up of OpenClose knows no directions. */
function openPercentOf(states: Readonly<States>): Readonly<States> {
  const { openState } = states;
  const [first] = Array.isArray(openState) ? openState : [];
  return isRecord(first) && first.openPercent !== undefined ? { openPercent: first.openPercent, ...states } : states;
}
