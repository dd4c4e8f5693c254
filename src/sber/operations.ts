/**
 * What a message and a node's settings together ask for, as one typed command. Forms that could be misread are refused
 * with INVALID_INPUT; what the items in it are is checked in `validation`.
 */
import { invalidInput } from '../common/errors';
import { isRecord, parseJson } from '../common/json';
import { refusePartVariable, textSetting } from '../common/settings';

export type ModelsCommand =
  | { operation: 'list' }
  | { operation: 'get' | 'delete'; ids: string[] }
  | { operation: 'create' | 'update' | 'sync'; items: unknown[] };

export type DevicesCommand =
  | { operation: 'list' | 'state'; userId: string; ids: string[] }
  | { operation: 'add'; userId: string; items: unknown[] }
  | { operation: 'update'; items: unknown[] }
  | { operation: 'delete'; ids: string[] }
  | { operation: 'report'; states: unknown }
  | { operation: 'unlink'; userId: string };

export const MODELS_OPERATIONS = ['list', 'get', 'create', 'update', 'delete', 'sync'] as const;
export const DEVICES_OPERATIONS = ['list', 'add', 'update', 'delete', 'state', 'report', 'unlink'] as const;

/** @throws INVALID_INPUT */
export function modelsCommand(
  node: { operation: unknown; modelId?: unknown; models?: unknown },
  payload: unknown,
): ModelsCommand {
  const { operation, given, named } = chosen(MODELS_OPERATIONS, node.operation, payload);
  switch (operation) {
    case 'list':
      return { operation };
    case 'get':
    case 'delete': {
      const harmless = operation === 'get' && !named;
      const ids = idsIn(given, 'model_ids', named) ?? fallback(given, node.modelId, harmless);
      if (ids === undefined) throw missing('no model id', 'Give an id, a list of ids, or { "model_ids": [...] }.');
      return { operation, ids };
    }
    case 'create':
    case 'update':
    case 'sync':
      return { operation, items: savedItems(given, node.models) ?? itemsIn(given, 'models', named) };
  }
}

/** @throws INVALID_INPUT */
export function devicesCommand(
  node: { operation: unknown; userId?: unknown },
  message: { payload?: unknown; userId?: unknown },
): DevicesCommand {
  const { operation, given, named } = chosen(DEVICES_OPERATIONS, node.operation, message.payload);
  switch (operation) {
    case 'list':
    case 'state':
      return { operation, userId: user(given, message, node), ids: idsIn(given, 'device_ids', named) ?? [] };
    case 'add':
      return { operation, userId: user(given, message, node), items: itemsIn(withoutUser(given), 'devices', named) };
    case 'update':
      return { operation, items: itemsIn(given, 'devices', named) };
    case 'delete': {
      const ids = idsIn(given, 'device_ids', named);
      if (ids === undefined) throw missing('no device id', 'Give an id, a list of ids, or { "device_ids": [...] }.');
      return { operation, ids };
    }
    case 'report': {
      if (!isRecord(given)) throw missing('no states', 'Give { "<device id>": { "on_off": true } }.');
      const { devices } = given;
      if (devices === undefined && named) throw missing('no devices', 'Give { "devices": { "<device id>": {…} } }.');
      return { operation, states: devices ?? given };
    }
    case 'unlink':
      return { operation, userId: unlinked(given, message, node) };
  }
}

/** The operation and what is given to it; `named`: the message itself names the operation. */
function chosen<O extends string>(
  operations: readonly O[],
  setting: unknown,
  payload: unknown,
): { operation: O; given: unknown; named: boolean } {
  const known = (word: unknown): word is O => (operations as readonly unknown[]).includes(word);
  const hint = `Use one of ${operations.join(', ')}.`;
  if (setting !== 'message') {
    if (!known(setting)) throw invalidInput('the node has no operation that it knows', hint);
    return { operation: setting, given: payload, named: false };
  }
  if (!isRecord(payload)) {
    throw invalidInput('msg.payload must be an object with an operation', `Give { "operation": "list" }. ${hint}`);
  }
  const { operation } = payload;
  if (!known(operation)) throw invalidInput('msg.payload.operation is no operation of this node', hint);
  return { operation, given: payload, named: true };
}

/** The items of a message: in its list of that name, a list itself, or one item. */
function itemsIn(given: unknown, name: 'models' | 'devices', named: boolean): unknown[] {
  const list = isRecord(given) && (named || name in given) ? given[name] : given;
  if (Array.isArray(list)) return list;
  if (isRecord(list)) return [list];
  throw missing(`no ${name}`, `Give one of them, a list of them, or { "${name}": [...] }.`);
}

