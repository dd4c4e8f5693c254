/**
 * Who has linked, and the codes and tokens by which Google proves it. Everything is kept from the moment it is handed out, in
 * one file, each change as one step; codes and tokens as hashes only. The login page is in `authorize.ts`, the token address
 * in `token.ts`.
 */
import { randomBytes } from 'node:crypto';
import { isRecord } from '../common/json';
import { fingerprint, sameSecret } from '../common/secrets';
import { StateError, type Json } from '../state/state';
import type { AccountContext, Identity } from './types';
import { normalName, type ListedUser } from './users';

/** Google's advice for both, and what the contract promises. */
const CODE_LIFETIME_MS = 10 * 60_000;
export const ACCESS_LIFETIME_MS = 60 * 60_000;
/**
 * For this long a code that comes again is a repeated request whose first answer was lost: refused, but the link stays. Later
 * it was stolen, and what came of it ends (RFC 6749, 4.1.2).
 */
const REPEAT_MS = 10_000;
/** A person who links again and again without unlinking leaves links behind; the longest unused go beyond this number. */
const LINKS_PER_USER = 50;

/** What a good login grants: the right to fetch tokens, once. */
interface CodeGrant {
  user: string;
  redirectUri: string;
  /** PKCE (S256), where the client sent one. */
  challenge?: string;
}

interface LinkRecord {
  user: string;
  /** The hash of the refresh token. */
  refresh: string;
  since: number;
  usedAt: number;
}

interface CodeRecord extends CodeGrant {
  until: number;
  /** Set when the code was presented by a client that knows the secret: the link that came of it, if one did. */
  link?: string;
  /** When that was. */
  usedAt?: number;
}

/** Everything that is kept. Names may be any text, so they are values here and never keys. */
interface LinksFile {
  users: { name: string; agentUserId: string }[];
  links: Map<string, LinkRecord>;
  access: Map<string, { link: string; until: number }>;
  codes: Map<string, CodeRecord>;
}

export interface TokenPair {
  access: string;
  refresh: string;
}

/** What a home needs of them. */
export type Accounts = Pick<LinkedAccounts, 'disconnect' | 'linkedUsers' | 'onLinksChanged'>;

export class LinkedAccounts {
  private readonly listeners = new Set<(agentUserId: string) => void>();
  private readonly unsubscribe: () => void;

  constructor(private readonly options: Omit<AccountContext, 'log'> & { users: readonly ListedUser[] }) {
    this.unsubscribe = options.state.subscribe(this.channel, (message) => {
      if (typeof message === 'string') for (const listener of this.listeners) listener(message);
    });
  }

  /**
   * Forgets the links of people who are no longer listed, so that a namesake listed later does not inherit them. An
   * empty list forgets nothing: it is what a lost credentials file looks like, and it lets in no one anyway.
   * @throws StateError
   */
  async forgetRemoved(): Promise<void> {
    if (this.options.users.length === 0) return;
    await this.change((draft) => {
      const removed = [...draft.links].filter(([, { user }]) => this.listedName(user) === undefined);
      for (const [id] of removed) dropLink(draft, id);
      return removed.length > 0 || undefined;
    });
  }

  /** Whom a bearer token stands for; undefined if it is unknown, expired, unlinked or its user no longer listed. */
  async authenticate(bearer: string): Promise<Identity | undefined> {
    const file = readLinks(await this.options.state.get(this.key));
    const token = file.access.get(fingerprint(bearer));
    if (token === undefined || token.until <= this.options.clock.now()) return undefined;
    return this.identity(file, token.link);
  }

  /** Ends one link with all its tokens. The user's other links, and the id by which Google knows the user, stay. */
  async disconnect(agentUserId: string, link: string): Promise<void> {
    await this.change((draft) => {
      const record = draft.links.get(link);
      if (record === undefined || agentUserIdOf(draft, record.user) !== agentUserId) return undefined;
      dropLink(draft, link);
      return true;
    });
    await this.announce(agentUserId);
  }

