/**
 * Values of functions: plain JavaScript on one side (`true`, `215`, `"open"`, `{ h, s, v }`), Sber's typed form on the
 * other. Writing is strict and goes by the catalogue; reading accepts every edition and fills in what proto3 leaves out.
 * What is not understood never becomes false, 0 or black: written it is refused, read it is null with a warning.
 */
import { isRecord } from '../common/json';
import { COLOUR_BOUNDS, functionFacts, functionRange, type FunctionFacts } from './catalogue';
import type { States } from './client';
import { Place, refuse } from './place';
import type { Colour, Raw, Remark, State, TypedValue, ValueType, Warning } from './shapes';
import type { Pace } from './yield-loop';

/** What a flow sees. An integer beyond 2^53 stays text; null: Sber has no value, or one that is not understood. */
export type PlainValue = boolean | number | string | Colour | null;

const TYPES: readonly ValueType[] = ['BOOL', 'INTEGER', 'FLOAT', 'STRING', 'ENUM', 'COLOUR'];
const PARTS = ['h', 's', 'v'] as const;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/** The decimal text of a 64-bit integer given as number or text; undefined where it is none. */
export function integerText(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value === 0 ? 0 : value) : undefined;
  if (typeof value !== 'string' || !/^[+-]?\d{1,20}$/.test(value)) return undefined;
  const whole = BigInt(value.replace(/^\+/, ''));
  return whole < LONG_MIN || whole > LONG_MAX ? undefined : whole.toString();
}

/** A finite number given as number or text; undefined where it is none. */
export function finiteNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^[+-]?[\d.]/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/**
 * States to send, typed through the catalogue. A device's values are plain (`{ on_off: true }`) or already Sber's
 * (`{ states: [{ key, value }] }`). Values that are undefined are passed over.
 * @throws INVALID_INPUT naming device and function
 */
export async function checkStates(devices: unknown, pace: Pace): Promise<{ states: States; warnings: Warning[] }> {
  const all = Place.of('devices', []);
  if (!isRecord(devices)) refuse(all, 'must be an object with device ids as keys');
  const warnings: Warning[] = [];
  const checked: [string, States[string]][] = [];
  for (const [deviceId, values] of Object.entries(devices)) {
    if (deviceId === '') refuse(all, 'has a device without an id');
    const remarks: Remark[] = [];
    const place = Place.of(`devices.${deviceId}`, remarks);
    const states = statesOf(values, place);
    checked.push([deviceId, { states }]);
    warnings.push(...remarks.map((remark) => ({ deviceId, ...remark })));
    if (pace.due()) await pace.yieldLoop();
  }
  return { states: Object.fromEntries(checked), warnings };
}

function statesOf(values: unknown, place: Place): State[] {
  if (!isRecord(values)) refuse(place, 'must be an object with function names as keys, such as { "on_off": true }');
  const entries = Array.isArray(values.states)
    ? values.states.map((state: unknown, index): [string, unknown] => {
        const { key, value } = isRecord(state) ? state : {};
        if (typeof key === 'string' && key !== '') return [key, value ?? null];
        return refuse(place.at('states').at(index).at('key'), 'must be the name of a function');
      })
    : Object.entries(values).filter(([, value]) => value !== undefined);
  if (entries.length === 0) refuse(place, 'has no value to report');
  return entries.map(([key, value]) => {
    if (key === '') refuse(place, 'has a value without the name of a function');
    return { key, value: typedValue(key, value, place.at(key)) };
  });
}

/**
 * A plain value in Sber's typed form. A value that is typed already is checked and passed on, so that what the catalogue
 * does not know can still be sent.
 * @throws INVALID_INPUT where the value is not of the function's type
 */
export function typedValue(key: string, value: unknown, place: Place): TypedValue {
  // Neither false nor 0: without a reading there is nothing to report.
  if (value === null) refuse(place, 'is null; leave it out, so that Sber keeps what it has');
  const facts = functionFacts(key);
  const typed =
    isRecord(value) && 'type' in value
      ? checkedTyped(value, place)
      : checkedPlain(facts?.type ?? guessedType(value, place), value, place, facts?.unit);
  if (facts === undefined) place.warn(`the catalogue does not know the function ${key}`);
  else warnOfDoubts(key, facts, typed, place);
  return typed;
}

