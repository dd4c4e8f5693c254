/**
 * Messages in and out: what a node's settings and a message ask for together, as a typed command, or INVALID_INPUT; and the
 * payload of an answer. Nothing is guessed: a door opens by a word that says so, and by nothing else.
 */
import { invalidInput } from '../common/errors';
import { foreignText } from '../common/foreign';
import { isRecord } from '../common/json';
import { textSetting } from '../common/settings';
import type { ActionResult, LockAction, Work } from './gateway';
import { noLockNamed } from './gateway-errors';
import { plainIdentifier } from './wire';

export interface CommandMessage {
  payload?: unknown;
  identifier?: unknown;
}

/** Where a lock's identifier may come from besides the message, in order of precedence. */
export interface Identifiers {
  node: unknown;
  gateway: unknown;
  /** The identifier of the one gateway configuration that has this name. */
  named?: ((name: string) => string | undefined) | undefined;
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

const OPERATIONS = Object.fromEntries(
  (['list', 'status', 'synchronize', 'update', 'synchronize-lock', 'update-lock'] as const).map((word) => [word, word]),
) as Readonly<Record<string, GatewayOperation>>;

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
  for (const [place, value] of candidates) {
    const identifier = identifierOf(value, place, from);
    if (identifier !== undefined) return identifier;
  }
  throw noLockNamed();
}

function identifierOf(value: unknown, place: string, { named }: Identifiers): string | undefined {
  const isNumber = typeof value === 'number' && plainIdentifier(value) !== undefined;
  if (!isNumber && typeof value !== 'string' && value !== undefined && value !== null) {
    throw invalidInput(
      `${place} is ${describe(value)}, not a lock's identifier`,
      'Give the "ID serrure" as text or number.',
    );
  }
  const text = textSetting(value, place);
  if (text === '') return undefined;
  const identifier = plainIdentifier(/^\d+$/.test(text) ? text : named?.(text));
  if (identifier !== undefined) return identifier;
  throw invalidInput(
    `${place} is ${quoted(text)}, neither a number nor the name of exactly one gateway configuration with a lock`,
    'Give the "ID serrure" (digits only), or the name of a gateway configuration as it stands in the editor.',
  );
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
  if (!isRecord(payload) || Buffer.isBuffer(payload)) throw refused(kind, words, 'msg.payload', payload);
  const word = wordOf(kind, words, payload[kind], `msg.payload.${kind}`);
  // The output of another lock node: the same is to be done, but with the lock of this one.
  return 'state' in payload ? { word } : { word, identifier: payload.identifier };
}

function wordOf<W extends string>(kind: string, words: Readonly<Record<string, W>>, value: unknown, place: string): W {
  const word = typeof value === 'string' && Object.hasOwn(words, normal(value)) ? words[normal(value)] : undefined;
  if (word === undefined) throw refused(kind, words, place, value);
  return word;
}

function refused(kind: string, words: Readonly<Record<string, string>>, place: string, value: unknown): Error {
  const choices = [...new Set(Object.values(words))].map((word) => `"${word}"`);
  const list = `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  return invalidInput(`${place} is ${describe(value)}, not an ${kind}`, `Send ${list}.`);
}

function normal(word: string): string {
  return word.trim().toLowerCase().replaceAll('_', '-');
}

function describe(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (value === undefined) return 'missing';
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return 'an array';
  if (Buffer.isBuffer(value)) return 'a buffer';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** So that a slip is seen; cut, because anything may come in a message. */
function quoted(text: string): string {
  return `"${foreignText(text, 30)}"`;
}

/** The payload for what was read or done, with the lock's name where the configuration has one. */
export function named(about: object & { identifier: string }, name = ''): object {
  const { identifier, ...rest } = about;
  return name === '' ? about : { identifier, name, ...rest };
}

/** The payload for an action that has ended: what was asked, what became of it, and what the lock said. */
export function payloadOf({ reading, ...result }: ActionResult, name = ''): object {
  if (reading === undefined) return named(result, name);
  const { batteryPercent, ...rest } = reading;
  // The result first, to be read first, and last: its values win.
  return named({ ...result, ...(batteryPercent === null ? {} : { batteryPercent }), ...rest, ...result }, name);
}
