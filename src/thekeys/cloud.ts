/**
 * The vendor's cloud, for what only it knows: an account's locks and gateways, the shares of a lock with their codes, and
 * the making of a new share, whose code signs every command afterwards. Nothing is kept.
 */
import { mayCarrySecrets } from '../common/address';
import { ApiFailure, createApiClient, retryAfterMs, type ApiClient } from '../common/api-client';
import { pause, systemClock, type Clock } from '../common/clock';
import { CodedError, invalidInput } from '../common/errors';
import { foreignText } from '../common/foreign';
import { isRecord, parseJson } from '../common/json';
import type { ProxySettings } from '../common/proxy';
import { Redactor } from '../common/redact';
import { gatewayError, type GatewayError } from './gateway-errors';

const CLOUD_URL = 'https://api.the-keys.fr';

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
  id: number | undefined;
  /** The share code: the key of every signature. A secret. */
  code: string;
  name: string;
  active: boolean;
  gateway: CloudAccessory;
}

export interface TheKeysCloudOptions {
  /** The telephone number of the account, `+33…`. */
  account: string;
  /** Asked for at each login, so that this object holds no password. */
  password: () => string;
  /** Where the cloud is. http is allowed for this machine only. Default: the vendor's. */
  url?: string;
  /** Milliseconds for one answer. Default 20 000. */
  timeoutMs?: number;
  proxy?: ProxySettings | undefined;
  clock?: Clock;
}

/** Accessory types, from the account data that published clients read. */
const KINDS: Readonly<Record<string, CloudAccessory['kind']>> = { 1: 'gateway', 2: 'keypad', 3: 'remote' };
const DEFAULT_TIMEOUT_MS = 20_000;
/** An account with many locks carries their logs along. */
const MAX_BYTES = 8 * 1024 * 1024;

type Fields = Record<string, unknown>;

interface Question {
  method: 'GET' | 'POST';
  path: string;
  form?: Record<string, string>;
  token?: string;
  /** What to advise where the cloud refuses. */
  hint?: string;
}

interface Answer {
  /** The status of HTTP, or that of the envelope where HTTP says that all is well. */
  status: number;
  httpStatus: number;
  body: Fields | undefined;
  /** It was about the creation of a share, which may have come about whatever the answer is. */
  creating: boolean;
}

export class TheKeysCloud {
  private readonly base: string;
  private readonly account: string;
  private readonly clock: Clock;
  private readonly client: ApiClient;
  /** Private to the language too, so that no log that prints this object shows it. */
  #token: string | undefined;

  /** @throws CodedError INVALID_INPUT for an address that is none, or is not encrypted. */
  constructor(private readonly options: TheKeysCloudOptions) {
    this.base = checkedUrl(options.url ?? CLOUD_URL);
    // People write telephone numbers with gaps.
    this.account = options.account.replace(/\s/g, '');
    if (this.account === '') throw invalidInput('no account given', 'Give the telephone number of the account, +33…');
    this.clock = options.clock ?? systemClock;
    this.client = createApiClient({ clock: this.clock, proxy: options.proxy });
  }

  /** The account's locks, each with its accessories, so that a person can pick. @throws CodedError */
  async locks(): Promise<CloudLock[]> {
    const data = await this.ask({ method: 'GET', path: `utilisateur/get/${encodeURIComponent(this.account)}` });
    if (data === null) {
      throw refused('the cloud has no data for this account', 'Check the account: the telephone number, +33….');
    }
    return records(data.serrures).map((fields) => ({
      id: numberOf(fields.id),
      identifier: asText(fields.id_serrure),
      name: asText(fields.nom),
      // Each entry wraps the accessory; newer answers might not.
      accessories: records(fields.accessoires).map((entry) =>
        accessoryOf(isRecord(entry.accessoire) ? entry.accessoire : entry),
      ),
    }));
  }

  /** The shares that a lock has with gateways. @param lockId the cloud's own number @throws CodedError */
  async shares(lockId: number): Promise<CloudShare[]> {
    const data = await this.ask({ method: 'GET', path: `partage/all/serrure/${numberInPath(lockId)}` });
    return records(data?.partages_accessoire)
      .map((share) => ({
        id: typeof share.id === 'number' ? share.id : undefined,
        code: asText(share.code),
        name: asText(share.nom),
        active: ![false, 0, '0', 'false'].includes(share.actif as string),
        gateway: accessoryOf(isRecord(share.accessoire) ? share.accessoire : {}),
      }))
      .filter(({ code, gateway }) => code !== '' && mayBeGateway(gateway));
  }

