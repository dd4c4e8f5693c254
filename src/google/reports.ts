/**
 * What Google gets without having asked: states of devices and notifications, to every linked user, and that the list of
 * devices has changed. How it gets there is up to the Home Graph client; what the states are is asked at the last moment.
 */
import { textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import { canonical } from '../common/json';
import { fingerprint } from '../common/secrets';
import type { Accounts } from './accounts';
import type { Notification } from './flow-messages';
import type { HomeGraph } from './home-graph';
import type { FollowUp } from './results';
import type { AccountContext, JsonObject, States } from './types';

/** A deploy takes devices away and brings them back; Google is asked to look when that is over. */
const SETTLE_MS = 500;
/** States that have not changed are reported again after this time: the last report may have been lost. */
const REPEAT_MS = 10 * 60_000;
/** Leaving does not last longer; timers of the system last no more than some weeks. */
const LONGEST_EXIT_SECONDS = 24 * 60 * 60;

export interface ReportsOptions extends AccountContext {
  accounts: Accounts;
  graph: HomeGraph;
  /** All states of a device now; undefined when it is gone. */
  statesOf: (deviceId: string) => Readonly<States> | undefined;
  /** The device list as SYNC answers it. */
  devices: () => JsonObject[];
}

export class Reports {
  private readonly due = new Set<string>();
  /** What was reported of each device, to whom, and when by the clock's `elapsed`. */
  private readonly reported = new Map<string, { states: Readonly<States>; text: string; users: string; at: number }>();
  private sending = false;
  /** Stop the timers of exit delays. */
  private readonly exits = new Map<string, () => void>();
  /** How often the device list was looked at. */
  private looks = 0;
  private cancelLook: (() => void) | undefined;
  private readonly unsubscribe: () => void;
  private closed = false;

  constructor(private readonly options: ReportsOptions) {
    // A link may end elsewhere: at another process, or because its code was redeemed a second time.
    this.unsubscribe = options.accounts.onLinksChanged((agentUserId) => void this.forgetUnlinked(agentUserId));
  }

  /** The states of this device are to be reported. */
  report(deviceId: string): void {
    if (this.closed || !this.options.graph.enabled) return;
    this.due.add(deviceId);
    this.watchExit(deviceId);
    if (this.sending) return;
    this.sending = true;
    void this.send();
  }

  /** The states of these devices are to be reported once more, changed or not. */
  repeat(deviceIds: Iterable<string>): void {
    this.reported.clear();
    for (const id of deviceIds) this.report(id);
  }

  /** Google was answered with these states: another process may have changed them, or a report got lost. */
  answered(deviceId: string, states: Readonly<States>): void {
    const last = this.reported.get(deviceId);
    if (last?.states === states) return;
    // What is left of an exit delay is another number every second.
    if (last === undefined || lasting(last.states) !== lasting(states)) this.report(deviceId);
  }

  /** To the user who commanded, unless they have unlinked since, and of no device that is gone. */
  async followUp(agentUserId: string, deviceId: string, { trait, response }: FollowUp): Promise<void> {
    const { graph, statesOf, log } = this.options;
    // Where it is not known who is linked the user still waits for the answer: they were linked a moment ago.
    const users = await this.users([agentUserId]);
    if (this.closed || !users.includes(agentUserId) || statesOf(deviceId) === undefined) return;
    log.trace(`follow-up of "${foreignText(deviceId)}": ${trait} ${response.status}`);
    graph.followUp(agentUserId, deviceId, trait, response);
  }

  async notify(deviceId: string, notifications: readonly Notification[]): Promise<void> {
    if (notifications.length === 0) return;
    const users = await this.users();
    if (this.closed || users.length === 0) return;
    for (const { trait, content } of notifications) {
      this.options.log.trace(`notification of "${foreignText(deviceId)}": ${trait}`);
      this.options.graph.notify(users, deviceId, trait, content);
    }
  }

  /** A device came, went or was changed: looks a little later whether the list is another than the one Google has. */
  devicesChanged(): void {
    if (this.closed) return;
    this.cancelLook?.();
    this.cancelLook = this.options.clock.after(SETTLE_MS, () => void this.look());
  }

  /** What waits for a user without a link is dropped. */
  async forgetUnlinked(agentUserId: string): Promise<void> {
    const users = await this.users([agentUserId]);
    if (!users.includes(agentUserId)) this.options.graph.forget(agentUserId);
  }

  close(): void {
    this.closed = true;
    this.unsubscribe();
    this.cancelLook?.();
    for (const stop of this.exits.values()) stop();
  }

  /** The seconds of an exit delay end by themselves, which Google is to learn. */
  private watchExit(deviceId: string): void {
    const { exitAllowance: seconds } = this.options.statesOf(deviceId) ?? {};
    this.exits.get(deviceId)?.();
    this.exits.delete(deviceId);
    if (typeof seconds !== 'number' || seconds > LONGEST_EXIT_SECONDS) return;
    const stop = this.options.clock.after(seconds * 1000, () => this.report(deviceId));
    this.exits.set(deviceId, stop);
  }

  /** The states are taken after the users are known, so that of two changes the later one is sent last. */
  private async send(): Promise<void> {
    while (this.due.size > 0) {
      // A request changes a hundred devices, each in its own turn of the event loop's queue: they are sent together.
      await new Promise((resolve) => setImmediate(resolve));
      const users = await this.users();
      const changed: [string, Readonly<States>][] = [];
      for (const id of users.length === 0 ? [] : this.due) {
        const states = this.options.statesOf(id);
        if (states !== undefined && this.isNews(id, states, users)) changed.push([id, states]);
      }
      this.due.clear();
      if (changed.length === 0) continue;
      this.options.log.trace(`report of ${changed.map(([id]) => `"${foreignText(id)}"`).join(', ')}`);
      this.options.graph.report(users, Object.fromEntries(changed));
    }
    // At once, and not when a caller learns that it ended: what changed in between would wait for the next change.
    this.sending = false;
  }

  private isNews(deviceId: string, states: Readonly<States>, linked: readonly string[]): boolean {
    const [text, users, at] = [JSON.stringify(states), linked.join(), this.options.clock.elapsed()];
    const last = this.reported.get(deviceId);
    if (last?.text === text && last.users === users && at - last.at < REPEAT_MS) return false;
    this.reported.set(deviceId, { states, text, users, at });
    return true;
  }

  /**
   * The list counts as sent when Google has got it, and not before: while Google cannot be reached there may be another
   * deploy, or the end of the process.
   */
  private async look(): Promise<void> {
    const { accounts, state, prefix, graph, log } = this.options;
    const key = `${prefix}/sync`;
    this.looks += 1;
    const look = this.looks;
    try {
      const hash = fingerprint(canonical(this.options.devices()));
      if ((await state.get(key)) === hash) return;
      // A user who links later is asked for nothing: Google reads the list then.
      const users = await accounts.linkedUsers();
      if (this.closed || (users.length > 0 && !(await graph.requestSync(users)))) return;
      // Looked at again meanwhile: that look judges by what was sent before this one.
      if (look !== this.looks) return;
      await state.change(key, () => ({ value: hash, result: undefined }));
    } catch (error) {
      log.warn(`Google could not be asked to read the changed device list: ${foreignText(textOf(error))}`);
    }
  }

  /** The linked users; `otherwise` where they cannot be read. */
  private async users(otherwise: string[] = []): Promise<string[]> {
    try {
      return await this.options.accounts.linkedUsers();
    } catch (error) {
      this.options.log.warn(`the linked users could not be read: ${foreignText(textOf(error))}`);
      return otherwise;
    }
  }
}

function lasting(states: Readonly<States>): string {
  return JSON.stringify({ ...states, exitAllowance: 0 });
}
