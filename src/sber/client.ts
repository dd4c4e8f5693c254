/**
 * Sber's vendor API: its eleven methods, one function each. Carries key, headers and time limit, gives every answer its
 * meaning, and sends again what may safely be sent again. Batches, plans and what to do after a lost POST are left to
 * `changes`; what models and devices look like, to `validation`.
 */
import { randomUUID } from 'node:crypto';
import { ApiFailure, createApiClient, type ApiAnswer, type ApiClient } from '../common/api-client';
import { pause, type Clock } from '../common/clock';
import { isRecord } from '../common/json';
import { silent, type Log } from '../common/log';
import type { ProxySettings } from '../common/proxy';
import { Redactor } from '../common/redact';
import type { AccountSettings } from './endpoint';
import { SberError, type FailureFacts } from './failures';
import { readResponse, type ExpectedField, type Good } from './response';
import type { Device, ItemFailure, Model, Raw, State } from './shapes';
import { trusting } from './trust';
import { pacing, type Pace } from './yield-loop';

/** Attempts of one request at most, the first included. */
export const MOST_ATTEMPTS = 5;
/** A cloud that stayed silent for a whole time limit will most likely stay so. */
const MOST_TIMEOUTS = 2;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2000;
/** 5,000 models are some 4 MB. */
const LARGEST_ANSWER = 16 * 1024 * 1024;

/** What a caller wants to know of, and to decide, while a method runs. One object for all requests of an operation. */
export interface Call {
  signal?: AbortSignal | undefined;
  /** After each exchange; without a status where no answer came. */
  onExchange?: ((requestId: string, httpStatus: number | undefined) => void) | undefined;
  /** Before a request is sent again. `attempt` is the one to come, from 2 on. */
  onRetry?: ((attempt: number) => void) | undefined;
  /** Set once a request that changes something may have left: "nothing was sent" is no longer true. */
  mayHaveChanged?: boolean;
}

export interface ClientOptions {
  settings: AccountSettings;
  clock: Clock;
  /** A number from 0 up to 1, for the spread of the pauses. */
  random: () => number;
  proxy?: ProxySettings | undefined;
  log?: Log | undefined;
}

interface Request {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: 'models' | 'devices' | 'state' | 'unlink';
  query?: [name: string, value: string][];
  body?: unknown;
}

/** What came of a writing request. */
export interface Written {
  /** The items that Sber did not change. */
  failed: ItemFailure[];
  /** 2 and more: an earlier attempt may have changed what the last one reports as failed. */
  attempts: number;
}

/** States of devices, by device id. */
export type States = Record<string, { states: State[] }>;

export class SberClient {
  readonly clock: Clock;
  private readonly redactor: Redactor;
  private readonly api: ApiClient;
  private readonly log: Log;

  constructor(private readonly options: ClientOptions) {
    const { settings, clock, proxy, log = silent } = options;
    this.clock = clock;
    this.log = log;
    this.redactor = new Redactor(settings.key.token);
    const trust = settings.ca === undefined ? undefined : trusting(settings.ca);
    this.api = createApiClient({ clock, proxy, trust, log });
  }

  /** `GET /v1/models`: all models of the project, field for field. */
  async listModels(call: Call = {}): Promise<Raw[]> {
    return records(await this.request({ method: 'GET', path: 'models' }, 'models', call), 'models');
  }

  /** `POST /v1/models`: registers new models. Never sent twice. */
  postModels(models: readonly Model[], call: Call = {}): Promise<Written> {
    return this.request({ method: 'POST', path: 'models', body: { models } }, undefined, call);
  }

  /** `PUT /v1/models`: replaces models. */
  putModels(models: readonly Model[], call: Call = {}): Promise<Written> {
    return this.request({ method: 'PUT', path: 'models', body: { models } }, undefined, call);
  }

  /** `DELETE /v1/models`, with the ids in a JSON body. */
  deleteModels(ids: readonly string[], call: Call = {}): Promise<Written> {
    return this.request({ method: 'DELETE', path: 'models', body: { model_ids: ids } }, undefined, call);
  }

  /** `GET /v1/devices` of a user; without ids, all of them. */
  async listDevices(userId: string, ids: readonly string[] = [], call: Call = {}): Promise<Raw[]> {
    const request = { method: 'GET', path: 'devices', query: queryOf(userId, ids) } as const;
    return records(await this.request(request, 'devices', call), 'devices');
  }

  /** `POST /v1/devices`: a user got new devices. Never sent twice. */
  postDevices(userId: string, devices: readonly Device[], call: Call = {}): Promise<Written> {
    return this.request({ method: 'POST', path: 'devices', body: { user_id: userId, devices } }, undefined, call);
  }

