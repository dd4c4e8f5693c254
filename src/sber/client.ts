/**
 * Sber's vendor API: its eleven methods, one function each. Carries key, headers and time limit, gives every answer its
 * meaning, and sends again what may safely be sent again. Batches, plans and what to do after a lost POST are left to
 * `apply`; what models and devices look like, to `validation`.
 */
import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:https';
import { pause, type Clock } from '../common/clock';
import { exchange, HttpFailure, type HttpAnswer } from '../common/http';
import { meaningOf, type Meaning } from './answers';
import { breathing } from './breath';
import { sberError, unsent, type SberError } from './errors';
import { Redactor } from '../common/redact';
import type { AccountSettings } from './settings';
import { isObject, type Device, type ItemFailure, type Model, type Raw, type State } from './shapes';
import { trustingAgent } from './tls';

/** Attempts of one request at most, the first included. */
export const MOST_ATTEMPTS = 5;
/** A cloud that stayed silent for a whole time limit will most likely stay so: after that many no more is waited. */
const MOST_TIMEOUTS = 2;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2000;
/** 5,000 models are some 4 MB. */
const LARGEST_ANSWER = 16 * 1024 * 1024;

/** What a caller wants to know of, and to decide, while a method runs. */
export interface Call {
  signal?: AbortSignal | undefined;
  /** After each exchange; without a status where no answer came. */
  onExchange?: ((requestId: string, httpStatus: number | undefined) => void) | undefined;
  /** Before a request is sent again. `attempt` is the one to come, from 2 on. */
  onRetry?: ((attempt: number) => void) | undefined;
  /** Once a request that changes something may have left: from then on "nothing was sent" is no longer true. */
  onSent?: (() => void) | undefined;
}

export interface ClientOptions {
  settings: AccountSettings;
  clock: Clock;
  /** A number from 0 up to 1, for the spread of the pauses. */
  random: () => number;
  newRequestId?: () => string;
}

interface Request {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: 'models' | 'devices' | 'state' | 'unlink';
  query?: [name: string, value: string][];
  body?: unknown;
}

/** States of devices, by device id. */
export type States = Record<string, { states: State[] }>;

export class SberClient {
  private readonly redactor: Redactor;
  private agent: Promise<Agent> | undefined;

  constructor(private readonly options: ClientOptions) {
    this.redactor = new Redactor(options.settings.key.token);
  }

  /** `GET /v1/models`: all models of the project, field for field. */
  async listModels(call: Call = {}): Promise<Raw[]> {
    const { list, httpStatus } = await this.read({ method: 'GET', path: 'models' }, 'models', call);
    return objects(list, 'models', httpStatus);
  }

  /** `POST /v1/models`: registers new models. Resolves to the items that failed. Never sent twice. */
  postModels(models: readonly Model[], call: Call = {}): Promise<ItemFailure[]> {
    return this.write({ method: 'POST', path: 'models', body: { models } }, call);
  }

  /** `PUT /v1/models`: replaces models. Resolves to the items that failed. */
  putModels(models: readonly Model[], call: Call = {}): Promise<ItemFailure[]> {
    return this.write({ method: 'PUT', path: 'models', body: { models } }, call);
  }

  /** `DELETE /v1/models`, with the ids in a JSON body. Resolves to the items that failed. */
  deleteModels(ids: readonly string[], call: Call = {}): Promise<ItemFailure[]> {
    return this.write({ method: 'DELETE', path: 'models', body: { model_ids: ids } }, call);
  }

  /** `GET /v1/devices` of a user; without ids, all of them. */
  async listDevices(userId: string, ids: readonly string[] = [], call: Call = {}): Promise<Raw[]> {
    const request = { method: 'GET', path: 'devices', query: queryOf(userId, ids) } as const;
    const { list, httpStatus } = await this.read(request, 'devices', call);
    return objects(list, 'devices', httpStatus);
  }

  /** `POST /v1/devices`: a user got new devices. Never sent twice. */
  postDevices(userId: string, devices: readonly Device[], call: Call = {}): Promise<ItemFailure[]> {
    return this.write({ method: 'POST', path: 'devices', body: { user_id: userId, devices } }, call);
  }

  /** `PUT /v1/devices`: devices changed. Sber knows whose they are. */
  putDevices(devices: readonly Device[], call: Call = {}): Promise<ItemFailure[]> {
    return this.write({ method: 'PUT', path: 'devices', body: { devices } }, call);
  }

  /** `DELETE /v1/devices`, with the ids in a JSON body. */
  deleteDevices(ids: readonly string[], call: Call = {}): Promise<ItemFailure[]> {
    return this.write({ method: 'DELETE', path: 'devices', body: { device_ids: ids } }, call);
  }

