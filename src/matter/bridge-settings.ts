/** What a bridge and its locks may be set to. Free of Node.js: the dialogs ask here too. */
import { invalidInput } from '../common/errors';
import { textSetting, type Setting } from '../common/settings';

/** The port that Matter's specification names, and the only one that Alexa looks for. */
export const MATTER_PORT = 5540;
/** Numbers that Matter reserves for what is not certified. */
export const TEST_VENDOR = 0xfff1;
export const TEST_PRODUCT = 0x8000;
/** Milliseconds. A home gives up after some 11 s. */
export const REPLY_TIMEOUT_MS = 2000;
export const LONGEST_REPLY_MS = 8000;

/** A whole number from 1 to 65535, also as `0xFFF1`; undefined for anything else. */
export function sixteenBits(value: string): number | undefined {
  if (!/^(0x[\da-f]+|\d+)$/i.test(value)) return undefined;
  const number = Number(value);
  return number >= 1 && number <= 0xffff ? number : undefined;
}

/** A number with which a maker or a product is registered, or a port. */
export function sixteenBitSetting(name: string, fallback: number): Setting<number> {
  return {
    parse: (value) => {
      const text = textSetting(value, name);
      const number = text === '' ? fallback : sixteenBits(text);
      if (number !== undefined) return number;
      throw invalidInput(
        `${name} is "${text.slice(0, 30)}"`,
        `Give ${name} as a number from 1 to 65535, such as 0x8000.`,
      );
    },
  };
}

/** Digits that every home's app can pass on. */
export const isPin = (pin: string): boolean => /^\d{4,8}$/.test(pin);
