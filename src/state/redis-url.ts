/**
 * Reads the address of a Redis server. Connecting is left to `redis-link.ts`. No error here repeats the text it was
 * given, because a password is part of it.
 *
 *     redis://[[user]:password@]host[:port][/database][?prefix=of every key and channel]
 *
 * `rediss://` instead of `redis://` uses TLS. A character of a password that has a meaning in addresses (`@ : / ? # %`)
 * is percent-encoded.
 */
import { invalidInput, type CodedError } from '../common/errors';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  readonly prefix: string;
  /** Host and port for people to read: fit for a log, free of secrets. */
  readonly label: string;
}

const REDIS_PORT = 6379;
const DEFAULT_PREFIX = 'thekeys:';

const SHAPE = /^(rediss?):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^/?#]*))?(?:\?([^#]*))?$/i;
/** What a name may be made of, and no more: a parameter that lost its question mark must not be taken, and shown, as one. */
const SERVER = /^(\[[0-9a-f:.]+\]|[\p{L}\p{N}._-]+)(?::(\d{1,5}))?$/iu;

/** @throws CodedError `INVALID_INPUT`, without a word of the text itself. */
export function parseRedisUrl(text: string): RedisAddress {
  const [, scheme, userInfo = '', server, path = '', query = ''] = SHAPE.exec(text.trim()) ?? [];
  if (scheme === undefined || server === undefined) throw refuse('it does not have the form redis://host:port');
  if (server.includes(',')) throw refuse('it names several hosts, and one server is used');
  const [, name, digits = String(REDIS_PORT)] = SERVER.exec(server) ?? [];
  const port = Number(digits);
  if (name === undefined || port < 1 || port > 65_535) throw refuse('the host is written host or host:port');
  const parameters = new URLSearchParams(query);
  if ([...parameters.keys()].some((key) => key !== 'prefix')) throw refuse('its only parameter is prefix');
  if (!/^\d{0,5}$/.test(path)) throw refuse('the database after the slash is a number');
  const host = name.replace(/^\[|\]$/g, '');
  return {
    host,
    port,
    tls: scheme.toLowerCase() === 'rediss',
    ...credentialsIn(userInfo),
    database: Number(path),
    prefix: parameters.get('prefix') ?? DEFAULT_PREFIX,
    label: `${host}:${port}`,
  };
}

function credentialsIn(userInfo: string): { username?: string; password?: string } {
  if (userInfo === '') return {};
  const colon = userInfo.indexOf(':');
  if (colon < 0) throw refuse('a password is written :password@host');
  const username = decoded(userInfo.slice(0, colon));
  const password = decoded(userInfo.slice(colon + 1));
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse('a % in it is not followed by two hexadecimal digits (write it as %25)');
  }
}

function refuse(why: string): CodedError<'INVALID_INPUT'> {
  return invalidInput(
    `the address of the shared state cannot be used: ${why}`,
    'Write it as redis://:password@host:6379 (rediss:// for TLS), with the special characters of the password percent-encoded.',
  );
}
