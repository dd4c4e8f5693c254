/**
 * Values of functions: plain JavaScript on one side (`true`, `215`, `"open"`, `{ h, s, v }`), Sber's typed form on the
 * other. Writing is strict and goes by the catalogue; reading takes every edition and fills in what proto3 leaves out.
 */
import { invalidInput } from '../common/errors';
import { COLOUR_BOUNDS, functionFacts, type FunctionFacts } from './catalogue';
import { isObject, type Colour, type Raw, type Remark, type State, type TypedValue, type ValueType } from './shapes';

/** What a flow sees. An integer beyond 2^53 stays text; null: Sber has no value. */
export type PlainValue = boolean | number | string | Colour | null;

const TYPES: readonly string[] = ['BOOL', 'INTEGER', 'FLOAT', 'STRING', 'ENUM', 'COLOUR'] satisfies ValueType[];
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/** Refuses with INVALID_INPUT, naming the place. */
export function refuse(path: string, message: string): never {
  throw invalidInput(`${path}: ${message}`, `Correct "${path}" and send the message again. Nothing was sent.`);
}

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
 * A plain value in Sber's typed form. A value that is typed already is checked and passed on, so that what the catalogue
 * does not know can still be sent.
 * @throws INVALID_INPUT where the value is not of the function's type
 */
export function typedValue(key: string, value: unknown, path: string, remark: (remark: Remark) => void): TypedValue {
  // Neither false nor 0: who has no reading must not tell Sber one.
  if (value === null) refuse(path, 'is null; leave it out, so that Sber keeps what it has');
  const facts = functionFacts(key);
  const typed = isTyped(value)
    ? checkedValue(value, path)
    : checkedValue(asType(facts?.type ?? guessedType(value, path), value), path, value);
  if (facts === undefined) remark({ path, message: `the catalogue does not know the function ${key}` });
  else tellDoubts(facts, typed, path, remark);
  return typed;
}

/**
 * Plain values of one device as states, in the order given. Values that are undefined are passed over. Remarks name the
 * function as their path.
 * @param place where the device stands in the message, for a refusal
 */
export function statesOf(values: Raw, place: string, remark: (remark: Remark) => void): State[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      if (key === '') refuse(place, 'has a value without the name of a function');
      const tell = ({ path, message }: Remark): void => remark({ path: path.slice(place.length + 1), message });
      return { key, value: typedValue(key, value, `${place}.${key}`, tell) };
    });
}

/** States as they came, as plain values by function. What has no key says nothing. */
export function plainStates(states: unknown): Record<string, PlainValue> {
  if (!Array.isArray(states)) return {};
  return Object.fromEntries(
    states
      .filter(isObject)
      .flatMap(({ key, value }): [string, PlainValue][] =>
        typeof key === 'string' ? [[key, plainValue(value, functionFacts(key)?.type)]] : [],
      ),
  );
}

/** A typed value as it came, as a plain one. `{ "type": "INTEGER" }` is 0: answers leave defaults out. */
export function plainValue(value: unknown, expected?: ValueType): PlainValue {
  if (!isObject(value)) return null;
  const type = typeOf(value) ?? expected;
  const raw = type === undefined ? undefined : value[fieldOf(type)];
  switch (type) {
    case 'BOOL':
      return raw === true || raw === 'true';
    case 'INTEGER': {
      const text = integerText(raw ?? 0);
      if (text === undefined) return null;
      return Number.isSafeInteger(Number(text)) ? Number(text) : text;
    }
    case 'FLOAT':
      return finiteNumber(raw ?? 0) ?? null;
    case 'STRING':
    case 'ENUM':
      return typeof raw === 'string' ? raw : '';
    case 'COLOUR': {
      const { h, s, v } = isObject(raw) ? raw : {};
      return { h: finiteNumber(h) ?? 0, s: finiteNumber(s) ?? 0, v: finiteNumber(v) ?? 0 };
    }
    default:
      return null;
  }
}

/** The type that a value names, or that its one `…_value` field shows. */
export function typeOf(value: Raw): ValueType | undefined {
  const { type } = value;
  if (isType(type)) return type;
  return (TYPES as readonly ValueType[]).find((each) => fieldOf(each) in value);
}

/**
 * A value in Sber's form, with everything that is not part of it left out and what proto3 leaves out filled in.
 * @param shown what to quote in a refusal, where the caller wrote something else than `value`
 * @throws INVALID_INPUT
 */
