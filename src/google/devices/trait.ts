/**
 * What a trait is to us: the commands it understands, the states it owns, and how it turns what a flow says into its next
 * states. `device.ts` puts them together.
 */
import type { GoogleCode } from '../error-codes';
import type { JsonObject, States } from '../types';

export type Action = 'open' | 'close' | 'arm' | 'disarm' | 'cancel';

/** A command that a device understood. */
export interface Command {
  /** Google's name without its prefix: `ArmDisarm`. */
  name: string;
  /** As they go to the flow: what Google sent, completed by the default level. */
  params: JsonObject;
  /** The word that flows use for it; undefined for commands that have none. */
  action: Action | undefined;
  /** It lets someone in, or watches less: a PIN is asked where one is for releasing. */
  releases: boolean;
  /** The trait whose follow-up says how it ended; undefined where there is none. */
  followUpTrait: string | undefined;
  /** Google's code for its failure where there is no better one. */
  failure: GoogleCode;
  /** It cannot be carried out as it is, which is said when the PIN is right and not before. */
  refused?: GoogleCode;
}

/** Why a command is none that this device has. It says nothing about the device's state. */
export interface NotUnderstood {
  why: string;
}

/** What a trait works out its next states from. */
export interface Change {
  /** The states that the flow gave, checked for their type. `isLocked: null`: it was read and is not known. */
  said: Readonly<States>;
  /** The command that they answer. */
  command: Command | undefined;
  /** What was asked for did not happen: the flow stopped the command, or read another state. */
  stopped: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

export interface Trait {
  /** The command names (without prefix) that belong to this trait alone. Undefined: any that no trait has for itself. */
  readonly commands: readonly string[] | undefined;
  /** What a flow may say that concerns this trait. */
  readonly states: readonly string[];
  /** What it keeps besides. */
  readonly hidden?: readonly string[];
  readonly attributes?: JsonObject;
  /** Absent: a command goes to the flow as it is. */
  understand?(command: string, params: JsonObject): Command | NotUnderstood;
  /** Why a value for one of the `states` cannot be, or undefined. */
  fault?(state: string, value: unknown): string | undefined;
  /** The states to keep from now on, `kept` being the ones until now. Both hold this trait's own only. */
  next(kept: Readonly<States>, change: Change): Readonly<States>;
  /** All states of the trait, as Google is to see them. Absent: as they are kept. */
  shown?(kept: Readonly<States>, now: number): Readonly<States>;
}

export function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
