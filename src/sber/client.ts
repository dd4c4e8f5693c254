/**
 * Sber's vendor API: its four lists, and one function for all that changes them. Carries key, headers and time limit, gives
 * every answer its meaning, and sends again what may safely be sent again. Batches and what to do after a lost POST
 * are left to `changes`, plans to `sync`; what models and devices look like, to `validation`.
 */
import { randomUUID } from 'node:crypto';
import { ApiFailure, createApiClient, type ApiAnswer, type ApiClient } from '../common/api-client';
import { pause, type Clock } from '../common/clock';
import { isRecord } from '../common/json';
import { silent, type Log } from '../common/log';
import type { ProxySettings } from '../common/proxy';
import { Redactor } from '../common/redact';
import type { AccountSettings } from './endpoint';
import { cloudFailure, SberError } from './failures';
import { yieldLoop } from './items';
import { readResponse, type ExpectedField, type Good } from './response';
import type { ItemFailure, Raw } from './shapes';
import { trusting } from './trust';

/** Attempts of one request at most, the first included. */
export const MOST_ATTEMPTS = 5;
/** A cloud that stayed silent for a whole time limit will most likely stay so. */
const MOST_TIMEOUTS = 2;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2000;
/** 5,000 models are some 4 MB. */
const LARGEST_ANSWER = 16 * 1024 * 1024;

/** What the caller of an operation wants to know of its requests. One object for all of them. */
export interface Work {
  signal?: AbortSignal | undefined;
  /** After each exchange; without a status where no answer came. */
  onExchange?: ((requestId: string, httpStatus: number | undefined) => void) | undefined;
  /** Before a request is sent again. `attempt` is the one to come, from 2 on. */
  onRetry?: ((attempt: number) => void) | undefined;
  /** After each batch of long work: items done, of how many. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface ClientOptions {
  settings: AccountSettings;
  clock: Clock;
  /** A number from 0 up to 1, for the spread of the pauses. */
  random: () => number;
  proxy?: ProxySettings | undefined;
  log?: Log | undefined;
}

/** The client of an account; each operation gets its own by `for`. */
export function connect(options: ClientOptions): SberClient {
  const { settings, clock, proxy, log = silent } = options;
  const trust = settings.ca === undefined ? undefined : trusting(settings.ca);
  const api = createApiClient({ clock, proxy, trust, log });
  return new SberClient({ ...options, log, redactor: new Redactor(settings.key.token), api });
}

export type Resource = 'models' | 'devices' | 'state' | 'unlink';
export type ChangeMethod = 'POST' | 'PUT' | 'DELETE';

interface Request {
  method: 'GET' | ChangeMethod;
  path: Resource;
  query?: [name: string, value: string][];
  body?: object;
}

/** The API for one operation. */
export class SberClient {
  /** Set once a request that changes something may have left: "nothing was sent" is no longer true. */
  private mayHaveChanged = false;

  constructor(
    private readonly connection: ClientOptions & { log: Log; redactor: Redactor; api: ApiClient },
    readonly work: Work = {},
  ) {}

  /** For long work of the operation. @throws as `stopped` */
  readonly yieldLoop = async (): Promise<void> => {
    await yieldLoop();
    this.throwIfStopped();
  };

  /** The same account, for an operation of its own. */
  for(work: Work): SberClient {
    return new SberClient(this.connection, work);
  }

  /** `GET /v1/models`: all models of the project, field for field. */
  async listModels(): Promise<Raw[]> {
    return records(await this.request({ method: 'GET', path: 'models' }, 'models'), 'models');
  }

  /** `GET /v1/devices` of a user; without ids, all of them. */
  async listDevices(userId: string, ids: readonly string[] = []): Promise<Raw[]> {
    const request = { method: 'GET', path: 'devices', query: queryOf(userId, ids) } as const;
    return records(await this.request(request, 'devices'), 'devices');
  }

  /** `GET /v1/state`: per device id what Sber has of its states, unread. Without ids, all of the user's devices. */
  async readState(userId: string, ids: readonly string[] = []): Promise<Map<string, unknown>> {
    const good = await this.request({ method: 'GET', path: 'state', query: queryOf(userId, ids) }, 'devices');
    const { devices } = good.body;
    if (!isRecord(devices)) {
      // The documentation's table says list, its example is a map. Both are read.
      return new Map(records(good, 'devices').map(({ id, states }) => [String(id), states]));
    }
    return new Map(Object.entries(devices).map(([id, one]) => [id, isRecord(one) ? one.states : undefined]));
  }

  /**
   * Any of the seven methods that change something. A POST is never sent twice.
   * @returns the items that Sber did not change; `repeated`: an earlier attempt may have changed what the last one reports
   */
  change(method: ChangeMethod, path: Resource, body: object): Promise<{ failed: ItemFailure[]; repeated: boolean }> {
    return this.request({ method, path, body }, undefined);
  }

  /** @throws as `stopped` where the caller has ended the operation */
  throwIfStopped(): void {
    if (this.work.signal?.aborted) throw this.stopped();
  }

  /** When all attempts of one request have to be over, on the clock's `elapsed()`. */
  deadline(): number {
    const { clock, settings } = this.connection;
    return clock.elapsed() + MOST_ATTEMPTS * (settings.timeoutMs + LONGEST_PAUSE_MS);
  }

