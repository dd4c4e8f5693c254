/**
 * What gateways answer, read into types. Gateways in the field and the vendor's page disagree on nearly every shape, so
 * everything either of them sends is understood: numbers or numeric strings, `status` and `code` in either role, phrases
 * for a state. The body decides; the HTTP status is only reported. What follows from an answer is left to the callers.
 */
import { foreignText } from '../common/foreign';
import { isRecord, parseJson } from '../common/json';
import type { GatewayErrorCode } from './gateway-errors';

export type LockState = 'open' | 'closed' | 'unknown';

/** A lock as the gateway's list shows it: what it received over Bluetooth, without asking the lock. */
export interface ListedLock {
  identifier: string;
  /** dBm, negative. */
  rssi: number | null;
  batteryMillivolts: number | null;
  batteryPercent: number | null;
  /** Changes, up or down, whenever the lock has something new to report. Old firmware sends none. */
  lastLog?: number;
}

export interface LockReading {
  identifier: string;
  state: LockState;
  /** 48 unknown, 49 closed, 50 open. */
  code: number;
  batteryMillivolts: number | null;
  batteryPercent: number | null;
  rssi: number | null;
  /** Of the bolt; its scale is not documented. */
  position: number | null;
  /** Of the lock's firmware. */
  version: number | null;
  /** ISO 8601, when it was read. */
  at: string;
}

export interface GatewayStatus {
  version: number | null;
  currentStatus: string;
  /** While it lasts, locks are out of reach. */
  synchronizing: boolean;
}

/**
 * `ok`: the gateway did it, or answered it. `refused`: it said no, and nothing happened. `unusable`: whatever this is, it is
 * not what this endpoint sends, so what happened is not known.
 */
export type Reply<T> = { kind: 'ok'; value: T } | Refusal | Unusable;
export interface Refusal {
  kind: 'refused';
  code: GatewayErrorCode;
  gatewayCode?: number;
  /** The gateway's own words, fit to be shown. */
  detail?: string;
}
export interface Unusable {
  kind: 'unusable';
  why: string;
}

/** An answer's body, as far as it can be understood without knowing the endpoint. */
type Fields = Record<string, unknown>;

type CodeTable = Readonly<Partial<Record<number, GatewayErrorCode>>>;

/** Vendor's page, "Ouvrir une serrure"; 38 is undocumented and was seen in the field as "gateway time invalid". */
const COMMAND_CODES: CodeTable = {
  32: 'NOT_SHARED',
  33: 'INVALID_HMAC',
  34: 'LOCK_NOT_DETECTED',
  35: 'LOCK_INCOMPATIBLE',
  36: 'KEY_REFUSED',
  37: 'LOCK_ERROR',
  38: 'GATEWAY_CLOCK',
};
/** Vendor's page, "Synchroniser une serrure". */
const LOCK_SYNC_CODES: CodeTable = {
  ...COMMAND_CODES,
  1: 'LOCK_NOT_DETECTED',
  2: 'LOCK_INCOMPATIBLE',
  3: 'SYNC_DATA_INVALID',
  4: 'LOCK_ERROR',
};
/** Vendor's page, "Mise à jour de la gateway". */
const UPDATE_CODES: CodeTable = { ...COMMAND_CODES, 1: 'FIRMWARE_INVALID', 2: 'FIRMWARE_UNAVAILABLE' };

/** Vendor's page, "Status d'une serrure": 0x30 to 0x32. */
const STATE_CODES: Readonly<Partial<Record<number, LockState>>> = { 48: 'unknown', 49: 'closed', 50: 'open' };

const BUSY_CODE = 500;
const PARAMETER_CODE = 400;

/** Of open, close, calibrate and the gateway's synchronize. */
export const readCommand = outcomeReader(COMMAND_CODES);
export const readUpdate = outcomeReader(UPDATE_CODES);
/** These two were seen empty in the field, after success. */
export const readLockSynchronize = outcomeReader(LOCK_SYNC_CODES, { isEmptyFine: true });
export const readLockUpdate = outcomeReader(COMMAND_CODES, { isEmptyFine: true });

