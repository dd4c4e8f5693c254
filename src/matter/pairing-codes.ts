/** The passcode and the discriminator of a bridge: made once, and kept, for a QR code on a wall must stay good. */
import { randomInt } from 'node:crypto';
import { isRecord } from '../common/json';
import type { State } from '../state/state';

export interface PairingCodes {
  passcode: number;
  /** 12 bits, by which an app finds the bridge among others. */
  discriminator: number;
}

const MOST_PASSCODE = 99_999_998;
/** Matter Core Specification, 5.1.7.1: too easy to guess. */
const EASY = new Set([12_345_678, 87_654_321, ...Array.from({ length: 10 }, (_, digit) => digit * 11_111_111)]);

export function isPasscode(value: unknown): value is number {
  return (
    typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MOST_PASSCODE && !EASY.has(value)
  );
}

export function isDiscriminator(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 4096;
}

/** Those that are kept, or new ones, which are kept then. @throws StateError */
export function keptCodes(state: State, key: string): Promise<PairingCodes> {
  return state.change<PairingCodes>(key, (current) => {
    const { passcode, discriminator } = isRecord(current) ? current : {};
    if (isPasscode(passcode) && isDiscriminator(discriminator)) return { result: { passcode, discriminator } };
    const made = { passcode: newPasscode(), discriminator: randomInt(4096) };
    return { value: made, result: made };
  });
}

function newPasscode(): number {
  const passcode = randomInt(1, MOST_PASSCODE + 1);
  return isPasscode(passcode) ? passcode : newPasscode();
}
