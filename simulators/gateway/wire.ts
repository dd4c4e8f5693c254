/**
 * The simulated gateway's way of speaking: forms in, JSON out, in the shapes that its documentation shows or in those
 * that gateways in the field send. What to say is decided by the gateway.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface SimulatedRequest {
  method: string;
  /** Without the query. */
  path: string;
  /** What follows the question mark, undecoded. The gateway looks at forms only. */
  query?: string;
  headers?: Readonly<Record<string, string | string[] | undefined>>;
  /** The body, undecoded. */
  body?: string;
}

/** What comes back, or what becomes of the connection instead. */
export type SimulatedAnswer =
  | { kind: 'answer'; status: number; headers: Record<string, string>; body: string }
  /** The connection ends in the middle of this body. */
  | { kind: 'truncated'; status: number; headers: Record<string, string>; body: string }
  /** The connection ends without an answer. */
  | { kind: 'dropped' }
  /** There was no connection at all. */
  | { kind: 'refused' }
  /** The connection stays and nothing comes. */
  | { kind: 'hang' };

/**
 * `message`: documented, `{"status":"500","message":"busy"}`; `ko`: code 500 under `status: "ko"`; `already-started`:
 * a 400 that names no parameter, seen while the bolt moves.
 */
export type BusyShape = 'message' | 'ko' | 'already-started';

export interface WireOptions {
  /**
   * `deployed`: what gateways in the field send (`{"status":"ok","code":0}`, `last_log`, failures as `ko` with `code` and
   * `cause`). `documented`: what the vendor's page shows (`{"status":"0","code":"ok"}`, `{"status":"33"}`). Default deployed.
   */
  dialect?: 'deployed' | 'documented';
  /** Whether the list has `last_log`. Default: as in the dialect (deployed yes, documented no). */
  lastLog?: boolean;
  /** Numbers as strings, everywhere. Default false. */
  numericStrings?: boolean;
  /** `/locker/synchronize` and `/locker/update` answer with nothing. Default false. */
  emptyLockerAnswers?: boolean;
  /** HTTP status of refusals. Default 200. */
  errorStatus?: number;
  /** Default: `already-started` while a bolt moves, else `message`. */
  busy?: BusyShape;
  /** Whether answers have a `Date` header, by the gateway's own clock. Default false. */
  date?: boolean;
  /** How it departs from what HTTP prescribes, over real connections. Default: not at all. */
  sloppy?: SloppyHttp;
}

/**
 * `bare-lf`, `one-bare-lf`: all lines, or one header, end in LF; `both-lengths`: Content-Length beside chunks;
 * `blank-after-chunk-size`; `control-in-header`: a control character in a header's value; `bytes-after`: more follows the
 * complete answer; `no-length`: the connection's end is that of the body; `nul-after-json`, `control-in-json`.
 */
export const SLOPPY_HTTP = [
  'bare-lf',
  'one-bare-lf',
  'both-lengths',
  'blank-after-chunk-size',
  'control-in-header',
  'bytes-after',
  'no-length',
  'nul-after-json',
  'control-in-json',
] as const;
export type SloppyHttp = (typeof SLOPPY_HTTP)[number];

export interface Device {
  identifier: string;
  rssi: number;
  battery: number;
  lastLog: number;
}

export interface Reading {
  code: number;
  identifier: string;
  version: number;
  position: number;
  rssi: number;
  battery: number;
}

/** What the gateway has to say, before it is put into a dialect. */
export type Outcome =
  | { kind: 'lockers'; devices: Device[] }
  | { kind: 'status'; version: number; text: string }
  | { kind: 'reading'; reading: Reading }
  | { kind: 'ok'; of: 'gateway' | 'lock-action' | 'lock-service' }
  | { kind: 'missing'; parameter: string }
  | { kind: 'refused'; code: number; cause: string }
  | { kind: 'busy'; moving: boolean }
  | { kind: 'http'; status: number; text: string };

/** Texts of the field for 49 and 50; that for 48 has never been published. */
const STATE_TEXT: Readonly<Record<number, string>> = { 48: 'Door unknown', 49: 'Door closed', 50: 'Door open' };

type Body = Record<string, unknown>;

