/**
 * Reads the address of a Redis: one server, a Sentinel group or a Cluster, in one line of text. Connecting is left to
 * `redis-link.ts`. Nothing here ever repeats the text it was given, because a password is part of it.
 *
 *     redis://[[user]:password@]host[:port][/database]           one server
 *     redis://host,host:port[/database]?sentinel=<master name>   Sentinels (port 26379 where none is given)
 *     redis://host:port,host:port                                a Cluster (or one host and ?cluster=true)
 *
 * `rediss://` instead of `redis://` speaks TLS. Further parameters: `sentinelPassword`; `prefix` (of every key and
 * channel, `thekeys:` where absent); `replicas` (how many replicas must have a change before it counts as kept).
 * A character of a password that has a meaning in addresses (`@ : / ? # %`) is percent-encoded.
 */
import { invalidInput, type CodedError } from '../common/errors';

export interface RedisNode {
  host: string;
  port: number;
}

export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly nodes: readonly [RedisNode, ...RedisNode[]];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  /** The master's name among the Sentinels; for `sentinel` only. */
  readonly masterName?: string;
  readonly sentinelPassword?: string;
  readonly prefix: string;
  readonly replicas: number;
  /** The hosts, for people to read: fit for a log, free of secrets. */
  readonly label: string;
}

const PARAMETERS = ['sentinel', 'sentinelPassword', 'cluster', 'prefix', 'replicas'];
const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;
const DEFAULT_PREFIX = 'thekeys:';

const SHAPE = /^(rediss?):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^/?#]*))?(?:\?([^#]*))?$/i;
/** What a name may be made of, and no more: a parameter that lost its question mark must not be taken, and told, as one. */
const NODE = /^(\[[0-9a-f:.]+\]|[\p{L}\p{N}._-]+)(?::(\d{1,5}))?$/iu;

/** @throws CodedError `INVALID_INPUT`, without a word of the text itself. */
export function parseRedisUrl(text: string): RedisAddress {
  const [, scheme, userInfo, hosts, path = '', query = ''] = SHAPE.exec(text.trim()) ?? [];
  if (scheme === undefined || hosts === undefined) throw refuse('it does not have the form redis://host:port');

  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name)) throw refuse(`its parameters may be ${PARAMETERS.join(', ')}`);
  }
  const masterName = parameters.get('sentinel') ?? undefined;
  if (masterName === '') throw refuse('sentinel= names no master');
  const [first, ...others] = hosts.split(',').map((host) => nodeOf(host, masterName ?? ''));
  if (first === undefined) throw refuse('it names no host');
  const clustered = parameters.get('cluster') === 'true' || (others.length > 0 && masterName === undefined);
  if (clustered && masterName !== undefined) throw refuse('it asks for Sentinel and Cluster at once');
  const kind = masterName !== undefined ? 'sentinel' : clustered ? 'cluster' : 'single';

  const database = numberIn(path === '' ? '0' : path, 'the database after the slash is a number');
  const replicas = numberIn(parameters.get('replicas') ?? '0', 'replicas= is a number');
  if (clustered && database !== 0) throw refuse('a Cluster has no databases');
  if (clustered && replicas !== 0) throw refuse('replicas= is not available with a Cluster');
  const sentinelPassword = parameters.get('sentinelPassword') ?? undefined;

  return {
    kind,
    nodes: [first, ...others],
    tls: scheme.toLowerCase() === 'rediss',
    ...credentialsIn(userInfo),
    database,
    ...(masterName === undefined ? {} : { masterName }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    prefix: parameters.get('prefix') ?? DEFAULT_PREFIX,
    replicas,
    label: [first, ...others].map(({ host, port }) => `${host}:${port}`).join(','),
  };
}

function nodeOf(text: string, masterName: string): RedisNode {
  const [, host, digits] = NODE.exec(text) ?? [];
  const port = digits === undefined ? (masterName === '' ? REDIS_PORT : SENTINEL_PORT) : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) throw refuse('a host is written host or host:port');
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

function credentialsIn(userInfo: string | undefined): { username?: string; password?: string } {
  if (userInfo === undefined || userInfo === '') return {};
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

function numberIn(text: string, rule: string): number {
  if (!/^\d{1,5}$/.test(text)) throw refuse(rule);
  return Number(text);
}

function refuse(why: string): CodedError<'INVALID_INPUT'> {
  return invalidInput(
    `the address of the shared state cannot be used: ${why}`,
    'Write it as redis://:password@host:6379 (rediss:// for TLS), with the special characters of the password percent-encoded.',
  );
}
