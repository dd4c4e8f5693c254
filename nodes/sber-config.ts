/**
 * `sber-config`: one project in Sber Studio. Holds the account that its nodes share, and gives the editor the catalogue
 * from which models are built. The key stays in the credentials.
 */
import type { NodeDef, NodeInitializer } from 'node-red';
import { SberAccount } from '../src/sber/account';
import { CATALOGUE_SOURCE, CATEGORIES, FUNCTIONS } from '../src/sber/catalogue';
import type { SberConfigNode, SberCredentials } from './shared/sber';

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

  RED.httpAdmin.get(
    '/thekeys-gateway/sber/catalogue',
    RED.auth.needsPermission('sber-models.read'),
    (_request, response) => {
      response.json({ categories: CATEGORIES, functions: FUNCTIONS, source: CATALOGUE_SOURCE });
    },
  );
};

export = init;