/** A value in Sber's form, with what proto3 leaves out filled in. */
function checkedTyped(value: Raw, place: Place): TypedValue {
  const { type } = value;
  if (!isType(type)) refuse(place.at('type'), `must be one of ${TYPES.join(', ')}`);
  const field = fieldOf(type);
  const raw = value[field] ?? undefined;
  if (raw !== undefined) return checkedPlain(type, raw, place.at(field), undefined, true);
  // `{ "type": "BOOL" }` is false, as proto3 has it; with its value under another name it is not understood.
  const [other] = Object.keys(value).filter((name) => name !== 'type' && name !== field);
  if (other !== undefined) refuse(place.at(other), `is no part of a ${type} value, which stands in "${field}"`);
  if (type === 'ENUM') refuse(place.at(field), 'must be one of the function’s words, as text');
  return { type, [field]: DEFAULTS[type] };
}

const DEFAULTS: Readonly<Record<ValueType, PlainValue>> = {
  BOOL: false,
  INTEGER: '0',
  FLOAT: 0,
  STRING: '',
  ENUM: '',
  COLOUR: { h: 0, s: 0, v: 0 },
};

function checkedPlain(type: ValueType, raw: unknown, place: Place, unit?: string, isTyped = false): TypedValue {
  switch (type) {
    case 'BOOL':
      if (typeof raw !== 'boolean') refuse(place, 'must be true or false');
      return { type, bool_value: raw };
    case 'INTEGER': {
      const integer_value = integerText(raw);
      if (integer_value === undefined) refuse(place, `must be a whole number${tenths(raw, unit)}`);
      return { type, integer_value };
    }
    case 'FLOAT': {
      const float_value = finiteNumber(raw);
      if (float_value === undefined) refuse(place, 'must be a number');
      return { type, float_value };
    }
    case 'STRING':
      if (typeof raw !== 'string') refuse(place, 'must be text');
      return { type, string_value: raw };
    case 'ENUM': {
      const word = typeof raw === 'number' && !isTyped ? String(raw) : raw;
      if (typeof word !== 'string' || word === '') refuse(place, 'must be one of the function’s words, as text');
      return { type, enum_value: word };
    }
    case 'COLOUR':
      return { type, colour_value: checkedColour(raw, place, isTyped) };
  }
}

/** What to write for 21.5 where tenths are meant. */
function tenths(raw: unknown, unit: string | undefined): string {
  const number = finiteNumber(raw);
  if (unit?.startsWith('0.1 ') !== true || number === undefined) return '';
  return ` of tenths: write ${Math.round(number * 10)} for ${number} ${unit.slice(4)}`;
}

/** @param isTyped in Sber's form a part that is 0 may be left out */
function checkedColour(value: unknown, place: Place, isTyped: boolean): Colour {
  if (!isRecord(value)) refuse(place, 'must be a colour { h, s, v }');
  const [other] = Object.keys(value).filter((name) => !(PARTS as readonly string[]).includes(name));
  if (other !== undefined)
    refuse(place.at(other), 'is no part of a colour: give hue, saturation and value, { h, s, v }');
  const part = (name: (typeof PARTS)[number]): number => {
    const text = integerText(value[name] ?? (isTyped ? 0 : undefined));
    if (text === undefined) refuse(place.at(name), 'must be a whole number');
    return Number(text);
  };
  return { h: part('h'), s: part('s'), v: part('v') };
}

/** Of a function that the catalogue does not know, by the look of the value. */
function guessedType(value: unknown, place: Place): ValueType {
  switch (typeof value) {
    case 'boolean':
      return 'BOOL';
    case 'number':
      return Number.isInteger(value) ? 'INTEGER' : 'FLOAT';
    case 'string':
      // No function of the catalogue is a STRING; words are ENUMs.
      return 'ENUM';
    default:
      if (isRecord(value) && PARTS.every((part) => part in value)) return 'COLOUR';
      return refuse(place, 'must be a boolean, a number, a text, or a colour { h, s, v }');
  }
}

