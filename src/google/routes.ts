/**
 * The fulfillment's address: token, body, answer. 401 is for tokens alone, because to Google it is a reason to renew
 * its own; everything that can be understood as JSON is answered with 200. What is answered is up to `fulfillment.ts`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { abortable, lifetime } from '../common/abort';
import type { Clock } from '../common/clock';
import { textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import { isRecord, parseJson } from '../common/json';
import type { Log } from '../common/log';
import type { LinkedAccounts } from './accounts';
import { fulfill } from './fulfillment';
import type { SmartHome } from './home';
import { LONGEST_ON_THE_WAY_MS } from './permission';
import { discardBody, readBody, sendJson } from './requests';
import type { Caller, HttpHandler, Identity } from './types';

/** A request for a thousand devices with all the custom data Google allows is smaller. */
const MAX_BYTES = 1024 * 1024;

export interface RouteOptions {
  accounts: Pick<LinkedAccounts, 'authenticate'>;
  home: SmartHome;
  clock: Clock;
  log: Log;
}

export function fulfillmentRoute(options: RouteOptions): HttpHandler {
  return async (request, response) => {
    const caller = callerOf(request, response, options.clock.elapsed());
    try {
      const bearer = bearerOf(request);
      const identity = bearer === undefined ? undefined : await inTime(options, caller, bearer);
      if (identity === undefined) {
        // RFC 6750, section 3: no error code where no token came.
        const challenge = bearer === undefined ? 'Bearer' : 'Bearer error="invalid_token"';
        discardBody(request);
        sendJson(response, 401, { error: 'invalid_token' }, { 'WWW-Authenticate': challenge });
        return;
      }
      const text = await readBody(request, MAX_BYTES);
      await lookForHangUp();
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

/** Google waits for an answer while a disk, or Redis, hangs. @throws where it is not known in time whose token it is */
async function inTime(
  { accounts, clock }: RouteOptions,
  caller: Caller,
  bearer: string,
): Promise<Identity | undefined> {
  const late = (): Error => new Error('what is kept of links could not be read in time');
  const life = lifetime({ clock, deadline: caller.since + LONGEST_ON_THE_WAY_MS, late });
  try {
    return await abortable(accounts.authenticate(bearer), life.signal);
  } finally {
    life.end();
  }
}

function callerOf(request: IncomingMessage, response: ServerResponse, since: number): Caller {
  return {
    since,
    get gone() {
      const { socket } = request;
      return !response.writableEnded && (socket.destroyed || socket.readableEnded);
    },
  };
}

/**
 * A process that stood still reads the request, however old it is, before it reads that the connection has ended. The next
 * look at the network shows that.
 */
async function lookForHangUp(): Promise<void> {
  const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await rest();
  await rest();
}

function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}

/** Undefined for what is no JSON. */
function jsonOf(text: string): unknown {
  const json = parseJson(text);
  if (!isRecord(json) || typeof json.requestId !== 'number') return json;
  // Twenty digits are more than a number holds; Google's ids are texts and have to come back as they were.
  const digits = /"requestId"\s*:\s*(-?\d+)\s*[,}]/.exec(text)?.[1];
  return { ...json, requestId: digits ?? String(json.requestId) };
}