  /** `GET /v1/state`: per device id what Sber has of its states, unread. Without ids, all of the user's devices. */
  async readState(userId: string, ids: readonly string[] = [], call: Call = {}): Promise<Map<string, unknown>> {
    const request = { method: 'GET', path: 'state', query: queryOf(userId, ids) } as const;
    const { list: devices, httpStatus } = await this.read(request, 'devices', call);
    if (devices === undefined || devices === null) return new Map();
    // The documentation's table says list, its example is a map. Both are read.
    if (Array.isArray(devices)) {
      return new Map(objects(devices, 'devices', httpStatus).map(({ id, states }) => [String(id), states]));
    }
    if (!isObject(devices)) throw notThis('devices', httpStatus);
    return new Map(
      Object.entries(devices).map(([id, one]) => {
        const { states } = isObject(one) ? one : {};
        return [id, states];
      }),
    );
  }

  /** `POST /v1/state`: states changed. Never sent twice, so that an old state cannot overtake a new one. */
  postState(devices: States, call: Call = {}): Promise<ItemFailure[]> {
    return this.write({ method: 'POST', path: 'state', body: { devices } }, call);
  }

  /** `POST /v1/unlink`: a user no longer wants to be linked. */
  unlink(userId: string, call: Call = {}): Promise<ItemFailure[]> {
    return this.write({ method: 'POST', path: 'unlink', body: { user_id: userId } }, call);
  }

