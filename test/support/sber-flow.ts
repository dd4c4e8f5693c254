/**
 * One Sber node in a flow, with its account, a node behind it and a Catch node: a message goes in, and what comes out,
 * or is caught, comes back.
 */
import { createRequire } from 'node:module';
import type { Node, NodeStatus } from 'node-red';
import sberConfig from '../../nodes/sber-config';
import sberDevices from '../../nodes/sber-devices';
import sberModels from '../../nodes/sber-models';
import { startSberCloud, type SberCloud, type SberCloudOptions } from '../../simulators/sber/cloud';
import { Runtime, type CaughtError, type Module, type Received as Message } from './runtime';

/** Node-RED's own. */
const httpProxy = createRequire(__filename)('@node-red/nodes/core/network/06-httpproxy.js') as Module;
export const SBER_NODES: Module[] = [sberConfig, sberModels, sberDevices];

export type Received = Message & { sber?: Stamp };

export interface Stamp {
  requestId?: string;
  httpStatus?: number;
  warnings: { modelId?: string; deviceId?: string; path: string; message: string }[];
}

export interface SberFlow {
  /** What came out; an error that was caught instead is thrown as it was seen by the Catch node. */
  send: (message: Record<string, unknown>) => Promise<Received>;
  /** What the Catch node saw. */
  failing: (message: Record<string, unknown>) => Promise<Received & { error: CaughtError }>;
  badges: NodeStatus[];
  node: Node;
}

type Type = 'sber-models' | 'sber-devices';
export type Account = Record<string, unknown> & { token?: string | undefined; proxyNode?: Record<string, unknown> };

export async function sberFlow(
  runtime: Runtime,
  type: Type,
  account: Account,
  node: Record<string, unknown>,
): Promise<SberFlow> {
  const { token, proxyNode, ...settings } = account;
  const items = runtime.whole(
    ...(proxyNode === undefined ? [] : [{ id: 'proxy', type: 'http proxy', ...proxyNode }]),
    { id: 'account', type: 'sber-config', ...(proxyNode === undefined ? {} : { proxy: 'proxy' }), ...settings },
    { id: 'node', type, account: 'account', ...node, wires: [['out']] },
  );
  const { username, password } = proxyNode ?? {};
  const secrets = { ...(token === undefined ? {} : { account: { token } }), proxy: { username, password } };
  await runtime.loadWith([httpProxy, ...SBER_NODES], items, secrets);
  const badges: NodeStatus[] = [];
  runtime.RED.events.on('node-status', ({ id, status }: { id: string; status?: NodeStatus }) => {
    if (id === 'node' && status !== undefined) badges.push(status);
  });
  const exchange = async (message: Record<string, unknown>): Promise<{ out?: Received; caught?: Received }> => {
    runtime.received.clear();
    runtime.send('node', message);
    await runtime.until(() => runtime.at('out').length + runtime.at('caught').length > 0);
    const [[out], [caught]] = [runtime.at('out'), runtime.at('caught')];
    return { ...(out && { out }), ...(caught && { caught }) };
  };
  return {
    node: runtime.node('node'),
    badges,
    send: async (message) => {
      const { out, caught } = await exchange(message);
      if (out === undefined) throw new Error(`caught ${JSON.stringify(caught?.error)}`);
      return out;
    },
    failing: async (message) => {
      const { out, caught } = await exchange(message);
      if (caught === undefined) throw new Error(`no error, but ${JSON.stringify(out?.payload)}`);
      return caught as Received & { error: CaughtError };
    },
  };
}

/** For each test of a suite: a Node-RED, a simulated cloud, and a flow with its account. */
export interface SberSuite {
  readonly runtime: Runtime;
  cloud: SberCloud;
  /** @param account what is set besides where the cloud is and its key */
  flow: (node: Record<string, unknown>, options?: SberCloudOptions, account?: Account) => Promise<SberFlow>;
  /** Ends what runs, for a test that begins anew. */
  end: () => Promise<void>;
}

export function useSber(type: Type, cloudOptions: SberCloudOptions = {}): SberSuite {
  const suite: SberSuite = {
    runtime: new Runtime(),
    cloud: undefined as unknown as SberCloud,
    flow: async (node, options = {}, account = {}) => {
      const { runtime } = suite;
      await runtime.open();
      suite.cloud = await startSberCloud({ ...cloudOptions, ...options });
      const { url: endpoint, token } = suite.cloud;
      const { keyIn = '', keyParameter = '' } = options;
      return sberFlow(runtime, type, { endpoint, token, keyIn, keyParameter, ...account }, node);
    },
    end: async () => {
      await suite.runtime.end();
      await suite.cloud.close();
    },
  };
  afterEach(() => suite.end());
  return suite;
}
