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
import { MAX_DISCARDED_BYTES, readBody } from './body';
import { fulfill, type IntentHandler } from './fulfillment';
import { LONGEST_ON_THE_WAY_MS } from './permission';
import type { Accounts, Caller, HttpHandler, Identity } from './types';

/** A request for a thousand devices with all the custom data Google allows is smaller. */
const MAX_BYTES = 1024 * 1024;

export interface RouteOptions {
  accounts: Accounts;
  home: IntentHandler;
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
        refuse(request, response, 401, { error: 'invalid_token' }, { 'WWW-Authenticate': challenge });
        return;
      }
      const body = await bodyOf(request);
      await lookForHangUp();
      if (body === 'too large') refuse(request, response, 413, { error: 'the body is too large' });
      else if (body === 'not JSON') refuse(request, response, 400, { error: 'the body is not JSON' });
      else send(response, 200, await fulfill(options.home, identity, body.json, caller));
    } catch (error) {
      options.log.warn(`a request of Google could not be answered: ${foreignText(textOf(error))}`);
      if (!response.headersSent) refuse(request, response, 503, { error: 'try again later' }, { 'Retry-After': '3' });
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

async function bodyOf(
  request: IncomingMessage & { body?: unknown },
): Promise<{ json: unknown } | 'too large' | 'not JSON'> {
  if (Number(request.headers['content-length']) > MAX_BYTES) return 'too large';
  // Read already, by a parser that was put before every route. One that found no JSON may have left an empty object
  // and the stream as it was.
  if (request.readableEnded) {
    const { body } = request;
    if (Buffer.isBuffer(body) || typeof body === 'string') return jsonOf(body.toString());
    return isRecord(body) || Array.isArray(body) ? { json: body } : 'not JSON';
  }
  const text = await readBody(request, MAX_BYTES);
  return text === undefined ? 'too large' : jsonOf(text);
}

function jsonOf(text: string): { json: unknown } | 'not JSON' {
  const json = parseJson(text);
  if (json === undefined) return 'not JSON';
  const { requestId } = isRecord(json) ? json : {};
  if (isRecord(json) && typeof requestId === 'number') {
    // Twenty digits are more than a number holds; Google's ids are texts and have to come back as they were.
    const digits = /"requestId"\s*:\s*(-?\d+)\s*[,}]/.exec(text)?.[1];
    return { json: { ...json, requestId: digits ?? String(requestId) } };
  }
  return { json };
}

function send(response: ServerResponse, status: number, answer: unknown, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(answer);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(text);
}

/**
 * Answers before the body was read, and reads on for a while, the connection open: one that is cut while the other side
 * still sends learns nothing.
 */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  answer: unknown,
  headers: Record<string, string> = {},
): void {
  send(response, status, answer, headers);
  let drained = 0;
  request.on('data', (chunk: Buffer) => {
    drained += chunk.length;
    if (drained > MAX_DISCARDED_BYTES) request.destroy();
  });
  request.on('error', () => undefined);
}
