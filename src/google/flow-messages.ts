/**
 * The messages between the home and a flow: what a flow gets of a command, and what its messages say about a device: states,
 * a failure, notifications, or that the user should be asked first. Reads the shapes that `lock-action`, `lock-status` and
 * Catch nodes send as they are. What follows from it: `results.ts`.
 */
import { invalidInput } from '../common/errors';
import { foreignText } from '../common/foreign';
import { isRecord, pickFields, type Json } from '../common/json';
import { TRAIT_PREFIX } from './device-settings';
import type { Device } from './devices/device';
import { isResultOf } from './devices/published';
import { entriesOf, reportFault } from './devices/status-report';
import type { Action, Command } from './devices/trait';
import { googleCodeFor, isGoogleCode, type GoogleCode } from './error-codes';
import type { CommandRequest } from './permission';
import type { JsonObject, States } from './types';

/** What a flow gets of a command. */
export interface CommandMessage {
  payload: {
    command: string;
    params: JsonObject;
    action?: Action;
    deviceId: string;
    acknowledged?: true;
    /** The name under which the person who commands has linked. */
    user: string;
  };
  /** The handle by which the flow answers. */
  google: string;
}

/** @param google the handle by which the flow answers */
export function commandMessage(
  { command: { name, params, action }, device, identity: { user } }: CommandRequest,
  acknowledged: boolean,
  google: string,
): CommandMessage {
  // A copy of its own: flows change what they get, and devices of one request share theirs.
  const payload: CommandMessage['payload'] = { command: name, params: copyOf(params), deviceId: device.id, user };
  if (action !== undefined) payload.action = action;
  if (acknowledged) payload.acknowledged = true;
  return { payload, google };
}

/** A copy to change. Assigning serves for a member called `__proto__` too: the object has it of its own by then. */
function copyOf(object: JsonObject): JsonObject {
  const copy = { ...object };
  for (const name in copy) {
    const value = copy[name];
    if (typeof value === 'object' && value !== null) copy[name] = structuredClone(value);
  }
  return copy;
}

/** A notification of a trait that answers no command. */
export interface Notification {
  /** Google's name without its prefix. */
  trait: string;
  content: JsonObject;
}

export type FlowAnswer = { notifications: readonly Notification[] } & (
  StatesAnswer | { kind: 'error'; code: GoogleCode; debug?: string } | { kind: 'question'; said: States }
);

export interface StatesAnswer {
  kind: 'states';
  /** Those that the device may have. `isLocked: null`: the lock was read, and is in no known state. */
  said: States;
  /** What the command gives back beside states. */
  results: States;
  /** Something stops the command. */
  blocking: boolean;
}

