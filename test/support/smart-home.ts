/**
 * A house with devices, a person who speaks through Google, and a flow that answers as a test tells it to; the time and
 * the storage are in the test's hand. Every answer is held against the schemas on its way.
 */
import assert from 'node:assert/strict';
import { parseDevice } from './device';
import type { Accounts } from '../../src/google/accounts';
import type { CommandMessage } from '../../src/google/flow-messages';
import { fulfill } from '../../src/google/fulfillment';
import { SmartHome, type Received } from '../../src/google/home';
import type { HomeGraph } from '../../src/google/home-graph';
import type { FollowUp } from '../../src/google/results';
import type { Execution, Identity, JsonObject, States } from '../../src/google/types';
import { MemoryState } from '../../src/state/local';
import type { State } from '../../src/state/state';
import { HandClock } from './clock';
import { checkAnswer, checkFollowUp, checkStates, type Described } from './google-schemas';

export const ANNA: Identity = { agentUserId: 'user123', user: 'anna', link: 'link-1' };
export const BEN: Identity = { agentUserId: 'user456', user: 'ben', link: 'link-2' };

/** The levels of the guide's SYNC sample, and the words its later samples use. */
export const level = (name: string, ...synonyms: string[]): JsonObject => ({
  level_name: name,
  level_values: [{ level_synonym: synonyms.length === 0 ? [name] : synonyms, lang: 'en' }],
});

export interface Result {
  ids: string[];
  status: string;
  states?: States;
  errorCode?: string;
  challengeNeeded?: { type: string };
  debugString?: string;
}

export type Reply = (message: CommandMessage) => unknown;

export class House {
  readonly told: CommandMessage[] = [];
  readonly warnings: string[] = [];
  /** What the log has besides warnings. */
  readonly logged: string[] = [];
  readonly reports: { users: readonly string[]; states: Readonly<Record<string, States>> }[] = [];
  readonly followUps: { user: string; deviceId: string; trait: string; response: FollowUp['response'] }[] = [];
  readonly notifications: { users: readonly string[]; deviceId: string; trait: string; notification: JsonObject }[] =
    [];
  readonly syncs: (readonly string[])[] = [];
  /** Whether Google hears of them. */
  syncsHeard = true;
  readonly disconnected: string[] = [];
  linked = [ANNA.agentUserId];
  /** Those for whom nothing waits any more. */
  readonly forgotten: string[] = [];
  readonly linkListeners = new Set<(agentUserId: string) => void>();
  readonly graph: HomeGraph;
  home: SmartHome;
  private readonly replies = new Map<string, Reply>();

  constructor(
    readonly state: State = new MemoryState(),
    readonly clock = new HandClock(),
  ) {
    const accounts: Accounts = {
      disconnect: async (agentUserId, link) => {
        this.disconnected.push(`${agentUserId}/${link}`);
        this.linked = this.linked.filter((user) => user !== agentUserId);
      },
      linkedUsers: () => Promise.resolve([...this.linked]),
      onLinksChanged: (listener) => {
        this.linkListeners.add(listener);
        return () => this.linkListeners.delete(listener);
      },
    };
    this.graph = {
      enabled: true,
      notify: (users, deviceId, trait, notification) => {
        this.notifications.push({ users, deviceId, trait, notification });
      },
      report: (users, states) => {
        for (const device of this.home.devices() as unknown as Described[]) {
          const mine = states[device.id];
          if (mine !== undefined) checkStates(device, mine);
        }
        this.reports.push({ users, states });
      },
      followUp: (user, deviceId, trait, response) => {
        checkFollowUp(trait, response);
        this.followUps.push({ user, deviceId, trait, response });
      },
      requestSync: (users) => {
        this.syncs.push(users);
        return Promise.resolve(this.syncsHeard);
      },
      forget: (user) => this.forgotten.push(user),
    };
    this.home = new SmartHome({
      accounts,
      graph: this.graph,
      state,
      clock: this.clock,
      prefix: 'google/test',
      log: {
        warn: (text) => this.warnings.push(text),
        info: (text) => this.logged.push(text),
        debug: (text) => this.logged.push(text),
        trace: (text) => this.logged.push(text),
      },
    });
  }

  /** Adds a device; `reply` is the payload its flow answers with, or undefined: it says nothing. */
  device(raw: JsonObject, pin = '', reply: Reply = () => undefined): () => void {
    const settings = parseDevice(raw, pin, 'fallback');
    this.replies.set(settings.id, reply);
    return this.home.register(settings, {
      onCommand: (message) => {
        // A handle is random, and may have the digits of a PIN in it.
        const json = JSON.stringify({ ...message, google: '' });
        if (pin !== '') assert.ok(!json.includes(pin), 'the PIN went to the flow');
        this.told.push(message);
        const payload = this.replies.get(settings.id)?.(message);
        if (payload !== undefined)
          void this.reply(message, payload).catch((error: unknown) => this.warnings.push(String(error)));
      },
    });
  }

  /** The flow answers a command. */
  reply(message: CommandMessage, payload: unknown, more: object = {}): Promise<Received> {
    return this.receive({ google: message.google, payload, ...more }, '');
  }

  /** The flow says something, whatever it is. */
  async receive(...said: Parameters<SmartHome['receive']>): Promise<Received> {
    return this.home.receive(...said);
  }

  /** What the flow of a device answers from now on. */
  answers(deviceId: string, reply: Reply): void {
    this.replies.set(deviceId, reply);
  }

  async post(request: JsonObject, identity = ANNA): Promise<JsonObject> {
    const answer = await fulfill(this.home, identity, JSON.parse(JSON.stringify(request)));
    checkAnswer(request, answer, this.home.devices() as unknown as Described[]);
    return answer;
  }

  /** One command to one device, and its result. */
  async execute(
    deviceId: string,
    command: string,
    params: JsonObject,
    challenge?: JsonObject,
    identity = ANNA,
  ): Promise<Result> {
    const execution = { command: `action.devices.commands.${command}`, params, ...(challenge && { challenge }) };
    const [result] = await this.executeAll([{ devices: [deviceId], execution: [execution] }], identity);
    return result!;
  }

  async executeAll(
    groups: { devices: string[]; execution: (Partial<Execution> & JsonObject)[] }[],
    identity = ANNA,
  ): Promise<Result[]> {
    const commands = groups.map(({ devices, execution }) => ({ devices: devices.map((id) => ({ id })), execution }));
    const answer = await this.post(
      { requestId: '1', inputs: [{ intent: 'action.devices.EXECUTE', payload: { commands } }] },
      identity,
    );
    return (answer.payload as unknown as { commands: Result[] }).commands;
  }

  async query(deviceId: string): Promise<JsonObject> {
    const answer = await this.post({
      requestId: '1',
      inputs: [{ intent: 'action.devices.QUERY', payload: { devices: [{ id: deviceId }] } }],
    });
    return (answer.payload as { devices: Record<string, JsonObject> }).devices[deviceId]!;
  }

  /** The next start: the same storage, everything else anew. */
  async restarted(): Promise<House> {
    await this.home.close();
    return new House(this.state, this.clock);
  }
}
