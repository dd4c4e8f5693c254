/**
 * What a lock node sees of its `gateway-config` node, and how it finds it. A configuration that is missing or wrong is
 * told with each command and in the badge; it never keeps a flow from starting.
 */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { invalidInput, type CodedError } from '../../src/common/errors';
import { textSetting } from '../../src/common/settings';
import type { Share } from '../../src/thekeys/calls';
import { readIdentifier } from '../../src/thekeys/commands';
import type { Gateway } from '../../src/thekeys/gateway';
import { faultOfCode } from '../../src/thekeys/signature';
import type { Message } from './adapter';
import { wordsOf, type Words } from './words';

export interface GatewayConfigDef extends NodeDef {
  host?: unknown;
  identifier?: unknown;
  timeout?: unknown;
}

export interface GatewayCredentials {
  code: unknown;
  sharedState: unknown;
}

/** For everything that only reads. */
export const READ_DEADLINE_MS = 30_000;

/** Known before the first command comes, and told with each: the key of a word below `badge`. */
export type Fault = 'noGateway' | 'noCode' | 'settings';

/** The way to a gateway. */
export interface Access {
  /** @throws CodedError INVALID_INPUT where there is no configuration, or a wrong one: the first thing to tell */
  check(): void;
  /** @throws CodedError INVALID_INPUT where the configuration is wrong */
  readonly gateway: Gateway;
  /** Milliseconds for one answer. */
  readonly timeoutMs: number;
  /** The lock that the configuration names; empty where it names none. */
  readonly identifier: string;
  /** A lock with the code that signs for it. @throws CodedError INVALID_INPUT where no usable code is known */
  share(identifier: string): Share;
  /** What is wrong with the configuration; given a lock, also with the code for it. A word for the badge. */
  fault(lock?: string): Fault | undefined;
}

export interface GatewayConfigNode extends Node<GatewayCredentials> {
  access: Access;
}

/** The access of the configuration with this id. Call it in a node's constructor: an edited configuration restarts its users. */
export function accessOf(RED: NodeAPI, id: unknown): Access {
  const node = typeof id === 'string' ? (RED.nodes.getNode(id) as Partial<GatewayConfigNode> | null) : null;
  return node?.access ?? NOWHERE;
}

/** Access that refuses everything with the same error. */
export function noAccess(error: CodedError, fault: Fault): Access {
  const refuse = (): never => {
    throw error;
  };
  return {
    check: refuse,
    get gateway() {
      return refuse();
    },
    get timeoutMs() {
      return refuse();
    },
    identifier: '',
    share: refuse,
    fault: () => fault,
  };
}

const NOWHERE = noAccess(
  invalidInput('no gateway is chosen', 'Open the node and choose a gateway configuration, then deploy.'),
  'noGateway',
);

/** A share code that can be one. @throws CodedError INVALID_INPUT */
export function checkedCode(value: unknown): string {
  const code = textSetting(value, 'the share code');
  const fault = faultOfCode(code);
  if (fault !== undefined) {
    throw invalidInput(fault, 'Type the share code that the app of The Keys shows for the share with this gateway.');
  }
  return code;
}

/** The lock that a node is about when no message names another; undefined where none can be told. */
export function configuredLock(ofNode: unknown, access: Access): string | undefined {
  try {
    return readIdentifier({}, { node: ofNode, gateway: access.identifier });
  } catch {
    return undefined;
  }
}

/** The message that came, with an answer: everything else in it stays, and a topic is set only where there was none. */
export function answer(message: Message, payload: unknown, lock?: string): Message {
  message.payload = payload;
  if (lock !== undefined && (message.topic === undefined || message.topic === '')) message.topic = lock;
  return message;
}

/**
 * Words shared by the nodes of a gateway: the tree `gateway-config` of its locale file. Where the configuration is at
 * fault, the badge says so rather than that the message was.
 */
export function gatewayWords(RED: NodeAPI, fault?: Fault): Words {
  const words = wordsOf(RED, 'gateway-config');
  return (key, values) => {
    const full = `gateway-config.${fault !== undefined && key === 'badge.INVALID_INPUT' ? `badge.${fault}` : key}`;
    const text = words(full, values);
    return text === full ? key : text;
  };
}
