/**
 * The Google nodes in a Node-RED, behind real HTTP: links an account as Google does. Home Graph is the simulated one, when a test asks for it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { NodeAPI } from 'node-red';
import helper from 'node-red-node-test-helper';
import googleConfig from '../../nodes/google-smarthome-config';
import googleIn from '../../nodes/google-smarthome-in';
import googleOut from '../../nodes/google-smarthome-out';
import { fetchCode, redeem, type LinkSettings } from '../../simulators/google/link';
import { Voice } from './google-voice';
import { HURRIED } from './lock-flow';

export const CREDENTIALS = {
  clientId: 'demo-client',
  clientSecret: 'demo-client-secret',
  users: 'anna:correct horse\nben:battery staple',
};
const PASSWORDS: Record<string, string> = { anna: 'correct horse', ben: 'battery staple' };

export const ACCOUNT = { id: 'account', type: 'google-smarthome-config', projectId: 'demo-home-project' };

helper.init(require.resolve('node-red'));

export interface FlowItem {
  id: string;
  type: string;
  [property: string]: unknown;
}

/** A Node-RED with a flow. */
export class GoogleFlow {
  private constructor(
    readonly RED: NodeAPI,
    readonly server: http.Server,
    readonly base: string,
    readonly userDir: string,
    private readonly ownDir: boolean,
  ) {}

  static async start(
    flow: FlowItem[],
    credentials: Record<string, Record<string, string | number>> = {},
    options: { userDir?: string; modules?: ((RED: NodeAPI) => void)[]; settings?: object } = {},
  ): Promise<GoogleFlow> {
    let captured: NodeAPI | undefined;
    const capture = (RED: NodeAPI): void => {
      captured = RED;
    };
    await new Promise<void>((resolve) => helper.startServer(resolve));
    const userDir = options.userDir ?? (await mkdtemp(path.join(os.tmpdir(), 'google-nodes-')));
    const settings: object = { userDir, gatewayConfigTiming: HURRIED, ...options.settings };
    helper.settings(settings);
    const modules = [capture, googleConfig, googleIn, googleOut, ...(options.modules ?? [])];
    await helper.load(modules, placed(flow), { account: CREDENTIALS, ...credentials });
    const RED = captured!;
    const server = http.createServer(RED.httpNode as unknown as http.RequestListener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new GoogleFlow(RED, server, base, userDir, options.userDir === undefined);
  }

  async stop(): Promise<void> {
    await helper.unload();
    await new Promise<void>((resolve) => helper.stopServer(resolve));
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    if (this.ownDir) await rm(this.userDir, { recursive: true, force: true });
  }

  /** Sends a message into a node and waits for the badge it leads to. */
  async receive(id: string, message: object): Promise<{ fill: string; text: string }> {
    const node = helper.getNode(id);
    const shown = new Promise<{ args: [{ fill: string; text: string }] }>((resolve) =>
      node.once('call:status', resolve as never),
    );
    node.receive(message as never);
    return (await shown).args[0];
  }

  /** Deploys another flow the way the editor's deploy menu does. */
  deploy(flow: FlowItem[], type: 'full' | 'nodes' = 'nodes'): Promise<unknown> {
    return helper.setFlows(placed(flow), type);
  }

  linking(root = '/google-smarthome'): LinkSettings {
    return {
      authorizeUrl: `${this.base}${root}/oauth/authorize`,
      tokenUrl: `${this.base}${root}/oauth/token`,
      projectId: 'demo-home-project',
      clientId: CREDENTIALS.clientId,
      clientSecret: CREDENTIALS.clientSecret,
    };
  }

  /** Links a user's account and gives the voice that speaks with its token. */
  async link(user = 'anna', root = '/google-smarthome'): Promise<Voice> {
    const settings = this.linking(root);
    const { accessToken } = await redeem(settings, await fetchCode(settings, user, PASSWORDS[user]!));
    return new Voice(`${this.base}${root}/fulfillment`, accessToken);
  }
}

/** Without a place on the canvas the test helper takes a node for a configuration. */
function placed(flow: FlowItem[]): FlowItem[] {
  return [
    { id: 'tab', type: 'tab', label: 'test' },
    ...flow.map((item) =>
      item.type.endsWith('-config') || item.type === 'http proxy' ? item : { x: 10, y: 10, z: 'tab', ...item },
    ),
  ];
}