  /**
   * Waits before attempt `attempt` (from 2 on): doubling, capped, spread so that clients do not march in step, and as long
   * as the cloud asks for. False where that is longer than the deadline allows. @throws as `stopped`
   */
  async mayRepeat(attempt: number, error: SberError, deadline: number): Promise<boolean> {
    const { clock, random, log } = this.connection;
    const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 2));
    const wait = Math.max(whole * (0.5 + random() / 2), error.retryAfterMs ?? 0);
    if (clock.elapsed() + wait >= deadline) return false;
    this.work.onRetry?.(attempt);
    log.trace(`Sber: attempt ${attempt} in ${Math.round(wait)} ms, after ${error.code}`);
    await pause(clock, wait, this.work.signal).catch(() => {
      throw this.stopped();
    });
    return true;
  }

  /** What a stopped operation ends with: the caller's reason, unless Sber may have changed something. */
  private stopped(): Error {
    if (!this.mayHaveChanged) return this.work.signal?.reason as Error;
    return new SberError('RESULT_UNKNOWN', 'the flow was stopped before it was certain what Sber had done');
  }

  /** One request, sent again where that is safe. */
  private async request(request: Request, expected: ExpectedField): Promise<Good & { repeated: boolean }> {
    const deadline = this.deadline();
    let timeouts = 0;
    let repeated = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return { ...(await this.exchange(request, expected)), repeated };
      } catch (thrown) {
        const error = cloudFailure(thrown);
        repeated ||= error.sent;
        if (error.code === 'SBER_TIMEOUT') timeouts += 1;
        // A POST that never left this machine is not sent again but for the first time.
        const isHarmless = request.method !== 'POST' || !error.sent;
        if (!isHarmless || !mayPass(error) || attempt >= MOST_ATTEMPTS || timeouts >= MOST_TIMEOUTS) throw error;
        if (!(await this.mayRepeat(attempt + 1, error, deadline))) throw error;
      }
    }
  }

  private async exchange(request: Request, expected: ExpectedField): Promise<Good> {
    const { settings, redactor, api, clock } = this.connection;
    const { key, base, timeoutMs, ca } = settings;
    const { signal, onExchange } = this.work;
    const requestId = randomUUID();
    const url = new URL(`v1/${request.path}`, base);
    for (const [name, value] of request.query ?? []) url.searchParams.append(name, value);
    if (key.place === 'query') url.searchParams.append(key.parameter, key.token);
    let answer: ApiAnswer;
    try {
      answer = await api.call({
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
        signal,
      });
    } catch (failure) {
      if (!(failure instanceof ApiFailure)) throw failure;
      onExchange?.(requestId, failure.status);
      this.mayHaveChanged ||= failure.sent && request.method !== 'GET';
      throw failure.kind === 'aborted' ? this.stopped() : transportError(failure, url.host, ca !== undefined);
    }
    onExchange?.(requestId, answer.status);
    this.mayHaveChanged ||= request.method !== 'GET';
    return readResponse(answer, expected, { redactor, yieldLoop: this.yieldLoop, now: clock.now() });
  }
}

/** Whether the same request may succeed a moment later. By the contract: 429, 500, 503 and the network's own errors. */
function mayPass({ code, cause: { gatewayCode, httpStatus } }: SberError): boolean {
  if (code === 'SBER_UNAVAILABLE') return [gatewayCode, httpStatus].some((each) => each === 503 || each === 429);
  // A wrong login at a proxy stays wrong.
  if (code === 'SBER_UNREACHABLE') return httpStatus !== 407;
  return code === 'SBER_INTERNAL' || code === 'SBER_TIMEOUT';
}

function transportError({ kind, reason, sent, status }: ApiFailure, host: string, hasOwnCa: boolean): SberError {
  const facts = { sent, ...(status !== undefined && { httpStatus: status }) };
  if (kind === 'timeout') return new SberError('SBER_TIMEOUT', `${host} gave no complete answer in time`, facts);
  if (kind === 'size') {
    return new SberError('BAD_RESPONSE', `the answer of ${host} is larger than ${LARGEST_ANSWER / 2 ** 20} MB`, facts);
  }
  if (kind !== 'tls') return new SberError('SBER_UNREACHABLE', `no connection to ${host} (${reason})`, facts);
  const faults = hasOwnCa ? [...TLS_FAULTS, OTHER_CA] : TLS_FAULTS;
  const [, message, hint] = faults.find(([reasons]) => reasons.test(reason)) ?? [
    /./,
    'the certificate of HOST is not trusted',
  ];
  return new SberError('SBER_TLS', `${message.replace('HOST', host)} (${reason})`, {
    ...facts,
    ...(hint !== undefined && { hint }),
  });
}

/** What a failed handshake says of the certificate, and what helps. Without a hint: to trust Sber's authority. */
type TlsFault = readonly [reasons: RegExp, message: string, hint?: string];
const TLS_FAULTS: readonly TlsFault[] = [
  [
    /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/,
    'the certificate is not one of HOST',
    'Check the endpoint: the certificate was issued for another host name.',
  ],
  [
    /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    'the certificate of HOST is not valid today',
    'Check the clock of this machine. If it is right, only the server’s operator can help.',
  ],
  [
    /^(EPROTO$|ERR_SSL)/,
    'no secure connection to HOST came about',
    'Check the endpoint and its port: what answers there does not speak https.',
  ],
];
const OTHER_CA: TlsFault = [
  /^UNABLE_TO_/,
  'no certificate leads from the CA field to HOST',
  'The certificate in the CA field does not lead to the one that the server shows. Either it is another authority’s, or the server does not send the certificate in between: then add the issuing certificate (Russian Trusted Sub CA, from gosuslugi.ru/crt) to the root.',
];

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
