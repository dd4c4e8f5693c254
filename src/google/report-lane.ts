/**
 * What waits to be reported for one user. One call at a time, so an older state never overtakes a newer one; of each device
 * the newest state waits, however long Google cannot be reached, and one that Google refuses spoils no other.
 */
import { pause, type Clock } from '../common/clock';
import { textOf } from '../common/errors';
import { pickFields } from '../common/json';
import type { Log } from '../common/log';
import type { States } from './types';

/** Long enough for what one event changes at several devices, short beside what Google allows for a report. */
const GATHER_MS = 100;
/** A deploy changes the device list piece by piece. */
const SYNC_DEBOUNCE_MS = 2000;
/** Pauses between attempts double from the first to the last; with jitter, so that installations do not march in step. */
const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 5 * 60_000;
/** An outage is logged once it is no hiccup any more. */
const WARN_AFTER_FAILURES = 4;
/** About an hour and a half: a request to sync that is waited for counts as failed. */
const SYNC_FAILURES = 24;
/** Right after linking, and after a device was added, Home Graph answers 404 until it has read the list: a race. */
const UNKNOWN_PAUSES_MS = [2000, 5000, 10_000, 20_000] as const;
/** After this many of those Google is asked to read the list. */
const SYNC_AFTER_UNKNOWN = 2;
/** After so many in a row it is the user whom Google does not know, not one of their devices. */
const MOST_UNKNOWN = 25;
/** A word whose values were refused so often is refused whatever it says, … */
const REFUSED_VALUES = 3;
/** … until it is tried again after this time. */
const REFUSED_LIFE_MS = 60 * 60_000;
/** Google gives no figure for the life of a follow-up token; its user does not wait longer. */
const NOTIFICATION_LIFE_MS = 5 * 60_000;

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

export interface GraphNotification {
  deviceId: string;
  trait: string;
  /** As it stands in the call: a follow-up response, or a notification that answers no command. */
  content: object;
  /** Of a notification that answers no command. */
  eventId?: string;
}

export interface LaneOptions {
  agentUserId: string;
  call: (call: HomeGraphCall) => Promise<Verdict>;
  clock: Clock;
  log: Log;
  random: () => number;
  /** Which troubles are in the log, and of which lane; they are logged again once that lane has succeeded meanwhile. */
  warned: Map<string, ReportLane>;
}

/** What travels in one call. */
interface Batch {
  states: Map<string, States>;
  notifications: (GraphNotification & { until: number })[];
  devices: string[];
}

type Refusal = Verdict & { kind: 'refused' };

export class ReportLane {
  private readonly states = new Map<string, States>();
  private notifications: Batch['notifications'] = [];
  /** Words of a device's states that Google refuses, with the values that were refused. An empty map: none was found. */
  private readonly refused = new Map<string, Map<string, string[]>>();
  private refusedSince = -Infinity;
  private syncDue = false;
  private stopSync: (() => void) | undefined;
  private syncWaiters: ((requested: boolean) => void)[] = [];
  /** Calls in a row that failed for now (429, 5xx, network). */
  private failures = 0;
  /** 404 in a row. */
  private unknown = 0;
  private running: Promise<void> | undefined;
  private readonly closing = new AbortController();

  constructor(private readonly options: LaneOptions) {}

  report(states: Readonly<Record<string, States>>): void {
    for (const [deviceId, state] of Object.entries(states)) this.states.set(deviceId, state);
    this.start(GATHER_MS);
  }

  notify(notification: GraphNotification): void {
    const until = this.options.clock.elapsed() + NOTIFICATION_LIFE_MS;
    this.notifications.push({ ...notification, until });
    this.start(GATHER_MS);
  }

  /** Resolves with whether Google was asked to read the device list again. */
  requestSync(): Promise<boolean> {
    this.stopSync?.();
    this.stopSync = this.options.clock.after(SYNC_DEBOUNCE_MS, () => {
      this.syncDue = true;
      this.start(0);
    });
    return new Promise((resolve) => this.syncWaiters.push(resolve));
  }

  /** Ends the call under way, and forgets what waits. */
  async close(): Promise<void> {
    this.closing.abort();
    this.stopSync?.();
    this.settleSync(false);
    await this.running;
  }

  /** Sees to it that the lane runs. While it waits after a failure it goes on waiting. */
  private start(delayMs: number): void {
    if (this.running === undefined && !this.closing.signal.aborted) this.running = this.run(delayMs);
  }

