/**
 * What is kept of codes, links and tokens: the shape of the file, and how it is read. Codes and tokens are kept as hashes
 * only. What happens to them is decided in `accounts.ts`.
 */
import { isRecord } from '../common/json';
import { StateError, type Json } from '../state/state';

/** What a good login grants: the right to fetch tokens, once. */
export interface CodeGrant {
  user: string;
  redirectUri: string;
  /** PKCE (S256), where the client sent one. */
  challenge?: string;
}

export interface LinkRecord {
  user: string;
  /** The hash of the refresh token. */
  refresh: string;
  since: number;
  usedAt: number;
}

export interface CodeRecord extends CodeGrant {
  until: number;
  /** Set when the code was presented by a client that knows the secret: the link that came of it, if one did. */
  link?: string;
  /** When that was. */
  usedAt?: number;
}

/** Everything that is kept. Names may be any text, so they are values here and never keys. */
export interface LinksFile {
  version: 1;
  users: { name: string; agentUserId: string }[];
  links: Map<string, LinkRecord>;
  access: Map<string, { link: string; until: number }>;
  codes: Map<string, CodeRecord>;
}

/** Files that were read already: the state gives the same object until something is written. */
const known = new WeakMap<object, LinksFile>();

/**
 * The file as far as it can be read. One that a person or a broken disk changed may hold anything; what is no record is left
 * out, so that the rest serves on and people can link anew. Copy what is to be changed.
 * @throws StateError where a newer version of the package wrote it: to write over it would end all links
 */
export function readLinks(json: Json | undefined): LinksFile {
  if (isRecord(json) && typeof json.version === 'number' && json.version > 1) {
    throw new StateError(
      'the links to Google were kept by a newer version of this package. Install that version again, or unlink in the Google Home app, delete the file "…/accounts" in the state folder and link anew',
      'NEWER_VERSION',
    );
  }
  const fields = isRecord(json) && json.version === 1 ? json : {};
  const before = known.get(fields);
  if (before !== undefined) return before;
  const file: LinksFile = {
    version: 1,
    users: (Array.isArray(fields.users) ? fields.users : []).filter(isUser),
    links: records(fields.links, { user: 'string', refresh: 'string', since: 'number', usedAt: 'number' }),
    access: records(fields.access, { link: 'string', until: 'number' }),
    codes: records(fields.codes, { user: 'string', redirectUri: 'string', until: 'number' }),
  };
  known.set(fields, file);
  return file;
}

/** A copy to be changed, without what has expired. */
export function draftOf(file: LinksFile, now: number): LinksFile {
  const unexpired = <T extends { until: number }>(entries: Map<string, T>): Map<string, T> =>
    new Map([...entries].filter(([, { until }]) => until > now));
  return {
    version: 1,
    users: [...file.users],
    links: new Map(file.links),
    access: unexpired(file.access),
    codes: unexpired(file.codes),
  };
}

export function writeLinks(file: LinksFile): Json {
  const { links, access, codes } = file;
  const maps = { links, access, codes };
  const kept = Object.entries(maps).map(([name, map]) => [name, Object.fromEntries<object>(map)]);
  return { version: 1, users: file.users, ...Object.fromEntries(kept) } as Json;
}

/** The permanent id by which Google knows this user. */
export function agentUserIdOf(file: LinksFile, name: string): string | undefined {
  return file.users.find((user) => user.name === name)?.agentUserId;
}

/** Ends a link and its access tokens. */
export function dropLink(draft: LinksFile, link: string): void {
  draft.links.delete(link);
  for (const [token, record] of draft.access) if (record.link === link) draft.access.delete(token);
}

function isUser(each: unknown): each is LinksFile['users'][number] {
  return isRecord(each) && typeof each.name === 'string' && typeof each.agentUserId === 'string';
}

/** Those entries whose fields are of these types. */
function records<T>(value: unknown, fields: Readonly<Record<string, 'string' | 'number'>>): Map<string, T> {
  const entries = Object.entries(isRecord(value) ? value : {}).filter(
    ([, record]) => isRecord(record) && Object.entries(fields).every(([name, type]) => typeof record[name] === type),
  );
  return new Map(entries as [string, T][]);
}
