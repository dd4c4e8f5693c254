/**
 * What a node is set to. A node declares its settings as a record of `Setting`s, and `parseSettings` reads them once, at
 * deploy. They arrive as flows hold them: texts where a number is meant (`${ENV}` was filled in before), numbers where a
 * text is meant, nothing at all in flows written by hand. An empty text is the default. Free of Node.js.
 */
import { CodedError, invalidInput } from './errors';

export interface Setting<T> {
  /** @throws CodedError INVALID_INPUT, saying which setting is wrong and what to do */
  readonly parse: (value: unknown) => T;
  /**
   * True where the dialog offers "from the message", "from the flow" and so on beside the plain value: `<name>Type` in the
   * node then says which, and the value is read with each message.
   */
  readonly typed?: boolean;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;
/** What a record of settings is read to. */
export type Parsed<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** Reads all of them. @throws CodedError INVALID_INPUT */
export function parseSettings<S extends Settings>(settings: S, values: Readonly<Record<string, unknown>>): Parsed<S> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, setting]) => [key, ofSetting(key, () => setting.parse(values[key]))]),
  ) as Parsed<S>;
}

/** Names the setting that is at fault for the badge, `setting.<key>`, where the error names nothing more precise. */
export function ofSetting<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CodedError) || error.badge !== undefined) throw error;
    throw new CodedError<string>(error.code as string, error.message, error.cause, `setting.${key}`);
  }
}

/** The same setting, with "from the message" and so on offered in the dialog. */
export function typed<T>(setting: Setting<T>): Setting<T> {
  return { ...setting, typed: true };
}

/** A setting that is read from its text. */
function setting<T>(name: string, read: (given: string) => T): Setting<T> {
  return { parse: (value) => read(textSetting(value, name)) };
}

/** A text without blanks around it. `name` as it stands in a sentence: "the path". @throws see `Setting.parse` */
export function text(name: string, fallback = ''): Setting<string> {
  return setting(name, (given) => given || fallback);
}

/** A text in which a variable beside other text can only be a mistake: an address, an ID. */
export function wholeText(name: string, fallback = ''): Setting<string> {
  return setting(name, (given) => {
    refusePartVariable(given, name);
    return given || fallback;
  });
}

/** A text that no message quotes, refused where only a part of it is a variable. */
export function secret(name: string): Setting<string> {
  return setting(name, (given) => {
    if (PART_VARIABLE.test(given)) throw partVariable(`${name} has one beside other text`, name);
    return given;
  });
}

/** One of a few words, whatever their case. */
export function choice<const W extends string>(name: string, words: readonly W[], fallback: W): Setting<W> {
  return setting(name, (given) => {
    if (given === '') return fallback;
    const found = words.find((word) => word.toLowerCase() === given.toLowerCase());
    if (found !== undefined) return found;
    const list = words.map((word) => `"${word}"`).join(', ');
    throw invalidInput(`${name} is "${given.slice(0, 30)}"`, `Set ${name} to one of ${list}.`);
  });
}

export interface NumberRange {
  /** When empty. */
  fallback: number;
  least?: number;
  /** Greater numbers count as this one. */
  most?: number;
}

/** A duration in seconds, read as milliseconds. Greater than 0; `zero` allows 0 too. */
export function seconds(
  name: string,
  { fallback, most = Infinity, zero = false }: NumberRange & { zero?: boolean },
): Setting<number> {
  return setting(name, (given) => {
    const duration = given === '' ? fallback : Number(given);
    if (duration > 0 || (zero && duration === 0)) return Math.min(duration, most) * 1000;
    throw invalidInput(
      `${name} is no usable number of seconds`,
      `Give ${name} as a number of seconds${zero ? ', or 0' : ' above 0'}.`,
    );
  });
}

/** A number, clamped to its range. */
export function number(name: string, { fallback, least = -Infinity, most = Infinity }: NumberRange): Setting<number> {
  return setting(name, (given) => {
    const number = given === '' ? fallback : Number(given);
    if (!Number.isFinite(number)) throw invalidInput(`${name} is no number`, `Give ${name} as a number.`);
    return Math.min(Math.max(number, least), most);
  });
}

/** A check box: true, 1, yes, on; false, 0, no, off. */
export function flag(name: string, fallback: boolean): Setting<boolean> {
  const read = setting(name, (given) => {
    const word = given.toLowerCase();
    if (word === '') return fallback;
    if (['true', '1', 'yes', 'on'].includes(word)) return true;
    if (['false', '0', 'no', 'off'].includes(word)) return false;
    throw invalidInput(`${name} is neither true nor false`, `Set ${name} to true or false.`);
  });
  return { parse: (value) => (typeof value === 'boolean' ? value : read.parse(value)) };
}

/** A `${NAME}` that was not filled in: the variable does not exist. */
const UNSET_VARIABLE = /^\$\{[^}]*\}$/;
/** One with something around it, which Node-RED never fills in. */
const PART_VARIABLE = /\$\{\w+\}/;

/** @throws CodedError INVALID_INPUT */
export function textSetting(value: unknown, name: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'string') throw invalidInput(`${name} is no text`, `Set ${name} in the node.`);
  const text = value.trim();
  if (UNSET_VARIABLE.test(text)) {
    throw invalidInput(
      `the environment variable ${text} for ${name} is not set`,
      `Set the environment variable ${text}, or type a value for ${name}.`,
    );
  }
  return text;
}

/**
 * For fields in which a variable beside other text can only be a mistake (an address, an ID).
 * @throws CodedError INVALID_INPUT
 */
export function refusePartVariable(text: string, name: string): void {
  if (PART_VARIABLE.test(text)) throw partVariable(`${name} is "${text.slice(0, 60)}"`, name);
}

function partVariable(fault: string, name: string): Error {
  return invalidInput(
    `Node-RED fills in a variable only where it is the whole field, and ${fault}`,
    `Put all of ${name} into one variable, and write nothing but \${NAME} into the field.`,
  );
}
