/**
 * Which commands of a custom device let someone in, or watch less: those for which a PIN is asked where it is for
 * releasing. Google's page on two-factor authentication wants it for most of them; the rest is of the same kind.
 */
import type { JsonObject } from '../types';

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
export function releases(type: string, command: string, params: JsonObject): boolean {
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
