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
  signal?: AbortSignal | undefined;
  clock: Clock;
}

/**
 * `connect`: no connection came about (refused, no route, unknown name, no answer in time), or none in time for an answer;
 * `lost`: the connection ended before the answer did; `timeout`: no complete answer in time; `size`: the answer is too
 * large; `protocol`: the answer is not HTTP, or not the HTTP that was asked for; `aborted`: the caller's signal.
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
    if (request.signal?.aborted) reject(new ExchangeFailure('aborted', false, 'ABORT_ERR'));
    else new Exchange(request, resolve, reject);
  });
}

class Exchange {
  private readonly parser = new AnswerParser(MOST_BYTES);
  private readonly socket: net.Socket;
  private readonly endsAt: number;
  private readonly cleanups: (() => void)[];
  private sent = false;
  private settled = false;

  constructor(
    private readonly request: ExchangeRequest,
    private readonly resolve: (answer: HttpAnswer) => void,
    private readonly reject: (reason: Error) => void,
  ) {
    const { url, clock, signal, timeoutMs } = request;
    const { parser } = this;
    this.endsAt = clock.elapsed() + timeoutMs;
    // A process that stood still learns of the time before it learns of what has arrived meanwhile. Two rounds of the event
    // loop bring that in: the bytes, and the end of the connection.
    const cancel = clock.after(timeoutMs, () => setImmediate(() => setImmediate(() => this.timeOut())));
    this.cleanups = [cancel, ...(signal ? [onAbort(signal, () => this.fail('aborted', 'ABORT_ERR'))] : [])];
    const host = request.connectTo ?? url.hostname.replace(/^\[|\]$/g, '');
    this.socket = net
      .connect({ host, port: Number(url.port || 80), noDelay: true })
      .on('connect', () => this.send())
      .on('data', (bytes) => this.read(() => parser.push(bytes)))
      .on('end', () => this.read(() => (parser.end(), true)))
      .on('error', (error) => this.fail(this.sent ? 'lost' : 'connect', systemCode(error) ?? 'ERR_SOCKET'))
      .on('close', () => this.fail(this.sent ? 'lost' : 'connect', 'ECONNRESET'));
  }

  private send(): void {
    if (this.settled) return;
    const { method, url, body, clock } = this.request;
    if (this.endsAt - clock.elapsed() < LEAST_ANSWER_MS) {
      this.timeOut();
      return;
    }
    let bytes: string;
    try {
      bytes = textOfRequest(method, url, body());
    } catch (error) {
      if (this.settle()) this.socket.destroy();
      this.reject(error as Error);
      return;
    }
    this.sent = true;
    this.socket.write(bytes);
  }

  /** @param step true when the answer is complete */
  private read(step: () => boolean): void {
    try {
      if (this.settled || !step() || !this.settle()) return;
      this.socket.destroy();
      this.resolve(this.parser.answer);
    } catch (error) {
      if (error instanceof AnswerFault) this.fail(error.kind, error.reason);
      else throw error;
    }
  }

  private timeOut(): void {
    this.fail(this.sent ? 'timeout' : 'connect', 'ETIMEDOUT');
  }

  private fail(kind: ExchangeFailureKind, reason: string): void {
    if (!this.settle()) return;
    // A connection that is merely closed goes on in the kernel: what left while the network was away would be sent again
    // until it comes back, and a door would open long after its command has ended. A reset takes it back.
    if (this.sent) this.socket.resetAndDestroy();
    else this.socket.destroy();
    this.reject(new ExchangeFailure(kind, this.sent, reason, this.parser.status || undefined));
  }

  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    for (const cleanup of this.cleanups) cleanup();
    return true;
  }
}

function textOfRequest(method: 'GET' | 'POST', url: URL, body: string): string {
  const form = ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${Buffer.byteLength(body)}`];
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`, `Host: ${url.host}`, 'Accept: */*'];
  if (method === 'POST') lines.push(...form);
  return [...lines, 'Connection: close', '', body].join('\r\n');
}
