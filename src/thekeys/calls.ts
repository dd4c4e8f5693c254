/**
 * The gateway's endpoints as data: path, method, what is sent along and how it is signed, how the answer is read. Sources:
 * the vendor's page, the vendor's Python demo for the forms that are really sent, and field reports for `/calibrate`.
 */
import { createHmac } from 'node:crypto';
import {
  readCommand,
  readLock,
  readLocks,
  readLockSynchronize,
  readLockUpdate,
  readStatus,
  readUpdate,
  type GatewayStatus,
  type ListedLock,
  type LockReading,
  type Reply,
} from './wire';

/** A lock, and the code of its share with the gateway. */
export interface Share {
  /** The "ID serrure". */
  identifier: string;
  code: string;
}

/** One request to the gateway, ready but for timestamp and signature. */
export interface Call<T> {
  path: string;
  method: 'GET' | 'POST';
  identifier?: string;
  code?: string;
  /** Answered from what the gateway knows, without Bluetooth, even while it works on something else. */
  light: boolean;
  /**
   * It moves a bolt or writes a firmware. Once it may have reached the gateway it is never sent again, and without a
   * usable answer its outcome is not known.
   */
  acts: boolean;
  read(body: string): Reply<T>;
}

/**
 * HMAC-SHA-256 of the timestamp's decimal digits, keyed with the share code's ASCII bytes, in padded base64 (vendor's page).
 * Only the timestamp is signed, so its uniqueness is the whole protection. @param timestamp Unix seconds
 */
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
  if (/^[\x21-\x7e]+$/.test(cleanCode(code))) return undefined;
  return 'the share code holds a space, an accented letter or another character that no share code has';
}

/** What a call sends along: nothing with GET; signed where it has a code. @param timestamp Unix seconds */
export function formOf({ method, identifier, code }: Call<unknown>, timestamp?: number): string {
  if (method === 'GET') return '';
  const fields: [string, string][] = [];
  if (identifier !== undefined) fields.push(['identifier', identifier]);
  if (code !== undefined && timestamp !== undefined) {
    fields.push(['ts', String(timestamp)], ['hash', sign(code, timestamp)]);
  }
  // A space never occurs, so the one difference between forms and percent-encoding makes no difference; `+` and `/` of a hash
  // must be encoded, or a form decoder turns `+` into a space.
  return fields.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
}

export type BoltAction = 'open' | 'close' | 'calibrate';

/** Answered from what the gateway knows. */
const READ = { method: 'GET', light: true, acts: false } as const;
const WORK = { method: 'POST', light: false, acts: false } as const;
const ACTION = { method: 'POST', light: false, acts: true } as const;

export const listCall: Call<ListedLock[]> = { ...READ, path: '/lockers', read: readLocks };

/** From gateway version 17 on. */
export const statusCall: Call<GatewayStatus> = { ...READ, path: '/status', read: readStatus };

/** @param now milliseconds since 1970 */
export function lockStatusCall(share: Share, now: () => number): Call<LockReading> {
  const read = (body: string): Reply<LockReading> => readLock(body, share.identifier, new Date(now()).toISOString());
  return { ...WORK, path: '/locker_status', ...share, read };
}

export function boltCall(action: BoltAction, share: Share): Call<null> {
  return { ...ACTION, path: `/${action}`, ...share, read: readCommand };
}

export const synchronizeCall: Call<null> = { ...WORK, path: '/synchronize', method: 'GET', read: readCommand };

/**
 * The vendor's page shows GET, the vendor's own client sends an empty POST, and so do others in use. POST goes first;
 * a gateway that does not know it says so, and is asked with GET.
 */
export function updateCall(method: 'GET' | 'POST'): Call<null> {
  return { ...ACTION, path: '/update', method, read: readUpdate };
}

export function lockSynchronizeCall(identifier: string): Call<null> {
  return { ...WORK, path: '/locker/synchronize', identifier, read: readLockSynchronize };
}

export function lockUpdateCall(identifier: string): Call<null> {
  return { ...ACTION, path: '/locker/update', identifier, read: readLockUpdate };
}