function outcomeReader(codes: CodeTable, { isEmptyFine = false } = {}): (body: string) => Reply<null> {
  return (body) => {
    if (isEmptyFine && body.trim() === '') return { kind: 'ok', value: null };
    const fields = parse(body);
    if (fields === undefined) return unusable(body);
    return isSuccess(fields) ? { kind: 'ok', value: null } : (refusal(fields, codes) ?? unusable(body));
  };
}

export function readStatus(body: string): Reply<GatewayStatus> {
  const fields = parse(body);
  if (fields === undefined) return unusable(body);
  // The deployed answer has no `status` at all.
  if (typeof fields.current_status !== 'string') return refusal(fields, COMMAND_CODES) ?? unusable(body);
  const currentStatus = foreignText(fields.current_status);
  return {
    kind: 'ok',
    value: { version: decimal(fields.version), currentStatus, synchronizing: /synchroni[sz]/i.test(currentStatus) },
  };
}

export function readLocks(body: string): Reply<ListedLock[]> {
  const fields = parse(body);
  if (fields === undefined) return unusable(body);
  const devices = isKo(fields) ? undefined : listOf(fields.devices);
  // A gateway that sees no lock may say null, and so may one that is busy.
  if (devices === undefined || fields.devices === null) {
    const refused = refusal(fields, COMMAND_CODES);
    if (refused !== undefined || devices === undefined) return refused ?? unusable(body);
  }
  return { kind: 'ok', value: devices.map(readListedLock).filter((lock) => lock !== undefined) };
}

/** An array, or an object with numbered keys in its place. */
function listOf(devices: unknown): unknown[] | undefined {
  if (devices === null) return [];
  if (Array.isArray(devices)) return devices as unknown[];
  return isRecord(devices) && Object.keys(devices).every((key) => /^\d+$/.test(key))
    ? Object.values(devices)
    : undefined;
}

/** @param at when it was read, ISO 8601 */
export function readLock(body: string, identifier: string, at: string): Reply<LockReading> {
  const fields = parse(body);
  if (fields === undefined) return unusable(body);
  // On success `status` is a phrase such as "Door closed"; only the code is reliable.
  const code = isKo(fields) ? undefined : stateCode(fields);
  if (code === undefined) return refusal(fields, COMMAND_CODES) ?? unusable(body);
  return {
    kind: 'ok',
    value: {
      identifier,
      state: STATE_CODES[code] ?? 'unknown',
      code,
      ...batteryOf(fields),
      rssi: decimal(fields.rssi),
      position: decimal(fields.position),
      version: decimal(fields.version),
      at,
    },
  };
}

/** `{"status":"ok","code":0}` as deployed, `{"status":"0","code":"ok"}` as documented, and either half alone. */
function isSuccess(fields: Fields): boolean {
  const { status, code } = fields;
  const good = (value: unknown): boolean => isOk(value) || decimal(value) === 0;
  if (status === undefined) return code !== undefined && good(code);
  return good(status) && (code === undefined || code === null || good(code));
}

/** What a failure says, or undefined where the body is no failure of a gateway either. */
function refusal(fields: Fields, codes: CodeTable): Refusal | undefined {
  const { status, code } = fields;
  const words = [code, fields.cause, fields.message, fields.error].filter((word) => typeof word === 'string');
  // `status` holds the number as documented, `code` as deployed.
  const number = [code, status].map(decimal).find((value) => value !== null && value !== 0) ?? undefined;
  const detail = words.find((word) => decimal(word) === null && !isOk(word));

  const refused = (reason: GatewayErrorCode, said?: string): Refusal => ({
    kind: 'refused',
    code: reason,
    ...(number !== undefined && { gatewayCode: number }),
    ...(said !== undefined && { detail: foreignText(said) }),
  });
  if (number === BUSY_CODE || (number === undefined && words.some((word) => /busy/i.test(word)))) {
    return refused('GATEWAY_BUSY');
  }
  if (number === PARAMETER_CODE) {
    // 400 is two things: a missing parameter, which it names, or "action already started", which is busy.
    const named = words.find((word) => /\b(timestamp|ts|hash|identifier|missing|manquant)/i.test(word));
    return named === undefined ? refused('GATEWAY_BUSY') : refused('MISSING_PARAMETER', named);
  }
  const isRefusal = number !== undefined || isKo(fields) || typeof fields.error === 'string';
  return isRefusal ? refused(codes[number ?? NaN] ?? 'LOCK_ERROR', detail) : undefined;
}

