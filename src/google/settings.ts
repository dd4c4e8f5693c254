/**
 * What a person set in the dialog of a device, read once: texts, numbers and lists become typed settings, and what cannot
 * work is refused in words. How a device behaves is told by `devices/`.
 */
import { invalidInput } from '../common/errors';
import { isObject, type JsonObject } from './json';

export const TYPE_PREFIX = 'action.devices.types.';
export const TRAIT_PREFIX = 'action.devices.traits.';

/** One level of a security system, as Google's `availableArmLevels.levels` has it. */
export interface ArmLevel {
  level_name: string;
  level_values: { level_synonym: string[]; lang: string }[];
}

/** Which commands ask for the PIN: none, those that let somebody in (disarm, cancel, unlock), or every one. */
export type PinFor = 'none' | 'release' | 'always';

/** What happens when arming is asked while the last status report has entries. */
export type OnOpenSensors = 'flow' | 'refuse' | 'ask' | 'allow';

export interface DeviceSettings {
  id: string;
  name: string;
  nicknames: string[];
  roomHint: string;
  kind: 'SECURITYSYSTEM' | 'LOCK' | 'CUSTOM';
  /** Google's type, with its prefix. */
  type: string;
  /** Empty: a panel without levels. */
  levels: ArmLevel[];
  levelsOrdered: boolean;
  /** One of `levels`, or undefined: a person who names none is asked which. */
  defaultLevel: string | undefined;
  pinFor: PinFor;
  /** Empty: none is set. */
  pin: string;
  onOpenSensors: OnOpenSensors;
  replyTimeoutMs: number;
  /** A lock that tells how full its battery is. */
  battery: boolean;
  /** Trait names without their prefix; CUSTOM only. */
  customTraits: string[];
  customAttributes: JsonObject;
}

const DEFAULT_REPLY_TIMEOUT_MS = 1500;
/** Google hangs up after about five seconds; waiting longer helps nobody. */
const LONGEST_REPLY_TIMEOUT_MS = 30_000;
/** Google cuts names above it. */
const NAME_LENGTH = 60;

/**
 * @param pin as it is kept; undefined where none was typed
 * @throws CodedError `INVALID_INPUT` where no device can be made of it
 */
export function parseDevice(raw: JsonObject, pin: unknown, fallbackId: string): DeviceSettings {
  const id = text(raw, 'deviceId') || fallbackId;
  const kind = choice(raw, 'deviceType', ['SECURITYSYSTEM', 'LOCK', 'CUSTOM'] as const, 'SECURITYSYSTEM');
  // The dialog keeps what was typed for another kind, and does not show it.
  const customAttributes = kind === 'CUSTOM' ? objectOf(raw, 'customAttributes') : {};
  const levels = kind === 'LOCK' ? [] : armLevels(raw, customAttributes);
  const customType = text(raw, 'customType').replace(TYPE_PREFIX, '');
  // Once each: Google refuses the whole list of devices for a trait that one of them names twice.
  const customTraits = [...new Set(texts(raw, 'customTraits').map((trait) => trait.replace(TRAIT_PREFIX, '')))];
  if (kind === 'CUSTOM' && (!/^[A-Z_a-z0-9]+$/.test(customType) || customTraits.length === 0)) {
    throw invalidInput('a custom device needs a type and at least one trait, such as LIGHT and OnOff');
  }
  // The published schema of SYNC. One name that is none spoils the list of all devices.
  const noTrait = customTraits.find((trait) => kind === 'CUSTOM' && !/^[A-Za-z]+$/.test(trait));
  if (noTrait !== undefined) throw invalidInput(`${noTrait} is no name of a trait; one is called OnOff, for instance`);
  const defaultLevel = text(raw, 'defaultLevel');
  const isLevel = levels.some((level) => level.level_name === defaultLevel);
  if (kind === 'SECURITYSYSTEM' && defaultLevel !== '' && levels.length > 0 && !isLevel) {
    throw invalidInput(`the default level ${defaultLevel} is none of the levels of this device`);
  }
  return {
    id,
    name: shortened(text(raw, 'deviceName') || text(raw, 'name') || id),
    nicknames: texts(raw, 'nicknames'),
    roomHint: text(raw, 'roomHint'),
    kind,
    type: TYPE_PREFIX + (kind === 'CUSTOM' ? customType : kind),
    levels,
    levelsOrdered: flag(raw, 'levelsOrdered', true),
    defaultLevel: isLevel ? defaultLevel : undefined,
    pinFor: choice(raw, 'pinFor', ['none', 'release', 'always'] as const, 'release'),
    pin: pinOf(pin),
    onOpenSensors: choice(raw, 'onOpenSensors', ['flow', 'refuse', 'ask', 'allow'] as const, 'flow'),
    replyTimeoutMs: milliseconds(raw, 'replyTimeout'),
    battery: flag(raw, 'battery', false),
    customTraits,
    customAttributes,
  };
}

