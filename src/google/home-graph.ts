/**
 * The way to Google's Home Graph: state reports, notifications and requests to read the device list again, a lane for each
 * user, and what the answers mean. To report returns at once and never throws; when to call again is decided in
 * `report-lane.ts`.
 */
import { randomUUID } from 'node:crypto';
import { mayCarrySecrets } from '../common/address';
import { ApiFailure, retryAfterMs, type ApiAnswer, type ApiClient } from '../common/api-client';
import type { Clock } from '../common/clock';
import { textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import { isRecord, parseJson } from '../common/json';
import type { Log } from '../common/log';
import { ReportLane, type HomeGraphCall, type Verdict } from './report-lane';
import type { FollowUp } from './results';
import { parseServiceAccountKey, ServiceAccount, ServiceAccountError } from './service-account';
import type { JsonObject, States } from './types';

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Longer than Google ever asks to wait. */
const LONGEST_RETRY_AFTER_MS = 60 * 60_000;
const API_HINT =
  'Enable the HomeGraph API in the Google Cloud project of the same ID, and use a key of a service account in that project.';

/** What Google says to the key, and with its token to a call that changes nothing. */
export interface Probe {
  /** Why there is no token, where there is none. */
  keyProblem?: string;
  /** Why the calls of every report would be refused, or none came through. */
  callProblem?: string;
  /** How far this machine's clock is ahead of Google's, in milliseconds, where Google said the time. */
  clockAheadMs?: number | undefined;
}

export interface HomeGraphOptions {
  clock: Clock;
  /** `https://homegraph.googleapis.com/v1`, or a stand-in's address. */
  endpoint: string;
  /** The JSON text of the service account key; empty: nothing is ever sent. */
  serviceAccountKey: string;
  api: ApiClient;
  log: Log;
  random?: () => number;
}

/** What a home needs of it. */
export type HomeGraph = Pick<HomeGraphClient, 'enabled' | 'report' | 'followUp' | 'notify' | 'requestSync' | 'forget'>;

export class HomeGraphClient {
  private readonly lanes = new Map<string, ReportLane>();
  private readonly closing = new AbortController();
  private readonly warned = new Map<string, ReportLane>();
  private readonly base: string;
  private readonly account: ServiceAccount | undefined;
  /** Whether anything is sent: there is a usable service account key. */
  readonly enabled: boolean;

  constructor(private readonly options: HomeGraphOptions) {
    this.base = options.endpoint.trim().replace(/\/+$/, '');
    this.account = this.openAccount();
    this.enabled = this.account !== undefined;
  }

  /**
   * Reports to these users what devices are: all states of their traits, and `online`. Calls come in the order of what
   * happened; a later one replaces what is still waiting for the same device.
   */
  report(agentUserIds: readonly string[], states: Readonly<Record<string, States>>): void {
    for (const lane of this.lanesOf(agentUserIds)) lane.report(states);
  }

  /** `trait` without its prefix. */
  followUp(agentUserId: string, deviceId: string, trait: string, response: FollowUp['response']): void {
    const content = { priority: 0, followUpResponse: response };
    for (const lane of this.lanesOf([agentUserId])) lane.notify({ deviceId, trait, content });
  }

  /** A notification that answers no command, to each of these users once, as an event of its own. */
  notify(agentUserIds: readonly string[], deviceId: string, trait: string, content: JsonObject): void {
    const eventId = randomUUID();
    for (const lane of this.lanesOf(agentUserIds)) lane.notify({ deviceId, trait, content, eventId });
  }

  /** Asks Google to read the device list of these users again. True when it has got that for each of them. */
  async requestSync(agentUserIds: readonly string[]): Promise<boolean> {
    const requested = await Promise.all(this.lanesOf(agentUserIds).map((lane) => lane.requestSync()));
    return requested.length > 0 && requested.every((each) => each);
  }

  /**
   * For the dialog; undefined without a usable key. With a new token. The user of the call does not exist, which Google says
   * only to whom it lets in.
   */
  async probe(signal: AbortSignal): Promise<Probe | undefined> {
    const { account } = this;
    if (account === undefined) return undefined;
    account.discard();
    try {
      await account.token();
    } catch (error) {
      if (!(error instanceof ServiceAccountError || error instanceof ApiFailure)) throw error;
      return { keyProblem: error.message, clockAheadMs: account.clockAheadMs };
    }
    const verdict = await this.call(account, { method: 'requestSync', agentUserId: randomUUID(), body: {}, signal });
    const { clockAheadMs } = account;
    if (verdict.kind === 'done' || verdict.kind === 'unknown') return { clockAheadMs };
    const detail =
      verdict.kind === 'refused' && verdict.hint !== '' ? `${verdict.reason}. ${verdict.hint}` : verdict.reason;
    return { callProblem: detail, clockAheadMs };
  }

  /** Forgets what waits for a user who is no longer linked. */
  forget(agentUserId: string): void {
    void this.lanes.get(agentUserId)?.close();
    this.lanes.delete(agentUserId);
  }

  async close(): Promise<void> {
    this.closing.abort();
    const lanes = [...this.lanes.values()];
    this.lanes.clear();
    await Promise.all(lanes.map((lane) => lane.close()));
  }

  private lanesOf(agentUserIds: readonly string[]): ReportLane[] {
    const { account, warned } = this;
    if (account === undefined || this.closing.signal.aborted) return [];
    const call = (each: HomeGraphCall): Promise<Verdict> => this.call(account, each);
    return [...new Set(agentUserIds)].map((agentUserId) => {
      const known = this.lanes.get(agentUserId);
      if (known !== undefined) return known;
      const lane = new ReportLane({ random: Math.random, ...this.options, agentUserId, call, warned });
      this.lanes.set(agentUserId, lane);
      return lane;
    });
  }

  /** Undefined where nothing can be sent. */
  private openAccount(): ServiceAccount | undefined {
    const { clock, serviceAccountKey, api, log } = this.options;
    if (serviceAccountKey.trim() === '') return undefined;
    if (!URL.canParse(this.base) || !mayCarrySecrets(new URL(this.base))) {
      log.warn('Home Graph: the endpoint is no https address; nothing is reported to Google');
      return undefined;
    }
    try {
      const key = parseServiceAccountKey(serviceAccountKey);
      return new ServiceAccount(key, { api, clock, signal: this.closing.signal });
    } catch (error) {
      log.warn(`Home Graph: ${textOf(error)}; nothing is reported to Google`);
      return undefined;
    }
  }

  /** With one more try on a new token where the first one is refused. */
  private async call(account: ServiceAccount, call: HomeGraphCall): Promise<Verdict> {
    const { method, agentUserId, body } = call;
    const text = JSON.stringify({
      ...(method === 'requestSync' ? {} : { requestId: randomUUID() }),
      agentUserId,
      ...body,
    });
    try {
      const first = await this.send(account, call, text);
      if (first.answer.status !== 401) return this.judge(first);
      account.discard(first.token);
      return this.judge(await this.send(account, call, text));
    } catch (error) {
      if (error instanceof ApiFailure) return { kind: 'later', reason: error.reason, atLeastMs: 0 };
      if (!(error instanceof ServiceAccountError)) throw error;
      return error.retriable
        ? { kind: 'later', reason: error.message, atLeastMs: Math.min(LONGEST_RETRY_AFTER_MS, error.retryAfterMs) }
        : { kind: 'refused', reason: 'no token', hint: `Google said: ${error.message}.`, whole: true };
    }
  }

  private async send(
    account: ServiceAccount,
    { method, signal }: HomeGraphCall,
    body: string,
  ): Promise<{ answer: ApiAnswer; token: string }> {
    const token = await account.token();
    const answer = await this.options.api.call({
      method: 'POST',
      url: new URL(`${this.base}/devices:${method}`),
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
