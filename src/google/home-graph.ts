/**
 * The way to Google's Home Graph: state reports, follow-up notifications and requests to read the device list again.
 * Each user has a lane with one call at a time, so an older state never overtakes a newer one; what waits is kept once
 * per device, the newest. Which states a device has, and when they change, is left to the callers.
 */
import { randomUUID } from 'node:crypto';
import { textOf } from '../common/errors';
import { exchange, HttpFailure, type HttpAnswer } from '../common/http';
import { isSafeAddress, parseServiceAccountKey, ServiceAccount, ServiceAccountError } from './service-account';
import type { Clock } from '../common/clock';
import type { FollowUpResponse, HomeGraph, JsonObject, States } from './types';

/** Long enough for what one event changes at several devices, short beside what Google allows for a report. */
const GATHER_MS = 100;
/** A deploy changes the device list piece by piece. */
const SYNC_DEBOUNCE_MS = 2000;
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Pauses between attempts double from the first to the last; with jitter, so that installations do not march in step. */
const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 5 * 60_000;
/** About an hour and a half. A state that could not be told by then is dropped; the next one is tried anew. */
const MAX_ATTEMPTS = 24;
/** The outage is told in the log once it is no hiccup any more. */
const TELL_AFTER_ATTEMPTS = 4;
/** Right after linking, and after a device was added, Home Graph answers 404 until it has read the list: a race. */
const UNKNOWN_PAUSES_MS = [2000, 5000, 10_000, 20_000] as const;
/** After this many of those Google is asked to read the list. */
const SYNC_AFTER_UNKNOWN = 2;
/** Google gives no figure for the life of a follow-up token; nobody listens longer. */
const FOLLOW_UP_LIFE_MS = 5 * 60_000;

/** What the way to Google is built from. */
export interface HomeGraphOptions {
  clock: Clock;
  /** `https://homegraph.googleapis.com/v1`, or a stand-in's address. */
  endpoint: string;
  /** The JSON text of the service account key; empty: nothing is ever sent. */
  serviceAccountKey: string;
  /** Told what a person should know. Never holds a secret. */
  warn: (message: string) => void;
}

interface FollowUp {
  deviceId: string;
  trait: string;
  /** As it stands in the call: a follow-up response, or a notification that answers no command. */
  notification: object;
  /** Of a notification that answers no command. */
  eventId?: string;
  /** By the clock's `elapsed`. */
  until: number;
}

/** What travels in one call. */
interface Batch {
  states: Map<string, States>;
  followUps: FollowUp[];
}

interface Lane {
  agentUserId: string;
  states: Map<string, States>;
  followUps: FollowUp[];
  /** Devices to be sent one by one, after a call with several was refused: so that one cannot spoil the others. */
  alone: Set<string>;
  syncDue: boolean;
  /** Those who wait to hear whether Google was asked to read the list. */
  syncAskers: ((told: boolean) => void)[];
  stopSync: (() => void) | undefined;
  stopTimer: (() => void) | undefined;
  busy: boolean;
  /** Consecutive calls that failed for now (429, 5xx, network). */
  attempts: number;
  /** Consecutive 404. */
  unknown: number;
  gone: AbortController;
}

type Verdict =
  | { kind: 'done' }
  /** Try the same again, after at least so long. */
  | { kind: 'later'; reason: string; atLeastMs: number }
  | { kind: 'unknown' }
  | { kind: 'refused'; reason: string; hint: string; whole: boolean };

export class HomeGraphClient implements HomeGraph {
  private readonly lanes = new Map<string, Lane>();
  private readonly closing = new AbortController();
  private readonly running = new Set<Promise<void>>();
  /** What was told in the log, and for which lane; told again only after that lane has succeeded meanwhile. */
  private readonly told = new Map<string, Lane>();
  private readonly account: ServiceAccount | undefined;
  private readonly base: string;
  private readonly random: () => number;

  constructor(private readonly options: HomeGraphOptions & { random?: () => number }) {
    this.random = options.random ?? Math.random;
    this.base = options.endpoint.trim().replace(/\/+$/, '');
    if (options.serviceAccountKey.trim() === '') return;
    if (!URL.canParse(this.base) || !isSafeAddress(new URL(this.base))) {
      options.warn('Home Graph: the endpoint is no https address; nothing is reported to Google');
      return;
    }
    try {
      const key = parseServiceAccountKey(options.serviceAccountKey);
      this.account = new ServiceAccount(key, options.clock, this.closing.signal);
    } catch (error) {
      options.warn(`Home Graph: ${textOf(error)}; nothing is reported to Google`);
    }
  }

