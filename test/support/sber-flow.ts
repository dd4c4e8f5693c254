/**
 * One Sber node in a flow, with its account, a node behind it and a Catch node: a message goes in, and what comes out,
 * or is caught, comes back.
 */
import { createRequire } from 'node:module';
import helper from 'node-red-node-test-helper';
import type { Node, NodeInitializer } from 'node-red';
import sberConfig from '../../nodes/sber-config';
import sberDevices from '../../nodes/sber-devices';
import sberModels from '../../nodes/sber-models';

/** Node-RED's own. */
const httpProxy = createRequire(__filename)('@node-red/nodes/core/network/06-httpproxy.js') as NodeInitializer;

export interface Caught {
  code: string;
  message: string;
  cause: { gatewayCode?: number; httpStatus?: number; retriable: boolean; hint: string };
}

export type Received = Record<string, unknown> & { payload: unknown; error?: Caught; sber?: Stamp };

export interface Stamp {
  requestId?: string;
  httpStatus?: number;
  warnings: { modelId?: string; deviceId?: string; path: string; message: string }[];
}

export interface Badge {
  fill?: string;
  shape?: string;
  text?: string;
}

export interface SberFlow {
  /** What came out; an error that was caught instead is thrown as it was seen by the Catch node. */
  send: (message: Record<string, unknown>) => Promise<Received>;
  /** What the Catch node saw. */
  failing: (message: Record<string, unknown>) => Promise<Received & { error: Caught }>;
  badges: Badge[];
  node: Node;
}

/** The helper's spies tell of every call. */
interface Spied {
  on(event: 'call:status', run: (call: { args: unknown[] }) => void): void;
}

export async function sberFlow(
  type: 'sber-models' | 'sber-devices',
  account: Record<string, unknown> & { token?: string; proxyNode?: Record<string, unknown> },
  node: Record<string, unknown>,
): Promise<SberFlow> {
  const { token, proxyNode, ...settings } = account;
  // Without a place on the tab the helper takes a node for a configuration node.
  const nodes: { id: string; type: string; [property: string]: unknown }[] = [
    { id: 'tab', type: 'tab', label: 'Sber' },
    ...(proxyNode === undefined ? [] : [{ id: 'proxy', type: 'http proxy', ...proxyNode }]),
    { id: 'account', type: 'sber-config', ...(proxyNode === undefined ? {} : { proxy: 'proxy' }), ...settings },
    { id: 'node', type, z: 'tab', x: 100, y: 100, account: 'account', ...node, wires: [['out']] },
    { id: 'out', type: 'helper', z: 'tab', x: 300, y: 100 },
    { id: 'catch', type: 'catch', z: 'tab', x: 100, y: 200, scope: null, wires: [['caught']] },
    { id: 'caught', type: 'helper', z: 'tab', x: 300, y: 200 },
  ];
  const { username, password } = proxyNode ?? {};
  const secrets = { ...(token === undefined ? {} : { account: { token } }), proxy: { username, password } };
  await helper.load([httpProxy, sberConfig, sberModels, sberDevices], nodes, secrets);
  const subject = helper.getNode('node');
  const badges: Badge[] = [];
  (subject as unknown as Spied).on('call:status', (call) => {
    badges.push(call.args[0] as Badge);
  });
  const exchange = (message: Record<string, unknown>): Promise<{ from: 'out' | 'caught'; message: Received }> =>
    new Promise((resolve) => {
      for (const from of ['out', 'caught'] as const) {
        const listener = helper.getNode(from);
        listener.removeAllListeners('input');
        listener.on('input', (received: unknown) => resolve({ from, message: received as Received }));
      }
      subject.receive(message);
    });
  return {
    node: subject,
    badges,
    send: async (message) => {
      const received = await exchange(message);
      if (received.from === 'caught') throw new Error(`caught ${JSON.stringify(received.message.error)}`);
      return received.message;
    },
    failing: async (message) => {
      const received = await exchange(message);
      if (received.from === 'out') throw new Error(`no error, but ${JSON.stringify(received.message.payload)}`);
      return received.message as Received & { error: Caught };
    },
  };
}
