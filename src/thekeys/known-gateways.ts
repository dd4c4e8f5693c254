/**
 * What is kept of each gateway over restarts: under which names it goes, where it was last, and which locks it saw. One
 * gateway has one row, so that its timestamps go on under one key, however it is called and wherever it moves.
 */
import { isRecord, type Json } from '../common/json';

export interface KnownGateway {
  /** The key of its sequence of timestamps. */
  id: string;
  /** `ip:port`. */
  at: string;
  /** `host:port` of the names that lead there. */
  names: readonly string[];
  version: number | null;
  /** Identifiers that were on its list. */
  locks: readonly string[];
}

export const KNOWN_GATEWAYS = 'gateways';
const MOST_ROWS = 50;
const MOST_LOCKS = 50;

export function asRows(kept: Json | undefined): KnownGateway[] {
  return Array.isArray(kept) ? kept.filter(isRow) : [];
}

/** Of `ip:port`. */
export function ipOf(at: string): string {
  return at.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function isRow(value: unknown): value is KnownGateway & Record<string, Json> {
  if (!isRecord(value) || typeof value.id !== 'string' || typeof value.at !== 'string') return false;
  const isVersion = value.version === null || typeof value.version === 'number';
  return isVersion && [value.names, value.locks].every((list) => Array.isArray(list) && list.every(isText));
}

const isText = (value: unknown): boolean => typeof value === 'string';

/** The row of the gateway that answers at this address, by this name; a new one, with the wanted key, where none is known. */
export function locate(rows: readonly KnownGateway[], name: string, at: string, wanted = at): KnownGateway {
  const found = rows.find((row) => row.at === at) ?? rows.find(({ names }) => names.includes(name));
  if (found !== undefined) return { ...found, at, names: [...new Set([...found.names, name])] };
  const taken = new Set(rows.map(({ id }) => id));
  let id = wanted;
  for (let count = 2; taken.has(id); count++) id = `${wanted}#${count}`;
  return { id, at, names: [name], version: null, locks: [] };
}

/** The rows with this one in its place. A name leads to one gateway, and at an address is one. */
export function withRow(rows: readonly KnownGateway[], row: KnownGateway): Json {
  const others = rows
    .filter(({ id, at }) => id !== row.id && at !== row.at)
    .map((other) => ({ ...other, names: other.names.filter((name) => !row.names.includes(name)) }));
  return [...others.slice(1 - MOST_ROWS), row].map(({ names, locks, ...rest }) => {
    return { ...rest, names: [...names], locks: locks.slice(0, MOST_LOCKS) };
  });
}

/** What a gateway said of itself. */
export interface Seen {
  version?: number | null | undefined;
  locks?: readonly string[] | undefined;
}

/** Whether this is another gateway: none of the locks is known, and its version, where it says one, is another too. */
export function isStranger({ version, locks }: KnownGateway, seen: Seen): boolean {
  if (locks.length === 0 || seen.locks === undefined || seen.locks.length === 0) return false;
  const isSameVersion = version !== null && version === seen.version;
  return !isSameVersion && !seen.locks.some((lock) => locks.includes(lock));
}

/** The row with what is news in this. The same object where nothing is. */
export function withSeen(row: KnownGateway, { version = row.version, locks = [] }: Seen): KnownGateway {
  const more = locks.filter((lock) => !row.locks.includes(lock));
  if (version === row.version && more.length === 0) return row;
  return { ...row, version, locks: [...more, ...row.locks].slice(0, MOST_LOCKS) };
}
