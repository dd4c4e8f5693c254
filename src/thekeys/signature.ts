/**
 * The signature of a command: HMAC-SHA-256 of the timestamp's decimal digits, keyed with the share code's ASCII bytes,
 * in padded base64 (vendor's page). Only the timestamp is signed, so its uniqueness is the whole protection.
 */
import { createHmac } from 'node:crypto';

/** @param timestamp Unix seconds */
export function sign(code: string, timestamp: number): string {
  return createHmac('sha256', Buffer.from(code, 'ascii')).update(String(timestamp), 'ascii').digest('base64');
}

/** The share code as typed, less the blanks that come along when copying. */
export function cleanCode(code: string): string {
  return code.trim();
}

/** Why a text cannot be a share code, or undefined where it can. Never quotes the text. */
export function faultOfCode(code: string): string | undefined {
  if (cleanCode(code) === '') return 'no share code is set';
  if (!/^[\x21-\x7e]+$/.test(cleanCode(code))) {
    return 'the share code holds a space, an accented letter or another character that no share code has';
  }
  return undefined;
}
