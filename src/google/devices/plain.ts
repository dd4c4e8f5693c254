/**
 * Any trait that has no rules of its own here: its commands reach the flow as they are, and what the flow says, or else
 * what was commanded, goes to Google. And which of those commands let someone in, or watch less, so that a PIN is asked
 * where one is for releasing: Google's page on two-factor authentication wants it for most, the rest is of the same kind.
 */
import { pickFields } from '../../common/json';
import type { JsonObject } from '../types';
import { commandedStates, followUpTraitOf, publishedStates } from './published';
import { trait, type Command, type Trait } from './trait';

/** Commands that need their trait; everything else is passed through by custom devices. */
export const OWNED_COMMANDS: ReadonlySet<string> = new Set(['ArmDisarm', 'LockUnlock', 'Charge']);

/** @param type the device's, without its prefix */
export function plainCommand(type: string, name: string, params: JsonObject): Command {
  return {
    name,
    params,
    action: undefined,
    releases: releases(type, name, params),
    followUpTrait: followUpTraitOf(name),
    failure: 'hardError',
  };
}

/** A trait of which Google publishes the states, such as OnOff; undefined for any other. */
export function plainTrait(name: string): Trait | undefined {
  const states = publishedStates(name);
  if (states === undefined) return undefined;
  return trait({
    name,
    states,
    plain: true,
    next: (kept, { said, command, stopped }) => {
      const wanted = command === undefined || stopped ? {} : commandedStates(command.name, command.params, kept);
      const next = { ...kept, ...pickFields(wanted, (name) => states.includes(name)), ...said };
      // One of the two, never both (the published schema of OpenClose): the one that was given last.
      if ('openPercent' in next && 'openState' in next) {
        const last =
          'openState' in said || (!('openPercent' in said) && 'openState' in wanted) ? 'openPercent' : 'openState';
        Reflect.deleteProperty(next, last);
      }
      return next;
    },
  });
}

/** What closes off a home. Names of several parts count by any of them: GARAGE_DOOR. */
const CLOSING = ['DOOR', 'GARAGE', 'GATE', 'LOCK', 'SHUTTER', 'WINDOW'];
/** What watches it. */
const WATCHING = ['CAMERA', 'DOORBELL', 'SECURITYSYSTEM'];
/** What everything else depends on. */
const NETWORK = ['NETWORK', 'ROUTER'];
const NETWORK_COMMANDS = [
  'EnableDisableGuestNetwork',
  'EnableDisableNetworkProfile',
  'GetGuestNetworkPassword',
  'Reboot',
  'SoftwareUpdate',
];

/** @param type Google's type without its prefix @param command its name without its prefix */
function releases(type: string, command: string, params: JsonObject): boolean {
  const parts = type.toUpperCase().split('_');
  const isA = (types: readonly string[]): boolean => parts.some((part) => types.includes(part));
  if (isA(CLOSING) && opens(command, params)) return true;
  if (isA(WATCHING) && command === 'OnOff' && params.on !== true) return true;
  return isA(NETWORK) && (NETWORK_COMMANDS.includes(command) || (command === 'OnOff' && params.on !== true));
}

/** In doubt it opens. */
function opens(command: string, params: JsonObject): boolean {
  const { openPercent, openRelativePercent, on, start } = params;
  switch (command) {
    case 'OpenClose':
      return openPercent !== 0;
    case 'OpenCloseRelative':
      return !(typeof openRelativePercent === 'number' && openRelativePercent <= 0);
    case 'OnOff':
      return on !== false;
    case 'StartStop':
      return start !== false;
    default:
      return false;
  }
}
