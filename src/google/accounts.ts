/**
 * Who may link, who has linked, and every token that was handed out: as hashes only, in one value of the state, changed
 * in atomic steps, so that several processes may serve the same users and none of them remembers anything alone. How
 * codes and tokens travel over HTTP is left to `oauth.ts`.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../common/clock';
import type { Json, State } from '../state/state';
import { isObject } from './json';
import type { Accounts, Identity } from './types';

/** Google's advice for all three, and what the contract promises. */
export const CODE_LIFETIME_MS = 10 * 60_000;
export const ACCESS_LIFETIME_MS = 60 * 60_000;
/** A person who links again and again without unlinking leaves links behind; the longest unused go beyond this number. */
const LINKS_PER_USER = 50;

/** What a good login grants: the right to fetch tokens, once, within ten minutes. */
export interface CodeGrant {
  user: string;
  redirectUri: string;
  /** PKCE (S256), where the client sent one. */
  challenge?: string;
}

export interface TokenPair {
  access: string;
  refresh: string;
}

export interface LinkedAccountsOptions {
  state: State;
  /** Begins the keys of everything that is kept for one configuration node. */
  prefix: string;
  users: readonly ListedUser[];
  clock: Clock;
  random?: (bytes: number) => Buffer;
}

/** A person whom the account has on its list. */
export interface ListedUser {
  name: string;
  password: string;
}

interface LinkRecord {
  user: string;
  refresh: string;
  since: number;
  usedAt: number;
}

interface CodeRecord extends CodeGrant {
  until: number;
  /** Set when the code was redeemed: the link that came of it. */
  link?: string;
  /** Redeemed twice: whatever came of it is void. */
  replayed?: boolean;
}

/** Everything that is kept. Names may be any text, so they are values here and never keys. */
interface Book {
  version: 1;
  users: { name: string; agentUserId: string }[];
  links: Record<string, LinkRecord>;
  access: Record<string, { link: string; until: number }>;
  codes: Record<string, CodeRecord>;
}

/**
 * Reads the configured list. A password is everything after the first colon of its line, colons and spaces included.
 * `problems` name the lines that were skipped, without quoting them.
 */
export function parseUsers(text: string): { users: ListedUser[]; problems: string[] } {
  const users: ListedUser[] = [];
  const problems: string[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '') continue;
    const colon = line.indexOf(':');
    const name = normalName(line.slice(0, Math.max(0, colon)));
    const password = line.slice(colon + 1);
    if (colon < 0 || name === '' || password === '') problems.push(`line ${index + 1} is not "name:password"`);
    else if (users.some((user) => user.name === name)) problems.push(`line ${index + 1} repeats a name`);
    else users.push({ name, password });
  }
  return { users, problems };
}

