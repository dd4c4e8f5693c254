/**
 * Reading by id: models, devices and states that a message names. Sber can list models only whole, and documents no list
 * of ids in a query beyond one, so what comes back is gone through here.
 */
import { foreignText } from '../common/foreign';
import type { SberClient } from './client';
import { SberError } from './failures';
import type { Raw } from './shapes';

/** One id: its model; several: a list in the same order. @throws NOT_FOUND */
export async function readModels(client: SberClient, ids: readonly string[]): Promise<Raw | Raw[]> {
  if (ids.length === 0) return [];
  const found = inOrder(byId(await client.listModels()), ids, 'model');
  const [first] = found;
  return found.length === 1 && first !== undefined ? first : found;
}

/** The user's devices, field for field: all of them, or those with these ids. @throws NOT_FOUND */
export async function readDevices(client: SberClient, userId: string, ids: readonly string[]): Promise<Raw[]> {
  if (ids.length === 0) return client.listDevices(userId);
  return devicesIn(async (some) => byId(await client.listDevices(userId, some)), ids);
}

/** Unread states by device id: of all the user's devices, or of those with these ids. @throws NOT_FOUND */
export async function readStates(
  client: SberClient,
  userId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, unknown>> {
  if (ids.length === 0) return client.readState(userId);
  const states = await devicesIn((some) => client.readState(userId, some), ids);
  return new Map(ids.map((id, index) => [id, states[index]]));
}

/** The cloud may understand only one of several ids. Without any it gives all devices. */
async function devicesIn<T>(
  read: (ids: readonly string[]) => Promise<ReadonlyMap<unknown, T>>,
  ids: readonly string[],
): Promise<T[]> {
  let found = await read(ids);
  if (ids.length > 1 && !ids.every((id) => found.has(id))) found = await read([]);
  return inOrder(found, ids, 'device');
}

function byId(items: readonly Raw[]): Map<unknown, Raw> {
  return new Map(items.map((item) => [item.id, item]));
}

function inOrder<T>(found: ReadonlyMap<unknown, T>, ids: readonly string[], what: string): T[] {
  return ids.map((id) => {
    if (!found.has(id)) throw new SberError('NOT_FOUND', `Sber has no ${what} "${foreignText(id, 60)}"`);
    return found.get(id) as T;
  });
}