/** A lone device whose user stands in it: read by `user`, and no part of the device. */
function withoutUser(given: unknown): unknown {
  if (!isRecord(given)) return given;
  return Object.fromEntries(Object.entries(given).filter(([name]) => name !== 'user_id' && name !== 'userId'));
}

/** The models saved in the node, for a message that brings none: nothing, or what a button sends (a time, true). */
function savedItems(given: unknown, saved: unknown): unknown[] | undefined {
  const items: unknown = typeof saved === 'string' && saved.trim() !== '' ? parsed(saved) : saved;
  if (!Array.isArray(items) || items.length === 0) return undefined;
  return isEmptyHanded(given) || typeof given === 'number' || typeof given === 'boolean' ? items : undefined;
}

function parsed(json: string): unknown {
  const value = parseJson(json);
  if (value !== undefined) return value;
  throw invalidInput('the models saved in the node are not JSON', 'Open the node and build the models again.');
}

/** The ids that a message names; undefined where it names none. */
function idsIn(given: unknown, name: 'model_ids' | 'device_ids', named: boolean): string[] | undefined {
  const field = isRecord(given) ? (given[name] ?? undefined) : undefined;
  if (field !== undefined) return checkIds(field, `msg.payload.${name}`);
  if (named || isRecord(given)) return undefined;
  return Array.isArray(given) || (typeof given === 'string' && given !== '')
    ? checkIds(given, 'msg.payload')
    : undefined;
}

/**
 * The node's own id, for a message that names none. Unless it does no harm, the message must be empty-handed: a payload
 * that was meant as an id and is none (a number, `{ model_id }`) must not delete another model.
 */
function fallback(given: unknown, setting: unknown, harmless: boolean): string[] | undefined {
  const id = idSetting(setting, 'the model id of the node');
  return id !== '' && (harmless || isEmptyHanded(given)) ? [id] : undefined;
}

function isEmptyHanded(given: unknown): boolean {
  if (isRecord(given)) return Object.keys(given).every((name) => name === 'operation');
  return given === undefined || given === null || given === '';
}

/** Whose devices: the payload's word, the message's, the node's. */
function user(
  given: unknown,
  message: { userId?: unknown },
  node: { userId?: unknown },
  hint = 'Enter the user id in the node, or give it as msg.userId or msg.payload.user_id.',
): string {
  const { user_id, userId } = isRecord(given) ? given : {};
  for (const each of [user_id, userId, message.userId]) {
    if (each === undefined || each === null) continue;
    if (typeof each !== 'string') {
      throw invalidInput('the user id is no text', 'User ids are texts, such as "AB12345".');
    }
    if (each.trim() !== '') return each.trim();
  }
  const own = idSetting(node.userId, 'the user id of the node');
  if (own === '') throw missing('no user id', hint);
  return own;
}

/**
 * Who is unlinked. As with `fallback`: a payload that was meant as a user and names none (a number, a list, `{ id }`) must
 * not unlink the node's user instead.
 */
function unlinked(given: unknown, message: { userId?: unknown }, node: { userId?: unknown }): string {
  if (isEmptyHanded(given)) return user(given, message, node);
  const hint = 'Give the user id as msg.payload or msg.userId; an empty payload unlinks the user of the node.';
  return user(typeof given === 'string' ? { user_id: given } : given, message, {}, hint);
}

/** An id that stands in the node. @throws INVALID_INPUT for a variable that is not set */
function idSetting(setting: unknown, name: string): string {
  const id = textSetting(setting, name);
  refusePartVariable(id, name);
  return id;
}

/** Ids as a message gives them: one, or a list. Repeated ones count once. @throws INVALID_INPUT */
function checkIds(ids: unknown, path: string): string[] {
  const list: unknown[] = Array.isArray(ids) ? ids : [ids];
  for (const [index, id] of list.entries()) {
    if (typeof id !== 'string' || id === '') {
      const place = Array.isArray(ids) ? `${path}[${index}]` : path;
      throw invalidInput(`${place}: is no id`, 'Ids are texts: give one, or a list of them.');
    }
  }
  return [...new Set(list as string[])];
}

function missing(message: string, hint: string): Error {
  return invalidInput(`the message has ${message}`, hint);
}
