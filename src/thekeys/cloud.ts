/**
 * The vendor's cloud, for the one thing that needs it: creating the share between a lock and a gateway, whose code signs
 * every command afterwards. Logging in, finding lock and gateway in the account, creating the share. Nothing is kept.
 */
import { CodedError, invalidInput } from '../common/errors';
import { exchange, HttpFailure, type HttpAnswer } from '../common/http';
import { Redactor } from '../common/redact';

export const CLOUD_URL = 'https://api.the-keys.fr';

export type CloudErrorCode = 'CLOUD_REFUSED' | 'CLOUD_UNREACHABLE' | 'INVALID_INPUT';

export interface CloudAccessory {
  /** The cloud's own number. */
  id: number;
  /** `id_accessoire`, as printed in the accessory's manual. */
  accessoryId: string;
  name: string;
  kind: 'gateway' | 'keypad' | 'remote' | 'other';
}

export interface CloudLock {
  /** The cloud's own number, which appears in the addresses of the vendor's web pages. */
  id: number;
  /** "ID serrure": what gateways know the lock by. */
  identifier: string;
  name: string;
  accessories: CloudAccessory[];
}

export interface CloudShare {
  /** The cloud's number of the share. */
  id: number | undefined;
  /** The share code: the key of every signature. A secret. */
  code: string;
}

export interface TheKeysCloudOptions {
  /** The telephone number of the account, `+33…`. */
  account: string;
  /** Asked for at each login, so that this object holds no password. */
  password: () => string;
  /** Where the cloud is. http is taken for this machine only. Default: the vendor's. */
  url?: string;
  /** Milliseconds for one answer. Default 20 000. */
  timeoutMs?: number;
}

/** Accessory types, from the account data that published clients read. */
const KINDS: Readonly<Record<string, CloudAccessory['kind']>> = { 1: 'gateway', 2: 'keypad', 3: 'remote' };
const DEFAULT_TIMEOUT_MS = 20_000;
/** An account with many locks carries their logs along. */
const MAX_BYTES = 8 * 1024 * 1024;
const MAYBE_CREATED = 'The share may have been created. Look for it in the app or on the-keys.fr before you try again.';
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

type Fields = Record<string, unknown>;

export class TheKeysCloud {
  private readonly base: string;
  private readonly account: string;
  /** Private to the language too, so that no log that prints this object shows it. */
  #token: string | undefined;

  /** @throws CodedError INVALID_INPUT for an address that is none, or is not encrypted. */
  constructor(private readonly options: TheKeysCloudOptions) {
    this.base = checkedUrl(options.url ?? CLOUD_URL);
    // People write telephone numbers with gaps.
    this.account = options.account.replace(/\s/g, '');
    if (this.account === '') throw invalidInput('no account given', 'Give the telephone number of the account, +33…');
  }

  /** The account's locks, each with its accessories, so that a person can pick. @throws CodedError */
  async locks(): Promise<CloudLock[]> {
    const data = await this.call('GET', `utilisateur/get/${encodeURIComponent(this.account)}`);
    if (data === null) {
      throw refused('the cloud has no data for this account', 'Check the account: the telephone number, +33….');
    }
    return listOf(data.serrures).map(lockOf);
  }

