/**
 * What `google-smarthome-in` and `google-smarthome-out` see of their account, and how they find it; and the addresses that
 * the accounts answer on. Devices and commands are the house's business.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
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
export function googleWords(RED: NodeAPI): Words {
  const words = wordsOf(RED, 'google-smarthome-config');
  return (key, values) => {
    const full = `google-smarthome-config.${key}`;
    const text = words(full, values);
    return text === full ? key : text;
  };
}

type Request = IncomingMessage & { path: string; body?: unknown };
type Middleware = (request: Request, response: ServerResponse, next: () => void) => void;

/** The part of Node-RED's HTTP server that flows may use. */
export interface HttpApp {
  use: (middleware: Middleware) => unknown;
}

/** What an account answers: method and address below its path, such as `POST /fulfillment`. */
export type Routes = Readonly<Record<string, HttpHandler>>;

/** Which account answers on which path, for each HTTP server. Its middleware is added once and looks here. */
const served = new WeakMap<HttpApp, Map<string, Routes>>();

/**
 * Answers on a path from now on; the returned function ends that. Express has no way to take a route back, so there is
 * one middleware for good, and whatever no living account answers goes on to others and ends as 404.
 * @throws CodedError INVALID_INPUT where another account answers there
 */
export function serve(app: HttpApp, path: string, routes: Routes): () => void {
  let paths = served.get(app);
  if (paths === undefined) {
    paths = new Map();
    served.set(app, paths);
    app.use(middlewareOf(paths));
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

function middlewareOf(paths: ReadonlyMap<string, Routes>): Middleware {
  return (request, response, next) => {
    for (const [path, routes] of paths) {
      if (!request.path.startsWith(`${path}/`)) continue;
      const address = `${request.method ?? ''} ${request.path.slice(path.length).replace(/\/$/, '')}`;
      const handler = Object.hasOwn(routes, address) ? routes[address] : undefined;
      if (handler !== undefined) {
        void handler(request, response);
        return;
      }
    }
    next();
  };
}
