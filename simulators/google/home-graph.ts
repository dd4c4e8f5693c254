/**
 * The stand-in's Home Graph: the token address that checks a service account's assertion, and the four calls, which
 * refuse what Google refuses. It keeps what was reported and a journal for tests, and fails as it is told to.
 */
import { generateKeyPairSync, randomBytes, verify, type KeyObject } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { note } from '../latest';

export interface SyncedDevice {
  id: string;
  traits: readonly string[];
  attributes?: Record<string, unknown>;
}

/** What the next matching call does instead of its work. */
export interface Mishap {
  /** Which calls it strikes; every one if left out. */
  at?: 'token' | 'reportStateAndNotification' | 'requestSync' | 'query';
  /** An HTTP status to answer with. */
  status?: number;
  /** Seconds or a date, beside a 429 or 503. */
  retryAfter?: number | string;
  /** Cuts the connection: before the call is taken in, or after it, so that only the answer is lost. */
  reset?: 'before' | 'after';
  /** Milliseconds before the answer. */
  slowMs?: number;
}

export interface JournalEntry {
  call: string;
  status: number;
  agentUserId?: string;
  body: Record<string, unknown>;
}

type Tree = Record<string, unknown>;

/**
 * Which states belong to a trait, and which of them a report must not leave out (Google's trait reference). A report
 * overwrites the whole trait, so a fragment would lose the rest: Google takes it, people then wonder; we refuse it.
 */
const TRAITS: Readonly<
  Record<string, { states: readonly string[]; whole: (states: Tree, device: SyncedDevice) => boolean }>
> = {
  ArmDisarm: {
    states: ['isArmed', 'currentArmLevel', 'exitAllowance'],
    whole: (states, device) =>
      typeof states.isArmed === 'boolean' &&
      (device.attributes?.availableArmLevels === undefined || typeof states.currentArmLevel === 'string'),
  },
  StatusReport: {
    states: ['currentStatusReport'],
    whole: (states) => Array.isArray(states.currentStatusReport),
  },
  LockUnlock: {
    states: ['isLocked', 'isJammed'],
    whole: (states) =>
      states.isJammed === true ? states.isLocked === undefined : typeof states.isLocked === 'boolean',
  },
  EnergyStorage: {
    states: ['descriptiveCapacityRemaining', 'capacityRemaining', 'capacityUntilFull', 'isCharging', 'isPluggedIn'],
    whole: (states) => typeof states.descriptiveCapacityRemaining === 'string',
  },
  OnOff: { states: ['on'], whole: (states) => typeof states.on === 'boolean' },
  OpenClose: {
    states: ['openPercent', 'openState'],
    whole: (states) => (states.openPercent === undefined) !== (states.openState === undefined),
  },
};

let keys: { publicKey: KeyObject; privateKey: KeyObject } | undefined;

/** The service account's key pair: made when first needed, for it takes a while, and the same for the whole process. */
function keyPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  keys ??= generateKeyPairSync('rsa', { modulusLength: 2048 });
  return keys;
}

const SCOPE = 'https://www.googleapis.com/auth/homegraph';
const MAX_BODY_BYTES = 1024 * 1024;

export class HomeGraphStandIn {
  /** Every call in order of arrival, with the status it was answered. */
  readonly journal: JournalEntry[] = [];
  /** How many calls are remembered. */
  most = Infinity;
  /** Taken from the front, one a matching call. */
  readonly mishaps: Mishap[] = [];
  /** Calls allowed in a minute; Google's own limit is 6000 for an integration. */
  quota = 6000;
  /** Seconds that a token lives. */
  tokenSeconds = 3600;
  /** Called after a request to sync was queued. */
  onRequestSync: (agentUserId: string) => void = () => undefined;

  /** Called after every call, with what the journal says of it. */
  onCall: (entry: JournalEntry) => void = () => undefined;

  private readonly users = new Map<string, Map<string, SyncedDevice>>();
  private readonly states = new Map<string, Tree>();
  private readonly tokens = new Map<string, number>();
  private readonly server = http.createServer((req, res) => {
    void this.serve(req, res).catch(() => res.destroy());
  });
  private readonly watchers = new Set<() => void>();
  private calls: number[] = [];