  /**
   * Creates the share between a lock and a gateway ("createWithAccessory") and gives its code. Never repeats the creation:
   * where its answer was lost the share may exist.
   * @throws CodedError CLOUD_REFUSED, CLOUD_UNREACHABLE, INVALID_INPUT
   */
  async createShare(wanted: { lock: string; gateway: string; name: string }): Promise<CloudShare> {
    const name = wanted.name.trim();
    if (name === '') throw invalidInput('the share needs a name', 'Give a name under which you will find the share.');
    const locks = await this.locks();
    const lock = locks.find(({ identifier }) => identifier === wanted.lock.trim());
    if (lock === undefined) throw noSuchLock(wanted.lock, locks);
    if (!Number.isSafeInteger(lock.id) || lock.id < 0) {
      throw refused(`the cloud shows no number of its own for the lock ${lock.identifier}`, 'Try again later.');
    }
    const gateway = wanted.gateway.trim();
    const accessory = locks
      .flatMap(({ accessories }) => accessories)
      .find(({ accessoryId }) => accessoryId === gateway);
    // A gateway that the account does not show may exist all the same: the cloud decides. One that is a keypad is a slip.
    if (accessory !== undefined && accessory.kind !== 'gateway' && accessory.kind !== 'other') {
      throw refused(`${gateway} is a ${accessory.kind}, not a gateway`, gatewayHint(locks));
    }
    const data = await this.call(
      'POST',
      `partage/create/${lock.id}/accessoire/${encodeURIComponent(gateway)}`,
      // Left out, `actif` may be read as off, as it is for updates.
      { 'partage_accessoire[nom]': name, 'partage_accessoire[description]': '', 'partage_accessoire[actif]': '1' },
      gatewayHint(locks),
    );
    const code = data?.code;
    if (data === null || (typeof code !== 'string' && typeof code !== 'number') || code === '') {
      throw refused(`the cloud created no share with the gateway ${gateway}`, gatewayHint(locks));
    }
    return { id: typeof data.id === 'number' ? data.id : undefined, code: String(code) };
  }

