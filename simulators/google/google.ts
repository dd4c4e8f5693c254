/**
 * The stand-in for Google itself: it links an account, asks for the devices, reads and commands them, and leads the
 * dialogues of its guide (PIN, "are you sure", both), each over real HTTP as Google does. The login is in
 * `google-link.ts`, the Home Graph that hears of changes in `google-home-graph.ts`, the words in `google-speech.ts`.
 */
import { randomInt } from 'node:crypto';
import type { HomeGraphStandIn } from './home-graph';
import { type SyncedDevice } from './home-graph';
import { fetchCode, redeem, refresh, type LinkSettings } from './link';
import { note } from '../latest';

export interface GoogleSettings extends LinkSettings {
  fulfillmentUrl: string;
}

export interface GoogleOptions {
  /** Told of the devices after each SYNC, as Google tells its own. */
  homeGraph?: HomeGraphStandIn;
  /** Milliseconds after which a person has lost patience. Google's own figure is not published; users report 3 to 5 s. */
  patienceMs?: number;
}

export type Tree = Record<string, unknown>;

/** One request and its answer. */
export interface Exchange {
  intent: 'SYNC' | 'QUERY' | 'EXECUTE' | 'DISCONNECT';
  request: Tree;
  status: number;
  /** Undefined where the answer was no JSON. */
  response: Tree | undefined;
  tookMs: number;
}

/** A device as SYNC names it. */
export interface NamedDevice extends SyncedDevice {
  type: string;
  name: string;
  willReportState: boolean;
}

export interface Execution {
  command: string;
  params?: Tree;
  challenge?: Tree;
}

export interface Command {
  devices: readonly string[];
  execution: readonly Execution[];
}

/** What became of one device's command. */
export interface Outcome {
  status: string;
  errorCode?: string;
  /** What the service wants to hear first. */
  challenge?: string;
  states: Tree;
  exchange: Exchange;
}

export class GoogleStandIn {
  /** Every exchange with the fulfilment, in order. */
  readonly journal: Exchange[] = [];
  /** How many exchanges are remembered. */
  most = Infinity;
  devices: NamedDevice[] = [];
  agentUserId = '';
  accessToken = '';
  refreshToken = '';

  constructor(
    readonly settings: GoogleSettings,
    private readonly options: GoogleOptions = {},
  ) {}

  get linked(): boolean {
    return this.accessToken !== '';
  }

  /** Links as a person does in the Google Home app; the devices are read, and their states, as Google then does. */
  async link(user: string, password: string): Promise<void> {
    const tokens = await redeem(this.settings, await fetchCode(this.settings, user, password));
    if (tokens.refreshToken === undefined) throw new Error('linking: tokens that expire need a refresh token');
    this.accessToken = tokens.accessToken;
    this.refreshToken = tokens.refreshToken;
    await this.sync();
    if (this.devices.length > 0) await this.query(this.devices.map((device) => device.id));
  }

  /** Gets another access token. @throws Error when the service has ended the link. */
  async refresh(): Promise<void> {
    const tokens = await refresh(this.settings, this.refreshToken);
    this.accessToken = tokens.accessToken;
    if (tokens.refreshToken !== undefined) this.refreshToken = tokens.refreshToken;
  }

  async sync(): Promise<NamedDevice[]> {
    const { response } = await this.send('SYNC');
    const payload = treeOf(response?.payload);
    this.agentUserId = textOf(payload.agentUserId);
    this.devices = listOf(payload.devices).map((device) => ({
      id: textOf(device.id),
      type: textOf(device.type),
      traits: Array.isArray(device.traits) ? (device.traits as string[]) : [],
      attributes: treeOf(device.attributes),
      name: textOf(treeOf(device.name).name),
      willReportState: device.willReportState === true,
    }));
    if (this.agentUserId !== '') this.options.homeGraph?.learn(this.agentUserId, this.devices);
    return this.devices;
  }

  /** The states of each device asked for, with its `status` and `errorCode`. */
  async query(ids: readonly string[]): Promise<Record<string, Tree>> {
    const { response } = await this.send('QUERY', { devices: ids.map((id) => ({ id })) });
    const devices = treeOf(treeOf(response?.payload).devices);
    return Object.fromEntries(Object.entries(devices).map(([id, states]) => [id, treeOf(states)]));
  }

  /** Sends commands as they are given; `requestId` keeps the turns of a dialogue together. */
  execute(commands: readonly Command[], requestId?: string): Promise<Exchange> {
    const payload = {
      commands: commands.map(({ devices, execution }) => ({
        devices: devices.map((id) => ({ id })),
        execution: execution.map(({ command, ...rest }) => ({
          command: `action.devices.commands.${command}`,
          ...rest,
        })),
      })),
    };
    return this.send('EXECUTE', payload, requestId);
  }

