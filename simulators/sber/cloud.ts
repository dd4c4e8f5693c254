/**
 * A simulated Sber cloud on HTTP: all eleven methods of the vendor API with a storage of its own, strict about headers,
 * key and structure, with both error shapes and a script of faults. For the demo, tests and benchmarks. Where the
 * documentation is silent (HTTP statuses, POST of a known id), an option says how it behaves.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { note } from '../latest';
import { SberFaults, type SberFault } from './faults';
import { refusalOfBody, refusalOfDevice, refusalOfModel, refusalOfStates, withoutDefaults } from './structure';

export type { SberFault } from './faults';

export interface SberCloudOptions {
  /** Default 0: any free port. */
  port?: number;
  host?: string;
  token?: string;
  keyIn?: 'header' | 'query';
  keyParameter?: string;
  /** How errors travel: with HTTP 200 and the code in the body alone (default), or with that status too. */
  statuses?: 'ok' | 'real';
  /** Answers leave out whatever is at its default, as proto3 does. */
  omitDefaults?: boolean;
  /** What a POST of an id that is there already does. Sber does not say; default: that item fails. */
  onKnownPost?: 'refuse' | 'replace';
  /** What a PUT of an id that is not there does. Default: that item fails. */
  onUnknownPut?: 'refuse' | 'create';
  models?: readonly unknown[];
  /** Devices by user. */
  devices?: Readonly<Record<string, readonly unknown[]>>;
  /** How many requests the journal remembers. Default: all. */
  most?: number;
  /** Compresses its answers for those who can read that. */
  compress?: Compression;
  /** Speaks HTTPS with this key and certificate (PEM). */
  tls?: { key: string; cert: string };
}

/** One request as the cloud saw it. The key itself is not kept. */
export interface SberJournalEntry {
  method: string;
  path: string;
  query: Record<string, string[]>;
  requestId: string | undefined;
  contentType: string | undefined;
  contentLength: string | undefined;
  /** The kind of proof: `Bearer`, `query`, or what was wrong. */
  key: 'Bearer' | 'query' | 'missing' | 'wrong';
  body: unknown;
  /** Sber's code of the answer, 200 where it was a good one; undefined where a fault answered. */
  code: number | undefined;
}

interface Item {
  id: string;
  [field: string]: unknown;
}

interface Failure {
  id: string;
  code: number;
  message: string;
}

export interface SberCloud {
  /** Base address, without a slash at its end. */
  readonly url: string;
  readonly token: string;
  readonly journal: SberJournalEntry[];
  readonly models: Map<string, Item>;
  /** Devices by user, then by id. */
  readonly devices: Map<string, Map<string, Item>>;
  /** States by device, then by function. */
  readonly states: Map<string, Map<string, unknown>>;
  readonly unlinked: string[];
  /** Scripts a fault for requests to come. */
  strike(fault: SberFault): void;
  /** Makes every change of the item with this id fail like this; without a failure, no longer. */
  failItem(id: string, failure?: { code: number; message: string }): void;
  close(): Promise<void>;
}

/** An error of the common shape. */
class CommonError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly details: string[] = [],
  ) {
    super(message);
  }
}

interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
}

type Answer = Record<string, unknown> | { errors: Failure[] } | undefined;

const COMPRESS = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync };
export type Compression = keyof typeof COMPRESS;

/** A made-up key, for the demo. */
const DEMO_TOKEN = 'demo-sber-key';
const LARGEST_BODY = 16 * 1024 * 1024;

