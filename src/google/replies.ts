/** What a flow's states mean for the device and for the command that they answer. Pure. */
import type { Device } from './devices/device';
import { entriesOf, withBlocking } from './devices/status-report';
import type { Command } from './devices/trait';
import type { GoogleCode } from './error-codes';
import type { StatesAnswer } from './flow-answers';
import { failed, type Result } from './fulfillment';
import type { States } from './types';

export interface Reply {
  /** What the device is from now on. */
  kept: States;
  result: Result;
}

/** @param now milliseconds since 1970 */
export function replyTo(
  device: Device,
  command: Command,
  answer: StatesAnswer,
  before: Readonly<States>,
  now: number,
): Reply {
  const { said, results } = answer;
  const failure = failureOf(command, said);
  // Of a lock it counts what was read: it locked, whatever else is wrong with it.
  const blocked = answer.blocking && command.name !== 'LockUnlock';
  const unknown = said.online === false || said.isLocked === null;
  const stopped = blocked || unknown || failure !== undefined;
  const kept = device.next(before, { said, command, stopped, now });
  const states = {
    ...device.answered(kept, now, command, said, results),
    ...(command.action === 'arm' ? armingStates(device, command, kept, { said, blocked }) : {}),
  };
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
