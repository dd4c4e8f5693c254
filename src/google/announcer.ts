/**
 * What Google is told without having asked: the states of devices, to every linked user, and that the list of devices has
 * changed. How it gets there is the Home Graph's business; what the states are is told by the caller at the last moment.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../common/clock';
import { textOf } from '../common/errors';
import type { State } from '../state/state';
import { canonical, type JsonObject } from './json';
import type { Accounts, FollowUpResponse, HomeGraph, States } from './types';

/** A deploy takes devices away and brings them back; Google is asked to look when the dust has settled. */
const SETTLE_MS = 500;

export interface AnnouncerOptions {
  accounts: Accounts;
  graph: HomeGraph;
  state: State;
  clock: Clock;
  prefix: string;
  /** All states of a device now; undefined when it is gone. */
  statesOf: (deviceId: string) => Readonly<States> | undefined;
  /** The device list as SYNC answers it. */
  devices: () => JsonObject[];
  warn: (message: string) => void;
}

export class Announcer {
  private readonly changed = new Set<string>();
  private telling = false;
  /** How often was looked at the device list. */
  private looks = 0;
  private cancelLook: (() => void) | undefined;
  private closed = false;

  constructor(private readonly options: AnnouncerOptions) {}

  /** The states of this device are to be told. */
  report(deviceId: string): void {
    this.changed.add(deviceId);
    if (this.telling || this.closed) return;
    this.telling = true;
    void this.tell();
  }

  /** Told to nobody who has unlinked since they commanded, and of no device that Google is not to know any more. */
  followUp(agentUserId: string, deviceId: string, trait: string, response: FollowUpResponse): void {
    const { accounts, graph, statesOf } = this.options;
    const tell = (users: readonly string[]): void => {
      if (this.closed || !users.includes(agentUserId) || statesOf(deviceId) === undefined) return;
      graph.followUp(agentUserId, deviceId, trait, response);
    };
    // Where that cannot be known the user still waits for a word: they were linked a moment ago.
    accounts.linkedUsers().then(tell, () => tell([agentUserId]));
  }

  /** A device came, went or was changed: looks a little later whether the list is another than the one Google has. */
  devicesChanged(): void {
    if (this.closed) return;
    this.cancelLook?.();
    this.cancelLook = this.options.clock.after(SETTLE_MS, () => {
      this.cancelLook = undefined;
      void this.look();
    });
  }

  close(): void {
    this.closed = true;
    this.cancelLook?.();
  }

  /** The states are taken after the users are known, so that of two changes the later one is told last. */
  private async tell(): Promise<void> {
    while (this.changed.size > 0) {
      // A request changes a hundred devices, each in its own turn of the event loop's queue: they are told together.
      await new Promise((resolve) => setImmediate(resolve));
      const users = await this.users();
      const states: [string, Readonly<States>][] = [];
      for (const id of users.length === 0 ? [] : this.changed) {
        const known = this.options.statesOf(id);
        if (known !== undefined) states.push([id, known]);
      }
      this.changed.clear();
      if (states.length > 0) this.options.graph.report(users, Object.fromEntries(states));
    }
    // At once, and not when somebody hears that it ended: what changed in between would wait for the next change.
    this.telling = false;
  }

  /**
   * The list counts as told when Google has heard of it, and not before: while Google cannot be reached there may be
   * another deploy, or the end of the process.
   */
  private async look(): Promise<void> {
    const { accounts, state, prefix, graph } = this.options;
    const key = `${prefix}/sync`;
    this.looks += 1;
    const look = this.looks;
    try {
      const hash = createHash('sha256').update(canonical(this.options.devices())).digest('base64url');
      if ((await state.get(key)) === hash) return;
      // Whoever links later asks for the list without being told to.
      const users = await accounts.linkedUsers();
      if (this.closed || (users.length > 0 && !(await graph.requestSync(users)))) return;
      // Looked at again meanwhile: that look judges by what was told before this one.
      if (look !== this.looks) return;
      await state.change(key, () => ({ value: hash, result: undefined }));
    } catch (error) {
      this.options.warn(`whether the device list changed could not be told: ${textOf(error)}`);
    }
  }

  private async users(): Promise<string[]> {
    try {
      return await this.options.accounts.linkedUsers();
    } catch (error) {
      this.options.warn(`the linked users could not be read: ${textOf(error)}`);
      return [];
    }
  }
}
