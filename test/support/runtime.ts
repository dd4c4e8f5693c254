/**
 * Flows in Node-RED's own test helper, in the test's own process: loading, sending, and waiting for what comes out at the nodes'
 * ends, at Catch, Complete and Status nodes. What stands around them (a gateway, a cloud, Google) is up to who extends it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Node, NodeAPI, NodeMessageInFlow, NodeStatus } from 'node-red';
import helper from 'node-red-node-test-helper';

helper.init(require.resolve('node-red'));

/** Bolts that travel fast. */
export const HURRIED = { boltTravel: 20, readBackPauses: [30], workPause: 20, breather: 0, restartGrace: 3000 };

export type Received = NodeMessageInFlow & Record<string, unknown> & { error?: CaughtError; status?: NodeStatus };
export interface CaughtError {
  message: string;
  code: string;
  cause: { gatewayCode?: number; httpStatus?: number; retriable: boolean; hint: string };
  source: { id: string; type: string };
}
interface LogLine {
  msg: unknown;
}
export interface FlowItem {
  id: string;
  type: string;
  [property: string]: unknown;
}

export type Module = (RED: NodeAPI) => void | Promise<void>;

/** Without a place on the canvas the test helper takes a node for a configuration. */
export function placed(items: readonly FlowItem[]): FlowItem[] {
  const isAside = ({ type }: FlowItem): boolean => type.endsWith('-config') || ['tab', 'http proxy'].includes(type);
  return [
    { id: 'tab', type: 'tab', label: 'test' },
    ...items.map((item) => (isAside(item) ? item : { x: 100, y: 100, z: 'tab', ...item })),
  ];
}

/** As Node-RED does in English: the test helper knows no catalogues. */
function english(full: string, values: Record<string, string | number> = {}): string {
  const [, type = '', key = ''] = /^[^/]+\/([^:]+):(.+)$/.exec(full) ?? [];
  const file = path.join(__dirname, '../../nodes/locales/en-US', `${type}.json`);
  let found = JSON.parse(readFileSync(file, 'utf8')) as unknown;
  for (const part of key.split('.')) found = (found as Record<string, unknown> | undefined)?.[part];
  if (typeof found !== 'string') return full;
  return found.replace(/__(\w+)__/g, (whole, name: string) => String(values[name] ?? whole));
}

export class Runtime {
  RED!: NodeAPI;
  userDir = '';
  /** What arrived at helper nodes, by their id. */
  readonly received = new Map<string, Received[]>();
  /** Every badge of every node, in order. */
  readonly badges: { id: string; badge: NodeStatus }[] = [];
  private readonly listeners = new Set<() => void>();
  private settings: object = {};
  private ownDir = false;

  /** @param userDir outlives this runtime; without one it has its own */
  async open(settings: object = {}, userDir?: string): Promise<void> {
    this.ownDir = userDir === undefined;
    this.userDir = userDir ?? mkdtempSync(path.join(os.tmpdir(), 'runtime-'));
    const logging = { console: { level: 'trace' } };
    this.settings = { userDir: this.userDir, gatewayConfigTiming: HURRIED, logging, ...settings };
    await this.serve();
  }

  /** The items, with a Catch and a Complete node for everything, wired to helper nodes of those names. */
  whole(...items: FlowItem[]): FlowItem[] {
    const scope = items.filter(({ type }) => !type.endsWith('-config')).map(({ id }) => id);
    return placed([
      ...items,
      ...['out', 'caught', 'completed'].map((id) => ({ id, type: 'helper', wires: [] })),
      { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
      { id: 'complete', type: 'complete', scope, wires: [['completed']] },
    ]);
  }

  async loadWith(modules: readonly Module[], items: FlowItem[], credentials: object): Promise<void> {
    const capture = (RED: NodeAPI): void => {
      this.RED = RED;
      RED._ = english;
      RED.events.on('node-status', this.onStatus);
    };
    await helper.load([capture, ...modules] as never, items, credentials);
    this.listen();
  }

  /** A deploy, as the editor makes it. */
  async deploy(items: FlowItem[], type: 'nodes' | 'flows' | 'full'): Promise<void> {
    await helper.setFlows(items, type);
    this.listen();
  }

  /** Unloads everything, to load another flow in the same world. */
  async again(): Promise<void> {
    await this.unload();
    await this.serve();
  }

  /** Ends everything, and takes its own user directory away. @param closed what still writes there after Node-RED has stopped */
  async end(closed?: () => Promise<unknown>): Promise<void> {
    await this.unload();
    await closed?.();
    if (this.ownDir) rmSync(this.userDir, { recursive: true, force: true });
  }

  private async serve(): Promise<void> {
    await new Promise<void>((resolve) => helper.startServer(() => resolve()));
    helper.settings(this.settings);
  }

  private async unload(): Promise<void> {
    await helper.unload();
    (this.RED as NodeAPI | undefined)?.events.off('node-status', this.onStatus);
    this.received.clear();
    this.badges.length = 0;
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
  }

  private readonly heard = new WeakSet();
  private readonly onStatus = ({ id, status }: { id: string; status?: NodeStatus }): void => {
    // A stopped node's badge is taken away without a word.
    this.badges.push({ id, badge: status ?? {} });
    this.wake();
  };

  private listen(): void {
    for (const id of ['out', 'caught', 'completed']) {
      const node = helper.getNode(id) as Node | null;
      if (node === null || this.heard.has(node)) continue;
      this.heard.add(node);
      node.on('input', (message) => {
        this.at(id).push(message);
        this.wake();
      });
    }
  }

  /** What Node-RED was told to log since the flow was loaded. */
  get logged(): string[] {
    const calls = (helper.log() as unknown as { args: [LogLine][] }).args;
    return calls.map(([{ msg }]) => (msg instanceof Error ? `${String(msg)} ${msg.stack ?? ''}` : String(msg)));
  }

  at(id: string): Received[] {
    const list = this.received.get(id) ?? [];
    this.received.set(id, list);
    return list;
  }

  node(id: string): Node {
    return helper.getNode(id);
  }

  send(id: string, message: Record<string, unknown>): void {
    this.node(id).receive(message);
  }

  badgesOf(id: string): string[] {
    return this.badges.filter((each) => each.id === id).map(({ badge }) => badge.text ?? '');
  }

  /** Waits until something is so, which only messages and badges can bring about. */
  until(condition: () => boolean, limitMs = 8000): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        this.listeners.delete(check);
        if (error === undefined) resolve();
        else reject(error);
      };
      const check = (): void => {
        if (condition()) finish();
      };
      const timer = setTimeout(() => {
        const state = { received: Object.fromEntries(this.received), badges: this.badges };
        finish(new Error(`waited in vain for ${String(condition)}; ${JSON.stringify(state)}`));
      }, limitMs);
      this.listeners.add(check);
      check();
    });
  }

  /** Time enough for an end that is told a second time. */
  quiet(): Promise<void> {
    return tick(100);
  }

  async next(id: string, count = 1): Promise<Received> {
    await this.until(() => this.at(id).length >= count);
    return this.at(id)[count - 1]!;
  }

  private wake(): void {
    for (const check of [...this.listeners]) check();
  }
}

export function tick(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