  /** `PUT /v1/devices`: devices changed. Sber knows whose they are. */
  putDevices(devices: readonly Device[], call: Call = {}): Promise<Written> {
    return this.request({ method: 'PUT', path: 'devices', body: { devices } }, undefined, call);
  }

  /** `DELETE /v1/devices`, with the ids in a JSON body. */
  deleteDevices(ids: readonly string[], call: Call = {}): Promise<Written> {
    return this.request({ method: 'DELETE', path: 'devices', body: { device_ids: ids } }, undefined, call);
  }

  /** `GET /v1/state`: per device id what Sber has of its states, unread. Without ids, all of the user's devices. */
  async readState(userId: string, ids: readonly string[] = [], call: Call = {}): Promise<Map<string, unknown>> {
    const request = { method: 'GET', path: 'state', query: queryOf(userId, ids) } as const;
    const good = await this.request(request, 'devices', call);
    const { devices } = good.body;
    if (!isRecord(devices)) {
      // The documentation's table says list, its example is a map. Both are read.
      return new Map(records(good, 'devices').map(({ id, states }) => [String(id), states]));
    }
    return new Map(Object.entries(devices).map(([id, one]) => [id, isRecord(one) ? one.states : undefined]));
  }

  /** `POST /v1/state`: states changed. Never sent twice, so that an old state cannot overtake a new one. */
  postState(devices: States, call: Call = {}): Promise<Written> {
    return this.request({ method: 'POST', path: 'state', body: { devices } }, undefined, call);
  }

  /** `POST /v1/unlink`: a user no longer wants to be linked. */
  unlink(userId: string, call: Call = {}): Promise<Written> {
    return this.request({ method: 'POST', path: 'unlink', body: { user_id: userId } }, undefined, call);
  }

  /** When all attempts of one request have to be over, on the clock's `elapsed()`. */
  deadline(): number {
    return this.clock.elapsed() + MOST_ATTEMPTS * (this.options.settings.timeoutMs + LONGEST_PAUSE_MS);
  }

  /**
   * Waits before attempt `attempt` (from 2 on): doubling, capped, spread so that clients do not march in step, and as long
   * as the cloud asks for.
   * @throws the error where that is longer than the deadline allows; as `stopped` where the caller stops it
   */
  async waitBefore(attempt: number, error: SberError, deadline: number, call: Call): Promise<void> {
    const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 2));
    const wait = Math.max(whole * (0.5 + this.options.random() / 2), error.retryAfterMs ?? 0);
    if (this.clock.elapsed() + wait >= deadline) throw error;
    call.onRetry?.(attempt);
    this.log.trace(`Sber: attempt ${attempt} in ${Math.round(wait)} ms, after ${error.code}`);
    await pause(this.clock, wait, call.signal).catch(() => {
      throw stopped(call);
    });
  }

  pace({ signal }: Call): Pace {
    return pacing(this.clock, signal);
  }

  /** One request, sent again where that is safe. */
  private async request(request: Request, expected: ExpectedField, call: Call): Promise<Good & Written> {
    const deadline = this.deadline();
    let timeouts = 0;
    for (let attempts = 1; ; attempts += 1) {
      try {
        return { ...(await this.exchange(request, expected, call)), attempts };
      } catch (error) {
        if (!(error instanceof SberError) || error.code === 'RESULT_UNKNOWN') throw error;
        if (error.code === 'SBER_TIMEOUT') timeouts += 1;
        // A POST that never left this machine is not sent again but for the first time.
        const isHarmless = request.method !== 'POST' || !error.sent;
        if (!isHarmless || !mayPass(error) || attempts >= MOST_ATTEMPTS || timeouts >= MOST_TIMEOUTS) throw error;
        await this.waitBefore(attempts + 1, error, deadline, call);
      }
    }
  }

  private async exchange(request: Request, expected: ExpectedField, call: Call): Promise<Good> {
    const { key, base, timeoutMs, ca } = this.options.settings;
    const requestId = randomUUID();
    const url = new URL(`v1/${request.path}`, base);
    for (const [name, value] of request.query ?? []) url.searchParams.append(name, value);
    if (key.place === 'query') url.searchParams.append(key.parameter, key.token);
    const changes = request.method !== 'GET';
    let answer: ApiAnswer;
    try {
      answer = await this.api.call({
        method: request.method,
        url,
        headers: {
          // Declared mandatory on every request, GET included.
          'Content-Type': 'application/json',
          Accept: 'application/json',
          'X-Request-Id': requestId,
          ...(key.place === 'header' ? { Authorization: `Bearer ${key.token}` } : {}),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        timeoutMs,
        maxBytes: LARGEST_ANSWER,
        signal: call.signal,
      });
    } catch (failure) {
      if (!(failure instanceof ApiFailure)) throw failure;
      call.onExchange?.(requestId, failure.status);
      if (failure.sent && changes) call.mayHaveChanged = true;
      throw failure.kind === 'aborted' ? stopped(call) : transportError(failure, url.host, ca !== undefined);
    }
    call.onExchange?.(requestId, answer.status);
    if (changes) call.mayHaveChanged = true;
    return readResponse(answer, expected, { redactor: this.redactor, pace: this.pace(call), now: this.clock.now() });
  }
}