  private async run(delayMs: number): Promise<void> {
    try {
      await this.pause(delayMs);
      let goesOn = true;
      while (goesOn && (this.syncDue || this.states.size > 0 || this.notifications.length > 0)) {
        goesOn = this.syncDue ? await this.sync() : await this.send(this.take(() => true));
        this.closing.signal.throwIfAborted();
      }
    } catch (error) {
      // The batch at fault is gone; what else waits goes with the next report.
      if (!this.closing.signal.aborted) this.warnOnce('defect', `unexpected: ${textOf(error)}`);
    } finally {
      this.running = undefined;
    }
  }

  /** What waits of these devices, for one call. */
  private take(wanted: (deviceId: string) => boolean): Batch {
    const now = this.options.clock.elapsed();
    const states = new Map([...this.states].filter(([id]) => wanted(id)));
    for (const id of states.keys()) this.states.delete(id);
    const notifications: Batch['notifications'] = [];
    const rest: Batch['notifications'] = [];
    for (const each of this.notifications.filter(({ until }) => until > now)) {
      // A call has room for one of a device and trait, and for one event; two commands in a row make two calls.
      const isTaken = notifications.some(
        ({ deviceId, trait, eventId }) =>
          (deviceId === each.deviceId && trait === each.trait) || (eventId ?? each.eventId) !== each.eventId,
      );
      (isTaken || !wanted(each.deviceId) ? rest : notifications).push(each);
    }
    this.notifications = rest;
    const devices = [...new Set([...states.keys(), ...notifications.map(({ deviceId }) => deviceId)])];
    return { states, notifications, devices };
  }

  /** False where any call would fail until something new is to be reported. */
  private async send(batch: Batch): Promise<boolean> {
    if (batch.devices.length === 0) return true;
    const verdict = await this.call('reportStateAndNotification', this.bodyOf(batch));
    switch (verdict.kind) {
      case 'done':
        this.succeeded();
        return true;
      case 'later':
        this.giveBack(batch);
        await this.backOff(verdict);
        return true;
      case 'unknown':
        return this.notKnown(batch);
      case 'refused':
        if (verdict.whole) {
          this.giveBack(batch);
          this.warnRefused(batch, verdict);
          return false;
        }
        if (batch.devices.length > 1) return this.sendHalves(batch);
        await this.leaveOut(batch, verdict);
        return true;
    }
  }

  private async notKnown(batch: Batch): Promise<boolean> {
    this.unknown += 1;
    if (this.unknown === SYNC_AFTER_UNKNOWN) this.syncDue = true;
    const pauseMs = UNKNOWN_PAUSES_MS[this.unknown - 1];
    if (pauseMs !== undefined) {
      this.giveBack(batch);
      await this.pause(pauseMs);
      return true;
    }
    if (batch.devices.length > 1 && this.unknown < MOST_UNKNOWN) return this.sendHalves(batch);
    this.warnOnce(
      'unknown',
      `Google does not know this user or the device "${batch.devices.slice(0, 5).join()}" (404). Link the account again in the Google Home app, and check that the key belongs to the same project`,
    );
    return true;
  }

  /** The halves go one after the other: of two thousand devices one is found in some twenty calls. */
  private async sendHalves(batch: Batch): Promise<boolean> {
    this.giveBack(batch);
    const half = Math.ceil(batch.devices.length / 2);
    for (const devices of [batch.devices.slice(0, half), batch.devices.slice(half)]) {
      const some = new Set(devices);
      if (!(await this.send(this.take((id) => some.has(id))))) return false;
    }
    return true;
  }

  /**
   * Google refuses a whole report for one word in it, where the device's traits do not have it or not with this value. Finds
   * the word, leaves it out, and reports the rest.
   */
  private async leaveOut(batch: Batch, refusal: Refusal): Promise<void> {
    const [[deviceId, states] = ['', {}]] = batch.states;
    const words = Object.keys(states).filter((word) => word !== 'online');
    const said = refusal.hint.split(/\W+/);
    const named = words.filter((word) => said.includes(word));
    const known = this.refused.get(deviceId) ?? new Map<string, string[]>();
    if (this.refused.size === 0) this.refusedSince = this.options.clock.elapsed();
    const tries = known.size === 0 && this.refused.has(deviceId) ? [] : [named, ...words.map((word) => [word])];
    for (const left of tries.filter(({ length }) => length > 0)) {
      const rest = pickFields(states, (word) => !left.includes(word));
      const body = this.bodyOf({ ...batch, states: new Map([[deviceId, rest]]) });
      const verdict = await this.call('reportStateAndNotification', body);
      if (verdict.kind === 'done') {
        for (const word of left) known.set(word, [...(known.get(word) ?? []), JSON.stringify(states[word])]);
        this.refused.set(deviceId, known);
        this.warnRefused(batch, refusal, `"${left.join('", "')}" is left out, and the rest is reported. `);
        return;
      }
      if (verdict.kind === 'later') {
        // A search that was cut off has found nothing out.
        this.giveBack(batch);
        await this.backOff(verdict);
        return;
      }
      if (verdict.kind !== 'refused') break;
    }
    this.refused.set(deviceId, known);
    this.warnRefused(batch, refusal);
  }

