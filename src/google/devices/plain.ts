/**
 * Any trait that has no rules of its own here: its commands reach the flow as they are, and what the flow says, or else
 * what was commanded, goes to Google. And which of those commands let someone in, or watch less, so that a PIN is asked
 * where one is for releasing: Google's page on two-factor authentication wants it for most, the rest is of the same kind.
 */
import { pickFields } from '../../common/json';
import type { JsonObject } from '../types';
import { commandedStates, followUpTraitOf, publishedStates } from './published';
import type { Command, Trait } from './trait';

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
  return {
    commands: undefined,
    states,
    next: (kept, { said, command, stopped }) => {
      const wanted = command === undefined || stopped ? {} : commandedStates(command.name, command.params, kept);
      const next = { ...kept, ...pickFields(wanted, (state) => states.includes(state)), ...said };
      if (!('openPercent' in next && 'openState' in next)) return next;
      // One of the two, never both (the published schema of OpenClose): the one that was given last.
      const isState = 'openState' in said || (!('openPercent' in said) && 'openState' in wanted);
      return pickFields(next, (state) => state !== (isState ? 'openPercent' : 'openState'));
    },
  };
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
  const turnsOff = command === 'OnOff' && params.on !== true;
  return (
    (isA(CLOSING) && opens(command, params)) ||
    (isA(WATCHING) && turnsOff) ||
    (isA(NETWORK) && (turnsOff || NETWORK_COMMANDS.includes(command)))
  );
}

/** In doubt it opens. */
function opens(command: string, { openPercent, openRelativePercent: percent, on, start }: JsonObject): boolean {
  switch (command) {
    case 'OpenClose':
      return openPercent !== 0;
    case 'OpenCloseRelative':
      return !(typeof percent === 'number' && percent <= 0);
    case 'OnOff':
      return on !== false;
    case 'StartStop':
      return start !== false;
    default:
      return false;
  }
}