  /** One call, with a login before it where there is no token, and one more where the token is no longer good. */
  private async call(
    method: 'GET' | 'POST',
    path: string,
    form?: Record<string, string>,
    hint?: string,
  ): Promise<Fields | null> {
    const fresh = this.#token === undefined;
    this.#token ??= await this.login();
    let answer = await this.send(method, `/fr/api/v2/${path}`, form, this.#token);
    if (statusOf(answer) === 401 && !fresh) {
      this.#token = await this.login();
      answer = await this.send(method, `/fr/api/v2/${path}`, form, this.#token);
    }
    const creating = method === 'POST';
    const { data } = this.read(answer, { hint, creating });
    if (data === undefined) throw unusable(answer, 'without data', creating);
    return isFields(data) ? data : null;
  }

  private async login(): Promise<string> {
    const password = this.options.password();
    const answer = await this.send('POST', '/api/login_check', { _username: this.account, _password: password });
    if ([400, 401, 403].includes(statusOf(answer))) throw wrongPassword(answer.status);
    const body = this.read(answer);
    // Clients are divided on which of the two names to read; both are there.
    const token = [body.access_token, body.token].find((value) => typeof value === 'string' && value !== '');
    if (typeof token !== 'string') throw wrongPassword(answer.status);
    return token;
  }

  private async send(
    method: 'GET' | 'POST',
    path: string,
    form?: Record<string, string>,
    token?: string,
  ): Promise<HttpAnswer> {
    try {
      return await exchange({
        method,
        url: new URL(`${this.base}${path}`),
        headers: {
          Accept: 'application/json',
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
          ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
        },
        ...(form === undefined ? {} : { body: String(new URLSearchParams(form)) }),
        timeoutMs: this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        maxBytes: MAX_BYTES,
      });
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      const creating = error.sent && path.includes('/partage/create/');
      throw new CodedError('CLOUD_UNREACHABLE', `the cloud of The Keys did not answer (${error.reason})`, {
        retriable: !creating,
        hint: creating ? MAYBE_CREATED : 'Check the internet connection, then try again.',
      });
    }
  }

  /** The answer as an object, or the error that it stands for. */
  private read(answer: HttpAnswer, { hint, creating }: { hint?: string | undefined; creating?: boolean } = {}): Fields {
    const body = parsed(answer.body);
    const status = statusOf(answer);
    if (status >= 500) throw unusable(answer, `with an error of its own (${status})`, creating);
    if (status >= 400) {
      const words = this.wordsOf(body);
      throw refused(
        `the cloud of The Keys refused (${status})${words === '' ? '' : `: ${words}`}`,
        hint ?? 'Check the account, and that it may administer this lock.',
        answer.status,
      );
    }
    if (status >= 300 || body === undefined) throw unusable(answer, 'with something other than data', creating);
    return body;
  }

  /**
   * What the cloud says about a refusal: texts of its envelope and nothing else of its answer. Cut short when password and
   * token, which it may quote, are out: half of a secret is one too.
   */
  private wordsOf(body: Fields | undefined): string {
    const message = body?.message;
    const texts = isFields(message) ? [message.global, message.form].flat() : [message];
    const words = texts.filter((text) => typeof text === 'string').join('; ');
    const secrets = [this.options.password(), this.#token ?? ''].map((secret) => new Redactor(secret));
    const clean = secrets.reduce((text, secret) => secret.text(text), words);
    return clean.replace(/\s+/g, ' ').slice(0, 120);
  }
}

function checkedUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalidInput('the address of the cloud is no address', `Give it as in ${CLOUD_URL}.`);
  }
  const local = url.protocol === 'http:' && LOOPBACK.has(url.hostname);
  if (url.protocol !== 'https:' && !local) {
    throw invalidInput('the address of the cloud must begin with https://', 'A password is sent there.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The status of HTTP, or that of the envelope where HTTP says that all is well. */
function statusOf(answer: HttpAnswer): number {
  const inner = parsed(answer.body)?.status;
  return answer.status === 200 && typeof inner === 'number' ? inner : answer.status;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function lockOf(fields: Fields): CloudLock {
  return {
    id: Number(asText(fields.id) || NaN),
    identifier: asText(fields.id_serrure),
    name: asText(fields.nom),
    // Each entry wraps the accessory; newer answers might not.
    accessories: listOf(fields.accessoires).map((entry) => {
      const accessory = isFields(entry.accessoire) ? entry.accessoire : entry;
      return {
        id: Number(asText(accessory.id) || NaN),
        accessoryId: asText(accessory.id_accessoire),
        name: asText(accessory.nom),
        kind: KINDS[asText(accessory.type)] ?? 'other',
      };
    }),
  };
}

/** The account's gateways, each once. */
function gatewaysOf(locks: readonly CloudLock[]): CloudAccessory[] {
  const all = locks.flatMap(({ accessories }) => accessories).filter(({ kind }) => kind === 'gateway');
  return [...new Map(all.map((gateway) => [gateway.accessoryId, gateway])).values()];
}

function refused(message: string, hint: string, httpStatus?: number): CodedError<CloudErrorCode> {
  return new CodedError('CLOUD_REFUSED', message, {
    ...(httpStatus === undefined ? {} : { httpStatus }),
    retriable: false,
    hint,
  });
}

function wrongPassword(status: number): CodedError<CloudErrorCode> {
  return refused(
    'the cloud of The Keys did not accept account and password',
    'The account is the telephone number with its country, +33…; the password is that of the app.',
    status,
  );
}

/** @param creating it was the answer to the creation of a share, which may have come about all the same */
function unusable(answer: HttpAnswer, how: string, creating = false): CodedError<CloudErrorCode> {
  return new CodedError('CLOUD_UNREACHABLE', `the cloud of The Keys answered ${how}`, {
    httpStatus: answer.status,
    retriable: !creating,
    hint: creating ? MAYBE_CREATED : 'It may be down for maintenance. Try again later.',
  });
}

function noSuchLock(wanted: string, locks: readonly CloudLock[]): CodedError<CloudErrorCode> {
  const confused = locks.find(({ id }) => String(id) === wanted.trim());
  const all = locks.map(({ identifier, name }) => (name === '' ? identifier : `${identifier} (${name})`)).join(', ');
  return refused(
    `the account has no lock with the ID serrure ${wanted}`,
    confused !== undefined
      ? `${wanted} is the cloud's own number of that lock; its ID serrure is ${confused.identifier}.`
      : all === ''
        ? 'The account has no lock at all. Is it the owner’s account?'
        : `Its locks are: ${all}.`,
  );
}

function gatewayHint(locks: readonly CloudLock[]): string {
  const gateways = gatewaysOf(locks);
  const all = gateways.map(({ accessoryId, name }) => (name === '' ? accessoryId : `${accessoryId} (${name})`));
  return all.length === 0
    ? "Give the gateway's id_accessoire, printed in its manual. The account shows no gateway yet."
    : `Give the gateway's id_accessoire. The gateways of the account are: ${all.join(', ')}.`;
}
