/**
 * What a message and a node's settings together ask for, as one typed command. Forms that could be misread are refused
 * with INVALID_INPUT; what the items in it are is checked in `validation`.
 */
import { invalidInput } from '../common/errors';
import { isRecord, parseJson } from '../common/json';
import { choice, flag, typed, wholeText, type Parsed } from '../common/settings';

const MODELS_OPERATIONS = ['list', 'get', 'create', 'update', 'delete', 'sync'] as const;
const DEVICES_OPERATIONS = ['list', 'add', 'update', 'delete', 'state', 'report', 'unlink'] as const;

export const MODELS_SETTINGS = {
  operation: choice('the operation of the node', [...MODELS_OPERATIONS, 'message'], 'list'),
  modelId: wholeText('the model id of the node'),
  deleteMissing: flag('"delete missing"', false),
  /** Models built in the editor, for messages that bring none. Absent in older flows. */
  models: { parse: savedModels },
};
export const DEVICES_SETTINGS = {
  operation: choice('the operation of the node', [...DEVICES_OPERATIONS, 'message'], 'report'),
  userId: typed(wholeText('the user id of the node')),
};

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

/** @throws INVALID_INPUT */
export function modelsCommand(node: Parsed<typeof MODELS_SETTINGS>, payload: unknown): ModelsCommand {
  const { operation, given, named } = asked(MODELS_OPERATIONS, node.operation, payload);
  if (operation === 'list') return { operation };
  if (operation !== 'get' && operation !== 'delete') {
    const items = bringsNothing(given) ? node.models : undefined;
    return { operation, items: items ?? itemsIn(given, 'models', named) };
  }
  let ids = idsIn(given, 'model_ids', named);
  // A payload that was meant as an id and is none (a number, `{ model_id }`) must not delete the node's model instead.
  if (node.modelId !== '' && (isEmptyHanded(given) || (operation === 'get' && !named))) ids ??= [node.modelId];
  if (ids === undefined) throw missing('no model id', 'Give an id, a list of ids, or { "model_ids": [...] }.');
  return { operation, ids };
}

/** @throws INVALID_INPUT */
export function devicesCommand(
  node: Parsed<typeof DEVICES_SETTINGS>,
  message: { payload?: unknown; userId?: unknown },
): DevicesCommand {
  const { operation, given, named } = asked(DEVICES_OPERATIONS, node.operation, message.payload);
  const user = (): string =>
    userIn(
      given,
      message,
      node.userId,
      'Enter the user id in the node, or give it as msg.userId or msg.payload.user_id.',
    );
  switch (operation) {
    case 'list':
    case 'state':
      return { operation, userId: user(), ids: idsIn(given, 'device_ids', named) ?? [] };
    case 'add':
      return { operation, userId: user(), items: itemsIn(withoutUser(given), 'devices', named) };
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
    case 'unlink': {
      // A payload that was meant as a user and names none (a number, a list, `{ id }`) must not unlink the node's user.
      if (isEmptyHanded(given)) return { operation, userId: user() };
      const hint = 'Give the user id as msg.payload or msg.userId; an empty payload unlinks the user of the node.';
      const from = typeof given === 'string' ? { user_id: given } : given;
      return { operation, userId: userIn(from, message, '', hint) };
    }
  }
}

/** What a message asks for; `named`: the message itself names the operation. */
function asked<O extends string>(
  operations: readonly O[],
  setting: O | 'message',
  payload: unknown,
): { operation: O; given: unknown; named: boolean } {
  if (setting !== 'message') return { operation: setting, given: payload, named: false };
  const hint = `Use one of ${operations.join(', ')}.`;
  if (!isRecord(payload)) {
    throw invalidInput('msg.payload must be an object with an operation', `Give { "operation": "list" }. ${hint}`);
  }
  const operation = operations.find((word) => word === payload.operation);
  if (operation === undefined) throw invalidInput('msg.payload.operation is no operation of this node', hint);
  return { operation, given: payload, named: true };
}

/** The items of a message: in its list of that name, a list itself, or one item. */
function itemsIn(given: unknown, name: 'models' | 'devices', named: boolean): unknown[] {
  const list = isRecord(given) && (named || name in given) ? given[name] : given;
  if (Array.isArray(list)) return list;
  if (isRecord(list)) return [list];
  throw missing(`no ${name}`, `Give one of them, a list of them, or { "${name}": [...] }.`);
}

/** A lone device whose user stands in it: read by `userIn`, and no part of the device. */
function withoutUser(given: unknown): unknown {
  if (!isRecord(given)) return given;
  return Object.fromEntries(Object.entries(given).filter(([name]) => name !== 'user_id' && name !== 'userId'));
}

/** The ids that a message names; undefined where it names none. Repeated ones count once. @throws INVALID_INPUT */
function idsIn(given: unknown, name: 'model_ids' | 'device_ids', named: boolean): string[] | undefined {
  const field = isRecord(given) ? (given[name] ?? undefined) : undefined;
  const isBare = !named && (Array.isArray(given) || (typeof given === 'string' && given !== ''));
  const ids = field ?? (isBare ? given : undefined);
  if (ids === undefined) return undefined;
  const path = field === undefined ? 'msg.payload' : `msg.payload.${name}`;
  const list: unknown[] = Array.isArray(ids) ? ids : [ids];
  for (const [index, one] of list.entries()) {
    if (typeof one === 'string' && one !== '') continue;
    const place = Array.isArray(ids) ? `${path}[${index}]` : path;
    throw invalidInput(`${place}: is no id`, 'Ids are texts: give one, or a list of them.');
  }
  return [...new Set(list as string[])];
}

/** Nothing in it but, perhaps, the operation. */
function isEmptyHanded(given: unknown): boolean {
  if (isRecord(given)) return Object.keys(given).every((name) => name === 'operation');
  return given === undefined || given === null || given === '';
}

/** The same, or what a button sends: a time, true. */
function bringsNothing(given: unknown): boolean {
  return isEmptyHanded(given) || typeof given === 'number' || typeof given === 'boolean';
}

/** Whose devices: the payload's word, the message's, the node's. */
function userIn(given: unknown, message: { userId?: unknown }, ofNode: string, hint: string): string {
  const { user_id, userId } = isRecord(given) ? given : {};
  for (const each of [user_id, userId, message.userId]) {
    if (each === undefined || each === null) continue;
    if (typeof each !== 'string') {
      throw invalidInput('the user id is no text', 'User ids are texts, such as "AB12345".');
    }
    if (each.trim() !== '') return each.trim();
  }
  if (ofNode === '') throw missing('no user id', hint);
  return ofNode;
}

function savedModels(saved: unknown): unknown[] | undefined {
  const isText = typeof saved === 'string' && saved.trim() !== '';
  const items: unknown = isText ? parseJson(saved) : saved;
  if (isText && items === undefined) {
    throw invalidInput('the models saved in the node are not JSON', 'Open the node and build the models again.');
  }
  return Array.isArray(items) && items.length > 0 ? items : undefined;
}

function missing(message: string, hint: string): Error {
  return invalidInput(`the message has ${message}`, hint);
}
