/**
 * What `google-smarthome-in` and `google-smarthome-out` see of their account, and how they find it; and the addresses that
 * the accounts answer on. Devices and commands are the house's business.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Node, NodeAPI } from 'node-red';
import { invalidInput, type CodedError } from '../../src/common/errors';
import type { SmartHome } from '../../src/google/home';
import type { HttpHandler } from '../../src/google/types';
import { wordsOf, type Words } from './words';

export interface GoogleCredentials {
  clientId: unknown;
  clientSecret: unknown;
  users: unknown;
  serviceAccountKey: unknown;
  sharedState: unknown;
}

/** A configuration node as its users see it. */
export interface GoogleAccountNode extends Node<GoogleCredentials> {
  /** The house, or why there is none. */
  home: SmartHome | CodedError;
}

/** The house of the account with this id. @throws CodedError INVALID_INPUT */
export function homeOf(RED: NodeAPI, id: unknown): SmartHome {
  const node = typeof id === 'string' ? (RED.nodes.getNode(id) as Partial<GoogleAccountNode> | null) : null;
  if (node?.home === undefined) {
    throw invalidInput('no Google account is chosen', 'Open the node, choose a Google account, then deploy.');
  }
  if (node.home instanceof Error) throw node.home;
  return node.home;
}

/** Badge words of both nodes: the tree `google-smarthome-config` of its locale file. */
export function googleWords(RED: NodeAPI): (...args: Parameters<Words>) => string {
  const words = wordsOf(RED, 'google-smarthome-config');
  // Badges ask for the same few with every command.
  const known = new Map<string, string>();
  return (key, values) => {
    const before = values === undefined ? known.get(key) : undefined;
    if (before !== undefined) return before;
    const found = words(key, values) ?? key;
    if (values === undefined) known.set(key, found);
    return found;
  };
}

type Request = IncomingMessage & { path: string };
type Middleware = (request: Request, response: ServerResponse, next: () => void) => void;

/** The part of Node-RED's HTTP server that flows may use. */
export interface HttpApp {
  use: (middleware: Middleware) => unknown;
}

/** Node-RED's HTTP side: the app that flows may use, the address that it is mounted on, and the server before every app. */
export interface HttpSide {
  app: HttpApp;
  root: string;
  server: Pick<Server, 'prependListener'> | undefined;
}

export function httpSideOf(RED: NodeAPI): HttpSide {
  const root: unknown = RED.settings.httpNodeRoot;
  const server = RED.server as Server | undefined;
  return { app: RED.httpNode, root: typeof root === 'string' ? root : '/', server };
}

/** What an account answers: method and address below its path, such as `POST /fulfillment`. */
export type Routes = Readonly<Record<string, HttpHandler>>;
type Paths = ReadonlyMap<string, Routes>;

/** Which account answers on which path, for each HTTP server. Its middleware is added once and looks here. */
const served = new WeakMap<HttpApp, Map<string, Routes>>();

/**
 * Answers on a path from now on; the returned function ends that. Express has no way to take a route back, so there is
 * one middleware for good, and whatever no living account answers goes on to others and ends as 404.
 * @throws CodedError INVALID_INPUT where another account answers there
 */
export function serve(side: HttpSide, path: string, routes: Routes): () => void {
  let paths = served.get(side.app);
  if (paths === undefined) {
    paths = new Map();
    served.set(side.app, paths);
    leaveUnread(side, paths);
    side.app.use(middlewareOf(paths));
  }
  const known = paths;
  if (known.has(path)) {
    throw invalidInput(`two Google accounts have the path ${path}`, 'Give each account a path of its own.');
  }
  known.set(path, routes);
  return () => {
    if (known.get(path) === routes) known.delete(path);
  };
}

function middlewareOf(paths: Paths): Middleware {
  return (request, response, next) => {
    const handler = handlerOf(paths, request.method, request.path);
    if (handler === undefined) {
      next();
      return;
    }
    // Node-RED's editor lets every site read what is answered below its root. These answers are nobody's but the asker's.
    response.removeHeader('Access-Control-Allow-Origin');
    void handler(request, response);
  };
}

/**
 * While httpNodeRoot lies within httpAdminRoot, as it does unless somebody sets them, Node-RED's editor reads every body
 * first: before a token is looked at, with its own limit, and with its own error pages and log lines, which quote what is
 * broken, PIN and all. Its parser (body-parser 1, in Node-RED 4 and 5) passes over a request that says it was read.
 * Should one not heed that, the handlers take what it made of the body.
 */
function leaveUnread({ server, root }: HttpSide, paths: Paths): void {
  const mount = `/${root}/`.replace(/\/+/g, '/');
  server?.prependListener('request', (request: IncomingMessage & { _body?: boolean }) => {
    const [address = ''] = (request.url ?? '').split('?');
    if (!address.startsWith(mount)) return;
    if (handlerOf(paths, request.method, address.slice(mount.length - 1)) !== undefined) request._body = true;
  });
}

function handlerOf(paths: Paths, method = '', address: string): HttpHandler | undefined {
  for (const [path, routes] of paths) {
    if (!address.startsWith(`${path}/`)) continue;
    const route = `${method} ${address.slice(path.length).replace(/\/$/, '')}`;
    if (Object.hasOwn(routes, route)) return routes[route];
  }
  return undefined;
}
