/**
 * Reads the address of a Redis server. No error here repeats the text it was given, because a password is part of it.
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

/** @throws CodedError `INVALID_INPUT`, without a word of the text itself. */
export function parseRedisUrl(text: string): RedisAddress {
  if (!URL.canParse(text.trim())) throw refuse('it does not have that form');
  const url = new URL(text.trim());
  const host = decoded(url.hostname).replace(/^\[|\]$/g, '');
  const database = url.pathname.slice(1);
  const isServer = /^rediss?:$/.test(url.protocol) && /^[\p{L}\p{N}._:-]+$/u.test(host) && url.port !== '0';
  const isWhole = url.hash === '' && (url.username === '' || url.password !== '');
  if (!isServer || !isWhole || !/^\d{0,5}$/.test(database)) throw refuse('it does not have that form');
  if ([...url.searchParams.keys()].some((key) => key !== 'prefix')) throw refuse('its only parameter is prefix');
  const port = Number(url.port || 6379);
  return {
    host,
    port,
    tls: url.protocol === 'rediss:',
    ...(url.username && { username: decoded(url.username) }),
    ...(url.password && { password: decoded(url.password) }),
    database: Number(database),
    prefix: url.searchParams.get('prefix') ?? 'thekeys:',
    label: `${host}:${port}`,
  };
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
    'Write it as redis://:password@host:6379 (one server; rediss:// for TLS; a slash and a number for a database), with the special characters of the password percent-encoded.',
  );
}