  private async sync(): Promise<boolean> {
    this.syncDue = false;
    const verdict = await this.call('requestSync', { async: true });
    if (verdict.kind === 'later') {
      this.syncDue = true;
      await this.backOff(verdict);
      return true;
    }
    if (verdict.kind === 'refused') {
      this.warnOnce(verdict.reason, `a request to sync was refused (${verdict.reason}). ${verdict.hint}`);
    }
    // The device list may have changed what Google accepts.
    if (verdict.kind === 'done') this.refused.clear();
    // A user who is not known is not linked at Google's end, or only just: then it reads the list by itself.
    this.settleSync(verdict.kind !== 'refused');
    return true;
  }

  private call(method: HomeGraphCall['method'], body: HomeGraphCall['body']): Promise<Verdict> {
    return this.options.call({ method, agentUserId: this.options.agentUserId, body, signal: this.closing.signal });
  }

  private bodyOf({ states, notifications }: Batch): Record<string, unknown> {
    if (this.options.clock.elapsed() - this.refusedSince >= REFUSED_LIFE_MS) this.refused.clear();
    // Entries, not assignments: a device may be called `__proto__`.
    const wanted = [...states].map(([id, state]) => [
      id,
      pickFields(state, (word, value) => !this.isRefused(id, word, value)),
    ]);
    const byDevice = new Map<string, Record<string, object>>();
    for (const { deviceId, trait, content } of notifications) {
      byDevice.set(deviceId, { ...byDevice.get(deviceId), [trait]: content });
    }
    const eventId = notifications.find((each) => each.eventId !== undefined)?.eventId;
    const devices = {
      ...(wanted.length === 0 ? {} : { states: Object.fromEntries(wanted) as object }),
      ...(byDevice.size === 0 ? {} : { notifications: Object.fromEntries(byDevice) }),
    };
    return { ...(eventId === undefined ? {} : { eventId }), payload: { devices } };
  }

  private isRefused(deviceId: string, word: string, value: unknown): boolean {
    const values = this.refused.get(deviceId)?.get(word) ?? [];
    return values.length >= REFUSED_VALUES || values.includes(JSON.stringify(value));
  }

  /** What was not reported waits again, unless something newer does. */
  private giveBack({ states, notifications }: Batch): void {
    for (const [id, state] of states) if (!this.states.has(id)) this.states.set(id, state);
    this.notifications = [...notifications, ...this.notifications];
  }

  private async backOff({ reason, atLeastMs }: Verdict & { kind: 'later' }): Promise<void> {
    this.failures += 1;
    if (this.failures >= WARN_AFTER_FAILURES) {
      this.warnOnce('outage', `cannot be reached or does not answer (${reason}); trying again`);
    }
    if (this.failures === SYNC_FAILURES) this.settleSync(false);
    const longest = FIRST_PAUSE_MS * 2 ** Math.min(20, this.failures - 1);
    const pauseMs = Math.max(atLeastMs, Math.min(LAST_PAUSE_MS, longest) * (0.5 + this.options.random() / 2));
    this.options.log.debug(`Home Graph: ${reason}; again in ${Math.round(pauseMs / 1000)} s`);
    await this.pause(pauseMs);
  }

  private pause(ms: number): Promise<void> {
    return pause(this.options.clock, ms, this.closing.signal);
  }

  private succeeded(): void {
    const { warned, log } = this.options;
    if (warned.get('outage') === this) log.info('Home Graph: reached again; the newest states are reported');
    this.failures = 0;
    this.unknown = 0;
    for (const [cause, lane] of warned) if (lane === this) warned.delete(cause);
  }

  private warnRefused({ devices }: Batch, { reason, hint, whole }: Refusal, done = ''): void {
    this.warnOnce(
      whole ? reason : `${reason} ${devices.join()}`,
      `a report of "${devices.slice(0, 5).join('", "')}" was refused (${reason}). ${done}${hint}`,
    );
  }

  /** Once per cause, until something succeeds. */
  private warnOnce(cause: string, message: string): void {
    const { warned, log } = this.options;
    if (warned.has(cause) || this.closing.signal.aborted) return;
    warned.set(cause, this);
    log.warn(`Home Graph: ${message}`);
  }

  private settleSync(requested: boolean): void {
    for (const settle of this.syncWaiters.splice(0)) settle(requested);
  }
}