  get enabled(): boolean {
    return this.account !== undefined;
  }

  /** Whether a call is under way. */
  get busy(): boolean {
    return this.running.size > 0;
  }

  report(agentUserIds: readonly string[], states: Readonly<Record<string, States>>): void {
    for (const lane of this.lanesOf(agentUserIds)) {
      for (const [deviceId, state] of Object.entries(states)) lane.states.set(deviceId, state);
      this.schedule(lane, GATHER_MS);
    }
  }

  followUp(agentUserId: string, deviceId: string, trait: string, response: FollowUpResponse): void {
    this.queue([agentUserId], { deviceId, trait, notification: { priority: 0, followUpResponse: response } });
  }

  notify(agentUserIds: readonly string[], deviceId: string, trait: string, notification: JsonObject): void {
    this.queue(agentUserIds, { deviceId, trait, notification, eventId: randomUUID() });
  }

  private queue(agentUserIds: readonly string[], notification: Omit<FollowUp, 'until'>): void {
    const until = this.options.clock.elapsed() + FOLLOW_UP_LIFE_MS;
    for (const lane of this.lanesOf(agentUserIds)) {
      lane.followUps.push({ ...notification, until });
      this.schedule(lane, GATHER_MS);
    }
  }

  async requestSync(agentUserIds: readonly string[]): Promise<boolean> {
    const asked: Promise<boolean>[] = [];
    for (const lane of this.lanesOf(agentUserIds)) {
      asked.push(new Promise((resolve) => lane.syncAskers.push(resolve)));
      lane.stopSync?.();
      lane.stopSync = this.options.clock.after(SYNC_DEBOUNCE_MS, () => {
        lane.stopSync = undefined;
        lane.syncDue = true;
        this.schedule(lane, 0);
      });
    }
    const told = await Promise.all(asked);
    return told.length > 0 && told.every((each) => each);
  }

  forget(agentUserId: string): void {
    const lane = this.lanes.get(agentUserId);
    if (lane === undefined) return;
    this.lanes.delete(agentUserId);
    stop(lane);
  }

  async close(): Promise<void> {
    this.closing.abort();
    for (const lane of this.lanes.values()) stop(lane);
    this.lanes.clear();
    await Promise.allSettled(this.running);
  }

  private *lanesOf(agentUserIds: readonly string[]): Generator<Lane> {
    if (this.account === undefined || this.closing.signal.aborted) return;
    for (const agentUserId of new Set(agentUserIds)) {
      let lane = this.lanes.get(agentUserId);
      if (lane === undefined) {
        lane = emptyLane(agentUserId);
        this.lanes.set(agentUserId, lane);
      }
      yield lane;
    }
  }

  /** Sees to it that the lane runs, no later than it would anyway. While it waits after a failure it goes on waiting. */
  private schedule(lane: Lane, delayMs: number): void {
    if (lane.busy || lane.stopTimer !== undefined || !alive(lane)) return;
    lane.stopTimer = this.options.clock.after(delayMs, () => {
      lane.stopTimer = undefined;
      const run = this.run(lane).catch((error: unknown) => {
        this.tell(lane, 'defect', `Home Graph: unexpected: ${textOf(error)}`);
      });
      this.running.add(run);
      void run.then(() => this.running.delete(run));
    });
  }

  private async run(lane: Lane): Promise<void> {
    lane.busy = true;
    let pauseMs: number | undefined;
    try {
      while (pauseMs === undefined && alive(lane)) {
        if (lane.syncDue) {
          lane.syncDue = false;
          pauseMs = this.afterSync(lane, await this.call(lane, 'requestSync', { async: true }));
          continue;
        }
        const batch = this.take(lane);
        if (batch === undefined) break;
        const verdict = await this.call(lane, 'reportStateAndNotification', bodyOf(batch));
        if (alive(lane)) pauseMs = this.afterReport(lane, batch, verdict);
      }
    } finally {
      lane.busy = false;
    }
    if (pauseMs !== undefined) this.schedule(lane, pauseMs);
  }

