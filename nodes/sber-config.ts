/**
 * `sber-config`: one project in Sber Studio. Holds the account that its nodes share; the key stays in the credentials.
 */
import type { NodeDef, NodeInitializer } from 'node-red';
import { SberAccount } from '../src/sber/account';
import type { SberConfigNode, SberCredentials } from './shared/sber';
import { serveSberEditor } from './shared/sber-editor';

interface Definition extends NodeDef {
  endpoint: string;
  keyIn: string;
  keyParameter: string;
  ca: string;
  timeout: string | number;
}

const init: NodeInitializer = (RED) => {
  function SberConfig(this: SberConfigNode, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const { endpoint, keyIn, keyParameter, ca, timeout } = definition;
    // What cannot work is told by the nodes that use it, when a message comes: there a Catch node can hear it.
    this.account = new SberAccount({ endpoint, keyIn, keyParameter, ca, timeout, token: this.credentials.token });
  }

  RED.nodes.registerType<SberConfigNode, Definition, object, SberCredentials>('sber-config', SberConfig, {
    credentials: { token: { type: 'password' } },
  });

  serveSberEditor(RED);
};

export = init;
