/**
 * Flows with lock nodes in Node-RED's own test helper, against a simulated gateway on HTTP: loading, sending, and waiting
 * for what comes out at the nodes' ends, at Catch, Complete and Status nodes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Node, NodeAPI, NodeMessageInFlow, NodeStatus } from 'node-red';
import helper from 'node-red-node-test-helper';
import gatewayConfig from '../../nodes/gateway-config';
import gatewaySync from '../../nodes/gateway-sync';
import lockAction from '../../nodes/lock-action';
import lockStatus from '../../nodes/lock-status';
import { gatewaysOf } from '../../nodes/shared/gateways';
import type { Timing } from '../../src/thekeys/gateway';
import { SimulatedGateway, type SimulatedGatewayOptions } from '../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../simulators/gateway/server';

export const FRONT = { identifier: '45961123', code: 'demo-front-code' };
export const BACK = { identifier: '45961124', code: 'demo-back-code' };

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

export const NODES = [gatewayConfig, lockAction, lockStatus, gatewaySync];

/** A flow around one gateway; ordinary nodes need coordinates, or the helper takes them for configurations. */
export class LockFlow {
  world!: SimulatedGateway;
  running!: RunningGateway;
  RED!: NodeAPI;
  userDir!: string;
  private settings = {};
  /** What arrived at helper nodes, by their id. */
  readonly received = new Map<string, Received[]>();
  /** Every badge of every node, in order. */
  readonly badges: { id: string; badge: NodeStatus }[] = [];
  private readonly listeners = new Set<() => void>();

  async begin(
    options: Partial<SimulatedGatewayOptions> = {},
    timing: Partial<Timing> = {},
    settings: object = {},
  ): Promise<void> {
    this.world = new SimulatedGateway({ locks: [FRONT, BACK], ...options });
    this.running = await serve(this.world);
    this.userDir = mkdtempSync(path.join(os.tmpdir(), 'lock-flow-'));
    this.settings = { userDir: this.userDir, gatewayConfigTiming: { ...HURRIED, ...timing }, ...settings };
    helper.init(require.resolve('node-red'), this.settings as never);
    await new Promise<void>((resolve) => helper.startServer(() => resolve()));
  }

  async end(): Promise<void> {
    await helper.unload();
    this.RED.events.off('node-status', this.onStatus);
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
    await this.running.close();
    await gatewaysOf(this.RED).closed();
    this.received.clear();
    this.badges.length = 0;
    rmSync(this.userDir, { recursive: true, force: true });
  }

  /** The gateway configuration that most flows use. */
  gateway(more: Record<string, unknown> = {}): FlowItem {
    return { id: 'gw', type: 'gateway-config', host: this.running.host, identifier: FRONT.identifier, ...more };
  }

  /** The items, with a Catch, a Complete and a Status node for everything, wired to helper nodes of those names. */
  whole(...items: FlowItem[]): FlowItem[] {
    const place = { x: 100, y: 100, z: 'tab' };
    return [
      { id: 'tab', type: 'tab' },
      ...items.map((item) => (item.type === 'gateway-config' ? item : { ...place, ...item })),
      ...['out', 'caught', 'completed'].map((id) => ({ ...place, id, type: 'helper', wires: [] })),
      { ...place, id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
      {
        ...place,
        id: 'complete',
        type: 'complete',
        scope: items.filter(({ type }) => type !== 'gateway-config').map(({ id }) => id),
        wires: [['completed']],
      },
    ];
  }

  /** @param more nodes besides those of the locks */
  async load(
    items: FlowItem[],
    credentials: Record<string, unknown> = { gw: { code: FRONT.code } },
    more: readonly unknown[] = [],
  ): Promise<void> {
    const capture = (RED: NodeAPI): void => {
      this.RED = RED;
      RED.events.on('node-status', this.onStatus);
    };
    await helper.load([...NODES, ...more, capture] as never, items, credentials);
    this.listen();
  }

  /** A deploy, as the editor makes it. */
  async deploy(items: FlowItem[], type: 'nodes' | 'flows' | 'full'): Promise<void> {
    await helper.setFlows(items, type);
    this.listen();
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

  /** Waits until a request for this path has reached the gateway. */
  async arrived(where: string): Promise<void> {
    while (!this.world.journal.paths.includes(where)) await tick(5);
  }

  /** Two more polls of the gateway's list, or attempts at it. */
  async polledAgain(): Promise<void> {
    const { journal } = this.world;
    if (this.world.present) {
      const before = journal.paths.filter((each) => each === '/lockers').length;
      while (journal.paths.filter((each) => each === '/lockers').length < before + 2) await tick(50);
    } else {
      // Nobody counts attempts at a gateway that is not there; the shortest interval is a second.
      await tick(2300);
    }
  }

  /** Unloads everything, to load another flow in the same world. */
  async again(): Promise<void> {
    await helper.unload();
    this.RED.events.off('node-status', this.onStatus);
    this.received.clear();
    this.badges.length = 0;
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
    helper.init(require.resolve('node-red'), this.settings as never);
    await new Promise<void>((resolve) => helper.startServer(() => resolve()));
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

function tick(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
