/**
 * What a person set in the dialog of a device, read once: texts, numbers and lists become typed settings, and what cannot
 * work is refused in words. How a device behaves is up to `devices/`.
 */
import { invalidInput } from '../common/errors';
import { isRecord, parseJson } from '../common/json';
import {
  choice,
  flag,
  number,
  ofSetting,
  secret,
  text,
  textSetting,
  wholeText,
  type Parsed,
  type Setting,
} from '../common/settings';
import type { JsonObject } from './types';

export const TYPE_PREFIX = 'action.devices.types.';
export const TRAIT_PREFIX = 'action.devices.traits.';

/** One level of a security system, as Google's `availableArmLevels.levels` has it. */
export interface ArmLevel extends JsonObject {
  level_name: string;
  level_values: { level_synonym: string[]; lang: string }[];
}

/** Read when the kind of device is known: the dialog keeps what was typed for another kind, and does not show it. */
const later: Setting<unknown> = { parse: (value) => value };
/** Google cuts names above it. */
const NAME_LENGTH = 60;
/** Google hangs up after about five seconds; a longer wait is of no use. */
const LONGEST_REPLY_TIMEOUT_MS = 30_000;

/** The dialog's fields. */
export const DEVICE_FIELDS = {
  deviceId: wholeText('the device ID'),
  name: text('the name of the node'),
  deviceName: text('the name of the device'),
  nicknames: list('the other names'),
  roomHint: text('the room'),
  /** SECURITYSYSTEM and LOCK have rules of their own; CUSTOM passes everything through. */
  deviceType: choice('the kind of device', ['SECURITYSYSTEM', 'LOCK', 'CUSTOM'], 'SECURITYSYSTEM'),
  customType: text('the type'),
  customTraits: list('the traits'),
  customAttributes: later,
  levels: later,
  levelsOrdered: flag('"levels in order"', true),
  defaultLevel: text('the default level'),
  /** Which commands ask for the PIN: none, those that let someone in (disarm, cancel, unlock), or every one. */
  pinFor: choice('the PIN', ['none', 'release', 'always'], 'release'),
  /** What happens when arming is asked while the last status report has entries. */
  onOpenSensors: choice('the choice for open sensors', ['flow', 'refuse', 'ask', 'allow'], 'flow'),
  /** Milliseconds. */
  replyTimeout: replyTimeout('the time to wait for the flow'),
  /** A lock shows how full its battery is. */
  battery: flag('"battery"', false),
} as const;

type Fields = Parsed<typeof DEVICE_FIELDS>;

export interface DeviceSettings extends Omit<Fields, 'levels' | 'defaultLevel' | 'customAttributes'> {
  id: string;
  /** Google's type, with its prefix. */
  type: string;
  /** Empty: a panel without levels. */
  levels: ArmLevel[];
  /** One of `levels`, or undefined: a person who names none is asked which. */
  defaultLevel: string | undefined;
  /** Empty: none is set. */
  pin: string;
  customAttributes: JsonObject;
}

/**
 * @param pin as it is kept; undefined where none was typed
 * @throws CodedError `INVALID_INPUT` where no device can be made of it
 */
export function deviceSettings(fields: Fields, pin: unknown, fallbackId: string): DeviceSettings {
  const kind = fields.deviceType;
  const isCustom = kind === 'CUSTOM';
  const customAttributes = isCustom ? ofSetting('customAttributes', () => attributesOf(fields.customAttributes)) : {};
  const { availableArmLevels } = customAttributes;
  // A custom panel brings its levels in its attributes: it is these that Google gets.
  const own = isRecord(availableArmLevels) ? availableArmLevels.levels : undefined;
  const levels = kind === 'LOCK' ? [] : ofSetting('levels', () => armLevels(own ?? json('the levels', fields.levels)));
  const customType = fields.customType.replace(TYPE_PREFIX, '').toUpperCase();
  // Once each: Google refuses the whole list of devices for a trait that one of them names twice.
  const customTraits = [...new Set(fields.customTraits.map((trait) => trait.replace(TRAIT_PREFIX, '')))];
  if (isCustom) ofSetting('customType', () => checkCustom(customType, customTraits));
  const isLevel = levels.some((level) => level.level_name === fields.defaultLevel);
  if (kind === 'SECURITYSYSTEM' && fields.defaultLevel !== '' && levels.length > 0 && !isLevel) {
    const fault = `the default level ${fields.defaultLevel} is none of the levels of this device`;
    throw invalidInput(fault, fault, 'setting.defaultLevel');
  }
  const id = fields.deviceId || fallbackId;
  return {
    ...fields,
    id,
    // Cut between characters, never within one.
    name: Array.from(fields.deviceName || fields.name || id)
      .slice(0, NAME_LENGTH)
      .join(''),
    type: TYPE_PREFIX + (isCustom ? customType : kind),
    levels,
    defaultLevel: isLevel ? fields.defaultLevel : undefined,
    // What is set and cannot be read must not pass for none: a garage with no PIN opens without one. Spoken digits come with
    // or without spaces between them; neither counts.
    pin: ofSetting('pin', () => secret('the PIN').parse(pin)).replace(/\s+/g, ''),
    customTraits,
    customAttributes,
  };
}

