/**
 * The vendor's cloud, as far as shares need it: logging in, the account with its locks and accessories, the shares of a
 * lock, a new share. It refuses what the real one refuses. Its shapes follow what published clients send and read.
 */
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../src/common/clock';
import { seeded } from './random';

export interface CloudAccessoryData {
  /** The cloud's own number. */
  id: number;
  /** The number in the accessory's manual, text. */
  idAccessoire: string;
  name: string;
  /** 1 gateway, 2 keypad, 3 remote control. */
  type: number;
}

export interface CloudLockData {
  /** The cloud's own number: what a share is created with. */
  id: number;
  /** "ID serrure": what the gateway knows the lock by. */
  identifier: string;
  name: string;
  accessories: readonly CloudAccessoryData[];
}

export interface CloudAccountData {
  /** A telephone number, `+33…`. */
  username: string;
  password: string;
  locks: readonly CloudLockData[];
}

export interface CreatedShare {
  readonly id: number;
  readonly lockId: number;
  readonly idAccessoire: string;
  readonly name: string;
  readonly active: boolean;
  readonly code: string;
}

export interface SimulatedKeysCloudOptions {
  accounts: readonly CloudAccountData[];
  clock?: Clock;
  /** Lifetime of a token in seconds. Default 3600. */
  tokenSeconds?: number;
  /** Under which names the login answers with the token; clients are divided on it. Default both. */
  tokenNames?: readonly ('token' | 'access_token')[];
  /** Called with every new share, so that a test can let a simulated gateway know its code. */
  onShare?: (share: CreatedShare) => void;
}

/**
 * `html`: a page instead of data; `error`: 500; `null`: `data` is null; `drop`: the connection ends; `hang`: no answer;
 * `busy`: 429, to be asked again in a second.
 */
export type CloudFault = 'html' | 'error' | 'null' | 'drop' | 'hang' | 'empty' | 'redirect' | 'busy';

export interface CloudRequest {
  readonly method: string;
  readonly path: string;
  /** Names of the form's fields, with their values but for the password. */
  readonly fields: Readonly<Record<string, string>>;
}

interface Reply {
  status: number;
  body: unknown;
}

const PREFIX = '/fr/api/v2/';

export class SimulatedKeysCloud {
  readonly requests: CloudRequest[] = [];
  readonly shares: CreatedShare[] = [];
  private readonly clock: Clock;
  private readonly random = seeded(17);
  private readonly tokens = new Map<string, { account: CloudAccountData; until: number }>();
  private readonly faults: { kind: CloudFault; path: string | undefined }[] = [];
  private readonly server: http.Server;

  constructor(private readonly options: SimulatedKeysCloudOptions) {
    this.clock = options.clock ?? systemClock;
    this.server = http.createServer((request, response) => {
      // A path that cannot be decoded ends here.
      this.receive(request, response).catch(() => request.socket.destroy());
    });
  }