function readListedLock(device: unknown): ListedLock | undefined {
  if (!isRecord(device)) return undefined;
  const identifier = plainIdentifier(device.identifier);
  if (identifier === undefined) return undefined;
  const lastLog = decimal(device.last_log);
  return {
    identifier,
    rssi: decimal(device.rssi),
    ...batteryOf(device),
    ...(lastLog === null ? {} : { lastLog }),
  };
}

function stateCode(fields: Fields): number | undefined {
  const numbers = [fields.code, fields.status].map(decimal).filter((value) => value !== null);
  return numbers.find((value) => STATE_CODES[value] !== undefined);
}

/** Control characters are no part of JSON, but some gateways put them into texts, and a NUL at the end. */
function parse(body: string): Fields | undefined {
  const text = body.replace(/^\uFEFF/, '');
  const value = parseJson(text) ?? parseJson(text.replace(/\p{Cc}/gu, ' '));
  return isRecord(value) ? value : undefined;
}

function unusable(body: string): Unusable {
  if (body.trim() === '') return { kind: 'unusable', why: 'the answer is empty' };
  const why = parse(body) === undefined ? 'the answer is not JSON' : 'the answer is of another form';
  return { kind: 'unusable', why };
}

/** A finite number, from a number or a numeric string; null for anything else. */
function decimal(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || !/^\s*[+-]?\d+(\.\d+)?\s*$/.test(value)) return null;
  return Number(value);
}

/**
 * A lock's identifier as this package compares and sends it: digits without leading zeros. Undefined for what is neither
 * text nor a whole number.
 */
export function plainIdentifier(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? String(value) : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  return foreignText(value).replace(/^0+(?=\d+$)/, '');
}

/**
 * Two families of locks share nothing, so the voltage shows the family. The low one has no published calibration; its ends
 * are those of the vendor's own plug-in for eedomus. The ends of the high one are fitted to what the vendor's app showed
 * for 7783, 7951, 8030 and 8131 mV: 76, 87, 91 and 95 %. Beyond both no battery is meant: 0 of a lock that was never
 * received, 1, 255, 65535.
 */
const BATTERIES = [
  { from: 2000, below: 5000, empty: 3100, full: 4000 },
  { from: 5000, below: 9501, empty: 6395, full: 8204 },
] as const;

/** Percent: a whole number from 0 to 100, or null where there is no voltage of a battery. */
export function batteryPercent(millivolts: number | null): number | null {
  if (millivolts === null) return null;
  const battery = BATTERIES.find(({ from, below }) => millivolts >= from && millivolts < below);
  if (battery === undefined) return null;
  const share = (millivolts - battery.empty) / (battery.full - battery.empty);
  return Math.floor(Math.min(1, Math.max(0, share)) * 100);
}

function batteryOf({ battery }: Fields): Pick<LockReading, 'batteryMillivolts' | 'batteryPercent'> {
  const batteryMillivolts = decimal(battery);
  return { batteryMillivolts, batteryPercent: batteryPercent(batteryMillivolts) };
}

function isOk(value: unknown): boolean {
  return isWord(value, 'ok');
}

function isKo({ status, code }: Fields): boolean {
  return isWord(status, 'ko') || isWord(code, 'ko');
}

function isWord(value: unknown, word: 'ok' | 'ko'): boolean {
  return typeof value === 'string' && value.trim().toLowerCase() === word;
}