/** Puts an outcome into the words of the dialect. */
export function render(outcome: Outcome, options: WireOptions): SimulatedAnswer {
  const documented = options.dialect === 'documented';
  const failed = options.errorStatus ?? 200;
  const num = (value: number): number | string => (options.numericStrings === true ? String(value) : value);
  switch (outcome.kind) {
    case 'lockers': {
      const withLog = options.lastLog ?? !documented;
      const devices = outcome.devices.map(({ identifier, rssi, battery, lastLog }) => ({
        identifier: num(Number(identifier)),
        rssi: num(rssi),
        battery: num(battery),
        ...(withLog ? { last_log: num(lastLog) } : {}),
      }));
      return json(200, { status: 'ok', devices });
    }
    case 'status':
      return json(200, { version: String(outcome.version), current_status: outcome.text });
    case 'reading': {
      const { code, identifier, version, position, rssi, battery } = outcome.reading;
      return json(200, {
        status: STATE_TEXT[code],
        code: num(code),
        id: num(Number(identifier)),
        version: num(version),
        position: num(position),
        rssi: num(rssi),
        battery: num(battery),
      });
    }
    case 'ok':
      if (outcome.of === 'lock-service' && options.emptyLockerAnswers === true) return text(200, '');
      // The page shows the two swapped for locks, and the right way round for the gateway itself.
      if (documented && outcome.of !== 'gateway') return json(200, { status: '0', code: 'ok' });
      return json(200, { status: 'ok', code: num(0) });
    case 'missing':
      if (documented) return json(failed, { status: '400', code: outcome.parameter });
      return json(failed, { status: 'ko', code: num(400), cause: `missing parameter ${outcome.parameter}` });
    case 'refused':
      if (documented) return json(failed, { status: String(outcome.code) });
      return json(failed, { status: 'ko', code: num(outcome.code), cause: outcome.cause });
    case 'busy':
      return busy(options.busy ?? (outcome.moving ? 'already-started' : 'message'), documented, failed, num);
    case 'http':
      return text(outcome.status, outcome.text);
  }
}

/** The gateway's codes for signed requests. The texts are ours; nobody has published those of the gateway. */
const CAUSES = {
  32: 'locker not shared',
  33: 'invalid hmac',
  34: 'locker not detected',
  35: 'locker not compatible',
  36: 'key refused',
  37: 'communication error',
  38: 'gateway time invalid',
} as const;

export function refused(code: keyof typeof CAUSES): Outcome {
  return { kind: 'refused', code, cause: CAUSES[code] };
}

/** An outcome as the journal names it. */
export function nameOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'refused':
      return `refused ${outcome.code}`;
    case 'missing':
      return 'refused 400';
    case 'busy':
      return 'busy';
    case 'http':
      return `http ${outcome.status}`;
    default:
      return 'ok';
  }
}

function busy(
  shape: BusyShape,
  documented: boolean,
  status: number,
  num: (value: number) => number | string,
): SimulatedAnswer {
  switch (shape) {
    case 'message':
      return json(status, { status: '500', message: 'busy' });
    case 'ko':
      return json(status, { status: 'ko', code: num(500), cause: 'busy' });
    case 'already-started':
      if (documented) return json(status, { status: '400', code: 'action already started' });
      return json(status, { status: 'ko', code: num(400), cause: 'action already started' });
  }
}

function json(status: number, body: Body): SimulatedAnswer {
  return { kind: 'answer', status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

function text(status: number, body: string, type = 'text/plain'): SimulatedAnswer {
  return { kind: 'answer', status, headers: { 'Content-Type': type }, body };
}

/** More than any client should read. */
const HUGE_BYTES = 4 * 1024 * 1024;

/** What forges a line of a log, sets the title of a terminal, and turns what follows around. */
export const FORGED =
  'busy\r\n1 Jan 00:00:00 - [error] [lock-action:1] forged\u001b]0;forged\u0007\u001b[2J\u202eforged';

/** Answers of no use. */
export const USELESS = {
  garbage: () => text(200, '\u0000\u0001{"status":ok,,'),
  empty: () => text(200, ''),
  html: () => text(200, '<!DOCTYPE html><html><body><h1>It works</h1></body></html>', 'text/html'),
  huge: () => json(200, { status: 'ok', code: 0, padding: '0'.repeat(HUGE_BYTES) }),
  redirect: (): SimulatedAnswer => ({ kind: 'answer', status: 302, headers: { Location: '/status' }, body: '' }),
} as const;

/** Reads a form as every form decoder does: `+` is a space, so a hash sent without percent-encoding comes out wrong. */
export function decodeForm(body: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(body));
}

/** Whether `hash` is the HMAC-SHA256 of the timestamp's text under the share code, in padded base64. */
export function isSigned(code: string, ts: string, hash: string): boolean {
  const expected = Buffer.from(createHmac('sha256', Buffer.from(code, 'latin1')).update(ts).digest('base64'));
  const given = Buffer.from(hash);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
