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

const SHAPE =
  /^(?<scheme>rediss?):\/\/(?:(?<user>[^@/?#:]*):(?<password>[^@/?#]*)@)?(?<host>\[[0-9a-f:.]+\]|[\p{L}\p{N}._-]+)(?::(?<port>\d{1,5}))?(?:\/(?<database>\d{0,5}))?(?:\?(?<query>[^#]*))?$/iu;

/** @throws CodedError `INVALID_INPUT`, without a word of the text itself. */
export function parseRedisUrl(text: string): RedisAddress {
  const parts = SHAPE.exec(text.trim())?.groups;
  if (parts === undefined) throw refuse('it does not have that form');
  const { user, password } = parts;
  const port = Number(parts.port ?? 6379);
  if (port < 1 || port > 65_535) throw refuse('there is no such port');
  const parameters = new URLSearchParams(parts.query);
  if ([...parameters.keys()].some((key) => key !== 'prefix')) throw refuse('its only parameter is prefix');
  const host = (parts.host ?? '').replace(/^\[|\]$/g, '');
  return {
    host,
    port,
    tls: parts.scheme?.toLowerCase() === 'rediss',
    ...(user ? { username: decoded(user) } : {}),
    ...(password ? { password: decoded(password) } : {}),
    database: Number(parts.database ?? 0),
    prefix: parameters.get('prefix') ?? 'thekeys:',
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