  constructor(private readonly now: () => number = Date.now) {}

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
    return this;
  }

  get endpoint(): string {
    return `${this.origin}/v1`;
  }

  /** The key's JSON, as Google Cloud lets one download it. */
  serviceAccountKey(changes: Record<string, unknown> = {}): string {
    return JSON.stringify({
      type: 'service_account',
      project_id: 'demo-home-project',
      private_key_id: 'demo-key-1',
      private_key: keyPair().privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: 'demo@demo-home-project.iam.example',
      token_uri: `${this.origin}/token`,
      ...changes,
    });
  }

  /** What Google does after SYNC: from now on it knows the user and these devices. */
  learn(agentUserId: string, devices: readonly SyncedDevice[]): void {
    this.users.set(agentUserId, new Map(devices.map((device) => [device.id, device])));
  }

  forget(agentUserId: string): void {
    this.users.delete(agentUserId);
  }

  /** The last states reported for a device. */
  statesOf(agentUserId: string, deviceId: string): Tree | undefined {
    return this.states.get(JSON.stringify([agentUserId, deviceId]));
  }

  /** The successful calls of a kind. */
  taken(call: string): JournalEntry[] {
    return this.journal.filter((entry) => entry.call === call && entry.status === 200);
  }

  /** Follow-up notifications taken, in order, as `{ deviceId, trait, ...notification }`. */
  notifications(): { agentUserId: string; deviceId: string; trait: string; notification: Tree }[] {
    return this.taken('reportStateAndNotification').flatMap((entry) =>
      notificationsIn(entry).map((found) => ({ agentUserId: entry.agentUserId ?? '', ...found })),
    );
  }

  /** Makes every token invalid, as when a key is rolled. */
  revokeTokens(): void {
    this.tokens.clear();
  }

  /** Resolves as soon as `condition` holds; it is tried after every call. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.watchers.delete(look);
        resolve();
      };
      this.watchers.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private async serve(req: http.IncomingMessage, res: http.ServerResponse): Promise<void> {
    const text = await readAll(req);
    const call = /^\/v1\/devices:(\w+)$/.exec(req.url ?? '')?.[1] ?? (req.url === '/token' ? 'token' : 'unknown');
    const mishap = this.nextMishap(call);
    if (mishap.reset === 'before') {
      this.note({ call, status: 0, body: {} });
      req.socket.destroy();
      return;
    }
    if (mishap.slowMs !== undefined) await new Promise((resolve) => setTimeout(resolve, mishap.slowMs));
    const answer =
      mishap.status === undefined
        ? this.answer(call, req, text)
        : { status: mishap.status, body: error(mishap.status) };
    const body = call === 'token' ? {} : parsed(text);
    const { agentUserId } = body;
    this.note({ call, status: answer.status, body, ...(typeof agentUserId === 'string' ? { agentUserId } : {}) });
    if (mishap.reset === 'after') {
      req.socket.destroy();
      return;
    }
    res.statusCode = answer.status;
    if (mishap.retryAfter !== undefined) res.setHeader('Retry-After', String(mishap.retryAfter));
    res.setHeader('Content-Type', 'application/json; charset=UTF-8');
    res.end(JSON.stringify(answer.body));
  }

  private nextMishap(call: string): Mishap {
    const index = this.mishaps.findIndex((mishap) => mishap.at === undefined || mishap.at === call);
    return index < 0 ? {} : (this.mishaps.splice(index, 1)[0] ?? {});
  }

  private note(entry: JournalEntry): void {
    note(this.journal, entry, this.most);
    // After the answer has had its chance to leave, so that a test sees both sides settled.
    setImmediate(() => {
      this.onCall(entry);
      for (const look of [...this.watchers]) look();
    });
  }

  private answer(call: string, req: http.IncomingMessage, text: string): { status: number; body: Tree } {
    if (req.method !== 'POST') return { status: 404, body: error(404) };
    if (call === 'token') return this.tokenFor(text);
    const now = this.now();
    this.calls = [...this.calls.filter((at) => now - at < 60_000), now];
    if (this.calls.length > this.quota) return { status: 429, body: error(429) };
    const bearer = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1];
    if (bearer === undefined || (this.tokens.get(bearer) ?? 0) <= now) return { status: 401, body: error(401) };
    const body = parsed(text);
    const { agentUserId } = body;
    if (typeof agentUserId !== 'string') return { status: 400, body: error(400, 'agentUserId is required') };
    const devices = this.users.get(agentUserId);
    if (devices === undefined) return { status: 404, body: error(404) };
    switch (call) {
      case 'reportStateAndNotification':
        return this.reported(agentUserId, devices, body);
      case 'requestSync':
        queueMicrotask(() => this.onRequestSync(agentUserId));
        return { status: 200, body: {} };
      case 'query':
        return this.queried(agentUserId, devices, body);
      case 'sync':
        return {
          status: 200,
          body: { requestId: body.requestId, payload: { agentUserId, devices: [...devices.values()] } },
        };
      default:
        return { status: 404, body: error(404) };
    }
  }

  private tokenFor(text: string): { status: number; body: Tree } {
    const form = new URLSearchParams(text);
    const problem = this.assertionProblem(form);
    if (problem !== undefined) {
      return { status: 400, body: { error: 'invalid_grant', error_description: problem } };
    }
    const token = `stand-in-${randomBytes(24).toString('base64url')}`;
    this.tokens.set(token, this.now() + this.tokenSeconds * 1000);
    return { status: 200, body: { access_token: token, expires_in: this.tokenSeconds, token_type: 'Bearer' } };
  }

  private assertionProblem(form: URLSearchParams): string | undefined {
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return 'wrong grant type';
    const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    const good = verify(
      'RSA-SHA256',
      Buffer.from(`${header}.${claims}`),
      keyPair().publicKey,
      Buffer.from(signature, 'base64url'),
    );
    if (!good) return 'Invalid JWT Signature.';
    const { alg } = parsed(Buffer.from(header, 'base64url').toString());
    const { iss, aud, scope, iat, exp } = parsed(Buffer.from(claims, 'base64url').toString());
    if (alg !== 'RS256') return 'Invalid algorithm.';
    if (iss !== 'demo@demo-home-project.iam.example') return 'Invalid issuer.';
    if (aud !== `${this.origin}/token`) return 'Invalid audience.';
    if (scope !== SCOPE) return 'Invalid scope.';
    const now = this.now() / 1000;
    if (typeof iat !== 'number' || typeof exp !== 'number' || exp - iat > 3600 || exp < now || iat > now + 300) {
      return 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.';
    }
    return undefined;
  }

  private reported(
    agentUserId: string,
    devices: ReadonlyMap<string, SyncedDevice>,
    body: Tree,
  ): { status: number; body: Tree } {
    if (typeof body.requestId !== 'string') return { status: 400, body: error(400, 'requestId is required') };
    const content = tree(tree(body.payload).devices);
    const states = Object.entries(tree(content.states));
    const notified = Object.keys(tree(content.notifications));
    if (states.length === 0 && notified.length === 0) return { status: 400, body: error(400, 'nothing to report') };
    for (const id of [...states.map(([name]) => name), ...notified]) {
      if (!devices.has(id)) return { status: 404, body: error(404) };
    }
    for (const [id, state] of states) {
      const device = devices.get(id);
      const problem = device === undefined ? 'unknown device' : stateProblem(tree(state), device);
      if (problem !== undefined) return { status: 400, body: error(400, `${id}: ${problem}`) };
    }
    for (const [id, state] of states) this.states.set(JSON.stringify([agentUserId, id]), tree(state));
    return { status: 200, body: { requestId: body.requestId } };
  }

  private queried(
    agentUserId: string,
    devices: ReadonlyMap<string, SyncedDevice>,
    body: Tree,
  ): { status: number; body: Tree } {
    const inputs = Array.isArray(body.inputs) ? (body.inputs as unknown[]) : [];
    const wanted = tree(tree(inputs[0]).payload).devices;
    const ids = (Array.isArray(wanted) ? (wanted as unknown[]) : []).map((device) => String(tree(device).id));
    if (ids.some((id) => !devices.has(id))) return { status: 404, body: error(404) };
    const answers: Tree = Object.fromEntries(
      ids.map((id): [string, Tree] => [id, this.statesOf(agentUserId, id) ?? {}]),
    );
    return { status: 200, body: { requestId: body.requestId, payload: { devices: answers } } };
  }
}

/** The notifications that a report carries. */
export function notificationsIn({ body }: JournalEntry): { deviceId: string; trait: string; notification: Tree }[] {
  const devices = tree(tree(body.payload).devices);
  return Object.entries(tree(devices.notifications)).flatMap(([deviceId, traits]) =>
    Object.entries(tree(traits)).map(([trait, notification]) => ({
      deviceId,
      trait,
      notification: tree(notification),
    })),
  );
}

