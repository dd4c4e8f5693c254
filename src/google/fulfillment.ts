/**
 * The intents of Google's smart home: reads whatever was posted, asks the house, and shapes the answer. Never throws, and
 * answers every device that was asked for exactly once. Tokens and HTTP are left to `http.ts`, devices to `home.ts`.
 */
import type { Json } from '../state/state';
import { isObject, type JsonObject } from './json';
import type { Caller, Identity, States } from './types';

/** One thing to do, as Google sent it. */
export interface Execution {
  command: unknown;
  params: unknown;
  /** What the user answered to a question: `{ pin }` or `{ ack }`. */
  challenge: unknown;
}

/** How it ended for one device. */
export interface Result {
  status: 'SUCCESS' | 'PENDING' | 'OFFLINE' | 'EXCEPTIONS' | 'ERROR';
  states?: States;
  errorCode?: string;
  challengeNeeded?: { type: 'ackNeeded' | 'pinNeeded' | 'challengeFailedPinNeeded' };
  debugString?: string;
}

/** What the intents are asked of. */
export interface House {
  /** Resolves when the states of the last run are known. */
  readonly ready: Promise<void>;
  devices(): JsonObject[];
  /** The answer to QUERY for one device. */
  query(deviceId: string): JsonObject;
  execute(identity: Identity, deviceId: string, executions: readonly Execution[], caller?: Caller): Promise<Result>;
  disconnect(identity: Identity): Promise<void>;
}

const INTENT_PREFIX = 'action.devices.';

/** The answer to a request, as it goes out with status 200. */
export async function fulfil(house: House, identity: Identity, body: unknown, caller?: Caller): Promise<JsonObject> {
  const { requestId, inputs } = isObject(body) ? body : {};
  const answer = (payload: JsonObject): JsonObject => ({
    requestId: typeof requestId === 'string' ? requestId : typeof requestId === 'number' ? String(requestId) : '',
    payload,
  });
  const failure = (errorCode: string, debugString: string): JsonObject =>
    answer({ errorCode, status: 'ERROR', debugString });
  try {
    const asked = (Array.isArray(inputs) ? inputs : []).filter(isObject);
    const intent = intentOf(asked[0]);
    // There is one input in practice; should there be more of the same intent, each counts.
    const payloads = asked.filter((input) => intentOf(input) === intent).map(payloadOf);
    switch (intent) {
      case 'SYNC':
        return answer({ agentUserId: identity.agentUserId, devices: house.devices() });
      case 'QUERY':
        await house.ready;
        return answer(query(house, payloads));
      case 'EXECUTE':
        return answer(await execute(house, identity, payloads, caller));
      case 'DISCONNECT':
        await house.disconnect(identity);
        return {};
      case undefined:
        return failure('protocolError', 'the request has no intent');
      default:
        return failure('notSupported', 'the intent is not one of SYNC, QUERY, EXECUTE and DISCONNECT');
    }
  } catch {
    return failure('transientError', 'the request could not be answered');
  }
}

function query(house: House, payloads: readonly JsonObject[]): JsonObject {
  const ids = new Set(payloads.flatMap((payload) => idsOf(payload)));
  // Entries, not assignments: a device may be called `__proto__`.
  return { devices: Object.fromEntries([...ids].map((id) => [id, house.query(id)])) };
}

async function execute(
  house: House,
  identity: Identity,
  payloads: readonly JsonObject[],
  caller?: Caller,
): Promise<JsonObject> {
  const wanted = new Map<string, Execution[]>();
  for (const payload of payloads) {
    const { commands } = payload;
    for (const group of (Array.isArray(commands) ? commands : []).filter(isObject)) {
      const { execution } = group;
      const executions = (Array.isArray(execution) ? execution : []).map(executionOf);
      for (const id of new Set(idsOf(group))) {
        const before = wanted.get(id);
        wanted.set(id, before === undefined ? executions : [...before, ...executions]);
      }
    }
  }
  const ids = [...wanted.keys()];
  const results = await Promise.all(ids.map((id) => house.execute(identity, id, wanted.get(id) ?? [], caller)));
  return { commands: results.map((result, index) => entryOf(ids[index] ?? '', result)) };
}

function entryOf(id: string, { status, states, errorCode, challengeNeeded, debugString }: Result): JsonObject {
  const entry: JsonObject = { ids: [id], status };
  if (states !== undefined) entry.states = states;
  if (errorCode !== undefined) entry.errorCode = errorCode;
  if (challengeNeeded !== undefined) entry.challengeNeeded = challengeNeeded;
  if (debugString !== undefined) entry.debugString = debugString;
  return entry;
}

function intentOf(input: JsonObject | undefined): string | undefined {
  const { intent } = input ?? {};
  if (typeof intent !== 'string') return undefined;
  return intent.startsWith(INTENT_PREFIX) ? intent.slice(INTENT_PREFIX.length) : intent;
}

function payloadOf(input: JsonObject): JsonObject {
  const { payload } = input;
  return isObject(payload) ? payload : {};
}

function idsOf(holder: JsonObject): string[] {
  const { devices } = holder;
  return (Array.isArray(devices) ? devices : []).flatMap((device: Json) => {
    const { id } = isObject(device) ? device : {};
    if (typeof id === 'number') return [String(id)];
    return typeof id === 'string' ? [id] : [];
  });
}

function executionOf(value: Json): Execution {
  const { command, params, challenge } = isObject(value) ? value : {};
  return { command, params, challenge };
}
