/** Settings as flows and people bring them, sane and not. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CodedError, textOf } from '../../../src/common/errors';
import { Redactor } from '../../../src/common/redact';
import { flag, seconds, textSetting } from '../../../src/common/settings';

const everything = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
  }),
  fc.constantFrom<unknown>(
    '${NAME}',
    ' ${NAME} ',
    '${',
    '1e400',
    '-0',
    '0x10',
    'Infinity',
    'TRUE',
    ' yes ',
    '٣',
    Symbol('s'),
  ),
);
const orRefused = <T>(read: () => T, check: (value: T) => void): void => {
  let value: T;
  try {
    value = read();
  } catch (error) {
    assert.ok(error instanceof CodedError && error.code === 'INVALID_INPUT', textOf(error));
    return;
  }
  check(value);
};

describe('settings', () => {
  it('a text is trimmed text, whatever it was set to, or refused', () => {
    fc.assert(
      fc.property(everything, (value) =>
        orRefused(
          () => textSetting(value, 'x'),
          (text) => assert.equal(text, text.trim()),
        ),
      ),
      { numRuns: 1000 },
    );
  });

  it('a duration is a number of milliseconds within its limits, or refused', () => {
    fc.assert(
      fc.property(everything, fc.boolean(), (value, zero) => {
        const read = (): number => seconds('x', { fallback: 30, zero, most: 600 }).parse(value);
        orRefused(read, (ms) => assert.ok(ms <= 600_000 && (zero ? ms >= 0 : ms > 0), String(ms)));
      }),
      { numRuns: 1000 },
    );
  });

  it('a check box is true or false, or refused', () => {
    fc.assert(
      fc.property(everything, (value) =>
        orRefused(
          () => flag('x', true).parse(value),
          (read) => assert.equal(typeof read, 'boolean'),
        ),
      ),
      { numRuns: 1000 },
    );
  });

  it('anything thrown has a text', () => {
    fc.assert(fc.property(everything, (thrown) => assert.equal(typeof textOf(thrown), 'string')));
  });

  it('a secret is taken out of any text, in each of its spellings', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), fc.string(), (secret, before, after) => {
        const redactor = new Redactor(secret);
        for (const spelling of [secret, JSON.stringify(secret).slice(1, -1)]) {
          const clean = redactor.text(`${before}${spelling}${after}`);
          // What stands around it may spell it anew with the mask between; the mask itself is no secret.
          if (!/[*]/.test(secret) && !`${before}***${after}`.toLowerCase().includes(spelling.toLowerCase()))
            assert.ok(!clean.toLowerCase().includes(spelling.toLowerCase()));
        }
      }),
      { numRuns: 1000 },
    );
  });
});
