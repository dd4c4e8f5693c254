/**
 * One HTTP exchange with a gateway, on a connection of its own. It promises what a door needs and no client of the trade
 * does: the body is made when the connection stands, immediately before the first byte; the failure says truthfully whether
 * anything was sent; what was sent and given up is taken back with a reset. No redirects, no proxy. What a status or a body
 * means is for the caller.
 */
import * as net from 'node:net';
import { onAbort } from '../common/abort';
import type { Clock } from '../common/clock';
import { systemCode } from '../common/errors';
import { AnswerFault, AnswerParser, type HttpAnswer } from './http-answer';

export type { HttpAnswer };

export interface ExchangeRequest {
  method: 'GET' | 'POST';
  /** http only. */
  url: URL;
  /** The IP address to connect to. Absent: the URL's host is looked up by the system. */
  connectTo?: string;
  /**
   * Makes the form. Called once, when the connection stands, immediately before the first byte leaves: what it throws ends
   * the exchange, with nothing sent.
   */
  body: () => string;
  /** Milliseconds for the whole exchange, from the call to the last byte of the answer. */
  timeoutMs: number;
  /** Ends the exchange. */
  signal?: AbortSignal | undefined;
  clock: Clock;
}

/**
 * `connect`: no connection came about (refused, no route, unknown name, no answer in time), or none in time for an answer;
 * `lost`: the connection ended before the answer did; `timeout`: no complete answer in time; `size`: the answer is too
 * large; `protocol`: what answers there does not speak HTTP, or not as it is asked; `aborted`: the caller's signal.
 */
export type ExchangeFailureKind = 'connect' | 'lost' | 'timeout' | 'size' | 'protocol' | 'aborted';

/** Why an exchange gave no answer. Holds neither address, headers nor body, so that no secret can travel with it. */
export class ExchangeFailure extends Error {
  constructor(
    readonly kind: ExchangeFailureKind,
    /** True as soon as a byte of the request may have left: from then on the gateway may have acted. */
    readonly sent: boolean,
    /** The system's word for it (`ECONNREFUSED`, `ETIMEDOUT`, …). */
    readonly reason: string,
    readonly status?: number,
  ) {
    super(`${kind}: ${reason}`);
    this.name = 'ExchangeFailure';
  }
}

/** The longest answer of a gateway is a list of locks, some 100 bytes for each. */
const MOST_BYTES = 256 * 1024;

/**
 * No gateway answers sooner (a mere list takes it 0.1 s, field measurement). With less time left a request would be given
 * up as soon as it was sent: a bolt would turn unseen, and the next request would meet it.
 */
export const LEAST_ANSWER_MS = 100;

/** Sends one request and reads the whole answer, whatever its status. @throws ExchangeFailure, or what `body` throws */
export function exchange(request: ExchangeRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { url, clock, signal } = request;
    if (signal?.aborted) {
      reject(new ExchangeFailure('aborted', false, 'ABORT_ERR'));
      return;
    }
    const endsAt = clock.elapsed() + request.timeoutMs;
    const parser = new AnswerParser(MOST_BYTES);
    const socket = net.connect({
      host: request.connectTo ?? url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 80),
      noDelay: true,
    });
    let sent = false;
    let settled = false;

    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      cancel();
      forget?.();
      return true;
    };
    const fail = (kind: ExchangeFailureKind, reason: string): void => {
      if (!settle()) return;
      // A connection that is merely closed goes on in the kernel: what left while the network was away would be sent again
      // until it comes back, and a door would open long after its command has ended. A reset takes it back.
      if (sent) socket.resetAndDestroy();
      else socket.destroy();
      reject(new ExchangeFailure(kind, sent, reason, parser.status || undefined));
    };
    const read = (step: () => boolean): void => {
      try {
        if (settled || !step() || !settle()) return;
        socket.destroy();
        resolve(parser.answer);
      } catch (error) {
        if (error instanceof AnswerFault) fail(error.kind, error.reason);
        else throw error;
      }
    };
    const timeOut = (): void => fail(sent ? 'timeout' : 'connect', 'ETIMEDOUT');
    // A process that stood still learns of the time before it learns of what has arrived meanwhile. Two rounds of the event
    // loop bring that in: the bytes, and the end of the connection.
    const cancel = clock.after(request.timeoutMs, () => setImmediate(() => setImmediate(timeOut)));
    const forget = signal && onAbort(signal, () => fail('aborted', 'ABORT_ERR'));

    socket.on('connect', () => {
      if (settled) return;
      if (endsAt - clock.elapsed() < LEAST_ANSWER_MS) {
        timeOut();
        return;
      }
      let bytes: string;
      try {
        bytes = textOfRequest(request.method, url, request.body());
      } catch (error) {
        if (settle()) socket.destroy();
        const refusal = error as Error;
        reject(refusal);
        return;
      }
      sent = true;
      socket.write(bytes);
    });
    socket.on('data', (bytes) => read(() => parser.push(bytes)));
    socket.on('end', () =>
      read(() => {
        parser.end();
        return true;
      }),
    );
    socket.on('error', (error) => fail(sent ? 'lost' : 'connect', systemCode(error) ?? 'ERR_SOCKET'));
    socket.on('close', () => fail(sent ? 'lost' : 'connect', 'ECONNRESET'));
  });
}

function textOfRequest(method: 'GET' | 'POST', url: URL, body: string): string {
  const form =
    method === 'POST'
      ? ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${Buffer.byteLength(body)}`]
      : [];
  const target = `${url.pathname}${url.search}`;
  return [
    `${method} ${target} HTTP/1.1`,
    `Host: ${url.host}`,
    'Accept: */*',
    ...form,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