  /** Begins a dialogue about one device. */
  begin(deviceId: string, command: string, params: Tree): Dialogue {
    return new Dialogue(this, deviceId, command, params);
  }

  /** The person unlinks. Google forgets the tokens, whatever the service answers. */
  async disconnect(): Promise<Exchange> {
    const exchange = await this.send('DISCONNECT');
    this.options.homeGraph?.forget(this.agentUserId);
    this.accessToken = '';
    this.refreshToken = '';
    this.devices = [];
    return exchange;
  }

  /** Sends any request, and once more on a new token where the first is refused with 401. */
  async send(intent: Exchange['intent'], payload?: Tree, requestId = newRequestId()): Promise<Exchange> {
    const input = { intent: `action.devices.${intent}`, ...(payload === undefined ? {} : { payload }) };
    const request = { requestId, inputs: [input] };
    let exchange = await this.post(intent, request);
    if (exchange.status === 401 && this.refreshToken !== '') {
      await this.refresh();
      exchange = await this.post(intent, request);
    }
    return exchange;
  }

  private async post(intent: Exchange['intent'], request: Tree): Promise<Exchange> {
    const begun = performance.now();
    const answer = await fetch(this.settings.fulfillmentUrl, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json;charset=UTF-8',
        Authorization: `Bearer ${this.accessToken}`,
        'Google-Assistant-API-Version': 'v1',
      },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(this.options.patienceMs ?? 5000),
    });
    const text = await answer.text();
    const exchange: Exchange = {
      intent,
      request,
      status: answer.status,
      response: parsed(text),
      tookMs: performance.now() - begun,
    };
    note(this.journal, exchange, this.most);
    return exchange;
  }
}

/** A command and the questions that come back, until it is settled. All turns carry one requestId, as in Google's guide. */
export class Dialogue {
  private readonly requestId = newRequestId();
  /** What the service asked for last. */
  private question: string | undefined;
  private readonly followUpToken = `follow-up-${newRequestId()}`;

  constructor(
    private readonly google: GoogleStandIn,
    readonly deviceId: string,
    readonly command: string,
    private readonly params: Tree,
  ) {}

  get asks(): 'pin' | 'ack' | undefined {
    if (this.question === undefined) return undefined;
    return this.question === 'ackNeeded' ? 'ack' : 'pin';
  }

  /** The first turn. */
  say(): Promise<Outcome> {
    return this.turn();
  }

  /** The person says their PIN; `params` replace those of the first turn, as happens in Google's guide. */
  sayPin(pin: string, params?: Tree): Promise<Outcome> {
    return this.turn({ pin }, params);
  }

  /** The person says yes or no. */
  sayYes(yes: boolean, params?: Tree): Promise<Outcome> {
    return this.turn({ ack: yes }, params);
  }

  private async turn(challenge?: Tree, params: Tree = this.params): Promise<Outcome> {
    const execution = {
      command: this.command,
      params: { ...params, followUpToken: this.followUpToken },
      ...(challenge === undefined ? {} : { challenge }),
    };
    const exchange = await this.google.execute([{ devices: [this.deviceId], execution: [execution] }], this.requestId);
    const outcome = outcomeOf(exchange, this.deviceId);
    this.question = outcome.challenge;
    return outcome;
  }
}

/** The part of an EXECUTE's answer that concerns a device. A failure of the whole request concerns every device. */
export function outcomeOf(exchange: Exchange, deviceId: string): Outcome {
  const payload = treeOf(exchange.response?.payload);
  const entry = listOf(payload.commands).find(({ ids }) => Array.isArray(ids) && ids.includes(deviceId)) ?? payload;
  const challenge = treeOf(entry.challengeNeeded).type;
  return {
    status: typeof entry.status === 'string' ? entry.status : 'ERROR',
    ...(typeof entry.errorCode === 'string' ? { errorCode: entry.errorCode } : {}),
    ...(typeof challenge === 'string' ? { challenge } : {}),
    states: treeOf(entry.states),
    exchange,
  };
}

/** The decimal form of live traffic. A JavaScript number could not hold it. */
function newRequestId(): string {
  return `${randomInt(1, 10)}${Array.from({ length: 18 }, () => randomInt(10)).join('')}`;
}

export function treeOf(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

export function listOf(value: unknown): Tree[] {
  return Array.isArray(value) ? value.map(treeOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parsed(text: string): Tree | undefined {
  try {
    return treeOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}
