/** What a configuration node needs of the Node-RED that it runs in: a place for what must outlive it, and a way out. */
import path from 'node:path';
import type { Node, NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import type { Log } from '../../src/common/log';
import { proxyFromEnvironment, proxyFromNode, type ProxyNode, type ProxySettings } from '../../src/common/proxy';
import { MemoryState } from '../../src/state/local';
import { openState } from '../../src/state/open';
import type { State } from '../../src/state/state';

/** For programs that run Node-RED without a user directory, and for tests: outlives every node, as a folder does. */
const memory = new MemoryState();

/** Undefined for a program that runs Node-RED without a user directory. */
export function stateFolder(RED: NodeAPI): string | undefined {
  const userDir: unknown = RED.settings.userDir;
  return typeof userDir === 'string' && userDir !== '' ? path.join(userDir, 'thekeys-gateway') : undefined;
}

/** Each caller closes what it got. @param url `redis://…`, or empty @throws CodedError INVALID_INPUT */
export function stateFor(RED: NodeAPI, url: string, log: Log): State {
  const folder = stateFolder(RED);
  if (url.trim() === '' && folder === undefined) return memory;
  return openState({ url, folder: folder ?? '', log });
}

/**
 * The proxy for an account's cloud.
 * @param id of a node "http proxy"; empty for the environment's
 * @throws CodedError INVALID_INPUT
 */
export function proxyOf(RED: NodeAPI, id: string): ProxySettings {
  if (id === '') return proxyFromEnvironment(process.env);
  const node = RED.nodes.getNode(id) as (Node & ProxyNode) | null;
  if (node?.type === 'http proxy') return proxyFromNode(node);
  const hint = 'Choose a proxy in the account, or none, then deploy.';
  throw invalidInput('the chosen proxy is disabled or was removed', hint);
}
