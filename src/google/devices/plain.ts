/**
 * Any trait that has no rules of its own here: its commands reach the flow as they are, and what the flow says, or else
 * what was commanded, goes to Google.
 */
import { pickFields } from '../../common/json';
import type { JsonObject } from '../types';
import { commandedStates, followUpTraitOf, publishedStates } from './published';
import { releases } from './release';
import type { Command, Trait } from './trait';

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
    name,
    commands: [],
    states,
    attributes: {},
    understand: () => undefined,
    fault: () => undefined,
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
    shown: (kept) => ({ ...kept }),
  };
}
