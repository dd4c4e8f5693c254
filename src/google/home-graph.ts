/**
 * The way to Google's Home Graph: state reports, notifications and requests to read the device list again, a lane for each
 * user. Calls return at once and never throw. Which states a device has, and when they change, is left to the callers.
 */
import { randomUUID } from 'node:crypto';
import { mayCarrySecrets } from '../common/address';
import type { ApiClient } from '../common/api-client';
import type { Clock } from '../common/clock';
import { textOf } from '../common/errors';
import type { Log } from '../common/log';
import { HomeGraphApi, type Probe } from './home-graph-api';
import { ReportLane, type GraphNotification } from './report-lane';
import { parseServiceAccountKey, ServiceAccount } from './service-account';
import type { FollowUp } from './results';
import type { JsonObject, States } from './types';

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
  private readonly api: HomeGraphApi | undefined;
  /** Whether anything is sent: there is a usable service account key. */
  readonly enabled: boolean;

  constructor(private readonly options: HomeGraphOptions) {
    this.api = this.open();
    this.enabled = this.api !== undefined;
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
    this.send([agentUserId], { deviceId, trait, content: { priority: 0, followUpResponse: response } });
  }

  /** A notification that answers no command, to each of these users once, as an event of its own. */
  notify(agentUserIds: readonly string[], deviceId: string, trait: string, content: JsonObject): void {
    this.send(agentUserIds, { deviceId, trait, content, eventId: randomUUID() });
  }

  /** Asks Google to read the device list of these users again. True when it has got that for each of them. */
  async requestSync(agentUserIds: readonly string[]): Promise<boolean> {
    const requested = await Promise.all(this.lanesOf(agentUserIds).map((lane) => lane.requestSync()));
    return requested.length > 0 && requested.every((each) => each);
  }

  /** For the dialog. Undefined without a usable key. */
  probe(signal: AbortSignal): Promise<Probe | undefined> {
    return this.api?.probe(signal) ?? Promise.resolve(undefined);
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

  private send(agentUserIds: readonly string[], notification: GraphNotification): void {
    for (const lane of this.lanesOf(agentUserIds)) lane.notify(notification);
  }

  private lanesOf(agentUserIds: readonly string[]): ReportLane[] {
    const { api, warned } = this;
    if (api === undefined || this.closing.signal.aborted) return [];
    return [...new Set(agentUserIds)].map((agentUserId) => {
      const known = this.lanes.get(agentUserId);
      if (known !== undefined) return known;
      const lane = new ReportLane({ random: Math.random, ...this.options, agentUserId, api, warned });
      this.lanes.set(agentUserId, lane);
      return lane;
    });
  }

  /** Undefined where nothing can be sent. */
  private open(): HomeGraphApi | undefined {
    const { clock, endpoint, serviceAccountKey, api, log } = this.options;
    if (serviceAccountKey.trim() === '') return undefined;
    const base = endpoint.trim().replace(/\/+$/, '');
    if (!URL.canParse(base) || !mayCarrySecrets(new URL(base))) {
      log.warn('Home Graph: the endpoint is no https address; nothing is reported to Google');
      return undefined;
    }
    try {
      const key = parseServiceAccountKey(serviceAccountKey);
      const account = new ServiceAccount(key, { api, clock, signal: this.closing.signal });
      return new HomeGraphApi({ api, account, base, clock });
    } catch (error) {
      log.warn(`Home Graph: ${textOf(error)}; nothing is reported to Google`);
      return undefined;
    }
  }
}