  /** The address of a gateway in the local network, where the cloud knows it. @param id the cloud's own number */
  async gatewayAddress(id: number): Promise<string | undefined> {
    const data = await this.ask({ method: 'GET', path: `accessoire/get/${numberInPath(id)}` });
    const ip = isRecord(data?.info) ? asText(data.info.ip) : '';
    return /^[\d.]{7,15}$/.test(ip) ? ip : undefined;
  }

  /**
   * Creates the share between a lock and a gateway ("createWithAccessory") and gives its code. Never repeats the creation:
   * where its answer was lost the share may exist.
   * @throws CodedError CLOUD_REFUSED, CLOUD_UNREACHABLE, INVALID_INPUT
   */
  async createShare(wanted: { lock: string; gateway: string; name: string }): Promise<Pick<CloudShare, 'id' | 'code'>> {
    const name = wanted.name.trim();
    if (name === '') throw invalidInput('the share needs a name', 'Give a name under which you will find the share.');
    const locks = await this.locks();
    const lock = locks.find(({ identifier }) => identifier === wanted.lock.trim());
    if (lock === undefined) throw noSuchLock(wanted.lock, locks);
    const id = numberInPath(lock.id);
    const gateway = wanted.gateway.trim();
    const accessories = locks.flatMap((each) => each.accessories);
    const hint = gatewayHint(accessories);
    const accessory = accessories.find(({ accessoryId }) => accessoryId === gateway);
    // A gateway that the account does not show may exist all the same: the cloud decides. One that is a keypad is a slip.
    if (accessory !== undefined && !mayBeGateway(accessory)) {
      throw refused(`${gateway} is a ${accessory.kind}, not a gateway`, hint);
    }
    const data = await this.ask({
      method: 'POST',
      path: `partage/create/${id}/accessoire/${encodeURIComponent(gateway)}`,
      // Left out, `actif` may be read as off, as it is for updates.
      form: {
        'partage_accessoire[nom]': name,
        'partage_accessoire[description]': '',
        'partage_accessoire[actif]': '1',
      },
      hint,
    });
    const code = asText(data?.code);
    if (code === '') throw refused(`the cloud created no share with the gateway ${gateway}`, hint);
    return { id: typeof data?.id === 'number' ? data.id : undefined, code };
  }