  /** The next call's content: everything that waits, or one device where it has to go alone. */
  private take(lane: Lane): Batch | undefined {
    const now = this.options.clock.elapsed();
    lane.followUps = lane.followUps.filter((followUp) => followUp.until > now);
    const waiting = new Set([...lane.states.keys(), ...lane.followUps.map((followUp) => followUp.deviceId)]);
    for (const id of lane.alone) if (!waiting.has(id)) lane.alone.delete(id);
    const [single] = lane.alone;
    const batch: Batch = { states: new Map(), followUps: [] };
    for (const [id, state] of lane.states) {
      if (single !== undefined && id !== single) continue;
      batch.states.set(id, state);
      lane.states.delete(id);
    }
    const later: FollowUp[] = [];
    for (const followUp of lane.followUps) {
      const { deviceId, trait } = followUp;
      // A call has room for one of a device and trait; two commands in a row make two calls.
      const taken = batch.followUps.some((other) => other.deviceId === deviceId && other.trait === trait);
      if (taken || (single !== undefined && deviceId !== single)) later.push(followUp);
      else batch.followUps.push(followUp);
    }
    lane.followUps = later;
    return batch.states.size === 0 && batch.followUps.length === 0 ? undefined : batch;
  }

  /** Returns the pause before the lane goes on, or undefined to go on at once. */
  private afterReport(lane: Lane, batch: Batch, verdict: Verdict): number | undefined {
    const devices = new Set([...batch.states.keys(), ...batch.followUps.map((followUp) => followUp.deviceId)]);
    switch (verdict.kind) {
      case 'done':
        this.recovered(lane);
        for (const id of devices) lane.alone.delete(id);
        return undefined;
      case 'later':
        giveBack(lane, batch);
        return this.later(lane, verdict);
      case 'unknown':
        lane.unknown++;
        if (lane.unknown === SYNC_AFTER_UNKNOWN) lane.syncDue = true;
        if (lane.unknown <= UNKNOWN_PAUSES_MS.length) {
          giveBack(lane, batch);
          return UNKNOWN_PAUSES_MS[lane.unknown - 1];
        }
        if (devices.size > 1) {
          this.separate(lane, batch, devices);
          return;
        }
        this.tell(
          lane,
          'unknown',
          `Home Graph: Google does not know this user or the device "${[...devices].join()}" (404). Link the account again in the Google Home app, and check that the key belongs to the same project`,
        );
        for (const id of devices) lane.alone.delete(id);
        return undefined;
      case 'refused':
        if (!verdict.whole && devices.size > 1) {
          this.separate(lane, batch, devices);
          return;
        }
        this.tell(
          lane,
          verdict.whole ? verdict.reason : `${verdict.reason} ${[...devices].join()}`,
          `Home Graph: a report of "${[...devices].join('", "')}" was refused (${verdict.reason}). ${verdict.hint}`,
        );
        for (const id of devices) lane.alone.delete(id);
        return undefined;
    }
  }

  private afterSync(lane: Lane, verdict: Verdict): number | undefined {
    switch (verdict.kind) {
      case 'done':
        settleSync(lane, true);
        return undefined;
      case 'later':
        lane.syncDue = true;
        return this.later(lane, verdict);
      case 'unknown':
        // Not linked at Google's end, or only just: then it reads the list by itself.
        settleSync(lane, true);
        return undefined;
      case 'refused':
        settleSync(lane, false);
        this.tell(
          lane,
          verdict.reason,
          `Home Graph: a request to sync was refused (${verdict.reason}). ${verdict.hint}`,
        );
        return undefined;
    }
  }

