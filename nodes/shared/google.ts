/**
 * What `google-smarthome-in` and `google-smarthome-out` see of their account, and how they find it.
 */
import type { Node, NodeAPI } from 'node-red';
import { invalidInput, type CodedError } from '../../src/common/errors';
import type { Log } from '../../src/common/log';
import type { SmartHome } from '../../src/google/home';
import { wordsOf, type Words } from './words';

export interface GoogleCredentials {
  clientId: unknown;
  clientSecret: unknown;
  users: unknown;
  serviceAccountKey: unknown;
  sharedState: unknown;
}

/** A configuration node as its users see it. */
export interface GoogleAccountNode extends Node<GoogleCredentials> {
  /** The house, or why there is none. */
  home: SmartHome | CodedError;
}

/** The house of the account with this id. @throws CodedError INVALID_INPUT */
export function homeOf(RED: NodeAPI, id: unknown): SmartHome {
  const node = typeof id === 'string' ? (RED.nodes.getNode(id) as Partial<GoogleAccountNode> | null) : null;
  if (node?.home === undefined) {
    throw invalidInput('no Google account is chosen', 'Open the node, choose a Google account, then deploy.');
  }
  if (node.home instanceof Error) throw node.home;
  return node.home;
}

/** Badge words of both nodes: the tree `google-smarthome-config` of its locale file. */
export function googleWords(RED: NodeAPI): (...args: Parameters<Words>) => string {
  const words = wordsOf(RED, 'google-smarthome-config');
  // Badges ask for the same few with every command.
  const known = new Map<string, string>();
  return (key, values) => {
    const before = values === undefined ? known.get(key) : undefined;
    if (before !== undefined) return before;
    const found = words(key, values) ?? key;
    if (values === undefined) known.set(key, found);
    return found;
  };
}

/** A part of the package writes to the log of its node. */
export function logOf(node: Node): Log {
  return {
    warn: (text) => node.warn(text),
    info: (text) => node.log(text),
    debug: (text) => node.debug(text),
    trace: (text) => node.trace(text),
  };
}