/** The part of a message that counts. */
export interface FlowMessage {
  payload?: unknown;
  /** What a Catch node adds. */
  error?: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** What steers the answer and is no state; and two fields of Google's answers, for which Home Graph refuses a report. */
const CONTROL_PROPERTIES = 'error debug debugString exceptions challenge notify status errorCode followUpToken'.split(
  ' ',
);
/** What lock nodes send beside `state`. */
const READING_PROPERTIES =
  'identifier name action state previous confirmed code batteryMillivolts rssi position version at'.split(' ');
const LOCK_STATES: ReadonlyMap<string, Fields> = new Map([
  ['open', { isLocked: false }],
  ['closed', { isLocked: true }],
  ['unknown', { isLocked: null }],
]);
/** A command's own message, sent back as it came. */
const ECHO_PROPERTIES = ['command', 'params', 'action', 'deviceId', 'acknowledged', 'user'];
/** Of all states together, as JSON; Google's largest answers are far below. */
const MOST_CHARACTERS = 256 * 1024;
const NOTIFY_HINT = 'Send, for instance, { notify: { ObjectDetection: { priority: 0, objects: { unfamiliar: 1 } } } }.';

/**
 * @param command the command that the message answers; undefined for a state that was not asked for
 * @throws CodedError `INVALID_INPUT`
 */
export function parseFlowMessage(message: FlowMessage, device: Device, command: Command | undefined): FlowAnswer {
  const { payload } = message;
  const failure = command?.failure ?? 'hardError';
  const { error, debug, debugString = debug, notify } = isRecord(payload) ? payload : {};
  if (isGiven(error)) {
    // A code, or the whole error of a Catch node.
    const notifications = notificationsIn(notify, device);
    return {
      kind: 'error',
      code: googleCodeFor(isRecord(error) ? error.code : error, failure),
      ...debugOf(debugString),
      notifications,
    };
  }
  // A Catch node leaves the payload as it was when the other node failed; it says nothing about what came of it.
  if (isRecord(message.error)) {
    const { code } = message.error;
    return { kind: 'error', code: googleCodeFor(code, failure), ...debugOf(code), notifications: [] };
  }
  if (!isRecord(payload)) {
    throw invalidInput(
      'the payload is not an object',
      'Send states such as { isArmed: true }, { error: "armFailure" }, or what lock-action sends.',
    );
  }
  return fromPayload(payload, device, command);
}

function fromPayload(payload: Fields, device: Device, command: Command | undefined): FlowAnswer {
  const { exceptions, challenge, notify } = payload;
  const notifications = notificationsIn(notify, device);
  const given = { ...statesFrom(payload, device), ...statesOfExceptions(exceptions, device) };
  if (isGiven(challenge)) {
    if (challenge !== 'ackNeeded') {
      throw invalidInput('challenge must be "ackNeeded": the PIN is asked by the node itself');
    }
    const said = asJson(given);
    device.check(device.statesIn(said));
    return { kind: 'question', said, notifications };
  }
  const said = asJson(device.statesIn(given as States));
  device.check(said);
  const report = said.currentStatusReport ?? (exceptions as Json | undefined);
  const blocking =
    command !== undefined && isGiven(report) && entriesOf(report).some((entry) => entry.blocking === true);
  // Commands with an action of ours have no results.
  const isPlain = command !== undefined && command.action === undefined;
  const results = isPlain ? asJson(pickFields(given, (name) => isResultOf(command.name, name))) : {};
  return { kind: 'states', said, results, blocking, notifications };
}

/** What is left of a payload without what is no state in any case; a reading in Google's words. */
function statesFrom(payload: Fields, device: Device): Fields {
  const given = pickFields(
    payload,
    (name, value) => value !== undefined && value !== null && !CONTROL_PROPERTIES.includes(name),
  );
  const { command, deviceId } = given;
  const reading = device.has('LockUnlock') && !('isLocked' in given) ? lockStateIn(payload) : undefined;
  if (reading !== undefined) return { ...pickFields(given, (name) => !READING_PROPERTIES.includes(name)), ...reading };
  const isEcho = typeof command === 'string' && typeof deviceId === 'string';
  return isEcho ? pickFields(given, (name) => !ECHO_PROPERTIES.includes(name)) : given;
}

/** What `lock-action` and `lock-status` read; undefined where it is no such reading. */
function lockStateIn({ state }: Fields): Fields | undefined {
  // Nothing was read, so the commanded state stands.
  if (state === null) return {};
  return typeof state === 'string' ? LOCK_STATES.get(state) : undefined;
}

/** A security system has them as its report; of any other device the first one is what is wrong with it. */
function statesOfExceptions(exceptions: unknown, device: Device): Fields {
  if (!isGiven(exceptions)) return {};
  if (device.has('StatusReport')) return { currentStatusReport: exceptions };
  const fault = reportFault(exceptions);
  if (fault !== undefined) throw invalidInput(fault);
  const [{ statusCode } = {}] = entriesOf(exceptions as Json);
  return typeof statusCode === 'string' && isGoogleCode(statusCode) ? { exceptionCode: statusCode } : {};
}

/**
 * A copy that can be kept and sent: one value that cannot would spoil every answer about its device, and the file in which
 * the states of all of them are kept.
 */
function asJson(values: Fields): States {
  const copy: States = {};
  let size = 0;
  for (const name in values) {
    const value = values[name];
    // Most states are one of these, which are JSON as they are.
    if (typeof value === 'boolean' || Number.isSafeInteger(value)) {
      copy[name] = value as Json;
      continue;
    }
    // Undefined for functions and the like, whatever the types say.
    let text: unknown;
    try {
      text = JSON.stringify(value);
    } catch {
      throw invalidInput(
        `${foreignText(name, 60)} holds something that cannot be sent to Google`,
        'Send texts, numbers, true or false, and lists and objects of them.',
      );
    }
    if (typeof text !== 'string') continue;
    size += text.length;
    copy[name] = JSON.parse(text) as Json;
  }
  if (size > MOST_CHARACTERS) throw invalidInput('the payload is too large for states of a device');
  return copy;
}

/** `notify`: `{ ObjectDetection: { objects: { familiar: 1 } } }`. */
function notificationsIn(notify: unknown, device: Device): Notification[] {
  if (!isGiven(notify)) return [];
  const asked = asJson({ notify }).notify;
  if (!isRecord(asked)) throw invalidInput('notify must be an object of traits', NOTIFY_HINT);
  return Object.entries(asked).map(([name, content]) => {
    const trait = name.replace(TRAIT_PREFIX, '');
    if (!device.has(trait))
      throw invalidInput(`the device has no trait ${trait.slice(0, 60)} to notify of`, NOTIFY_HINT);
    if (!isRecord(content)) throw invalidInput(`notify.${trait} must be an object`, NOTIFY_HINT);
    return { trait, content: { priority: 0, ...content } };
  });
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

/** Google's `debugString` is read by developers, never spoken. */
function debugOf(debug: unknown): { debug?: string } {
  return typeof debug === 'string' && debug !== '' ? { debug: foreignText(debug) } : {};
}
