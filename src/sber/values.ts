/**
 * Values of functions: plain JavaScript on one side (`true`, `215`, `"open"`, `{ h, s, v }`), Sber's typed form on the
 * other. Writing is strict and goes by the catalogue; reading accepts every edition and fills in what proto3 leaves out.
 * What is not understood never becomes false, 0 or black: written it is refused, read it is null with a warning.
 */
import { isRecord } from '../common/json';
import { COLOUR_BOUNDS, functionFacts, functionRange, type FunctionFacts } from './catalogue';
import { inPortions, Place, refuse, type YieldLoop } from './items';
import type { Colour, Raw, Remark, State, States, TypedValue, ValueType, Warning } from './shapes';

/** What a flow sees. An integer beyond 2^53 stays text; null: Sber has no value, or one that is not understood. */
export type PlainValue = boolean | number | string | Colour | null;

interface Kind {
  /** What a value means that proto3 left out. */
  empty: PlainValue;
  /** What a value of this type must be, for people. */
  must: string;
  /** As it is sent; undefined where it is none of this type. `isTyped`: given in Sber's form already. */
  write: (value: unknown, isTyped: boolean) => PlainValue | undefined;
  /** Where reading accepts more than writing does. */
  read?: (value: unknown) => PlainValue | undefined;
}

const PARTS = ['h', 's', 'v'] as const;

const KINDS: Readonly<Record<ValueType, Kind>> = {
  BOOL: {
    empty: false,
    must: 'true or false',
    write: (value) => (typeof value === 'boolean' ? value : undefined),
    read: (value) =>
      value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
  },
  INTEGER: {
    empty: '0',
    must: 'a whole number',
    write: integerText,
    read: (value) => {
      const text = integerText(value);
      return Number.isSafeInteger(Number(text)) ? Number(text) : text;
    },
  },
  FLOAT: { empty: 0, must: 'a number', write: finiteNumber },
  STRING: { empty: '', must: 'text', write: asText },
  ENUM: {
    empty: '',
    must: 'one of the function’s words, as text',
    // hvac_heating_rate has the words 1 to 10.
    write: (value, isTyped) => {
      const word = asText(typeof value === 'number' && !isTyped ? String(value) : value);
      return word === '' ? undefined : word;
    },
    read: asText,
  },
  COLOUR: {
    empty: { h: 0, s: 0, v: 0 },
    must: 'a colour of whole numbers, { h, s, v }: hue, saturation and value',
    write: (value, isTyped) => {
      const part = (given: unknown): number => Number(integerText(given ?? (isTyped ? 0 : undefined)) ?? NaN);
      return colourOf(value, part);
    },
    read: (value) => colourOf(value, (part) => finiteNumber(part ?? 0) ?? NaN),
  },
};
const TYPES = Object.keys(KINDS) as readonly ValueType[];

/** The decimal text of a 64-bit integer given as number or text; undefined where it is none. */
export function integerText(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value === 0 ? 0 : value) : undefined;
  if (typeof value !== 'string' || !/^[+-]?\d{1,20}$/.test(value)) return undefined;
  const whole = BigInt(value.replace(/^\+/, ''));
  return BigInt.asIntN(64, whole) === whole ? whole.toString() : undefined;
}

/** A finite number given as number or text; undefined where it is none. */
export function finiteNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^[+-]?[\d.]/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A colour of parts that `part` reads, as NaN where they are none. One of red, green and blue is none. */
function colourOf(value: unknown, part: (value: unknown) => number): Colour | undefined {
  if (!isRecord(value) || Object.keys(value).some((name) => !(PARTS as readonly string[]).includes(name))) {
    return undefined;
  }
  const [h, s, v] = [part(value.h), part(value.s), part(value.v)];
  return Number.isNaN(h + s + v) ? undefined : { h, s, v };
}

/**
 * States to send, typed through the catalogue. A device's values are plain (`{ on_off: true }`) or already Sber's
 * (`{ states: [{ key, value }] }`). Values that are undefined are passed over.
 * @throws INVALID_INPUT naming device and function
 */
