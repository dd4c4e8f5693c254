/**
 * Reads settings as they arrive from a flow: strings where a number is meant (`${ENV}` was substituted before), numbers
 * where a string is meant, nothing at all in flows written by hand. An empty text is the default.
 */
import { invalidInput } from './errors';

/** A `${NAME}` that nobody substituted: the variable does not exist. */
const UNSET_VARIABLE = /^\$\{[^}]*\}$/;

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

export interface SecondsSetting {
  /** For error messages. */
  name: string;
  /** Seconds. */
  fallback: number;
  /** Whether 0 has a meaning. */
  zero?: boolean;
  /** Seconds; greater values count as this one. */
  most: number;
}

/** A duration in seconds, as milliseconds. @throws CodedError INVALID_INPUT */
export function secondsSetting(value: unknown, { name, fallback, zero = false, most }: SecondsSetting): number {
  const text = textSetting(value, name);
  const seconds = text === '' ? fallback : Number(text);
  if (!(seconds > 0) && !(zero && seconds === 0)) {
    throw invalidInput(
      `${name} is no usable number of seconds`,
      `Give ${name} as a number of seconds${zero ? ', or 0' : ' above 0'}.`,
    );
  }
  return Math.min(seconds, most) * 1000;
}

/** A check box; `${ENV}` makes it a text. @throws CodedError INVALID_INPUT */
export function flagSetting(value: unknown, name: string, fallback: boolean): boolean {
  if (typeof value === 'boolean') return value;
  const text = textSetting(value, name).toLowerCase();
  if (text === '') return fallback;
  if (['true', '1', 'yes', 'on'].includes(text)) return true;
  if (['false', '0', 'no', 'off'].includes(text)) return false;
  throw invalidInput(`${name} is neither true nor false`, `Set ${name} to true or false.`);
}
