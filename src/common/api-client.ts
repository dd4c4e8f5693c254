/**
 * One call to a vendor's cloud: axios, loaded with the first call, behind a face that keeps its errors in. They hold
 * tokens and bodies, so each becomes an `ApiFailure` at once. No redirects, no reading of the body, one deadline from the
 * call to the last byte. The gateway of a lock is asked in another way (`thekeys/exchange`).
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { createRequire } from 'node:module';
import type { SecureContext } from 'node:tls';
import type { AxiosRequestConfig, AxiosStatic } from 'axios';
import { lifetime } from './abort';
import type { Clock } from './clock';
import { systemCode } from './errors';
import { silent, type Log } from './log';
import { cloudLookup } from './lookup';
import { proxyFor, proxyLogin, ProxyRefusal, TunnelAgent, type ProxySettings } from './proxy';

export interface ApiCall {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: URL;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Milliseconds for the whole of it, from the call to the last byte of the answer. */
  timeoutMs: number;
  /** Bytes of the answer's body, decompressed, above which it is refused. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

export interface ApiAnswer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

/**
 * `connect`: no connection came about, or the proxy refused one; `tls`: its certificate is not trusted; `lost`: it ended
 * before the answer did; `timeout`: no complete answer in time; `size`: the answer is larger than `maxBytes`; `protocol`:
 * the answer is not HTTP, or not the HTTP that was asked for; `aborted`: the caller's signal.
 */
export type ApiFailureKind = 'connect' | 'tls' | 'lost' | 'timeout' | 'size' | 'protocol' | 'aborted';

/** Why a call has no answer. Holds neither address, headers nor body, so that no secret can travel with it. */
export class ApiFailure extends Error {
  constructor(
    readonly kind: ApiFailureKind,
    /** False: surely nothing of the request has left. True: the other side may have acted. */
    readonly sent: boolean,
    /** The system's word for it (`ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN`, …), or what the proxy did. */
    readonly reason: string,
    /** Where an answer had begun. */
    readonly status?: number,
  ) {
    super(`${kind}: ${reason}`);
    this.name = 'ApiFailure';
  }
}

export interface ApiClientOptions {
  clock: Clock;
  /** Absent: no proxy. */
  proxy?: ProxySettings | undefined;
  /** Whom to trust, for this client's calls alone; absent: Node's own roots. What it throws ends the call as it is. */
  trust?: (() => Promise<SecureContext | undefined>) | undefined;
  log?: Log;
}

export interface ApiClient {
  /** Resolves with any status. @throws ApiFailure */
  call(call: ApiCall): Promise<ApiAnswer>;
}

const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERROR_IN_CERT|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED|UNSPECIFIED|EPROTO)/;
const USER_AGENT = 'node-red-contrib-thekeys-gateway';

export function createApiClient({ clock, proxy, trust, log = silent }: ApiClientOptions): ApiClient {
  return {
    call: async (call) => {
      const { url } = call;
      const name = `${call.method} ${url.host}${url.pathname.replace(/(%2B|\+)?\d{6,}/g, '…')}`;
      const secureContext = await trust?.();
      const began = clock.elapsed();
      const late = new Error('late');
      const deadline = began + call.timeoutMs;
      const life = lifetime({ clock, deadline, late: () => late, caller: call.signal });
      const progress: Progress = { sent: false };
      const { signal } = life;
      try {
        signal.throwIfAborted();
        const answer = await axios()<string>(
          configOf(call, signal, progress, proxy && proxyFor(url, proxy), secureContext),
        );
        if (answer.status === 407) throw new ProxyRefusal(answer.status);
        log.trace(`${name}: ${answer.status} after ${Math.round(clock.elapsed() - began)} ms`);
        return { status: answer.status, headers: namedHeaders(answer.headers), body: answer.data };
      } catch (thrown) {
        const ended = !signal.aborted ? undefined : signal.reason === late ? 'timeout' : 'aborted';
        const failure = failureOf(thrown, progress, ended);
        log.trace(`${name}: ${failure.message}${failure.sent ? '' : ', not sent'}`);
        throw failure;
      } finally {
        life.end();
      }
    },
  };
}

/** What is known of a call that is under way. */
interface Progress {
  sent: boolean;
  status?: number;
}

