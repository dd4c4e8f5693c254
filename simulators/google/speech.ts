/**
 * The stand-in's ear and tongue: which command a phrase means, and the sentence that an answer becomes, much as the
 * guide's dialogues have them. What is sent is left to `google.ts`.
 */
import { listOf, treeOf, type NamedDevice, type Outcome, type Tree } from './google';

/** What a person said. */
export type Meaning =
  | { kind: 'command'; device: NamedDevice; command: string; params: Tree }
  | { kind: 'pin'; pin: string }
  | { kind: 'answer'; yes: boolean }
  | { kind: 'nothing'; speech: string };

/** The phrases of the demo's page, one button each. */
export const PHRASES = [
  'Arm the alarm',
  'Arm away',
  'PIN 1234',
  'Yes, although the window is open',
  'No',
  'Disarm',
  'Cancel',
  'Lock the front door',
  'Unlock the front door',
] as const;

/** Understands the phrases above, and what comes near them. */
export function understand(phrase: string, devices: readonly NamedDevice[]): Meaning {
  const said = phrase
    .trim()
    .toLowerCase()
    .replace(/[.!?]+$/, '');
  const pin = /^(?:(?:my |the )?(?:pin|code)(?: is)? )?(\d[\d ]*)$/.exec(said)?.[1];
  if (pin !== undefined) return { kind: 'pin', pin: pin.replaceAll(' ', '') };
  if (/^(yes|yeah|sure|ok|go ahead)\b/.test(said)) return { kind: 'answer', yes: true };
  if (/^(no|never mind|don't)\b/.test(said)) return { kind: 'answer', yes: false };

  const panel = devices.find((device) => has(device, 'ArmDisarm'));
  const doors = devices.filter((device) => has(device, 'LockUnlock'));
  if (/^(un)?lock\b/.test(said)) {
    const named = doors.find((door) => said.includes(door.name.toLowerCase())) ?? doors[0];
    if (named === undefined) return { kind: 'nothing', speech: 'I know of no lock in your home.' };
    return { kind: 'command', device: named, command: 'LockUnlock', params: { lock: !said.startsWith('un') } };
  }
  const verb = /^(arm|disarm|cancel)\b/.exec(said)?.[1];
  if (verb === undefined) return { kind: 'nothing', speech: 'I did not understand that.' };
  if (panel === undefined) return { kind: 'nothing', speech: 'I know of no alarm in your home.' };
  if (verb === 'arm') {
    const level = levelNamed(said, panel);
    const params = { arm: true, ...(level === undefined ? {} : { armLevel: level }) };
    return { kind: 'command', device: panel, command: 'ArmDisarm', params };
  }
  const params = verb === 'cancel' ? { arm: true, cancel: true } : { arm: false };
  return { kind: 'command', device: panel, command: 'ArmDisarm', params };
}

/** What the assistant says to an answer. */
export function speak(command: string, params: Tree, outcome: Outcome, devices: readonly NamedDevice[]): string {
  const open = reportOf(outcome.states, devices);
  if (outcome.exchange.response === undefined) return 'Sorry, I could not reach your home.';
  if (outcome.challenge === 'ackNeeded') {
    return `${open === '' ? '' : `${open} `}Are you sure you want to ${actionOf(command, params)}?`;
  }
  if (outcome.challenge === 'pinNeeded') return 'What is your PIN?';
  if (outcome.challenge === 'challengeFailedPinNeeded') return 'Sorry, that PIN is incorrect. What is your PIN?';
  if (outcome.challenge !== undefined) return `Your home asks for something that I do not know: ${outcome.challenge}.`;
  switch (outcome.status) {
    case 'SUCCESS':
      return `${open === '' ? '' : `${open} `}${doneOf(command, params, outcome.states)}`;
    case 'PENDING':
      return 'OK, I am on it.';
    case 'EXCEPTIONS':
      return `Sorry, I could not ${actionOf(command, params)}. ${open}`.trim();
    case 'OFFLINE':
      return 'Sorry, it looks as if the device is offline.';
    default:
      return (
        REFUSALS[outcome.errorCode ?? ''] ?? `Sorry, something went wrong (${outcome.errorCode ?? 'no error code'}).`
      );
  }
}

/** What the assistant says when the outcome of a pending command is told at last. */
export function speakFollowUp(trait: string, response: Tree): string {
  if (response.status !== 'SUCCESS') {
    const code = typeof response.errorCode === 'string' ? response.errorCode : '';
    return REFUSALS[code] ?? `Sorry, it did not work (${code}).`;
  }
  if (trait === 'LockUnlock')
    return response.isLocked === true ? 'The door is now locked.' : 'The door is now unlocked.';
  return response.isArmed === true ? 'The alarm is now armed.' : 'The alarm is now disarmed.';
}

/** Much as Google words them (its list of errors and exceptions). */
const REFUSALS: Readonly<Record<string, string>> = {
  alreadyArmed: 'The alarm is already armed.',
  alreadyDisarmed: 'The alarm is already disarmed.',
  alreadyLocked: 'The door is already locked.',
  alreadyUnlocked: 'The door is already unlocked.',
  armFailure: 'Sorry, the alarm could not be armed.',
  armLevelNeeded: 'Which level would you like? Say for example: arm away.',
  cancelArmingRestricted: 'Sorry, arming can no longer be cancelled.',
  cancelTooLate: 'Sorry, it is too late to cancel.',
  challengeFailedNotSetup: 'Set up a PIN first, in Node-RED.',
  deviceBusy: 'The device is busy right now. Try again in a moment.',
  deviceJammingDetected: 'Sorry, the lock is jammed.',
  deviceNotFound: 'Sorry, that device no longer exists.',
  deviceOffline: 'Sorry, it looks as if the device is offline.',
  disarmFailure: 'Sorry, the alarm could not be disarmed.',
  lockFailure: 'Sorry, the door could not be locked.',
  pinIncorrect: 'Sorry, that PIN is incorrect.',
  timeout: 'Sorry, the device took too long.',
  tooManyFailedAttempts: 'Too many wrong PINs. Wait a few minutes, or use the panel itself.',
  unlockFailure: 'Sorry, the door could not be unlocked.',
  userCancelled: 'OK, cancelled.',
};

/** How a report's codes are spoken of a device. */
const CONDITIONS: Readonly<Record<string, string>> = {
  doorOpen: 'is open',
  windowOpen: 'is open',
  deviceOpen: 'is open',
  isOpen: 'is open',
  lowBattery: 'has a low battery',
  motionDetected: 'sees motion',
  deviceTampered: 'was tampered with',
};

function reportOf(states: Tree, devices: readonly NamedDevice[]): string {
  return listOf(states.currentStatusReport)
    .map(({ deviceTarget, statusCode }) => {
      const name = devices.find((device) => device.id === deviceTarget)?.name ?? String(deviceTarget);
      const code = String(statusCode);
      return `${name} ${CONDITIONS[code] ?? `reports ${code}`}.`;
    })
    .join(' ');
}

function actionOf(command: string, params: Tree): string {
  if (command === 'LockUnlock') return params.lock === true ? 'lock the door' : 'unlock the door';
  if (params.cancel === true) return 'cancel arming';
  return params.arm === true ? 'arm the alarm' : 'disarm the alarm';
}

function doneOf(command: string, params: Tree, states: Tree): string {
  if (command === 'LockUnlock') return params.lock === true ? 'OK, the door is locked.' : 'OK, the door is unlocked.';
  if (params.cancel === true) return 'OK, arming is cancelled.';
  if (params.arm !== true) return 'OK, the alarm is disarmed.';
  const seconds = states.exitAllowance;
  return typeof seconds === 'number' ? `OK, arming. You have ${seconds} seconds to leave.` : 'OK, the alarm is armed.';
}

function has(device: NamedDevice, trait: string): boolean {
  return device.traits.includes(`action.devices.traits.${trait}`);
}

/** The level of which the phrase has a synonym in it. */
function levelNamed(said: string, panel: NamedDevice): string | undefined {
  const levels = listOf(treeOf(panel.attributes?.availableArmLevels).levels);
  const found = levels.find((level) =>
    listOf(level.level_values)
      .flatMap(({ level_synonym: synonyms }) => (Array.isArray(synonyms) ? (synonyms as unknown[]) : []))
      .some((synonym) => typeof synonym === 'string' && new RegExp(`\\b${quoted(synonym)}\\b`, 'i').test(said)),
  );
  return typeof found?.level_name === 'string' ? found.level_name : undefined;
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