export async function startSberCloud(options: SberCloudOptions = {}): Promise<SberCloud> {
  const token = options.token ?? DEMO_TOKEN;
  const models = new Map((options.models ?? []).map((model) => [(model as Item).id, model as Item]));
  const devices = new Map(
    Object.entries(options.devices ?? {}).map(([user, list]) => [
      user,
      new Map(list.map((device) => [(device as Item).id, device as Item])),
    ]),
  );
  const states = new Map<string, Map<string, unknown>>();
  const unlinked: string[] = [];
  const journal: SberJournalEntry[] = [];
  const failing = new Map<string, { code: number; message: string }>();
  const faults = new SberFaults();

  /** Applies a change item by item. Those that fail are named; the others are carried out. */
  function each(items: readonly unknown[], change: (item: unknown, id: string) => string | undefined): Answer {
    const errors: Failure[] = [];
    for (const item of items) {
      const id = typeof item === 'string' ? item : idOf(item);
      const ordered = failing.get(id);
      if (ordered !== undefined) {
        errors.push({ id, ...ordered });
        continue;
      }
      const refusal = change(item, id);
      if (refusal !== undefined) errors.push({ id, code: 400, message: refusal });
    }
    return errors.length === 0 ? undefined : { errors };
  }

  function store(into: Map<string, Item>, refusalOf: (item: unknown) => string | undefined, adding: boolean) {
    return (item: unknown, id: string): string | undefined => {
      const refusal = refusalOf(item);
      if (refusal !== undefined) return refusal;
      if (adding && into.has(id) && options.onKnownPost !== 'replace') return 'already exists';
      if (!adding && !into.has(id) && options.onUnknownPut !== 'create') return 'not found';
      into.set(id, item as Item);
      return undefined;
    };
  }

  function refusalOfKnownModel(item: unknown): string | undefined {
    const refusal = refusalOfDevice(item);
    const { model_id } = item as { model_id?: string };
    if (refusal !== undefined || model_id === undefined) return refusal;
    return models.has(model_id) ? undefined : `device.model_id: no model ${model_id}`;
  }

  const userOf = (id: string): Map<string, Item> | undefined => [...devices.values()].find((owned) => owned.has(id));

  const methods: Readonly<Record<string, (asked: Asked) => Answer>> = {
    'GET /v1/models': ({ query }) => {
      checkQuery(query, []);
      return { models: [...models.values()] };
    },
    'POST /v1/models': ({ body }) => each(list(body, 'models'), store(models, refusalOfModel, true)),
    'PUT /v1/models': ({ body }) => each(list(body, 'models'), store(models, refusalOfModel, false)),
    'DELETE /v1/models': ({ body }) =>
      each(list(body, 'model_ids'), (_, id) => (models.delete(id) ? undefined : 'not found')),
    'GET /v1/devices': ({ query }) => {
      checkQuery(query, ['user_id', 'device_ids']);
      return { devices: owned(query) };
    },
    'POST /v1/devices': ({ body }) => {
      check(refusalOfBody(body, { user_id: 'text', devices: 'list' }));
      const { user_id, devices: items } = body as { user_id: string; devices: unknown[] };
      const mine = devices.get(user_id) ?? new Map<string, Item>();
      devices.set(user_id, mine);
      return each(items, store(mine, refusalOfKnownModel, true));
    },
    'PUT /v1/devices': ({ body }) =>
      each(list(body, 'devices'), (item, id) => {
        const mine = userOf(id);
        return mine === undefined ? 'not found' : store(mine, refusalOfKnownModel, false)(item, id);
      }),
    'DELETE /v1/devices': ({ body }) =>
      each(list(body, 'device_ids'), (_, id) => {
        states.delete(id);
        return userOf(id)?.delete(id) === true ? undefined : 'not found';
      }),
    'GET /v1/state': ({ query }) => {
      checkQuery(query, ['user_id', 'device_ids']);
      return {
        devices: Object.fromEntries(
          owned(query).map(({ id }) => [
            id,
            { states: [...(states.get(id) ?? new Map<string, unknown>())].map(([key, value]) => ({ key, value })) },
          ]),
        ),
      };
    },
    'POST /v1/state': ({ body }) => {
      check(refusalOfBody(body, { devices: 'map' }));
      const reported = (body as { devices: Record<string, unknown> }).devices;
      return each(Object.keys(reported), (_, id) => {
        const refusal = refusalOfStates(reported[id]);
        if (refusal !== undefined) return refusal;
        if (userOf(id) === undefined) return 'not found';
        const known = states.get(id) ?? new Map<string, unknown>();
        states.set(id, known);
        for (const { key, value } of (reported[id] as { states: { key: string; value: unknown }[] }).states) {
          known.set(key, value);
        }
        return undefined;
      });
    },
    'POST /v1/unlink': ({ body }) => {
      check(refusalOfBody(body, { user_id: 'text' }));
      const { user_id } = body as { user_id: string };
      unlinked.push(user_id);
      devices.delete(user_id);
      return undefined;
    },
  };

  function owned(query: URLSearchParams): Item[] {
    const user = query.get('user_id');
    if (user === null || user === '') throw new CommonError(400, 'Invalid argument', ['user_id']);
    const ids = query.getAll('device_ids');
    const all = [...(devices.get(user)?.values() ?? [])];
    return ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
  }

  function list(body: unknown, field: 'models' | 'model_ids' | 'devices' | 'device_ids'): unknown[] {
    check(refusalOfBody(body, { [field]: field.endsWith('_ids') ? 'texts' : 'list' }));
    return (body as Record<string, unknown[]>)[field] ?? [];
  }

  function keyOf(request: http.IncomingMessage, query: URLSearchParams): SberJournalEntry['key'] {
    if (options.keyIn === 'query') {
      const given = query.get(options.keyParameter ?? 'key');
      query.delete(options.keyParameter ?? 'key');
      if (given === null) return 'missing';
      return given === token ? 'query' : 'wrong';
    }
    const { authorization } = request.headers;
    if (authorization?.startsWith('Bearer ') !== true) return 'missing';
    return authorization === `Bearer ${token}` ? 'Bearer' : 'wrong';
  }

  function perform(asked: Asked, entry: SberJournalEntry): Answer {
    if (entry.key === 'missing') throw new CommonError(401, 'Unauthorized');
    if (entry.key === 'wrong') throw new CommonError(403, 'Token check failed');
    if (entry.contentType !== 'application/json') throw new CommonError(400, 'Invalid argument', ['Content-Type']);
    const method = methods[`${asked.method} ${asked.path}`];
    if (method === undefined) throw new CommonError(404, 'Not found');
    if (asked.method === 'GET') {
      if (asked.body !== undefined) throw new CommonError(400, 'Invalid argument', ['body']);
    } else {
      if (entry.contentLength === undefined) throw new CommonError(400, 'Invalid argument', ['Content-Length']);
      checkQuery(asked.query, []);
    }
    return method(asked);
  }

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://cloud');
    const query = url.searchParams;
    const key = keyOf(request, query);
    const text = await textOf(request);
    const { 'x-request-id': requestId, 'content-type': contentType, 'content-length': contentLength } = request.headers;
    const entry: SberJournalEntry = {
      method: request.method ?? '',
      path: url.pathname,
      query: Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name)])),
      requestId: typeof requestId === 'string' ? requestId : undefined,
      contentType,
      contentLength,
      key,
      body: parsed(text),
      code: undefined,
    };
    note(journal, entry, options.most ?? Infinity);
    const fault = faults.next(entry.method, entry.path);
    const carryOut = (): { status: number; body: string } => {
      try {
        const asked = { method: entry.method, path: entry.path, query, body: entry.body };
        if (text !== '' && entry.body === undefined) throw new CommonError(400, 'Invalid argument', ['body']);
        const result = perform(asked, entry);
        entry.code = 200;
        const shown = options.omitDefaults === true ? withoutDefaults(result) : result;
        return { status: 200, body: shown === undefined ? '' : JSON.stringify(shown) };
      } catch (error) {
        if (!(error instanceof CommonError)) throw error;
        entry.code = error.code;
        const body = JSON.stringify({ code: error.code, message: error.message, details: error.details });
        return { status: options.statuses === 'real' ? error.code : 200, body };
      }
    };
    if (fault === undefined) {
      const { status, body } = carryOut();
      const { compress } = options;
      const accepted = String(request.headers['accept-encoding']).split(/, */);
      if (body === '') response.writeHead(status).end();
      else if (compress === undefined || !accepted.includes(compress)) {
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
      } else {
        const headers = { 'Content-Type': 'application/json', 'Content-Encoding': compress };
        response.writeHead(status, headers).end(COMPRESS[compress](body));
      }
      return;
    }
    if (fault.carriedOut === true) carryOut();
    entry.code = undefined;
    await faults.play(fault, { request, response, token, statuses: options.statuses ?? 'ok', normal: carryOut });
  }

  const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    answer(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
  const server = options.tls === undefined ? http.createServer(listener) : https.createServer(options.tls, listener);
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    token,
    journal,
    models,
    devices,
    states,
    unlinked,
    strike: (fault) => faults.add(fault),
    failItem: (id, failure) => {
      if (failure === undefined) failing.delete(id);
      else failing.set(id, failure);
    },
    close: () =>
      new Promise((resolve) => {
        faults.stop();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function check(refusal: string | undefined): void {
  if (refusal !== undefined) throw new CommonError(400, 'Invalid argument', [refusal]);
}

function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new CommonError(400, 'Invalid argument', [unknown]);
}

function idOf(item: unknown): string {
  const id = (item as { id?: unknown } | null)?.id;
  return typeof id === 'string' ? id : '';
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function textOf(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > LARGEST_BODY) throw new Error('body too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
