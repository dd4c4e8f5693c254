/**
 * The address that Google asks: token, body, intent, answer. 401 is for tokens alone, because to Google it is a reason to renew
 * its own; everything that can be understood as JSON is answered with 200, and every device that was asked for exactly once.
 * What the answers are is up to `home.ts`.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import { isRecord, parseJson } from '../common/json';
import type { LinkedAccounts } from './accounts';
import type { GoogleCode } from './error-codes';
import type { SmartHome } from './home';
import { onTheWay } from './permission';
import { discardBody, readBody, sendJson } from './requests';
import type { AccountContext, Caller, Execution, HttpHandler, Identity, JsonObject } from './types';

type Fields = Record<string, unknown>;

const INTENT_PREFIX = 'action.devices.';
/** A request for a thousand devices with all the custom data Google allows is smaller. */
const MAX_BYTES = 1024 * 1024;

export interface FulfillmentOptions extends Pick<AccountContext, 'clock' | 'log'> {
  accounts: Pick<LinkedAccounts, 'authenticate'>;
  home: SmartHome;
}

export function fulfillmentRoute(options: FulfillmentOptions): HttpHandler {
  return async (request, response) => {
    const { socket } = request;
    const caller: Caller = {
      since: options.clock.elapsed(),
      get gone() {
        return !response.writableEnded && (socket.destroyed || socket.readableEnded);
      },
    };
    try {
      const bearer = /^Bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
      // Google waits for an answer while a disk, or Redis, hangs.
      const identity =
        bearer === undefined
          ? undefined
          : await onTheWay(options.clock, caller.since, options.accounts.authenticate(bearer));
      if (identity === undefined) {
        // RFC 6750, section 3: no error code where no token came.
        const challenge = bearer === undefined ? 'Bearer' : 'Bearer error="invalid_token"';
        discardBody(request);
        sendJson(response, 401, { error: 'invalid_token' }, { 'WWW-Authenticate': challenge });
        return;
      }
      const text = await readBody(request, MAX_BYTES);
      // A process that stood still reads the request, however old it is, before it reads that the connection has ended. The
      // next look at the network shows that.
      await turn();
      await turn();
      const body = text === undefined ? undefined : jsonOf(text);
      if (text === undefined) sendJson(response, 413, { error: 'the body is too large' });
      else if (body === undefined) sendJson(response, 400, { error: 'the body is not JSON' });
      else sendJson(response, 200, await fulfill(options.home, identity, body, caller));
    } catch (error) {
      options.log.warn(`a request of Google could not be answered: ${foreignText(textOf(error))}`);
      if (response.headersSent) return;
      discardBody(request);
      sendJson(response, 503, { error: 'try again later' }, { 'Retry-After': '3' });
    }
  };
}

/** Undefined for what is no JSON. */
function jsonOf(text: string): unknown {
  const json = parseJson(text);
  if (!isRecord(json) || typeof json.requestId !== 'number') return json;
  // Twenty digits are more than a number holds; Google's ids are texts and have to come back as they were.
  const digits = /"requestId"\s*:\s*(-?\d+)\s*[,}]/.exec(text)?.[1];
  return { ...json, requestId: digits ?? String(json.requestId) };
}

/** The answer to a request, as it goes out with status 200. */
export async function fulfill(
  home: SmartHome,
  identity: Identity,
  body: unknown,
  caller?: Caller,
): Promise<JsonObject> {
  const { requestId, inputs } = isRecord(body) ? body : {};
  const answer = (payload: JsonObject): JsonObject => ({
    requestId: typeof requestId === 'string' || typeof requestId === 'number' ? String(requestId) : '',
    payload,
  });
  const failure = (errorCode: GoogleCode, debugString: string): JsonObject =>
    answer({ errorCode, status: 'ERROR', debugString });
  const known = recordsIn(inputs);
  const { intent } = known[0] ?? {};
  // There is one input in practice; should there be more of the same intent, each counts.
  const payloads = known
    .filter((input) => input.intent === intent)
    .map(({ payload }) => (isRecord(payload) ? payload : {}));
  const asked = {
    devices: payloads.flatMap(({ devices }) => listOf(devices)),
    commands: payloads.flatMap(({ commands }) => listOf(commands)),
  };
  try {
    switch (typeof intent === 'string' ? intent.replace(INTENT_PREFIX, '') : undefined) {
      case 'SYNC':
        return answer({ agentUserId: identity.agentUserId, devices: home.devices() });
      case 'QUERY':
        await home.ready;
        // Entries, not assignments: a device may be called `__proto__`.
        return answer({ devices: Object.fromEntries(idsOf(asked).map((id) => [id, home.query(id)])) });
      case 'EXECUTE':
        return answer({ commands: await execute(home, identity, asked, caller) });
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

async function execute(
  home: SmartHome,
  identity: Identity,
  { commands }: Fields,
  caller: Caller | undefined,
): Promise<JsonObject[]> {
  const wanted = new Map<string, Execution[]>();
  for (const group of recordsIn(commands)) {
    const { execution } = group;
    const executions = listOf(execution).map(executionOf);
    for (const id of idsOf(group)) wanted.set(id, wanted.get(id)?.concat(executions) ?? executions);
  }
  await home.ready;
  const asked = [...wanted];
  const results = await Promise.all(asked.map(([id, executions]) => home.execute(identity, id, executions, caller)));
  return asked.map(([id], index) => ({ ids: [id], ...results[index] }));
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function recordsIn(value: unknown): Fields[] {
  return listOf(value).filter(isRecord);
}

/** Each once. */
function idsOf({ devices }: Fields): string[] {
  const ids = recordsIn(devices).map(({ id }) => (typeof id === 'number' ? String(id) : id));
  return [...new Set(ids.filter((id) => typeof id === 'string'))];
}

function executionOf(value: unknown): Execution {
  const { command, params, challenge } = isRecord(value) ? value : {};
  return { command, params, challenge };
}