/** What the documentation says otherwise. The cloud has the last word, so nothing is refused here. */
function warnOfDoubts(key: string, facts: FunctionFacts, value: TypedValue, place: Place): void {
  if (value.type !== facts.type) {
    place.warn(`the catalogue says ${facts.type}, not ${value.type}`);
    return;
  }
  const number = value.float_value ?? Number(value.integer_value ?? NaN);
  const range = functionRange(key);
  if (range !== undefined && (number < range.min || number > range.max)) {
    place.warn(`${number} is outside the documented range ${range.min} to ${range.max}`);
  }
  if (facts.values !== undefined && value.enum_value !== undefined && !facts.values.includes(value.enum_value)) {
    place.warn(`"${value.enum_value}" is none of the documented words ${facts.values.join(', ')}`);
  }
  for (const part of value.colour_value === undefined ? [] : PARTS) {
    const { min, max } = COLOUR_BOUNDS[part];
    const given = value.colour_value?.[part] ?? 0;
    if (given < min || given > max) place.at(part).warn(`${given} is outside the documented range ${min} to ${max}`);
  }
}

/** States of devices as they came, as plain values by device and function. */
export function plainDevices(devices: ReadonlyMap<string, unknown>): {
  values: Record<string, Record<string, PlainValue>>;
  warnings: Warning[];
} {
  const warnings: Warning[] = [];
  const values = [...devices].map(([deviceId, states]): [string, Record<string, PlainValue>] => {
    const warn = (path: string, message: string): void => void warnings.push({ deviceId, path, message });
    return [deviceId, plainStates(states, warn)];
  });
  return { values: Object.fromEntries(values), warnings };
}

function plainStates(states: unknown, warn: (path: string, message: string) => void): Record<string, PlainValue> {
  if (states === undefined || states === null) return {};
  if (!Array.isArray(states)) {
    warn('states', 'is not the list that Sber documents; it was not read');
    return {};
  }
  const plain: [string, PlainValue][] = [];
  for (const [index, state] of (states as unknown[]).entries()) {
    const { key, value } = isRecord(state) ? state : {};
    if (typeof key !== 'string') {
      warn(`states[${index}]`, 'names no function; it was not read');
      continue;
    }
    const read = plainValue(value);
    if (read === null) warn(key, 'is not understood; it is null here');
    plain.push([key, read]);
  }
  return Object.fromEntries(plain);
}

/** A typed value as it came, as a plain one; null where it is not understood. `{ "type": "INTEGER" }` is 0. */
export function plainValue(value: unknown): PlainValue {
  if (!isRecord(value)) return null;
  const type = typeOf(value);
  if (type === undefined) return null;
  const raw = value[fieldOf(type)] ?? undefined;
  if (raw === undefined) {
    const isOmitted = Object.keys(value).every((name) => name === 'type' || name === fieldOf(type));
    return isOmitted ? readAs(type, DEFAULTS[type]) : null;
  }
  return readAs(type, raw);
}

function readAs(type: ValueType, raw: unknown): PlainValue {
  switch (type) {
    case 'BOOL':
      return raw === true || raw === 'true' ? true : raw === false || raw === 'false' ? false : null;
    case 'INTEGER': {
      const text = integerText(raw);
      if (text === undefined) return null;
      return Number.isSafeInteger(Number(text)) ? Number(text) : text;
    }
    case 'FLOAT':
      return finiteNumber(raw) ?? null;
    case 'STRING':
    case 'ENUM':
      return typeof raw === 'string' ? raw : null;
    case 'COLOUR': {
      if (!isRecord(raw) || Object.keys(raw).some((name) => !(PARTS as readonly string[]).includes(name))) return null;
      const [h, s, v] = PARTS.map((part) => finiteNumber(raw[part] ?? 0));
      return h === undefined || s === undefined || v === undefined ? null : { h, s, v };
    }
  }
}

/** The type that a value names; where it names none, the one that its `…_value` field shows. */
export function typeOf(value: Raw): ValueType | undefined {
  const { type } = value;
  if (type !== undefined && type !== null) return isType(type) ? type : undefined;
  return TYPES.find((each) => fieldOf(each) in value);
}

function isType(type: unknown): type is ValueType {
  return (TYPES as readonly unknown[]).includes(type);
}

type ValueField = Exclude<keyof TypedValue, 'type'>;

function fieldOf(type: ValueType): ValueField {
  return `${type.toLowerCase()}_value` as ValueField;
}