/** @param route the proxy that leads there */
function configOf(
  call: ApiCall,
  signal: AbortSignal,
  progress: Progress,
  route: URL | undefined,
  secureContext: SecureContext | undefined,
): AxiosRequestConfig {
  const options = { keepAlive: false, lookup: cloudLookup };
  const tlsOptions = { ...options, ...(secureContext && { secureContext }) };
  const secure = call.url.protocol === 'https:';
  const tunnel = secure ? route : undefined;
  return {
    method: call.method,
    url: call.url.href,
    headers: { 'User-Agent': USER_AGENT, ...call.headers },
    data: call.body,
    responseType: 'text',
    // Neither side of axios reads or writes JSON: integers beyond 2^53 stay what they are.
    transformRequest: (body: unknown) => body,
    transformResponse: (body: unknown) => body,
    validateStatus: () => true,
    maxRedirects: 0,
    maxContentLength: call.maxBytes,
    maxBodyLength: Infinity,
    signal,
    // Without this axios looks into the environment.
    proxy: false,
    httpAgent: new http.Agent(options),
    httpsAgent: tunnel === undefined ? new https.Agent(tlsOptions) : new TunnelAgent(tunnel, signal, tlsOptions),
    transport: watchedTransport(progress, secure, secure ? undefined : route),
  };
}

/** Loaded with the first call, for it adds to the start of Node-RED and many flows ask no cloud. */
const axios = (): AxiosStatic => createRequire(__filename)('axios') as AxiosStatic;

/** What axios sends a request with: Node's own, watched for the moment from which bytes may leave. */
function watchedTransport(progress: Progress, secure: boolean, forward: URL | undefined): object {
  return {
    request: (options: https.RequestOptions, onAnswer: (answer: http.IncomingMessage) => void): http.ClientRequest => {
      const request = (secure ? https : http).request(forward === undefined ? options : forwarded(options, forward));
      request.once('response', (answer) => {
        progress.status = answer.statusCode ?? 0;
        onAnswer(answer);
      });
      request.once('socket', (socket) => {
        const leaves = (): void => {
          progress.sent = true;
        };
        if (secure) socket.once('secureConnect', leaves);
        else if (socket.connecting) socket.once('connect', leaves);
        else leaves();
      });
      return request;
    },
  };
}

/** The same request, for a proxy that passes it on: it gets the whole address. */
function forwarded(options: https.RequestOptions, proxy: URL): https.RequestOptions {
  const host = `${options.hostname?.includes(':') === true ? `[${options.hostname}]` : options.hostname}`;
  const authority = options.port ? `${host}:${options.port}` : host;
  return {
    ...options,
    hostname: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || 80,
    path: `http://${authority}${options.path}`,
    headers: { ...(options.headers as http.OutgoingHttpHeaders), Host: authority, ...proxyLogin(proxy) },
  };
}

function namedHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/** Anything thrown by axios or Node.js, as what it means. Nothing else of it is kept. */
function failureOf(thrown: unknown, { sent, status }: Progress, ended: 'timeout' | 'aborted' | undefined): ApiFailure {
  if (ended !== undefined) {
    return new ApiFailure(ended, sent, ended === 'timeout' ? 'ETIMEDOUT' : 'aborted', status);
  }
  const cause = (thrown as { cause?: unknown }).cause;
  const refusal = [thrown, cause].find((each) => each instanceof ProxyRefusal);
  if (refusal !== undefined) return new ApiFailure('connect', false, refusal.message, refusal.status);
  const text = thrown instanceof Error ? thrown.message : '';
  if (text.startsWith('maxContentLength')) return new ApiFailure('size', sent, 'ERR_BODY_TOO_LARGE', status);
  const reason = systemCode(cause) ?? systemCode(thrown) ?? 'ERR_SOCKET';
  if (!sent && TLS_CODE.test(reason)) return new ApiFailure('tls', false, reason, status);
  if (/^(HPE_|Z_|ERR_(BROTLI|INVALID|UNESCAPED|BAD_REQUEST))/.test(reason)) {
    return new ApiFailure('protocol', sent, reason, status);
  }
  return new ApiFailure(sent ? 'lost' : 'connect', sent, reason === 'ERR_BAD_RESPONSE' ? 'ECONNRESET' : reason, status);
}

/**
 * How long a `Retry-After` header asks to wait, in milliseconds: seconds or an HTTP date. Undefined where there is none
 * that can be read. Keeping it inside a deadline is the caller's.
 * @param now wall clock, milliseconds
 */
export function retryAfterMs(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Z][a-z]{2,8}[, ]/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
