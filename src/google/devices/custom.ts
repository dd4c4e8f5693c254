/**
 * Any trait that has no rules of its own here: its commands reach the flow as they are, and what the flow says is told to
 * Google as it is.
 */
import type { JsonObject } from '../json';
import type { Trait, Understood } from './trait';

/** Types for which Google's certification wants a PIN before something opens (its page on two-factor authentication). */
const DOOR_LIKE = ['DOOR', 'GARAGE', 'GATE', 'WINDOW'];

/** Traits that take a follow-up notification, beside those that have a file of their own (Google's page on follow-ups). */
export const FOLLOWED_UP: Readonly<Record<string, string>> = { OpenClose: 'OpenClose', StartStop: 'StartStop' };

export interface CustomOptions {
  /** Google's type without its prefix. */
  type: string;
  /** A person set a PIN for this device. */
  pinSet: boolean;
  attributes: JsonObject;
}

export function anyTrait(options: CustomOptions): Omit<Trait, 'words'> {
  const understand = (name: string, params: JsonObject): Understood => ({
    name,
    params,
    action: undefined,
    releases: options.pinSet && DOOR_LIKE.includes(options.type) && opens(name, params),
    followUpTrait: Object.hasOwn(FOLLOWED_UP, name) ? FOLLOWED_UP[name] : undefined,
    failure: 'hardError',
  });
  return {
    name: '',
    commands: [],
    attributes: options.attributes,
    understand,
    fault: () => undefined,
    next: (kept, { said }) => ({ ...kept, ...said }),
    shown: (kept) => ({ ...kept }),
  };
}

function opens(name: string, params: JsonObject): boolean {
  const { openPercent, openRelativePercent } = params;
  if (name === 'OpenClose') return openPercent !== 0;
  return name === 'OpenCloseRelative' && !(typeof openRelativePercent === 'number' && openRelativePercent <= 0);
}