function checkCustom(type: string, traits: readonly string[]): void {
  if (!/^[A-Z_0-9]+$/.test(type) || traits.length === 0) {
    throw invalidInput('a custom device needs a type and at least one trait, such as LIGHT and OnOff');
  }
  // The published schema of SYNC. One name that is none spoils the list of all devices.
  const noTrait = traits.find((trait) => !/^[A-Za-z]+$/.test(trait));
  if (noTrait !== undefined) throw invalidInput(`${noTrait} is no name of a trait; one is called OnOff, for instance`);
}

/** A list as the dialog keeps it, or as a person types it: separated by commas. */
function list(name: string): Setting<string[]> {
  return {
    parse: (value) => {
      const items = Array.isArray(value) ? (value as unknown[]) : textSetting(value ?? '', name).split(',');
      return items.flatMap((item) => (typeof item === 'string' ? [textSetting(item, name)] : [])).filter(Boolean);
    },
  };
}

/** A value, or its JSON text; undefined when empty. */
function json(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value ?? undefined;
  const typed = textSetting(value, name);
  const parsed = typed === '' ? undefined : parseJson(typed);
  if (typed !== '' && parsed === undefined) throw invalidInput(`${name} are not JSON`);
  return parsed ?? undefined;
}

function replyTimeout(name: string): Setting<number> {
  const clamped = number(name, { fallback: 1500, most: LONGEST_REPLY_TIMEOUT_MS });
  return {
    parse: (value) => {
      const ms = clamped.parse(value);
      if (!(ms > 0)) throw invalidInput(`${name} must be a number of milliseconds above 0`);
      return ms;
    },
  };
}

function attributesOf(typed: unknown): JsonObject {
  const value = json('the attributes', typed);
  if (value === undefined) return {};
  if (!isRecord(value)) throw invalidInput('the attributes must be an object');
  return value as JsonObject;
}

function armLevels(value: unknown): ArmLevel[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalidInput('the levels must be a list');
  const levels = value.map(armLevel);
  if (new Set(levels.map((level) => level.level_name)).size < levels.length) {
    throw invalidInput('two levels have the same name');
  }
  return levels;
}

function armLevel(value: unknown): ArmLevel {
  const { level_name: name, level_values: values } = isRecord(value) ? value : {};
  if (typeof name !== 'string' || name.trim() === '') throw invalidInput('a level needs a name (level_name)');
  const translations = (Array.isArray(values) ? (values as unknown[]) : []).flatMap((item) => {
    const { lang, level_synonym: synonyms } = isRecord(item) ? item : {};
    const language = typeof lang === 'string' ? lang.trim() : '';
    const words = Array.isArray(synonyms) ? list('the words of a level').parse(synonyms) : [];
    // What is no language would spoil the list of all devices (the published schema).
    return /^[a-z]{2,3}(-\w+)*$/i.test(language) && words.length > 0 ? [{ level_synonym: words, lang: language }] : [];
  });
  // Google needs words in English for every level, whatever the languages of its users (its page on ArmDisarm).
  if (!translations.some((item) => item.lang === 'en')) {
    translations.unshift({ level_synonym: [name.replace(/[_-]+/g, ' ').trim() || name], lang: 'en' });
  }
  return { level_name: name, level_values: translations };
}