export async function checkStates(
  devices: unknown,
  yieldLoop: YieldLoop,
): Promise<{ states: States; warnings: Warning[] }> {
  const all = new Place('devices');
  if (!isRecord(devices)) refuse(all, 'must be an object with device ids as keys');
  const warnings: Warning[] = [];
  const checked: [string, States[string]][] = [];
  for await (const [deviceId, values] of inPortions(Object.entries(devices), yieldLoop)) {
    if (deviceId === '') refuse(all, 'has a device without an id');
    const remarks: Remark[] = [];
    checked.push([deviceId, { states: statesOf(values, new Place(`devices.${deviceId}`, remarks)) }]);
    warnings.push(...remarks.map((remark) => ({ deviceId, ...remark })));
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
    isRecord(value) && ('type' in value || holdsOneValue(value))
      ? checkedTyped(value, place)
      : written(facts?.type ?? guessedType(value, place), value, place, tenths(value, facts?.unit));
  if (facts === undefined) place.warn(`the catalogue does not know the function ${key}`);
  else warnOfDoubts(key, facts, typed, place);
  return typed;
}

/** Without a type, one field alone can be told from several that contradict each other. */
function holdsOneValue(value: Raw): boolean {
  const [name, ...others] = Object.keys(value);
  return others.length === 0 && TYPES.some((type) => name === fieldOf(type) && (value[name] ?? null) !== null);
}

function checkedTyped(value: Raw, place: Place): TypedValue {
  const type = typeOf(value);
  if (type === undefined) refuse(place.at('type'), `must be one of ${TYPES.join(', ')}`);
  const field = fieldOf(type);
  const held = heldBy(value, type);
  if (held === undefined) refuse(place, `has other fields than "${field}", in which a ${type} value stands`);
  return written(type, held, place.at(field));
}

/** What a typed value holds, with what proto3 leaves out filled in. Undefined where it stands under another name. */
function heldBy(value: Raw, type: ValueType): unknown {
  const field = fieldOf(type);
  const isLeftOut = Object.keys(value).every((name) => name === 'type' || name === field);
  return value[field] ?? (isLeftOut ? KINDS[type].empty : undefined);
}

/** @param advice for a plain value that is none; undefined: the value is given in Sber's form */
function written(type: ValueType, raw: unknown, place: Place, advice?: string): TypedValue {
  const { write, must } = KINDS[type];
  const value = write(raw, advice === undefined);
  return value === undefined ? refuse(place, `must be ${must}${advice ?? ''}`) : { type, [fieldOf(type)]: value };
}

/** What to write for 21.5 where tenths are meant. */
function tenths(raw: unknown, unit: string | undefined): string {
  const number = finiteNumber(raw);
  if (unit?.startsWith('0.1 ') !== true || number === undefined) return '';
  return ` of tenths: write ${Math.round(number * 10)} for ${number} ${unit.slice(4)}`;
}

/** Of a function that the catalogue does not know, by the look of the value. No function is a STRING; words are ENUMs. */
function guessedType(value: unknown, place: Place): ValueType {
  if (typeof value === 'boolean') return 'BOOL';
  if (typeof value === 'number') return Number.isInteger(value) ? 'INTEGER' : 'FLOAT';
  if (typeof value === 'string') return 'ENUM';
  if (isRecord(value) && PARTS.every((part) => part in value)) return 'COLOUR';
  return refuse(place, 'must be a boolean, a number, a text, or a colour { h, s, v }');
}

/** What the documentation says otherwise. The cloud has the last word, so nothing is refused here. */
function warnOfDoubts(key: string, facts: FunctionFacts, value: TypedValue, place: Place): void {
  if (value.type !== facts.type) {
    place.warn(`the catalogue says ${facts.type}, not ${value.type}`);
    return;
  }
  const { integer_value, float_value, enum_value, colour_value } = value;
  warnOfRange(float_value ?? Number(integer_value ?? NaN), functionRange(key), place);
  if (facts.values !== undefined && enum_value !== undefined && !facts.values.includes(enum_value)) {
    place.warn(`"${enum_value}" is none of the documented words ${facts.values.join(', ')}`);
  }
  if (colour_value === undefined) return;
  for (const part of PARTS) warnOfRange(colour_value[part], COLOUR_BOUNDS[part], place.at(part));
}

function warnOfRange(number: number, range: { min: number; max: number } | undefined, place: Place): void {
  if (range === undefined || !(number < range.min || number > range.max)) return;
  place.warn(`${number} is outside the documented range ${range.min} to ${range.max}`);
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
  const { write, read = (raw: unknown) => write(raw, true) } = KINDS[type];
  return read(heldBy(value, type)) ?? null;
}

/** A value as a cloud may have written it, in the form in which it would be sent; as it is where it is not understood. */
export function asSent(value: unknown): unknown {
  const type = isRecord(value) ? typeOf(value) : undefined;
  const plain = type === undefined ? null : plainValue(value);
  return type === undefined || plain === null ? value : { type, [fieldOf(type)]: KINDS[type].write(plain, true) };
}

/** The type that a value names; where it names none, the one that its `…_value` field shows. */
function typeOf(value: Raw): ValueType | undefined {
  const { type } = value;
  const isNamed = type !== undefined && type !== null;
  return TYPES.find((each) => (isNamed ? each === type : fieldOf(each) in value));
}

function fieldOf(type: ValueType): Exclude<keyof TypedValue, 'type'> {
  return `${type.toLowerCase()}_value` as Exclude<keyof TypedValue, 'type'>;
}