  /** How long to wait before attempt `attempt` (from 2 on), in ms: doubling, capped, spread so that clients do not march in step. */
  pauseBefore(attempt: number): number {
    const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 2));
    return whole * (0.5 + this.options.random() / 2);
  }

  get clock(): Clock {
    return this.options.clock;
  }

  /** What stands in the field, whatever it is, and the status of the answer it came in. */
  private async read(
    request: Request,
    field: 'models' | 'devices',
    call: Call,
  ): Promise<{ list: unknown; httpStatus: number | undefined }> {
    let httpStatus: number | undefined;
    const onExchange: Call['onExchange'] = (requestId, status) => {
      httpStatus = status;
      call.onExchange?.(requestId, status);
    };
    const meaning = await this.persistently(request, field, { ...call, onExchange });
    return { list: meaning.kind === 'done' ? meaning.body[field] : undefined, httpStatus };
  }

  private async write(request: Request, call: Call): Promise<ItemFailure[]> {
    const meaning = await this.persistently(request, undefined, call);
    return meaning.kind === 'items' ? meaning.failed : [];
  }

  /** One request, sent again where that is safe. */
  private async persistently(
    request: Request,
    field: 'models' | 'devices' | undefined,
    call: Call,
  ): Promise<Exclude<Meaning, { kind: 'error' }>> {
    let timeouts = 0;
    for (let attempt = 1; ; attempt += 1) {
      const { meaning, sent, silent } = await this.once(request, field, call);
      if (meaning.kind !== 'error') return meaning;
      const { error } = meaning;
      if (silent) timeouts += 1;
      // A POST that never left this machine is not sent again but for the first time.
      const harmless = request.method !== 'POST' || !sent;
      if (!harmless || !mayPass(error) || attempt >= MOST_ATTEMPTS || timeouts >= MOST_TIMEOUTS) throw error;
      call.onRetry?.(attempt + 1);
      await pause(this.clock, this.pauseBefore(attempt + 1), call.signal);
    }
  }

  private async once(
    request: Request,
    field: 'models' | 'devices' | undefined,
    call: Call,
  ): Promise<{ meaning: Meaning; sent: boolean; silent: boolean }> {
    const { settings, newRequestId = randomUUID } = this.options;
    const requestId = newRequestId();
    // Made before anything is sent, for http too: a CA that is none must not go unnoticed until the endpoint changes.
    const agent = await this.trust();
    const url = new URL(`v1/${request.path}`, settings.base);
    for (const [name, value] of request.query ?? []) url.searchParams.append(name, value);
    if (settings.key.place === 'query') url.searchParams.append(settings.key.parameter, settings.key.token);
    let answer: HttpAnswer;
    try {
      answer = await exchange({
        method: request.method,
        url,
        headers: {
          // Declared mandatory on every request, GET included.
          'Content-Type': 'application/json',
          Accept: 'application/json',
          'X-Request-Id': requestId,
          ...(settings.key.place === 'header' ? { Authorization: `Bearer ${settings.key.token}` } : {}),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        timeoutMs: settings.timeoutMs,
        maxBytes: LARGEST_ANSWER,
        ...(agent === undefined || url.protocol !== 'https:' ? {} : { agent }),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
    } catch (thrown) {
      if (!(thrown instanceof HttpFailure)) throw thrown;
      call.onExchange?.(requestId, thrown.status);
      if (thrown.sent && request.method !== 'GET') call.onSent?.();
      if (thrown.kind === 'aborted') {
        if (request.method === 'GET' || !thrown.sent) throw call.signal?.reason;
        throw stoppedUnderway();
      }
      const error = transportError(thrown, url.host);
      return {
        meaning: { kind: 'error', error: thrown.sent ? error : unsent(error) },
        sent: thrown.sent,
        silent: thrown.reason === 'ETIMEDOUT',
      };
    }
    call.onExchange?.(requestId, answer.status);
    if (request.method !== 'GET') call.onSent?.();
    const meaning = await meaningOf(answer, field, this.redactor, breathing(this.clock, call.signal));
    return { meaning, sent: true, silent: false };
  }

  private async trust(): Promise<Agent | undefined> {
    const { ca } = this.options.settings;
    if (ca === undefined) return undefined;
    this.agent ??= trustingAgent(ca);
    try {
      return await this.agent;
    } catch (error) {
      // A file may appear later; the next request looks again.
      this.agent = undefined;
      throw error;
    }
  }
}

/** The end of a change that was stopped when Sber had, or may have had, a part of it already. */
export function stoppedUnderway(): SberError {
  return sberError('RESULT_UNKNOWN', 'the flow was stopped before it was certain what Sber had done');
}

/** Whether the same request may succeed a moment later. By the contract: 500, 503 and the network's own errors. */
function mayPass(error: SberError): boolean {
  const { gatewayCode, httpStatus } = error.cause;
  switch (error.code) {
    case 'SBER_INTERNAL':
    case 'SBER_UNREACHABLE':
    case 'SBER_TIMEOUT':
      return true;
    case 'SBER_UNAVAILABLE':
      return (gatewayCode ?? httpStatus) === 503;
    default:
      return false;
  }
}

function transportError(failure: HttpFailure, host: string): SberError {
  const facts = failure.status === undefined ? {} : { httpStatus: failure.status };
  switch (failure.kind) {
    case 'tls':
      return tlsError(failure.reason, host, facts);
    case 'timeout':
      return sberError('SBER_TIMEOUT', `${host} gave no complete answer in time`, facts);
    case 'size':
      return sberError(
        'BAD_RESPONSE',
        `the answer of ${host} is larger than ${LARGEST_ANSWER / 1024 / 1024} MB`,
        facts,
      );
    default:
      return sberError('SBER_UNREACHABLE', `no connection to ${host} (${failure.reason})`, facts);
  }
}

/** A failed handshake. Another CA cures only what is not trusted; for the rest that advice would lead astray. */
function tlsError(reason: string, host: string, facts: { httpStatus?: number }): SberError {
  if (reason === 'ERR_TLS_CERT_ALTNAME_INVALID' || reason === 'HOSTNAME_MISMATCH') {
    const hint = 'Check the endpoint: the certificate was issued for another host name.';
    return sberError('SBER_TLS', `the certificate is not one of ${host} (${reason})`, { ...facts, hint });
  }
  if (reason === 'CERT_HAS_EXPIRED' || reason === 'CERT_NOT_YET_VALID') {
    const hint = 'Check the clock of this machine. If it is right, only the server’s operator can help.';
    return sberError('SBER_TLS', `the certificate of ${host} is not valid today (${reason})`, { ...facts, hint });
  }
  if (reason === 'EPROTO' || reason.startsWith('ERR_SSL')) {
    const hint = 'Check the endpoint and its port: what answers there does not speak https as it should.';
    return sberError('SBER_TLS', `no secure connection to ${host} came about (${reason})`, { ...facts, hint });
  }
  return sberError('SBER_TLS', `the certificate of ${host} is not trusted (${reason})`, facts);
}

function queryOf(userId: string, ids: readonly string[]): [string, string][] {
  // A list is undocumented beyond one id. A repeated name is what the backend's kind (protobuf behind JSON) expects.
  return [['user_id', userId], ...ids.map((id): [string, string] => ['device_ids', id])];
}

/** A list of objects; left out or null where it is empty. */
function objects(list: unknown, field: string, httpStatus: number | undefined): Raw[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list) || !list.every(isObject)) throw notThis(field, httpStatus);
  return list;
}

function notThis(field: string, httpStatus: number | undefined): SberError {
  const facts = httpStatus === undefined ? {} : { httpStatus };
  return sberError('BAD_RESPONSE', `the answer’s "${field}" is not what Sber documents`, facts);
}