/** What an operation ends with that its caller stopped: the caller's reason, unless Sber may have changed something. */
export function stopped({ signal, mayHaveChanged }: Call): Error {
  if (mayHaveChanged !== true) return signal?.reason as Error;
  return new SberError('RESULT_UNKNOWN', 'the flow was stopped before it was certain what Sber had done');
}

/** Whether the same request may succeed a moment later. By the contract: 429, 500, 503 and the network's own errors. */
function mayPass({ code, cause: { gatewayCode, httpStatus } }: SberError): boolean {
  switch (code) {
    case 'SBER_INTERNAL':
    case 'SBER_TIMEOUT':
      return true;
    case 'SBER_UNREACHABLE':
      // A wrong login at a proxy stays wrong.
      return httpStatus !== 407;
    case 'SBER_UNAVAILABLE':
      return [gatewayCode, httpStatus].some((number) => number === 503 || number === 429);
    default:
      return false;
  }
}

function transportError({ kind, reason, sent, status }: ApiFailure, host: string, hasOwnCa: boolean): SberError {
  const facts = { sent, ...(status === undefined ? {} : { httpStatus: status }) };
  switch (kind) {
    case 'tls':
      return tlsError(reason, host, hasOwnCa, facts);
    case 'timeout':
      return new SberError('SBER_TIMEOUT', `${host} gave no complete answer in time`, facts);
    case 'size': {
      const size = `${LARGEST_ANSWER / 1024 / 1024} MB`;
      return new SberError('BAD_RESPONSE', `the answer of ${host} is larger than ${size}`, facts);
    }
    default:
      return new SberError('SBER_UNREACHABLE', `no connection to ${host} (${reason})`, facts);
  }
}

/** A failed handshake. Another CA helps only where the server is not trusted; for the rest that advice would lead astray. */
function tlsError(reason: string, host: string, hasOwnCa: boolean, facts: FailureFacts): SberError {
  const fail = (message: string, hint?: string): SberError =>
    new SberError('SBER_TLS', `${message} (${reason})`, { ...facts, ...(hint === undefined ? {} : { hint }) });
  if (reason === 'ERR_TLS_CERT_ALTNAME_INVALID' || reason === 'HOSTNAME_MISMATCH') {
    const hint = 'Check the endpoint: the certificate was issued for another host name.';
    return fail(`the certificate is not one of ${host}`, hint);
  }
  if (reason === 'CERT_HAS_EXPIRED' || reason === 'CERT_NOT_YET_VALID') {
    const hint = 'Check the clock of this machine. If it is right, only the server’s operator can help.';
    return fail(`the certificate of ${host} is not valid today`, hint);
  }
  if (reason === 'EPROTO' || reason.startsWith('ERR_SSL')) {
    const hint = 'Check the endpoint and its port: what answers there does not speak https.';
    return fail(`no secure connection to ${host} came about`, hint);
  }
  if (hasOwnCa && reason.startsWith('UNABLE_TO_')) {
    const hint =
      'The certificate in the CA field does not lead to the one that the server shows. Either it is another authority’s, or the server does not send the certificate in between: then add the issuing certificate (Russian Trusted Sub CA, from gosuslugi.ru/crt) to the root.';
    return fail(`no certificate leads from the CA field to ${host}`, hint);
  }
  return fail(`the certificate of ${host} is not trusted`);
}

function queryOf(userId: string, ids: readonly string[]): [string, string][] {
  // A list is undocumented beyond one id. A repeated name is what the backend's kind (protobuf behind JSON) expects.
  return [['user_id', userId], ...ids.map((id): [string, string] => ['device_ids', id])];
}

/** A list of objects; left out or null where it is empty. */
function records({ body, httpStatus }: Good, field: 'models' | 'devices'): Raw[] {
  const list = body[field] ?? [];
  if (Array.isArray(list) && list.every(isRecord)) return list;
  throw new SberError('BAD_RESPONSE', `the answer’s "${field}" is not what Sber documents`, { httpStatus });
}
