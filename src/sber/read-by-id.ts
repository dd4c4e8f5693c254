/**
 * Reading by id: models, devices and states that a message names. Sber can list models only whole, and documents no list
 * of ids in a query beyond one, so what comes back is gone through here.
 */
import { foreignText } from '../common/foreign';
import type { Call, SberClient } from './client';
import { SberError } from './failures';
import type { Raw } from './shapes';

/** One id: its model; several: a list in the same order. @throws NOT_FOUND */
export async function readModels(client: SberClient, ids: readonly string[], call: Call): Promise<Raw | Raw[]> {
  if (ids.length === 0) return [];
  const found = inOrder(byId(await client.listModels(call)), ids, 'model');
  const [first] = found;
  return found.length === 1 && first !== undefined ? first : found;
}

/** The user's devices, field for field: all of them, or those with these ids. @throws NOT_FOUND */
export async function readDevices(
  client: SberClient,
  userId: string,
  ids: readonly string[],
  call: Call,
): Promise<Raw[]> {
  const devices = await client.listDevices(userId, ids, call);
  if (ids.length === 0) return devices;
  const found = byId(devices);
  if (ids.length === 1 || ids.every((id) => found.has(id))) return inOrder(found, ids, 'device');
  // The cloud may have understood only one of the ids. Without any it gives all devices.
  return inOrder(byId(await client.listDevices(userId, [], call)), ids, 'device');
}

/** Unread states by device id: of all the user's devices, or of those with these ids. @throws NOT_FOUND */
export async function readStates(
  client: SberClient,
  userId: string,
  ids: readonly string[],
  call: Call,
): Promise<ReadonlyMap<string, unknown>> {
  let states = await client.readState(userId, ids, call);
  if (ids.length === 0) return states;
  if (ids.length > 1 && !ids.every((id) => states.has(id))) states = await client.readState(userId, [], call);
  const found = inOrder(states, ids, 'device');
  return new Map(ids.map((id, index) => [id, found[index]]));
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
