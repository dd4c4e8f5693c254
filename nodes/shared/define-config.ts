/**
 * One way to be a configuration node, and one way to find it. It opens what its nodes share (a gateway, an account) at
 * deploy. What is wrong with it never keeps a flow from starting: the nodes that use it show it.
 */
import type { Node, NodeAPI, NodeCredentials, NodeDef, NodeInitializer } from 'node-red';
import { CodedError, invalidInput } from '../../src/common/errors';
import type { Log } from '../../src/common/log';
import { parseSettings, type Parsed, type Settings } from '../../src/common/settings';
import { logOf, serveDiagnostics } from './diagnostics';
import { asCoded } from './errors';

export interface ConfigDefinition<S extends Settings, C extends Settings, T> {
  /** As in `package.json`. */
  type: string;
  settings: S;
  /** Kept apart from the flow, encrypted. */
  credentials: C;
  /** Those that the editor may show. All others are passwords. */
  visible?: readonly (keyof C)[];
  /** @throws CodedError where it cannot work as it is set */
  open: (node: OpeningNode<S, C>) => T;
  /** Runs when the node is made, after `open`, whatever became of that: for the log. */
  opened?: (node: Node, result: { value: T } | { error: CodedError }) => void;
  /** Versions that its diagnostics show besides those of the package, Node-RED and Node.js. */
  versions?: () => Record<string, string>;
  /** Runs once, when the type is registered: addresses for its dialog. */
  register?: (RED: NodeAPI) => void;
}

export interface OpeningNode<S extends Settings, C extends Settings> {
  readonly RED: NodeAPI;
  readonly node: Node;
  readonly settings: Parsed<S>;
  readonly credentials: Parsed<C>;
  readonly log: Log;
  onClose: (cleanup: () => void | Promise<void>) => void;
}

/** What its nodes see of a configuration node. */
interface ConfigNode<T> extends Node<Record<string, unknown>> {
  account?: { value: T } | { error: CodedError };
}

export function defineConfig<S extends Settings, C extends Settings, T>(
  definition: ConfigDefinition<S, C, T>,
): NodeInitializer {
  return (RED) => {
    function PackageConfig(this: ConfigNode<T>, config: NodeDef & Record<string, unknown>): void {
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
          onClose: (cleanup) => {
            this.on('close', (done: () => void) => {
              void Promise.resolve(cleanup()).finally(done);
            });
          },
        });
        this.account = { value };
      } catch (error) {
        this.account = { error: asCoded(error) };
      }
      definition.opened?.(this, this.account);
    }
    const kinds = Object.keys(definition.credentials).map((key) => [
      key,
      { type: definition.visible?.includes(key) === true ? 'text' : 'password' },
    ]);
    definition.register?.(RED);
    serveDiagnostics(RED, definition.type, Object.keys(definition.credentials), definition.versions);
    RED.nodes.registerType(definition.type, PackageConfig, {
      credentials: Object.fromEntries(kinds) as NodeCredentials<Record<string, unknown>>,
    });
  };
}

/**
 * What the configuration node with this id has opened. Ask at deploy: an edited configuration restarts its nodes.
 * @param what the configuration is, in a sentence: "gateway", "Google account"
 * @throws CodedError INVALID_INPUT where there is none, or its own error where it cannot work
 */
export function accountOf(RED: NodeAPI, type: string, id: unknown, what: string): unknown {
  const { account } = deployed(RED, type, id) ?? {};
  if (account === undefined) {
    const isChosen = typeof id === 'string' && id !== '' && id !== '_ADD_';
    throw isChosen
      ? invalidInput(
          `the chosen ${what} is disabled or was removed`,
          `Open the node and choose a ${what}, or enable the one it has, then deploy.`,
          'disabled',
        )
      : invalidInput(`no ${what} is chosen`, `Open the node and choose a ${what}, then deploy.`, 'noConfig');
  }
  if ('error' in account) throw account.error;
  return account.value;
}

/** The same for a dialog, which may show one that is not deployed yet. @throws also NOT_DEPLOYED */
export function accountInDialog(RED: NodeAPI, type: string, id: unknown, what: string): unknown {
  if (deployed(RED, type, id) !== undefined) return accountOf(RED, type, id, what);
  throw new CodedError('NOT_DEPLOYED', `the ${what} is not deployed`, {
    retriable: true,
    hint: `Deploy the ${what} first.`,
  });
}

/** The configuration node with this id, if it is deployed. */
export function deployed(RED: NodeAPI, type: string, id: unknown): ConfigNode<unknown> | undefined {
  // In a flow that was written by hand the id may be that of any other node.
  const node = typeof id === 'string' ? (RED.nodes.getNode(id) as ConfigNode<unknown> | null) : null;
  return node?.type === type ? node : undefined;
}
