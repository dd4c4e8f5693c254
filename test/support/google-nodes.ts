/**
 * The Google nodes in a Node-RED, behind real HTTP: links an account as Google does. Home Graph is the simulated one, when a test asks for it.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import helper from 'node-red-node-test-helper';
import googleConfig from '../../nodes/google-smarthome-config';
import googleIn from '../../nodes/google-smarthome-in';
import googleOut from '../../nodes/google-smarthome-out';
import { fetchCode, redeem, type LinkSettings } from '../../simulators/google/link';
import { Voice } from './google-voice';
import { placed, Runtime, type FlowItem, type Module } from './runtime';

export type { FlowItem } from './runtime';

export const CREDENTIALS = {
  clientId: 'demo-client',
  clientSecret: 'demo-client-secret',
  users: 'anna:correct horse\nben:battery staple',
};
const PASSWORDS: Record<string, string> = { anna: 'correct horse', ben: 'battery staple' };

export const ACCOUNT = { id: 'account', type: 'google-smarthome-config', projectId: 'demo-home-project' };

/** A Node-RED with a flow. */
export class GoogleFlow extends Runtime {
  server!: http.Server;
  base = '';

  static async start(
    flow: FlowItem[],
    credentials: Record<string, Record<string, string | number>> = {},
    options: { userDir?: string; modules?: Module[]; settings?: object } = {},
  ): Promise<GoogleFlow> {
    const started = new GoogleFlow();
    await started.open(options.settings, options.userDir);
    const modules = [googleConfig, googleIn, googleOut, ...(options.modules ?? [])];
    await started.loadWith(modules, placed(flow), { account: CREDENTIALS, ...credentials });
    started.server = http.createServer(started.RED.httpNode as unknown as http.RequestListener);
    await new Promise<void>((resolve) => started.server.listen(0, '127.0.0.1', resolve));
    started.base = `http://127.0.0.1:${(started.server.address() as AddressInfo).port}`;
    return started;
  }

  async stop(): Promise<void> {
    await this.end();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
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
  override deploy(flow: FlowItem[], type: 'nodes' | 'flows' | 'full' = 'nodes'): Promise<void> {
    return super.deploy(placed(flow), type);
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