  /** The data of an answer, with a login before it where there is no token, and one more where it is no longer good. */
  private async ask({ path, ...question }: Question): Promise<Fields | null> {
    const isFresh = this.#token === undefined;
    const send = (token: string): Promise<Answer> => this.send({ ...question, path: `/fr/api/v2/${path}`, token });
    let answer = await send((this.#token ??= await this.login()));
    if (answer.status === 401 && !isFresh) answer = await send((this.#token = await this.login()));
    const { data } = this.read(answer, question.hint);
    if (data === undefined) throw unusable(answer, 'without data');
    return isRecord(data) ? data : null;
  }

  private async login(): Promise<string> {
    const form = { _username: this.account, _password: this.options.password() };
    const answer = await this.send({ method: 'POST', path: '/api/login_check', form });
    const isRefused = [400, 401, 403].includes(answer.status);
    const { access_token, token } = isRefused ? {} : this.read(answer);
    // Clients are divided on which of the two names to read; both are there.
    const given = [access_token, token].find((value) => typeof value === 'string' && value !== '');
    if (typeof given === 'string') return given;
    throw refused(
      'the cloud of The Keys did not accept account and password',
      'The account is the telephone number with its country, +33…; the password is that of the app.',
      answer.httpStatus,
    );
  }

  private async send({ method, path, form, token }: Question): Promise<Answer> {
    const creating = path.includes('/partage/create/');
    const deadline = this.clock.elapsed() + (this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const request = {
      method,
      url: new URL(`${this.base}${path}`),
      headers: {
        Accept: 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
      },
      ...(form === undefined ? {} : { body: String(new URLSearchParams(form)) }),
      maxBytes: MAX_BYTES,
    };
    try {
      for (;;) {
        const timeoutMs = deadline - this.clock.elapsed();
        const { status, headers, body: text } = await this.client.call({ ...request, timeoutMs });
        const wait = retryAfterMs(headers, this.clock.now()) ?? 1000;
        if (status === 429 && this.clock.elapsed() + wait < deadline) {
          await pause(this.clock, wait);
          continue;
        }
        const value = parseJson(text);
        const body = isRecord(value) ? value : undefined;
        const inner = body?.status;
        const meant = status === 200 && typeof inner === 'number' ? inner : status;
        return { status: meant, httpStatus: status, body, creating };
      }
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      const hint = 'Check the internet connection, and the proxy where one is used, then try again.';
      throw unreachable(`the cloud of The Keys did not answer (${error.reason})`, hint, creating && error.sent);
    }
  }

  /** The answer's object, or the error that it stands for */
  private read(answer: Answer, hint?: string): Fields {
    const { status, body } = answer;
    if (status >= 500 || status === 429) throw unusable(answer, `with an error of its own (${status})`);
    if (status >= 400) {
      const words = this.wordsOf(body);
      throw refused(
        `the cloud of The Keys refused (${status})${words === '' ? '' : `: ${words}`}`,
        hint ?? 'Check the account, and that it may administer this lock.',
        answer.httpStatus,
      );
    }
    if (status >= 300 || body === undefined) throw unusable(answer, 'with something other than data');
    return body;
  }

  /** What the cloud says about a refusal, cut short when password and token, which it may quote, are out. */
  private wordsOf(body: Fields | undefined): string {
    const message = body?.message;
    const texts = isRecord(message) ? [message.global, message.form].flat() : [message];
    const words = texts.filter((text) => typeof text === 'string').join('; ');
    const secrets = [this.options.password(), this.#token ?? ''];
    const clean = secrets.reduce((text, secret) => new Redactor(secret).text(text), words);
    return foreignText(clean, 120);
  }
}

function checkedUrl(text: string): string {
  if (!URL.canParse(text)) throw invalidInput('the address of the cloud is no address', `Give it as in ${CLOUD_URL}.`);
  const url = new URL(text);
  if (!mayCarrySecrets(url)) {
    throw invalidInput('the address of the cloud must begin with https://', 'A password is sent there.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function records(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function numberOf(value: unknown): number {
  return Number(asText(value) || NaN);
}

function accessoryOf(fields: Fields): CloudAccessory {
  return {
    id: numberOf(fields.id),
    accessoryId: asText(fields.id_accessoire),
    name: asText(fields.nom),
    kind: KINDS[asText(fields.type)] ?? 'other',
  };
}

function mayBeGateway({ kind }: CloudAccessory): boolean {
  return kind === 'gateway' || kind === 'other';
}

/** One of the cloud's own numbers, for a path. */
function numberInPath(id: number): number {
  if (Number.isSafeInteger(id) && id >= 0) return id;
  throw refused('the cloud shows no number of its own for this lock or gateway', 'Try again later.');
}

function refused(message: string, hint: string, httpStatus?: number): GatewayError {
  return gatewayError('CLOUD_REFUSED', { message, hint, httpStatus });
}

/** @param creating as in `Answer` */
function unreachable(message: string, hint: string, creating: boolean, httpStatus?: number): CodedError {
  const maybe = 'The share may have been created. Look for it in the app or on the-keys.fr before you try again.';
  const status = httpStatus === undefined ? {} : { httpStatus };
  const cause = { ...status, retriable: !creating, hint: creating ? maybe : hint };
  return new CodedError('CLOUD_UNREACHABLE', message, cause);
}

function unusable({ httpStatus, status, creating }: Answer, how: string): CodedError {
  const hint = 'It may be down for maintenance. Try again later.';
  return unreachable(`the cloud of The Keys answered ${how}`, hint, creating && status !== 429, httpStatus);
}

/** For a sentence: each with its name, where it has one. */
function listOf(all: readonly { id: string; name: string }[]): string {
  return [...new Set(all.map(({ id, name }) => (name === '' ? id : `${id} (${name})`)))].join(', ');
}

function noSuchLock(wanted: string, locks: readonly CloudLock[]): GatewayError {
  const confused = locks.find(({ id }) => String(id) === wanted.trim());
  const all = listOf(locks.map(({ identifier, name }) => ({ id: identifier, name })));
  let hint = all === '' ? 'The account has no lock at all. Is it the owner’s account?' : `Its locks are: ${all}.`;
  if (confused !== undefined)
    hint = `${wanted} is the cloud's own number of that lock; its ID serrure is ${confused.identifier}.`;
  return refused(`the account has no lock with the ID serrure ${wanted}`, hint);
}

function gatewayHint(accessories: readonly CloudAccessory[]): string {
  const gateways = accessories.filter(({ kind }) => kind === 'gateway');
  const all = listOf(gateways.map(({ accessoryId, name }) => ({ id: accessoryId, name })));
  return all === ''
    ? "Give the gateway's id_accessoire, printed in its manual. The account shows no gateway yet."
    : `Give the gateway's id_accessoire. The gateways of the account are: ${all}.`;
}