/** Why Google would refuse these states of the device, or what it would lose by them. */
export function stateProblem(states: Tree, device: SyncedDevice): string | undefined {
  const traits = device.traits.map((trait) => trait.replace('action.devices.traits.', ''));
  const strange = traits.some((trait) => TRAITS[trait] === undefined);
  const declared = new Set(['online', ...traits.flatMap((trait) => TRAITS[trait]?.states ?? [])]);
  for (const name of ['status', 'errorCode']) if (name in states) return `"${name}" is not a state`;
  for (const name of Object.keys(states)) {
    // A trait that the table lacks may have states that it lacks too.
    if (!declared.has(name) && !strange) return `"${name}" belongs to no declared trait`;
  }
  if ('online' in states && typeof states.online !== 'boolean') return '"online" is no boolean';
  for (const trait of traits) {
    const facts = TRAITS[trait];
    if (facts?.states.some((name) => name in states) === true && !facts.whole(states, device)) {
      return `a fragment of ${trait}`;
    }
  }
  return undefined;
}

const WORDS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};

function error(code: number, message = 'as it was asked to answer'): Tree {
  return { error: { code, message, status: WORDS[code] ?? 'UNKNOWN' } };
}

function tree(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

function parsed(text: string): Tree {
  try {
    return tree(JSON.parse(text));
  } catch {
    return {};
  }
}

async function readAll(req: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
