/**
 * One call to Google's Home Graph, with the service account's token, and what its answer means. When to call, and again, is
 * decided in `report-lane.ts`.
 */
import { randomUUID } from 'node:crypto';
import { ApiFailure, retryAfterMs, type ApiAnswer, type ApiClient } from '../common/api-client';
import type { Clock } from '../common/clock';
import { foreignText } from '../common/foreign';
import { isRecord, parseJson } from '../common/json';
import { ServiceAccountError, type ServiceAccount } from './service-account';

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Longer than Google ever asks to wait. */
const LONGEST_RETRY_AFTER_MS = 60 * 60_000;
const API_HINT =
  'Enable the HomeGraph API in the Google Cloud project of the same ID, and use a key of a service account in that project.';

export interface HomeGraphCall {
  method: 'reportStateAndNotification' | 'requestSync';
  agentUserId: string;
  body: Readonly<Record<string, unknown>>;
  signal: AbortSignal;
}

export type Verdict =
  | { kind: 'done' }
  /** Try the same again, after at least so long. */
  | { kind: 'later'; reason: string; atLeastMs: number }
  /** Google does not know the user, or one of the devices. */
  | { kind: 'unknown' }
  /** `whole`: every call would be refused, whatever is in it. `hint`: a sentence, Google's own words in it where there are any. */
  | { kind: 'refused'; reason: string; hint: string; whole: boolean };

/** What Google says to the key, and with its token to a call that changes nothing. */
export interface Probe {
  /** Why there is no token, where there is none. */
  keyProblem?: string;
  /** Why the calls of every report would be refused, or none came through. */
  callProblem?: string;
  /** How far this machine's clock is ahead of Google's, in milliseconds, where Google said the time. */
  clockAheadMs?: number | undefined;
}

export interface HomeGraphApiOptions {
  api: ApiClient;
  account: ServiceAccount;
  /** `https://homegraph.googleapis.com/v1`. */
  base: string;
  clock: Clock;
}

export class HomeGraphApi {
  constructor(private readonly options: HomeGraphApiOptions) {}

  /** With one more try on a new token where the first one is refused. */
  async call(call: HomeGraphCall): Promise<Verdict> {
    const { account } = this.options;
    const { method, agentUserId, body } = call;
    const text = JSON.stringify({
      ...(method === 'requestSync' ? {} : { requestId: randomUUID() }),
      agentUserId,
      ...body,
    });
    try {
      const first = await this.send(call, text);
      if (first.answer.status !== 401) return this.judge(first);
      account.discard(first.token);
      return this.judge(await this.send(call, text));
    } catch (error) {
      if (error instanceof ApiFailure) return { kind: 'later', reason: error.reason, atLeastMs: 0 };
      if (!(error instanceof ServiceAccountError)) throw error;
      return error.retriable
        ? { kind: 'later', reason: error.message, atLeastMs: Math.min(LONGEST_RETRY_AFTER_MS, error.retryAfterMs) }
        : { kind: 'refused', reason: 'no token', hint: `Google said: ${error.message}.`, whole: true };
    }
  }

  /** With a new token. The user of the call does not exist, which Google says only to whom it lets in. */
  async probe(signal: AbortSignal): Promise<Probe> {
    const { account } = this.options;
    account.discard();
    try {
      await account.token();
    } catch (error) {
      if (!(error instanceof ServiceAccountError || error instanceof ApiFailure)) throw error;
      return { keyProblem: error.message, clockAheadMs: account.clockAheadMs };
    }
    const verdict = await this.call({ method: 'requestSync', agentUserId: randomUUID(), body: {}, signal });
    const { clockAheadMs } = account;
    if (verdict.kind === 'done' || verdict.kind === 'unknown') return { clockAheadMs };
    const detail =
      verdict.kind === 'refused' && verdict.hint !== '' ? `${verdict.reason}. ${verdict.hint}` : verdict.reason;
    return { callProblem: detail, clockAheadMs };
  }

  private async send({ method, signal }: HomeGraphCall, body: string): Promise<{ answer: ApiAnswer; token: string }> {
    const { api, account, base } = this.options;
    const token = await account.token();
    const answer = await api.call({
      method: 'POST',
      url: new URL(`${base}/devices:${method}`),
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Accept: 'application/json' },
      body,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      signal,
    });
    return { answer, token };
  }

  /** What an answer means (Google's Home Graph reference: errors). */
  private judge({ answer, token }: { answer: ApiAnswer; token: string }): Verdict {
    const { status, headers } = answer;
    const reason = String(status);
    if (status >= 200 && status < 300) return { kind: 'done' };
    if (status === 404) return { kind: 'unknown' };
    if (status === 429 || status >= 500) {
      const wanted = retryAfterMs(headers, this.options.clock.now()) ?? 0;
      return { kind: 'later', reason, atLeastMs: Math.min(LONGEST_RETRY_AFTER_MS, wanted) };
    }
    if (status === 401 || status === 403) return { kind: 'refused', reason, hint: API_HINT, whole: true };
    const said = saidIn(answer, token);
    return { kind: 'refused', reason, hint: said === '' ? '' : `Google said: ${said}`, whole: false };
  }
}

/** Google's own words. Without the token: a proxy on the way may quote what it was sent. */
function saidIn({ body }: ApiAnswer, token: string): string {
  const json = parseJson(body);
  const { message } = isRecord(json) && isRecord(json.error) ? json.error : {};
  return typeof message === 'string' ? foreignText(message.replaceAll(token, '…')) : '';
}