export function checkedValue(value: unknown, path: string, shown?: unknown): TypedValue {
  if (!isObject(value)) refuse(path, 'must be a value with a type, such as { "type": "BOOL", "bool_value": true }');
  const { type } = value;
  if (!isType(type)) refuse(`${path}.type`, `must be one of ${TYPES.join(', ')}`);
  const raw = value[fieldOf(type)] ?? undefined;
  const plain = shown === undefined ? `${path}.${fieldOf(type)}` : path;
  switch (type) {
    case 'BOOL':
      if (raw !== undefined && typeof raw !== 'boolean') refuse(plain, 'must be true or false');
      return { type, bool_value: raw ?? false };
    case 'INTEGER': {
      const integer_value = integerText(raw ?? 0);
      if (integer_value === undefined) refuse(plain, 'must be a whole number');
      return { type, integer_value };
    }
    case 'FLOAT': {
      const float_value = finiteNumber(raw ?? 0);
      if (float_value === undefined) refuse(plain, 'must be a number');
      return { type, float_value };
    }
    case 'STRING':
      if (raw !== undefined && typeof raw !== 'string') refuse(plain, 'must be text');
      return { type, string_value: raw ?? '' };
    case 'ENUM':
      if (typeof raw !== 'string' || raw === '') refuse(plain, 'must be one of the function’s words, as text');
      return { type, enum_value: raw };
    case 'COLOUR':
      return { type, colour_value: colour(raw ?? {}, plain) };
  }
}

function colour(value: unknown, path: string): Colour {
  if (!isObject(value)) refuse(path, 'must be a colour { h, s, v }');
  const part = (name: 'h' | 's' | 'v'): number => {
    const text = integerText(value[name] ?? 0);
    if (text === undefined) refuse(`${path}.${name}`, 'must be a whole number');
    return Number(text);
  };
  return { h: part('h'), s: part('s'), v: part('v') };
}

function asType(type: ValueType, value: unknown): Raw {
  return { type, [fieldOf(type)]: type === 'ENUM' && typeof value === 'number' ? String(value) : value };
}

/** Of a function that the catalogue does not know, by the look of the value. */
function guessedType(value: unknown, path: string): ValueType {
  switch (typeof value) {
    case 'boolean':
      return 'BOOL';
    case 'number':
      return Number.isInteger(value) ? 'INTEGER' : 'FLOAT';
    case 'string':
      // No function of the catalogue is a STRING; words are ENUMs.
      return 'ENUM';
    default:
      if (isObject(value) && 'h' in value && 's' in value && 'v' in value) return 'COLOUR';
      return refuse(path, 'must be a boolean, a number, a text, or a colour { h, s, v }');
  }
}

function isTyped(value: unknown): boolean {
  return isObject(value) && 'type' in value;
}

function isType(type: unknown): type is ValueType {
  return typeof type === 'string' && TYPES.includes(type);
}

type ValueField = Exclude<keyof TypedValue, 'type'>;

function fieldOf(type: ValueType): ValueField {
  return `${type.toLowerCase()}_value` as ValueField;
}

/** What the documentation says otherwise. The cloud has the last word, so nothing is refused here. */
function tellDoubts(facts: FunctionFacts, value: TypedValue, path: string, remark: (remark: Remark) => void): void {
  if (value.type !== facts.type) {
    remark({ path, message: `the catalogue says ${facts.type}, not ${value.type}` });
    return;
  }
  const number = value.float_value ?? Number(value.integer_value ?? NaN);
  if (facts.min !== undefined && facts.max !== undefined && (number < facts.min || number > facts.max)) {
    remark({ path, message: `${number} is outside the documented range ${facts.min} to ${facts.max}` });
  }
  if (facts.values !== undefined && value.enum_value !== undefined && !facts.values.includes(value.enum_value)) {
    remark({ path, message: `"${value.enum_value}" is none of the documented words ${facts.values.join(', ')}` });
  }
  if (value.colour_value !== undefined) {
    for (const part of ['h', 's', 'v'] as const) {
      const { min, max } = COLOUR_BOUNDS[part];
      const given = value.colour_value[part];
      if (given < min || given > max) {
        remark({ path: `${path}.${part}`, message: `${given} is outside the documented range ${min} to ${max}` });
      }
    }
  }
}
