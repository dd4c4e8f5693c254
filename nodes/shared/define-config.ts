/**
 * One way to be a configuration node, and one way to find it. It opens what its nodes share (a gateway, an account) at
 * deploy. What is wrong with it never keeps a flow from starting: the nodes that use it show it.
 */
import type { Node, NodeAPI, NodeCredentials, NodeDef, NodeInitializer } from 'node-red';
import { CodedError, invalidInput } from '../../src/common/errors';
import type { Log } from '../../src/common/log';
import { parseSettings, type Parsed, type Settings } from '../../src/common/settings';
import type { GoogleAccount } from '../../src/google/account';
import type { Bridge } from '../../src/matter/bridge';
import type { SberAccount } from '../../src/sber/sber-account';
import { logOf, serveDiagnostics } from './diagnostics';
import { asCoded } from './errors';
import type { GatewayAccess } from './gateway-access';

/** What each type of configuration opens for its nodes. */
export interface Accounts {
  'gateway-config': GatewayAccess;
  'google-smarthome-config': GoogleAccount;
  'sber-config': SberAccount;
  'matter-bridge': Bridge;
}
/** What it is, in a sentence, and the property by which its nodes name it. */
export const CONFIGS: Readonly<Record<keyof Accounts, { what: string; key: string }>> = {
  'gateway-config': { what: 'gateway', key: 'gateway' },
  'google-smarthome-config': { what: 'Google account', key: 'account' },
  'sber-config': { what: 'Sber account', key: 'account' },
  'matter-bridge': { what: 'Matter bridge', key: 'bridge' },
};

interface ConfigDefinition<K extends keyof Accounts, S extends Settings, C extends Settings> {
  type: K;
  settings: S;
  /** Kept apart from the flow, encrypted. */
  credentials: C;
  /** Those that the editor may show. All others are passwords. */
  visible?: readonly (keyof C)[];
  /** @throws CodedError where it cannot work as it is set */
  open: (node: OpeningNode<S, C>) => Accounts[K];
  failed?: (node: Node, error: CodedError) => void;
  /** Versions that its diagnostics show besides those of the package, Node-RED and Node.js. */
  versions?: () => Record<string, string>;
  /** Runs once, when the type is registered: addresses for its dialog. */
  register: (RED: NodeAPI) => void;
}

interface OpeningNode<S extends Settings, C extends Settings> {
  readonly RED: NodeAPI;
  readonly node: Node;
  readonly settings: Parsed<S>;
  readonly credentials: Parsed<C>;
  readonly log: Log;
  onClose: (cleanup: () => unknown) => void;
}

interface ConfigNode<T> extends Node<Record<string, unknown>> {
  account?: { value: T } | { error: CodedError };
}

export function defineConfig<K extends keyof Accounts, S extends Settings, C extends Settings>(
  definition: ConfigDefinition<K, S, C>,
): NodeInitializer {
  const { type, visible = [] } = definition;
  const keys = Object.keys(definition.credentials);
  const kinds = keys.map((key) => [key, { type: visible.includes(key) ? 'text' : 'password' }]);
  return (RED) => {
    function PackageConfig(this: ConfigNode<Accounts[K]>, config: NodeDef & Record<string, unknown>): void {
      RED.nodes.createNode(this, config);
      // Undefined where nothing was ever typed, whatever the types say.
      const typed = this.credentials as Record<string, unknown> | undefined;
      try {
        const value = definition.open({
          RED,
          node: this,
          settings: parseSettings(definition.settings, config),
          credentials: parseSettings(definition.credentials, typed ?? {}),
          log: logOf(RED, this),
          onClose: (cleanup) => this.on('close', (done: () => void) => void Promise.resolve(cleanup()).finally(done)),
        });
        this.account = { value };
      } catch (thrown) {
        const error = asCoded(thrown);
        this.account = { error };
        definition.failed?.(this, error);
      }
    }
    definition.register(RED);
    serveDiagnostics(RED, type, keys, definition.versions);
    RED.nodes.registerType(type, PackageConfig, {
      credentials: Object.fromEntries(kinds) as NodeCredentials<Record<string, unknown>>,
    });
  };
}

/**
 * What the configuration node with this id has opened. Ask at deploy: an edited configuration restarts its nodes.
 * @throws CodedError INVALID_INPUT where there is none, or its own error where it cannot work
 */
export function accountOf<K extends keyof Accounts>(RED: NodeAPI, type: K, id: unknown): Accounts[K] {
  const account = deployed(RED, type, id)?.account;
  if (account !== undefined && 'value' in account) return account.value;
  if (account !== undefined) throw account.error;
  const { what } = CONFIGS[type];
  if (typeof id !== 'string' || id === '' || id === '_ADD_') {
    throw invalidInput(`no ${what} is chosen`, `Open the node and choose a ${what}, then deploy.`, 'noConfig');
  }
  throw invalidInput(
    `the chosen ${what} is disabled or was removed`,
    `Open the node and choose a ${what}, or enable the one it has, then deploy.`,
    'disabled',
  );
}

/** The same for a dialog, which may show one that is not deployed yet. @throws also NOT_DEPLOYED */
export function accountInDialog<K extends keyof Accounts>(RED: NodeAPI, type: K, id: unknown): Accounts[K] {
  if (deployed(RED, type, id) !== undefined) return accountOf(RED, type, id);
  const { what } = CONFIGS[type];
  const hint = `Deploy the ${what} first.`;
  throw new CodedError('NOT_DEPLOYED', `the ${what} is not deployed`, { retriable: true, hint });
}

export function deployed<K extends keyof Accounts>(
  RED: NodeAPI,
  type: K,
  id: unknown,
): ConfigNode<Accounts[K]> | undefined {
  // In a flow that was written by hand the id may be that of any other node.
  const node = typeof id === 'string' ? (RED.nodes.getNode(id) as ConfigNode<Accounts[K]> | null) : null;
  return node?.type === type ? node : undefined;
}
