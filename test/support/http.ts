/** One HTTP exchange, for tests that ask a server as a client would: no redirects, no proxy, one time limit. */
import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { systemCode } from '../../src/common/errors';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: URL;
  headers?: Record<string, string>;
  /**
   * The body, or a function that makes it. The function is called when the connection stands, immediately before the
   * first byte leaves: what it throws ends the exchange with nothing sent.
   */
  body?: string | (() => string | Promise<string>);
  /** Asked last of all, when nothing is between its answer and the first byte. False ends the exchange as `aborted`. */
  mayLeave?: () => boolean;
  /** Milliseconds for the whole exchange, from the call to the last byte of the answer. */
  timeoutMs: number;
  /** Bytes of the answer's body above which it is cut off and refused. */
  maxBytes: number;
  /** A kept-alive agent; without one, a connection of its own that is closed afterwards. */
  agent?: http.Agent | https.Agent;
  /** Ends the exchange. */
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/**
 * `connect`: no connection came about (refused, no route, unknown name, or no answer to the connection attempt in time);
 * `tls`: the connection came about but its certificate is not trusted; `lost`: the connection ended before the answer did;
 * `timeout`: no complete answer in time; `size`: the answer is larger than `maxBytes`; `protocol`: what answers there does
 * not speak HTTP, or not as it is asked; `aborted`: the caller's signal.
 */
export type HttpFailureKind = 'connect' | 'tls' | 'lost' | 'timeout' | 'size' | 'protocol' | 'aborted';

/** Why an exchange gave no answer. Holds neither address, headers nor body, so that no secret can travel with it. */
export class HttpFailure extends Error {
  constructor(
    readonly kind: HttpFailureKind,
    /** True as soon as a byte of the request may have left: from then on the other side may have acted. */
    readonly sent: boolean,
    /** The system's word for it (`ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN`, …). */
    readonly reason: string,
    readonly status?: number,
  ) {
    super(`${kind}: ${reason}`);
    this.name = 'HttpFailure';
  }
}

// Explicit agents, because Node's global ones may be told by the environment to use a proxy.
const plainAgent = new http.Agent({ keepAlive: false });
const tlsAgent = new https.Agent({ keepAlive: false });

const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERROR_IN_CERT|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED|UNSPECIFIED|EPROTO)/;

/**
 * Sends one request and reads the whole answer, whatever its status.
 * @throws HttpFailure
 */
export function exchange(request: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const secure = request.url.protocol === 'https:';
    let sent = false;
    let settled = false;
    let status: number | undefined;

    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', abort);
      finish();
    };
    const fail = (kind: HttpFailureKind, reason: string): void => {
      settle(() => {
        reject(new HttpFailure(kind, sent, reason, status));
        // A connection that is merely closed goes on in the kernel: what left while the network was away would be sent again
        // until it comes back, and a door would open long after its command has ended. A reset takes it back.
        if (sent && !secure) outgoing?.socket?.resetAndDestroy();
        outgoing?.destroy();
      });
    };
    const abort = (): void => fail('aborted', 'aborted');
    const expire = (): void => fail(sent ? 'timeout' : 'connect', 'ETIMEDOUT');
    const timer = setTimeout(expire, request.timeoutMs);
    const endsAt = performance.now() + request.timeoutMs;

    let outgoing: http.ClientRequest | undefined;
    if (request.signal?.aborted) {
      fail('aborted', 'aborted');
      return;
    }
    request.signal?.addEventListener('abort', abort, { once: true });

    const options: https.RequestOptions = {
      method: request.method,
      ...(request.headers === undefined ? {} : { headers: request.headers }),
      agent: request.agent ?? (secure ? tlsAgent : plainAgent),
    };
    try {
      outgoing = secure ? https.request(request.url, options) : http.request(request.url, options);
    } catch (error) {
      fail('connect', systemCode(error) ?? 'ERR_INVALID_REQUEST');
      return;
    }
    const send = (body: string | undefined): void => {
      if (settled) return;
      if (request.mayLeave?.() === false) {
        abort();
        return;
      }
      // A process that stood still hears of the connection before it hears of the time. What left now would be given
      // up in the same moment, and meet the next request on its way.
      if (performance.now() >= endsAt) {
        expire();
        return;
      }
      const silent = body === undefined || (body === '' && request.method === 'GET');
      if (!silent) outgoing.setHeader('Content-Length', String(Buffer.byteLength(body)));
      sent = true;
      outgoing.end(body);
    };
    outgoing.on('socket', (socket: Socket) => {
      const ready = (): void => {
        if (typeof request.body !== 'function') {
          send(request.body);
          return;
        }
        // A function's own error is the caller's, so it is passed on as it is.
        const refuse = (error: Error): void =>
          settle(() => {
            reject(error);
            outgoing.destroy();
          });
        try {
          const body = request.body();
          if (typeof body === 'string') send(body);
          else void body.then(send, refuse);
        } catch (error) {
          refuse(error as Error);
        }
      };
      if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', ready);
      else ready();
    });
    outgoing.on('error', (error) => {
      const reason = systemCode(error) ?? 'ERR_SOCKET';
      if (secure && TLS_CODE.test(reason)) fail('tls', reason);
      else if (reason.startsWith('HPE_')) fail('protocol', reason);
      else fail(sent ? 'lost' : 'connect', reason);
    });
    outgoing.on('upgrade', (incoming) => {
      status = incoming.statusCode;
      fail('protocol', 'ERR_UPGRADE');
    });
    outgoing.on('response', (incoming) => {
      if (!sent) {
        // Whatever this answers, it is not what was asked.
        fail('protocol', 'ERR_ANSWER_BEFORE_REQUEST');
        return;
      }
      status = incoming.statusCode ?? 0;
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > request.maxBytes) fail('size', 'ERR_BODY_TOO_LARGE');
        else chunks.push(chunk);
      });
      incoming.on('error', (error) => fail('lost', systemCode(error) ?? 'ECONNRESET'));
      incoming.on('end', () => {
        if (!incoming.complete) {
          fail('lost', 'ECONNRESET');
          return;
        }
        settle(() => {
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          });
        });
      });
    });
  });
}
