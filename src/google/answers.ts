/**
 * What a message of a flow says about a device: its states, a failure, or that the user should be asked first. Reads the
 * shapes that `lock-action`, `lock-status` and Catch nodes send as they are. What follows from it is told by `home.ts`.
 */
import { invalidInput } from '../common/errors';
import type { Json } from '../state/state';
import type { Device } from './devices/device';
import type { Command } from './devices/trait';
import { googleCodeFor, type GoogleCode } from './error-codes';
import { isObject, type JsonObject } from './json';
import type { States } from './types';

export type Saying =
  | { kind: 'states'; said: States; blocking: boolean; failed?: GoogleCode }
  | { kind: 'error'; code: GoogleCode; debug?: string }
  | { kind: 'challenge'; said: States };

/** The part of a message that counts. */
export interface Message {
  payload?: unknown;
  /** What a Catch node adds. */
  error?: unknown;
}

/** What lock nodes send beside `state`: told to nobody. */
const READING_WORDS = [
  'identifier',
  'action',
  'state',
  'confirmed',
  'code',
  'batteryMillivolts',
  'rssi',
  'position',
  'version',
  'at',
];
/** What steers the answer and is no state; and two words of Google's answers, for which Home Graph refuses a report. */
const CONTROL_WORDS = ['error', 'debug', 'debugString', 'exceptions', 'challenge', 'status', 'errorCode'];
/** A command's own message, sent back as it came. */
const ECHO_WORDS = ['command', 'params', 'action', 'deviceId', 'acknowledged'];
const DEBUG_LENGTH = 200;
/** Of all states together, as JSON; Google's largest answers are far below. */
const MOST_CHARACTERS = 256 * 1024;

/**
 * @param command the command that the message answers; undefined for a state that nobody asked for
 * @throws CodedError `INVALID_INPUT`
 */
export function parseAnswer(message: Message, device: Device, command: Command | undefined): Saying {
  const { payload } = message;
  const failure = command?.failure ?? 'hardError';
  const { error, debug, debugString = debug } = isObject(payload) ? payload : {};
  if (error !== undefined && error !== null && error !== false) {
    return { kind: 'error', code: googleCodeFor(error, failure), ...debugOf(debugString) };
  }
  // A Catch node leaves the payload as it was when the other node failed; it says nothing about what came of it.
  if (isObject(message.error)) {
    const { code } = message.error;
    return { kind: 'error', code: googleCodeFor(code, failure), ...debugOf(code) };
  }
  if (!isObject(payload)) {
    throw invalidInput(
      'the payload is not an object',
      'Send states such as { isArmed: true }, { error: "armFailure" }, or what lock-action sends.',
    );
  }
  return fromPayload(payload, device, command);
}

function fromPayload(payload: JsonObject, device: Device, command: Command | undefined): Saying {
  const { exceptions, challenge } = payload;
  const rest = without(payload, CONTROL_WORDS);
  const reading = readingOf(rest, device);
  const plain = reading ?? withoutEcho(rest);
  if (exceptions !== undefined && !device.has('StatusReport')) {
    throw invalidInput('exceptions are for security systems only');
  }
  const meant: States = exceptions === undefined ? plain : { ...plain, currentStatusReport: exceptions };
  const fault = device.fault(meant);
  if (fault !== undefined) throw invalidInput(fault);
  const said = asJson(meant);
  if (challenge !== undefined && challenge !== null && challenge !== false) {
    if (challenge !== 'ackNeeded')
      throw invalidInput('challenge must be "ackNeeded": the PIN is asked by the node itself');
    return { kind: 'challenge', said };
  }
  const blocking = command !== undefined && anyBlocking(said);
  return { kind: 'states', said, blocking, ...(reading === undefined ? {} : unconfirmed(rest, said, command)) };
}

/**
 * A copy that can be kept and told: one word that cannot would spoil every answer about its device, and the file in which
 * the states of all of them are kept.
 */
function asJson(said: States): States {
  const copy = { ...said };
  let size = 0;
  for (const word in copy) {
    const value = copy[word];
    // Most states are one of these, which are JSON as they are.
    if (typeof value === 'boolean' || Number.isSafeInteger(value)) continue;
    // Undefined for functions and the like, whatever the types say.
    let text: unknown;
    try {
      text = JSON.stringify(value);
    } catch {
      throw invalidInput(
        `${word} holds something that cannot be told to Google`,
        'Send texts, numbers, true or false, and lists and objects of them.',
      );
    }
    if (typeof text === 'string') {
      size += text.length;
      copy[word] = JSON.parse(text) as Json;
    } else {
      Reflect.deleteProperty(copy, word);
    }
  }
  if (size > MOST_CHARACTERS) throw invalidInput('the payload is too large for states of a device');
  return copy;
}

/** What `lock-action` and `lock-status` read, in Google's words; undefined where it is no such reading. */
function readingOf(payload: JsonObject, device: Device): States | undefined {
  const { state } = payload;
  if (!device.has('LockUnlock') || 'isLocked' in payload) return undefined;
  if (state !== 'open' && state !== 'closed' && state !== 'unknown' && state !== null) return undefined;
  const said = without(payload, [...READING_WORDS, ...(device.has('EnergyStorage') ? [] : ['batteryPercent'])]);
  // `null`: nothing was read, so the command's own word stands. `unknown`: it was read, and nobody knows any more.
  return state === null ? said : { ...said, isLocked: state === 'unknown' ? null : state === 'closed' };
}

/** The gateway said ok and the lock still reads as before: not done, whatever the payload's shape. */
function unconfirmed(payload: JsonObject, said: States, command: Command | undefined): { failed?: GoogleCode } {
  const { confirmed } = payload;
  const { isLocked } = said;
  if (confirmed !== false || typeof isLocked !== 'boolean' || command === undefined) return {};
  return isLocked === (command.action === 'close') ? {} : { failed: command.failure };
}

function withoutEcho(payload: JsonObject): States {
  const { command, deviceId } = payload;
  if (typeof command !== 'string' || typeof deviceId !== 'string') return payload;
  return without(payload, ECHO_WORDS);
}

/** A word without a value, as flows make them of what they do not know, was not said. */
function without(payload: JsonObject, words: readonly string[]): States {
  let found = false;
  for (const word in payload) found ||= payload[word] === undefined || words.includes(word);
  if (!found) return { ...payload };
  return Object.fromEntries(
    Object.entries(payload as Partial<JsonObject>).filter(
      (entry): entry is [string, Json] => entry[1] !== undefined && !words.includes(entry[0]),
    ),
  );
}

function anyBlocking(said: States): boolean {
  const { currentStatusReport } = said;
  if (!Array.isArray(currentStatusReport)) return false;
  return currentStatusReport.some((entry) => {
    const { blocking } = isObject(entry) ? entry : {};
    return blocking === true;
  });
}

/** Google's `debugString` is read by developers, never spoken. */
function debugOf(debug: Json | undefined): { debug?: string } {
  return typeof debug === 'string' && debug !== '' ? { debug: debug.slice(0, DEBUG_LENGTH) } : {};
}
