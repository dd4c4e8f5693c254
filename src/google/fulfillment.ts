/**
 * The intents of Google's smart home: reads whatever was posted, asks the home, and shapes the answer. Never throws, and
 * answers every device that was asked for exactly once. Tokens and HTTP are handled in `routes.ts`, devices in `home.ts`.
 */
import { isRecord } from '../common/json';
import type { GoogleCode } from './error-codes';
import type { SmartHome } from './home';
import type { Result } from './results';
import type { Caller, Execution, Identity, JsonObject } from './types';

type Fields = Record<string, unknown>;

const INTENT_PREFIX = 'action.devices.';

/** The answer to a request, as it goes out with status 200. */
export async function fulfill(
  home: SmartHome,
  identity: Identity,
  body: unknown,
  caller?: Caller,
): Promise<JsonObject> {
  const { requestId, inputs } = isRecord(body) ? body : {};
  const answer = (payload: JsonObject): JsonObject => ({
    requestId: typeof requestId === 'string' ? requestId : typeof requestId === 'number' ? String(requestId) : '',
    payload,
  });
  const failure = (errorCode: GoogleCode, debugString: string): JsonObject =>
    answer({ errorCode, status: 'ERROR', debugString });
  try {
    const known = listOf(inputs).filter(isRecord);
    const intent = intentOf(known[0]);
    // There is one input in practice; should there be more of the same intent, each counts.
    const payloads = known.filter((input) => intentOf(input) === intent).map(payloadOf);
    switch (intent) {
      case 'SYNC':
        return answer({ agentUserId: identity.agentUserId, devices: home.devices() });
      case 'QUERY':
        await home.ready;
        return answer(query(home, payloads));
      case 'EXECUTE':
        return answer(await execute(home, identity, payloads, caller));
      case 'DISCONNECT':
        await home.disconnect(identity);
        return {};
      case undefined:
        return failure('hardError', 'the request has no intent');
      default:
        return failure('notSupported', 'the intent is not one of SYNC, QUERY, EXECUTE and DISCONNECT');
    }
  } catch {
    return failure('transientError', 'the request could not be answered');
  }
}

function query(home: SmartHome, payloads: readonly Fields[]): JsonObject {
  const ids = new Set(payloads.flatMap((payload) => idsOf(payload)));
  // Entries, not assignments: a device may be called `__proto__`.
  return { devices: Object.fromEntries([...ids].map((id) => [id, home.query(id)])) };
}

async function execute(
  home: SmartHome,
  identity: Identity,
  payloads: readonly Fields[],
  caller?: Caller,
): Promise<JsonObject> {
  const wanted = new Map<string, Execution[]>();
  for (const payload of payloads) {
    const { commands } = payload;
    for (const group of listOf(commands).filter(isRecord)) {
      const { execution } = group;
      const executions = listOf(execution).map(executionOf);
      for (const id of new Set(idsOf(group))) {
        const before = wanted.get(id);
        wanted.set(id, before === undefined ? executions : [...before, ...executions]);
      }
    }
  }
  const ids = [...wanted.keys()];
  const results = await Promise.all(ids.map((id) => home.execute(identity, id, wanted.get(id) ?? [], caller)));
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

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function intentOf(input: Fields | undefined): string | undefined {
  const { intent } = input ?? {};
  if (typeof intent !== 'string') return undefined;
  return intent.startsWith(INTENT_PREFIX) ? intent.slice(INTENT_PREFIX.length) : intent;
}

function payloadOf(input: Fields): Fields {
  const { payload } = input;
  return isRecord(payload) ? payload : {};
}

function idsOf(holder: Fields): string[] {
  const { devices } = holder;
  return listOf(devices).flatMap((device: unknown) => {
    const { id } = isRecord(device) ? device : {};
    if (typeof id === 'number') return [String(id)];
    return typeof id === 'string' ? [id] : [];
  });
}

function executionOf(value: unknown): Execution {
  const { command, params, challenge } = isRecord(value) ? value : {};
  return { command, params, challenge };
}