  private later(lane: Lane, { reason, atLeastMs }: { reason: string; atLeastMs: number }): number | undefined {
    lane.attempts++;
    if (lane.attempts >= TELL_AFTER_ATTEMPTS) {
      this.tell(lane, 'outage', `Home Graph: cannot be reached or does not answer (${reason}); trying again`);
    }
    if (lane.attempts >= MAX_ATTEMPTS) {
      lane.attempts = 0;
      lane.states.clear();
      lane.followUps = [];
      lane.syncDue = false;
      settleSync(lane, false);
      return undefined;
    }
    const pause = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (lane.attempts - 1));
    return Math.max(atLeastMs, pause * (0.5 + this.random() / 2));
  }

  private separate(lane: Lane, batch: Batch, devices: ReadonlySet<string>): undefined {
    giveBack(lane, batch);
    for (const id of devices) lane.alone.add(id);
  }

  private recovered(lane: Lane): void {
    lane.attempts = 0;
    lane.unknown = 0;
    for (const [cause, other] of this.told) if (other === lane) this.told.delete(cause);
  }

  /** One call, with one more try on a new token where the first one is refused. */
  private async call(lane: Lane, method: string, body: Record<string, unknown>): Promise<Verdict> {
    const text = JSON.stringify({
      ...(method === 'requestSync' ? {} : { requestId: randomUUID() }),
      agentUserId: lane.agentUserId,
      ...body,
    });
    try {
      const first = await this.send(lane, method, text);
      if (first.answer.status !== 401) return judge(first);
      this.account?.discard(first.token);
      return judge(await this.send(lane, method, text));
    } catch (error) {
      if (error instanceof ServiceAccountError && !error.retriable) {
        return { kind: 'refused', reason: 'no token', hint: `Google said: ${error.message}.`, whole: true };
      }
      const reason = error instanceof HttpFailure ? error.reason : textOf(error);
      return { kind: 'later', reason, atLeastMs: 0 };
    }
  }

  private async send(lane: Lane, method: string, body: string): Promise<{ answer: HttpAnswer; token: string }> {
    const token = (await this.account?.token()) ?? '';
    const answer = await exchange({
      method: 'POST',
      url: new URL(`${this.base}/devices:${method}`),
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Accept: 'application/json' },
      body,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      signal: lane.gone.signal,
    });
    return { answer, token };
  }

  /** Once per cause, until something succeeds. */
  private tell(lane: Lane, cause: string, message: string): void {
    if (this.told.has(cause) || this.closing.signal.aborted) return;
    this.told.set(cause, lane);
    this.options.warn(message);
  }
}

/** What an answer means (Google's Home Graph reference: errors). */
function judge({ answer, token }: { answer: HttpAnswer; token: string }): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'done' };
  if (status === 404) return { kind: 'unknown' };
  if (status === 429 || status >= 500) {
    const seconds = Number(answer.headers['retry-after'] ?? 0);
    const atLeastMs = Number.isFinite(seconds) ? Math.min(LAST_PAUSE_MS, Math.max(0, seconds * 1000)) : 0;
    return { kind: 'later', reason: String(status), atLeastMs };
  }
  if (status === 401 || status === 403) {
    const hint =
      'Enable the HomeGraph API in the Google Cloud project of the same ID, and use a key of a service account in that project.';
    return { kind: 'refused', reason: String(status), hint, whole: true };
  }
  const detail = messageOf(answer, token);
  return { kind: 'refused', reason: String(status), hint: detail === '' ? '' : `Google said: ${detail}`, whole: false };
}

/** Google's words, cut short. Without the token first: a proxy on the way may quote what it was sent. */
function messageOf(answer: HttpAnswer, token: string): string {
  try {
    const { error } = JSON.parse(answer.body) as { error?: { message?: unknown } };
    if (typeof error?.message !== 'string') return '';
    const words = token === '' ? error.message : error.message.replaceAll(token, '…');
    return words.replace(/\s+/g, ' ').slice(0, 200);
  } catch {
    return '';
  }
}

function bodyOf({ states, followUps }: Batch): Record<string, unknown> {
  // Entries, not assignments: a device may be called `__proto__`.
  const notifications = new Map<string, Record<string, object>>();
  for (const { deviceId, trait, notification } of followUps) {
    notifications.set(deviceId, {
      ...notifications.get(deviceId),
      [trait]: notification,
    });
  }
  const eventId = followUps.find((each) => each.eventId !== undefined)?.eventId;
  return {
    ...(eventId === undefined ? {} : { eventId }),
    payload: {
      devices: {
        ...(states.size === 0 ? {} : { states: Object.fromEntries(states) }),
        ...(followUps.length === 0 ? {} : { notifications: Object.fromEntries(notifications) }),
      },
    },
  };
}

/** What was not told waits again, unless something newer does. */
function giveBack(lane: Lane, batch: Batch): void {
  for (const [id, state] of batch.states) if (!lane.states.has(id)) lane.states.set(id, state);
  lane.followUps = [...batch.followUps, ...lane.followUps];
}

function emptyLane(agentUserId: string): Lane {
  return {
    agentUserId,
    states: new Map(),
    followUps: [],
    alone: new Set(),
    syncDue: false,
    syncAskers: [],
    stopSync: undefined,
    stopTimer: undefined,
    busy: false,
    attempts: 0,
    unknown: 0,
    gone: new AbortController(),
  };
}

function alive(lane: Lane): boolean {
  return !lane.gone.signal.aborted;
}

function stop(lane: Lane): void {
  lane.gone.abort();
  lane.stopSync?.();
  lane.stopTimer?.();
  settleSync(lane, false);
}

function settleSync(lane: Lane, told: boolean): void {
  for (const tell of lane.syncAskers.splice(0)) tell(told);
}
