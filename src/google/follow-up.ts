/**
 * What Google gets beside answers and reports: how a command ended that was answered PENDING, and notifications that
 * answer no command. Pure; `reports.ts` sends them.
 */
import { invalidInput } from '../common/errors';
import { isRecord, pickFields } from '../common/json';
import { TRAIT_PREFIX } from './device-settings';
import type { Device } from './devices/device';
import { FOLLOW_UP } from './devices/published';
import type { Command } from './devices/trait';
import type { Result } from './fulfillment';
import type { FollowUpResponse, JsonObject, States } from './types';

/** A notification of a trait that answers no command. */
export interface Notification {
  /** Google's name without its prefix. */
  trait: string;
  content: JsonObject;
}

/** The follow-up of a command that ended late; undefined where Google asked for none, or would refuse it. */
export function followUpOf(command: Command, result: Result): FollowUpResponse | undefined {
  const { followUpTrait: trait, failure } = command;
  const { followUpToken } = command.params;
  if (trait === undefined || typeof followUpToken !== 'string' || followUpToken === '') return undefined;
  // The user cannot be asked by a follow-up.
  if (result.challengeNeeded !== undefined) return undefined;
  if (result.status !== 'SUCCESS') {
    return { status: 'FAILURE', errorCode: result.errorCode ?? failure, followUpToken };
  }
  const { states = [], needed = [] } = FOLLOW_UP[trait] ?? {};
  const said = pickFields(openPercentOf(result.states ?? {}), (name) => states.includes(name));
  if (needed.some((name) => !(name in said))) return undefined;
  return { status: 'SUCCESS', ...said, followUpToken };
}

/** A follow-up of OpenClose knows no directions. */
function openPercentOf(states: Readonly<States>): Readonly<States> {
  const { openState } = states;
  const [first] = Array.isArray(openState) ? openState : [];
  return isRecord(first) && first.openPercent !== undefined ? { openPercent: first.openPercent, ...states } : states;
}

/**
 * The notifications in a flow's `notify`: `{ ObjectDetection: { objects: { familiar: 1 } } }`.
 * @param notify JSON already
 * @throws CodedError INVALID_INPUT
 */
export function notificationsIn(notify: unknown, device: Device): Notification[] {
  if (!isRecord(notify)) throw invalidInput('notify must be an object of traits', HINT);
  return Object.entries(notify).map(([name, content]) => {
    const trait = name.replace(TRAIT_PREFIX, '');
    if (!device.has(trait)) throw invalidInput(`the device has no trait ${trait.slice(0, 60)} to notify of`, HINT);
    if (!isRecord(content)) throw invalidInput(`notify.${trait} must be an object`, HINT);
    return { trait, content: { priority: 0, ...(content as JsonObject) } };
  });
}

const HINT = 'Send, for instance, { notify: { ObjectDetection: { priority: 0, objects: { unfamiliar: 1 } } } }.';