  /** The ids of everyone who is listed and has linked. */
  async linkedUsers(): Promise<string[]> {
    return [...new Set((await this.identities()).map(({ agentUserId }) => agentUserId))];
  }

  /** How many links there are, for the dialog. */
  async linkCount(): Promise<number> {
    return (await this.identities()).length;
  }

  /** Calls `listener` after a link began or ended, in whichever process. Returns the way to stop. */
  onLinksChanged(listener: (agentUserId: string) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** The listed name that goes with this login, or undefined. Takes as long for a name that is not listed. */
  checkPassword(name: string, password: string): string | undefined {
    const user = this.listed(name);
    const matches = sameSecret(password, user?.password ?? '');
    return user !== undefined && matches ? user.name : undefined;
  }

  listedName(name: string): string | undefined {
    return this.listed(name)?.name;
  }

  /** A fresh code. @throws StateError */
  async grantCode(grant: CodeGrant): Promise<string> {
    const code = newToken();
    await this.change((draft, now) => draft.codes.set(fingerprint(code), { ...grant, until: now + CODE_LIFETIME_MS }));
    return code;
  }

  /**
   * Exchanges a code for the tokens of a new link, once; undefined where it is none, or not for this redirect address and
   * verifier. The client has shown its secret. @throws StateError
   */
  async redeemCode(
    code: string,
    { redirectUri, verifier }: { redirectUri: string; verifier?: string | undefined },
  ): Promise<TokenPair | undefined> {
    const tokens = { access: newToken(), refresh: newToken() };
    const [link, agentUserId] = [newToken(), newToken()];
    const changed = await this.change((draft, now) => {
      const key = fingerprint(code);
      const record = draft.codes.get(key);
      if (record === undefined || this.listed(record.user) === undefined) return undefined;
      const user = agentUserIdOf(draft, record.user);
      if (record.link !== undefined) {
        const { usedAt = 0 } = record;
        if (Math.abs(now - usedAt) < REPEAT_MS || !draft.links.has(record.link)) return undefined;
        dropLink(draft, record.link);
        return { user, opened: false };
      }
      draft.codes.set(key, { ...record, link, usedAt: now });
      if (record.redirectUri !== redirectUri || !answersChallenge(verifier, record.challenge)) return { opened: false };
      if (user === undefined) draft.users.push({ name: record.user, agentUserId });
      openLink(draft, link, { user: record.user, tokens, now });
      return { user: user ?? agentUserId, opened: true };
    });
    if (changed?.user !== undefined) await this.announce(changed.user);
    return changed?.opened === true ? tokens : undefined;
  }

  /** One more access token for the link of a refresh token; earlier ones stay good. @throws StateError */
  async refresh(refresh: string): Promise<string | undefined> {
    const access = newToken();
    const wanted = fingerprint(refresh);
    const extended = await this.change((draft, now) => {
      const [id, link] = [...draft.links].find(([, record]) => record.refresh === wanted) ?? [];
      if (id === undefined || link === undefined || this.identity(draft, id) === undefined) return undefined;
      draft.links.set(id, { ...link, usedAt: now });
      draft.access.set(fingerprint(access), { link: id, until: now + ACCESS_LIFETIME_MS });
      return true;
    });
    return extended === undefined ? undefined : access;
  }

  close(): void {
    this.unsubscribe();
    this.listeners.clear();
  }

  private get key(): string {
    return `${this.options.prefix}/accounts`;
  }

  private get channel(): string {
    return `${this.options.prefix}/links`;
  }

  private listed(name: string): ListedUser | undefined {
    const wanted = normalName(name);
    return this.options.users.find((user) => user.name === wanted);
  }

  private async identities(): Promise<Identity[]> {
    const file = readLinks(await this.options.state.get(this.key));
    return [...file.links.keys()].flatMap((id) => this.identity(file, id) ?? []);
  }

  private identity(file: LinksFile, link: string): Identity | undefined {
    const record = file.links.get(link);
    if (record === undefined || !this.options.users.some(({ name }) => name === record.user)) return undefined;
    const agentUserId = agentUserIdOf(file, record.user);
    return agentUserId === undefined ? undefined : { agentUserId, user: record.user, link };
  }

  /** One atomic step. Where it gives undefined, nothing is written. @throws StateError */
  private change<T>(step: (draft: LinksFile, now: number) => T | undefined): Promise<T | undefined> {
    return this.options.state.change(this.key, (current) => {
      const now = this.options.clock.now();
      const draft = parseLinks(current);
      for (const table of [draft.access, draft.codes]) {
        for (const [key, { until }] of table) if (until <= now) table.delete(key);
      }
      const result = step(draft, now);
      return result === undefined ? { result } : { value: writeLinks(draft), result };
    });
  }

  private async announce(agentUserId: string): Promise<void> {
    // The change itself is kept; other processes would notice it a little later, too.
    await this.options.state.publish(this.channel, agentUserId).catch(() => undefined);
  }
}

/** 256 random bits, without a dot, so that it is not taken for a JWT. */
function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** RFC 7636, 4.6. A verifier without a challenge belongs to another code. */
function answersChallenge(verifier: string | undefined, challenge: string | undefined): boolean {
  if (verifier === undefined || challenge === undefined) return verifier === challenge;
  return sameSecret(fingerprint(verifier), challenge);
}

function openLink(
  draft: LinksFile,
  link: string,
  { user, tokens, now }: { user: string; tokens: TokenPair; now: number },
): void {
  draft.links.set(link, { user, refresh: fingerprint(tokens.refresh), since: now, usedAt: now });
  draft.access.set(fingerprint(tokens.access), { link, until: now + ACCESS_LIFETIME_MS });
  const others = [...draft.links].filter(([id, other]) => other.user === user && id !== link);
  others.sort(([, a], [, b]) => b.usedAt - a.usedAt);
  for (const [id] of others.slice(LINKS_PER_USER - 1)) dropLink(draft, id);
}

/** Files that were read already: the state gives the same object until something is written. */
const known = new WeakMap<object, LinksFile>();

/** As `parseLinks`. For reading only. */
function readLinks(json: Json | undefined): LinksFile {
  const before = isRecord(json) ? known.get(json) : undefined;
  const file = before ?? parseLinks(json);
  if (isRecord(json)) known.set(json, file);
  return file;
}

/**
 * The file as far as it can be read. One that a person or a broken disk changed may hold anything; what is no record is left
 * out, so that the rest serves on and people can link anew.
 * @throws StateError where a newer version of the package wrote it: to write over it would end all links
 */
function parseLinks(json: Json | undefined): LinksFile {
  const { version = 0, users, links, access, codes } = isRecord(json) ? json : {};
  if (typeof version === 'number' && version > 1) {
    throw new StateError(
      'the links to Google were kept by a newer version of this package. Install that version again, or unlink in the Google Home app, delete the file "…/accounts" in the state folder and link anew',
      'NEWER_VERSION',
    );
  }
  const isOurs = version === 1;
  return {
    users: (isOurs && Array.isArray(users) ? users : []).filter(isUser),
    links: records(isOurs && links, { user: 'string', refresh: 'string', since: 'number', usedAt: 'number' }),
    access: records(isOurs && access, { link: 'string', until: 'number' }),
    codes: records(isOurs && codes, { user: 'string', redirectUri: 'string', until: 'number' }),
  };
}

function writeLinks({ users, links, access, codes }: LinksFile): Json {
  const plain = (entries: Map<string, object>): Json => Object.fromEntries(entries) as Json;
  return { version: 1, users, links: plain(links), access: plain(access), codes: plain(codes) };
}

/** The permanent id by which Google knows this user. */
function agentUserIdOf(file: LinksFile, name: string): string | undefined {
  return file.users.find((user) => user.name === name)?.agentUserId;
}

function dropLink(draft: LinksFile, link: string): void {
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
