/**
 * What a node's settings and a message ask for together, as a typed command, or INVALID_INPUT. Nothing is guessed: a door
 * opens by a word that says so, and by nothing else. Carrying commands out is left to `gateway.ts`.
 */
import { invalidInput } from '../common/errors';
import { textSetting } from '../common/settings';
import type { LockAction, Work } from './gateway';

/** The parts of a message that may name a command. */
export interface CommandMessage {
  payload?: unknown;
  identifier?: unknown;
}

/** Where a lock's identifier may come from besides the message, in order of precedence. */
export interface Identifiers {
  node: unknown;
  gateway: unknown;
}

export interface LockCommand {
  action: LockAction;
  identifier: string;
}

export type GatewayOperation = 'list' | 'status' | Work;

export type GatewayCommand =
  | { operation: 'list' | 'status' | 'synchronize' | 'update' }
  | { operation: 'synchronize-lock' | 'update-lock'; identifier: string };

/** Words for actions; `unlock` and `lock` are what most other systems say. */
const ACTIONS: Readonly<Record<string, LockAction>> = {
  open: 'open',
  unlock: 'open',
  close: 'close',
  lock: 'close',
  toggle: 'toggle',
  calibrate: 'calibrate',
};

const OPERATIONS: Readonly<Record<string, GatewayOperation>> = {
  list: 'list',
  status: 'status',
  synchronize: 'synchronize',
  update: 'update',
  'synchronize-lock': 'synchronize-lock',
  'update-lock': 'update-lock',
};

/** The setting that leaves the choice to the message. */
const FROM_MESSAGE = 'message';

/**
 * @param configured the node's action; nothing, or "message": the payload says it
 * @throws CodedError INVALID_INPUT
 */
export function readLockCommand(configured: unknown, message: CommandMessage, from: Identifiers): LockCommand {
  const asked = askedFor('action', ACTIONS, configured, FROM_MESSAGE, message);
  return { action: asked.word, identifier: readIdentifier(message, from, asked.identifier) };
}

/**
 * @param configured the node's operation; nothing: `list`; "message": the payload says it
 * @throws CodedError INVALID_INPUT
 */
export function readGatewayCommand(configured: unknown, message: CommandMessage, from: Identifiers): GatewayCommand {
  const { word: operation, identifier } = askedFor('operation', OPERATIONS, configured, 'list', message);
  if (operation !== 'synchronize-lock' && operation !== 'update-lock') return { operation };
  return { operation, identifier: readIdentifier(message, from, identifier) };
}

/**
 * The lock's identifier: the payload's own, where the payload is a command, then `msg.identifier`, the node's and the
 * gateway's. @throws CodedError INVALID_INPUT where none of them names a lock, or the first that is there cannot
 */
export function readIdentifier(message: CommandMessage, from: Identifiers, ofPayload?: unknown): string {
  const candidates: [string, unknown][] = [
    ['msg.payload.identifier', ofPayload],
    ['msg.identifier', message.identifier],
    ['the identifier of the node', from.node],
    ['the identifier of the gateway configuration', from.gateway],
  ];
  for (const [name, value] of candidates) {
    const identifier = identifierOf(value, name);
    if (identifier !== '') return identifier;
  }
  throw invalidInput(
    'no lock is named',
    'Set the lock\'s identifier (the "ID serrure") in the gateway configuration, in the node or in msg.identifier.',
  );
}

function identifierOf(value: unknown, name: string): string {
  const usable =
    value === undefined ||
    value === null ||
    typeof value === 'string' ||
    (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0);
  if (!usable) throw invalidInput(`${name} cannot be a lock's identifier`, 'Give the "ID serrure" as text or number.');
  return textSetting(value, name);
}

function askedFor<W extends string>(
  kind: 'action' | 'operation',
  words: Readonly<Record<string, W>>,
  configured: unknown,
  fallback: string,
  message: CommandMessage,
): { word: W; identifier?: unknown } {
  const setting = normal(textSetting(configured, `the ${kind} of the node`)) || fallback;
  if (setting !== FROM_MESSAGE) return { word: wordOf(kind, words, setting, `the ${kind} of the node`) };
  const { payload } = message;
  if (typeof payload === 'string') return { word: wordOf(kind, words, payload, 'msg.payload') };
  if (isPlain(payload)) {
    return { word: wordOf(kind, words, payload[kind], `msg.payload.${kind}`), identifier: payload.identifier };
  }
  throw refused(kind, words, `msg.payload is ${describe(payload)}`);
}

function wordOf<W extends string>(kind: string, words: Readonly<Record<string, W>>, value: unknown, name: string): W {
  if (typeof value !== 'string') throw refused(kind, words, `${name} is ${describe(value)}`);
  const word = Object.hasOwn(words, normal(value)) ? words[normal(value)] : undefined;
  // Quoted, so that a slip is seen; cut, because anything may come in a message.
  if (word === undefined) throw refused(kind, words, `${name} is ${JSON.stringify(value.slice(0, 30))}`);
  return word;
}

function refused(kind: string, words: Readonly<Record<string, string>>, what: string): Error {
  const choices = [...new Set(Object.values(words))].join(', ');
  return invalidInput(
    `${what}, which is no ${kind}`,
    `Choose the ${kind} in the node, or send one of these words, or { "${kind}": … }: ${choices}.`,
  );
}

function normal(word: string): string {
  return word.trim().toLowerCase().replaceAll('_', '-');
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (Buffer.isBuffer(value)) return 'a buffer';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