/** Compares without telling by its duration where two texts differ, or how long the right one is. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text.normalize('NFC')).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** Tokens are 256 random bits, so a plain hash cannot be reversed by trying. */
function fingerprint(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Phones and keyboards differ in how they write an accented letter, and like to add a space. */
function normalName(name: string): string {
  return name.normalize('NFC').trim();
}

export class LinkedAccounts implements Accounts {
  private readonly users: readonly ListedUser[];
  private readonly random: (bytes: number) => Buffer;
  private readonly listeners = new Set<(agentUserId: string) => void>();
  private readonly unsubscribe: () => void;
  /** Who was linked by that book: asked with every report, and seldom another. */
  private linked: { book: Book; ids: readonly string[] } | undefined;

  constructor(private readonly options: LinkedAccountsOptions) {
    this.users = options.users.map((user) => ({ ...user, name: normalName(user.name) }));
    this.random = options.random ?? randomBytes;
    this.unsubscribe = options.state.subscribe(this.channel, (message) => {
      if (typeof message === 'string') for (const listener of this.listeners) listener(message);
    });
  }

  /**
   * Forgets the links of people who are no longer listed, so that a namesake listed later does not inherit them. An
   * empty list forgets nothing: it is what a lost credentials file looks like, and it lets nobody in anyway.
   * @throws StateError
   */
  async forgetRemoved(): Promise<void> {
    if (this.users.length === 0) return;
    const book = await this.read();
    if (Object.values(book.links).every((link) => this.listed(link.user) !== undefined)) return;
    await this.write((draft) => {
      for (const [id, link] of Object.entries(draft.links)) {
        if (this.listed(link.user) === undefined) dropLink(draft, id);
      }
    });
  }

  /** Whom a bearer token stands for; undefined if it is unknown, expired, unlinked or its user no longer listed. */
  async authenticate(bearer: string): Promise<Identity | undefined> {
    const book = await this.read();
    const token = own(book.access, fingerprint(bearer));
    if (token === undefined || token.until <= this.options.clock.now()) return undefined;
    return this.session(book, token.link);
  }

  /** Ends one link with all its tokens. The user's other links, and the id by which Google knows the user, stay. */
  async disconnect(agentUserId: string, link: string): Promise<void> {
    await this.write((draft) => {
      const record = own(draft.links, link);
      if (record !== undefined && agentUserIdOf(draft, record.user) === agentUserId) dropLink(draft, link);
    });
    await this.tell(agentUserId);
  }

  /** The ids of everybody who is listed and has linked. */
  async linkedUsers(): Promise<string[]> {
    const book = await this.read();
    if (this.linked?.book !== book) {
      const sessions = Object.keys(book.links).map((id) => this.session(book, id)?.agentUserId);
      this.linked = { book, ids: [...new Set(sessions)].filter((id) => id !== undefined) };
    }
    return [...this.linked.ids];
  }

  /** Calls `listener` after somebody linked or unlinked, in whichever process. Returns the way to stop. */
  onLinksChanged(listener: (agentUserId: string) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** The listed name that goes with this login, or undefined. Takes as long for a name that is not listed. */
  checkPassword(name: string, password: string): string | undefined {
    const user = this.listed(name);
    const matches = sameSecret(password, user?.password ?? 'nobody');
    return user !== undefined && matches ? user.name : undefined;
  }

  /** The name as it is listed, or undefined. */
  listedName(name: string): string | undefined {
    return this.listed(name)?.name;
  }

  /** Keeps a fresh code. @throws StateError */
  async grantCode(code: string, grant: CodeGrant): Promise<void> {
    const agentUserId = this.newToken();
    await this.write((draft, now) => {
      if (agentUserIdOf(draft, grant.user) === undefined) draft.users.push({ name: grant.user, agentUserId });
      draft.codes[fingerprint(code)] = { ...grant, until: now + CODE_LIFETIME_MS };
    });
  }

  /** What a code grants. A spent one is found too: spending it again is what betrays a stolen code. */
  async findCode(code: string): Promise<CodeGrant | undefined> {
    const record = own((await this.read()).codes, fingerprint(code));
    if (record === undefined || record.until <= this.options.clock.now()) return undefined;
    return this.listed(record.user) === undefined ? undefined : record;
  }

  /**
   * Spends a code. Gives the id of the link that it opens, or undefined if it was spent before: then somebody has stolen
   * it, and the link that came of it ends (RFC 6749, 4.1.2).
   */
  async spendCode(code: string): Promise<string | undefined> {
    const link = this.newToken();
    const { fresh, ended } = await this.write((draft) => {
      const key = fingerprint(code);
      const record = own(draft.codes, key);
      if (record === undefined) return { fresh: false, ended: undefined };
      if (record.link === undefined) {
        draft.codes[key] = { ...record, link };
        return { fresh: true, ended: undefined };
      }
      draft.codes[key] = { ...record, replayed: true };
      const victim = own(draft.links, record.link) === undefined ? undefined : agentUserIdOf(draft, record.user);
      dropLink(draft, record.link);
      return { fresh: false, ended: victim };
    });
    if (ended !== undefined) await this.tell(ended);
    return fresh ? link : undefined;
  }

  /** Opens the link of a code that was just spent. False if the code was replayed meanwhile. @throws StateError */
  async openLink(code: string, link: string, tokens: TokenPair): Promise<boolean> {
    const agentUserId = await this.write((draft, now) => {
      const record = own(draft.codes, fingerprint(code));
      if (record?.link !== link || record.replayed === true) return undefined;
      const { user } = record;
      draft.links[link] = { user, refresh: fingerprint(tokens.refresh), since: now, usedAt: now };
      draft.access[fingerprint(tokens.access)] = { link, until: now + ACCESS_LIFETIME_MS };
      const others = Object.entries(draft.links).filter(([id, other]) => other.user === user && id !== link);
      others.sort(([, a], [, b]) => b.usedAt - a.usedAt);
      for (const [id] of others.slice(LINKS_PER_USER - 1)) dropLink(draft, id);
      return agentUserIdOf(draft, user);
    });
    if (agentUserId === undefined) return false;
    await this.tell(agentUserId);
    return true;
  }

  /** The session of a refresh token, or undefined. */
  async findRefresh(refresh: string): Promise<Identity | undefined> {
    const book = await this.read();
    const wanted = fingerprint(refresh);
    const found = Object.entries(book.links).find(([, link]) => link.refresh === wanted);
    return found === undefined ? undefined : this.session(book, found[0]);
  }

  /** Keeps one more access token for a link; earlier ones stay good. False if the link is gone. @throws StateError */
  async extendLink(link: string, access: string): Promise<boolean> {
    return this.write((draft, now) => {
      const record = own(draft.links, link);
      if (record === undefined) return false;
      draft.links[link] = { ...record, usedAt: now };
      draft.access[fingerprint(access)] = { link, until: now + ACCESS_LIFETIME_MS };
      return true;
    });
  }

  /** A new token: 256 random bits, without a dot, so that nobody takes it for a JWT. */
  newToken(): string {
    return this.random(32).toString('base64url');
  }

  close(): Promise<void> {
    this.unsubscribe();
    this.listeners.clear();
    return Promise.resolve();
  }

  private get key(): string {
    return `${this.options.prefix}/accounts`;
  }

  private get channel(): string {
    return `${this.options.prefix}/links`;
  }

  private listed(name: string): ListedUser | undefined {
    const wanted = normalName(name);
    return this.users.find((user) => user.name === wanted);
  }

  private session(book: Book, link: string): Identity | undefined {
    const record = own(book.links, link);
    if (record === undefined || this.listed(record.user) === undefined) return undefined;
    const agentUserId = agentUserIdOf(book, record.user);
    return agentUserId === undefined ? undefined : { agentUserId, user: record.user, link };
  }

  private async read(): Promise<Book> {
    return asBook(await this.options.state.get(this.key));
  }

  /** One atomic step on the book, which also drops what has expired. */
  private write<T>(step: (draft: Book, now: number) => T): Promise<T> {
    return this.options.state.change(this.key, (current) => {
      const now = this.options.clock.now();
      const book = asBook(current);
      const draft: Book = {
        version: 1,
        users: [...book.users],
        links: { ...book.links },
        access: unexpired(book.access, now),
        codes: unexpired(book.codes, now),
      };
      const result = step(draft, now);
      return { value: draft as unknown as Json, result };
    });
  }

  private async tell(agentUserId: string): Promise<void> {
    // The change itself is kept; that other processes hear of it at once is a courtesy.
    await this.options.state.publish(this.channel, agentUserId).catch(() => undefined);
  }
}

/** Books that were looked through already: the state gives the same object until something is written. */
const readBooks = new WeakMap<object, Book>();

/**
 * The book as far as it can be read. A file that a person or a broken disk changed may hold anything; what is no record
 * is left out, so that the rest serves on and people can link anew.
 */
function asBook(json: Json | undefined): Book {
  if (!isObject(json) || json.version !== 1) return { version: 1, users: [], links: {}, access: {}, codes: {} };
  const known = readBooks.get(json);
  if (known !== undefined) return known;
  const { users, links, access, codes } = json;
  const book: Book = {
    version: 1,
    users: (Array.isArray(users) ? users : []).filter(
      (each) => isObject(each) && typeof each.name === 'string' && typeof each.agentUserId === 'string',
    ) as unknown as Book['users'],
    links: records(links, { user: 'string', refresh: 'string', since: 'number', usedAt: 'number' }),
    access: records(access, { link: 'string', until: 'number' }),
    codes: records(codes, { user: 'string', redirectUri: 'string', until: 'number' }),
  };
  readBooks.set(json, book);
  return book;
}

/** Those entries whose fields are of these types. */
function records<T>(json: Json | undefined, fields: Readonly<Record<string, 'string' | 'number'>>): Record<string, T> {
  const entries = Object.entries(isObject(json) ? json : {}).filter(
    ([, record]) => isObject(record) && Object.entries(fields).every(([name, type]) => typeof record[name] === type),
  );
  return Object.fromEntries(entries) as Record<string, T>;
}

function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function unexpired<T extends { until: number }>(record: Record<string, T>, now: number): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([, entry]) => entry.until > now));
}

function agentUserIdOf(book: Book, name: string): string | undefined {
  return book.users.find((user) => user.name === name)?.agentUserId;
}

function dropLink(draft: Book, link: string): void {
  draft.links = Object.fromEntries(Object.entries(draft.links).filter(([id]) => id !== link));
  draft.access = Object.fromEntries(Object.entries(draft.access).filter(([, token]) => token.link !== link));
}