  /** Serves on this machine; gives the address, without a slash at the end. */
  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    this.server.closeAllConnections();
    await closed;
  }

  /** The next request (whose path contains `path`, where given) meets this fault. */
  failNext(kind: CloudFault, path?: string): void {
    this.faults.push({ kind, path });
  }

  /** Every token handed out so far is worth nothing any more. */
  expireTokens(): void {
    this.tokens.clear();
  }

  private async receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = '';
    request.setEncoding('utf8');
    try {
      for await (const chunk of request) body += String(chunk);
    } catch {
      return;
    }
    const { method = 'GET' } = request;
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const isForm = /^application\/x-www-form-urlencoded/i.test(request.headers['content-type'] ?? '');
    const fields = isForm ? Object.fromEntries(new URLSearchParams(body)) : {};
    const { _password, ...shown } = fields;
    this.requests.push({ method, path, fields: _password === undefined ? shown : { ...shown, _password: 'given' } });

    const index = this.faults.findIndex((fault) => fault.path === undefined || path.includes(fault.path));
    const [fault] = index < 0 ? [] : this.faults.splice(index, 1);
    switch (fault?.kind) {
      case 'hang':
        return;
      case 'drop':
        request.socket.resetAndDestroy();
        return;
      case 'html':
        response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!DOCTYPE html><h1>Maintenance</h1>');
        return;
      case 'empty':
        response.writeHead(200).end();
        return;
      case 'redirect':
        response.writeHead(302, { Location: '/auth/fr/login' }).end();
        return;
      case 'error':
        send(response, { status: 500, body: { code: 500, message: 'Internal Server Error' } });
        return;
      case 'busy':
        response.writeHead(429, { 'Retry-After': '1' }).end();
        return;
      case 'null':
        send(response, envelope(null));
        return;
      case undefined:
        send(response, this.reply(method, path, fields, request.headers.authorization));
    }
  }

  private reply(method: string, path: string, fields: Record<string, string>, authorization = ''): Reply {
    if (path === '/api/login_check') {
      if (method !== 'POST') return { status: 405, body: { code: 405, message: 'Method Not Allowed' } };
      return this.login(fields);
    }
    if (!path.startsWith(PREFIX)) return { status: 404, body: { code: 404, message: 'Not Found' } };
    const token = this.tokens.get(/^Bearer (.+)$/.exec(authorization)?.[1] ?? '');
    if (token === undefined) return { status: 401, body: { code: 401, message: 'JWT Token not found' } };
    if (this.clock.elapsed() >= token.until) return { status: 401, body: { code: 401, message: 'Expired JWT Token' } };
    const parts = path.slice(PREFIX.length).split('/').map(decodeURIComponent);
    const what = `${method} ${parts.filter((_, place) => place < 2 || parts[0] === 'partage').join('/')}`;
    if (what === 'GET utilisateur/get') return this.user(token.account, parts[2]);
    const shares = /^GET partage\/all\/serrure\/(\d+)$/.exec(what);
    if (shares !== null) return this.sharesOf(token.account, Number(shares[1]));
    const create = /^POST partage\/create\/(\d+)\/accessoire\/([^/]+)$/.exec(what);
    if (create !== null) return this.create(token.account, Number(create[1]), create[2] ?? '', fields);
    if (what === 'GET accessoire/get') return this.accessory(token.account, Number(parts[2]));
    return { status: 404, body: { code: 404, message: 'Not Found' } };
  }

  private login(fields: Record<string, string>): Reply {
    const account = this.options.accounts.find(
      ({ username, password }) => username === fields._username && password === fields._password,
    );
    if (account === undefined) return { status: 401, body: { code: 401, message: 'Bad credentials' } };
    const seconds = this.options.tokenSeconds ?? 3600;
    const token = this.word(40);
    this.tokens.set(token, { account, until: this.clock.elapsed() + seconds * 1000 });
    const named = (this.options.tokenNames ?? ['access_token', 'token']).map((name) => [name, token]);
    return {
      status: 200,
      body: {
        ...(Object.fromEntries(named) as object),
        expires_in: seconds,
        token_type: 'bearer',
        scope: 'actions',
        refresh_token: this.word(40),
      },
    };
  }

  private user(account: CloudAccountData, username: string | undefined): Reply {
    if (username !== account.username) return envelope(null);
    return envelope({
      id: 'u1',
      username,
      serrures: account.locks.map((lock) => ({
        id: lock.id,
        id_serrure: lock.identifier,
        nom: lock.name,
        etat: 'close',
        battery: 7235,
        accessoires: lock.accessories.map((accessory, place) => ({
          id: 100 + place,
          accessoire: accessoryBody(accessory),
          info: null,
        })),
      })),
    });
  }

  private accessory(account: CloudAccountData, id: number): Reply {
    const found = account.locks.flatMap(({ accessories }) => accessories).find((accessory) => accessory.id === id);
    if (found === undefined) return envelope(null);
    return envelope({
      ...accessoryBody(found),
      version: 65,
      info: { last_seen: '2026-01-01T00:00:00', ip: '192.0.2.7' },
    });
  }

  private sharesOf(account: CloudAccountData, lockId: number): Reply {
    const lock = account.locks.find(({ id }) => id === lockId);
    if (lock === undefined) return envelope(null);
    const mine = this.shares.filter((share) => share.lockId === lockId);
    return envelope({
      partages_utilisateur: [],
      partages_demande: [],
      partages_accessoire: mine.map(({ id, name, active, code, idAccessoire }) => {
        const accessory = lock.accessories.find((candidate) => candidate.idAccessoire === idAccessoire);
        const accessoire = accessory === undefined ? { id_accessoire: idAccessoire } : accessoryBody(accessory);
        return { id, nom: name, actif: active, code, iddesc: null, description: '', accessoire };
      }),
    });
  }

  private create(
    account: CloudAccountData,
    lockId: number,
    idAccessoire: string,
    fields: Record<string, string>,
  ): Reply {
    const lock = account.locks.find(({ id }) => id === lockId);
    const known = account.locks.some(({ accessories }) => accessories.some((one) => one.idAccessoire === idAccessoire));
    if (lock === undefined || !known) return envelope(null);
    const name = fields['partage_accessoire[nom]'] ?? '';
    if (name === '') {
      return { status: 400, body: { status: 400, data: null, message: { global: [], form: ['nom: obligatoire'] } } };
    }
    const active = fields['partage_accessoire[actif]'] === '1';
    const share = { id: 500 + this.shares.length, lockId, idAccessoire, name, active, code: this.word(16) };
    this.shares.push(share);
    this.options.onShare?.(share);
    return envelope({ id: share.id, code: share.code });
  }

  private word(length: number): string {
    const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
    return Array.from({ length }, () => letters[Math.floor(this.random() * letters.length)]).join('');
  }
}

function accessoryBody({ id, idAccessoire, name, type }: CloudAccessoryData): object {
  return { id, id_accessoire: idAccessoire, nom: name, type, configuration: [] };
}

function envelope(data: unknown): Reply {
  return { status: 200, body: { status: 200, data, message: { global: [], form: [] } } };
}

function send(response: http.ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