function text(raw: JsonObject, key: string): string {
  const value = raw[key];
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' ? String(value) : '';
}

/** What is set and cannot be read must not pass for none: a garage with no PIN opens without one. */
function pinOf(pin: unknown): string {
  if (pin === undefined || pin === null) return '';
  // A variable of a flow or a subflow may be a number.
  if (typeof pin !== 'string' && typeof pin !== 'number') throw invalidInput('the PIN must be a text or a number');
  // Spoken digits come with or without spaces between them; neither counts.
  return String(pin).replace(/\s+/g, '');
}

/** Cut between characters, never within one. */
function shortened(name: string): string {
  return Array.from(name).slice(0, NAME_LENGTH).join('');
}

function flag(raw: JsonObject, key: string, otherwise: boolean): boolean {
  const value = raw[key];
  if (typeof value === 'boolean') return value;
  if (value === 'true') return true;
  return value === 'false' ? false : otherwise;
}

function choice<T extends string>(raw: JsonObject, key: string, choices: readonly T[], otherwise: T): T {
  const value = text(raw, key);
  if (value === '') return otherwise;
  const found = choices.find((candidate) => candidate === value);
  if (found === undefined) throw invalidInput(`${key} is ${value}, but must be one of ${choices.join(', ')}`);
  return found;
}

function milliseconds(raw: JsonObject, key: string): number {
  const value = text(raw, key);
  if (value === '') return DEFAULT_REPLY_TIMEOUT_MS;
  const number = Number(value);
  if (!Number.isFinite(number) || number <= 0) throw invalidInput(`${key} must be a number of milliseconds above 0`);
  return Math.min(number, LONGEST_REPLY_TIMEOUT_MS);
}

/** A list as the dialog keeps it, or as a person types it: separated by commas. */
function texts(raw: JsonObject, key: string): string[] {
  const value = raw[key];
  const items = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [];
  return items
    .filter((item) => typeof item === 'string')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function parsed(raw: JsonObject, key: string): unknown {
  const value = raw[key];
  if (typeof value !== 'string') return value;
  if (value.trim() === '') return undefined;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    throw invalidInput(`${key} is not JSON`);
  }
}

function objectOf(raw: JsonObject, key: string): JsonObject {
  const value = parsed(raw, key);
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw invalidInput(`${key} must be an object`);
  return value;
}

/** @param attributes a custom panel brings its levels in them: it is these that Google is told */
function armLevels(raw: JsonObject, attributes: JsonObject): ArmLevel[] {
  const { availableArmLevels } = attributes;
  const { levels: own } = isObject(availableArmLevels) ? availableArmLevels : {};
  const value = own ?? parsed(raw, 'levels');
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalidInput('levels must be a list');
  const levels = value.map(armLevel);
  if (new Set(levels.map((level) => level.level_name)).size < levels.length) {
    throw invalidInput('two levels have the same name');
  }
  return levels;
}

function armLevel(value: unknown): ArmLevel {
  const { level_name: name, level_values: values } = isObject(value) ? value : {};
  if (typeof name !== 'string' || name.trim() === '') throw invalidInput('a level needs a name (level_name)');
  const spoken = (Array.isArray(values) ? values : []).flatMap((item) => {
    const language = isObject(item) ? text(item, 'lang') : '';
    const words = isObject(item) && Array.isArray(item.level_synonym) ? texts(item, 'level_synonym') : [];
    // What is no language would spoil the list of all devices (the published schema).
    return /^[a-z]{2,3}(-\w+)*$/i.test(language) && words.length > 0 ? [{ level_synonym: words, lang: language }] : [];
  });
  // Google needs words in English for every level, whatever languages the users speak (its page on ArmDisarm).
  if (!spoken.some((item) => item.lang === 'en')) {
    spoken.unshift({ level_synonym: [name.replace(/[_-]+/g, ' ').trim() || name], lang: 'en' });
  }
  return { level_name: name, level_values: spoken };
}
