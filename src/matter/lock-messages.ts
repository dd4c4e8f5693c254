/**
 * What a flow says of a lock: what `lock-action` and `lock-status` send, a failure from a Catch node, `{ isJammed }`,
 * `{ door }`. A state counts only where it was read: the `null` of a lock that was not read back shows nothing.
 */
import { CodedError, invalidInput } from '../common/errors';
import { foreignText } from '../common/foreign';
import { isRecord } from '../common/json';
import type { BoltAction } from './port';
import type { LockUpdate } from './bridge';

/** The parts of a message that say something of a lock. */
export interface FlowMessage {
  payload?: unknown;
  /** As a Catch node adds it. */
  error?: unknown;
}

export type FromFlow =
  { kind: 'state'; update: LockUpdate } | { kind: 'failure'; error: CodedError; isOutage: boolean };

/** Codes of a Catch node that say that the lock cannot be reached, rather than that one command failed. */
const OUTAGES: readonly string[] = ['GATEWAY_UNREACHABLE', 'GATEWAY_TIMEOUT', 'LOCK_NOT_DETECTED'];
const STATES: readonly unknown[] = ['open', 'closed', 'unknown', null];
const DOORS: readonly unknown[] = ['open', 'closed', null];
/** What a lock reads as when a command has succeeded. */
const WANTED: Readonly<Record<BoltAction, string>> = { open: 'open', close: 'closed' };

/** @throws CodedError INVALID_INPUT where it says nothing of a lock */
export function fromFlow(message: FlowMessage): FromFlow {
  const failure = failureIn(message.error);
  if (failure !== undefined) return { kind: 'failure', error: failure, isOutage: OUTAGES.includes(failure.code) };
  const { payload } = message;
  if (!isRecord(payload)) throw notUnderstood('msg.payload is no object');
  const update: LockUpdate = {
    ...stateIn(payload),
    ...(typeof payload.isJammed === 'boolean' ? { jammed: payload.isJammed } : {}),
    ...(DOORS.includes(payload.door) && 'door' in payload ? { door: payload.door as 'open' | 'closed' | null } : {}),
  };
  if (Object.keys(update).length === 0 && payload.state !== null) {
    throw notUnderstood('msg.payload says nothing of the lock');
  }
  return { kind: 'state', update };
}

/** Why what was read is not what a command asked for; undefined where it is, or where nothing was read. */
export function contradiction(action: BoltAction, { state, jammed }: LockUpdate): CodedError | undefined {
  const hint = 'Look at the door: the bolt may be blocked.';
  if (jammed === true) return new CodedError('LOCK_ERROR', 'the lock is jammed', { retriable: true, hint });
  if (state === undefined || state === null || state === WANTED[action]) return undefined;
  return new CodedError('LOCK_ERROR', `the lock then read as ${state}`, { retriable: true, hint });
}

/** The state with what else the lock said in the same reading. */
function stateIn(payload: Readonly<Record<string, unknown>>): LockUpdate {
  const { state, batteryPercent: battery, version } = payload;
  const isRead = STATES.includes(state) && state !== null;
  return {
    ...(isRead ? { state: state as 'open' | 'closed' | 'unknown', reachable: true } : {}),
    ...(typeof battery === 'number' && battery >= 0 && battery <= 100 ? { batteryPercent: battery } : {}),
    ...(isRead && typeof version === 'number' ? { firmware: String(version) } : {}),
  };
}

/** A Catch node gives the error's words in any case, its code where it is one of this package. */
function failureIn(error: unknown): CodedError | undefined {
  if (!isRecord(error)) return undefined;
  const code = typeof error.code === 'string' && /^[A-Z_]{3,40}$/.test(error.code) ? error.code : 'LOCK_ERROR';
  const message = foreignText(typeof error.message === 'string' ? error.message : code);
  return new CodedError(code, message, { retriable: true, hint: message });
}

const notUnderstood = (why: string): CodedError =>
  invalidInput(why, 'Send what lock-action, lock-status or a Catch node sends, or { isJammed }, or { door: "open" }.');
