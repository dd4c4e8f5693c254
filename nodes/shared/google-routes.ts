/**
 * The addresses that Google accounts answer on: they come and go with their account, and no parser of others reads their
 * bodies first.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import type { HttpHandler } from '../../src/google/types';

type Request = IncomingMessage & { path: string };
type Middleware = (request: Request, response: ServerResponse, next: () => void) => void;

/** Node-RED's HTTP side: the app that flows may use, the address that it is mounted on, and the server before every app. */
export interface HttpSide {
  app: { use: (middleware: Middleware) => unknown };
  root: string;
  server: Server | undefined;
}

export function httpSideOf(RED: NodeAPI): HttpSide {
  const root: unknown = RED.settings.httpNodeRoot;
  const server = RED.server as Server | undefined;
  return { app: RED.httpNode, root: typeof root === 'string' ? root : '/', server };
}

/** What an account answers, by the address below its path. The handlers judge the method. */
export type Routes = Readonly<Record<string, HttpHandler>>;
type Paths = ReadonlyMap<string, Routes>;

/** Which account answers on which path, for each HTTP server. Its middleware is added once and looks here. */
const served = new WeakMap<HttpSide['app'], Map<string, Routes>>();

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
    throw invalidInput(`two Google accounts have the path ${path}`, 'Give each account a path of its own.', 'path');
  }
  known.set(path, routes);
  return () => {
    if (known.get(path) === routes) known.delete(path);
  };
}

function middlewareOf(paths: Paths): Middleware {
  return (request, response, next) => {
    const handler = handlerOf(paths, request.path);
    if (handler === undefined) {
      next();
      return;
    }
    // Node-RED's editor lets every site read what is answered below its root. These answers are for the caller alone.
    response.removeHeader('Access-Control-Allow-Origin');
    void handler(request, response);
  };
}

/**
 * While httpNodeRoot lies within httpAdminRoot, as it does by default, Node-RED's editor reads every body first: before a
 * token is looked at, with its own limit, and with its own error pages and log lines, which quote what is broken, PIN and
 * all. Its parser (body-parser 1, in Node-RED 4 and 5) passes over a request that says it was read. Should one not heed
 * that, the handlers take what it made of the body.
 */
function leaveUnread({ server, root }: HttpSide, paths: Paths): void {
  const mount = `/${root}/`.replace(/\/+/g, '/');
  server?.prependListener('request', (request: IncomingMessage & { _body?: boolean }) => {
    // A request line may hold a whole URL, or a fragment (RFC 9112, 3.2.2): Express finds the path in both.
    const [address = ''] = (request.url ?? '').replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/);
    if (!address.startsWith(mount)) return;
    if (handlerOf(paths, address.slice(mount.length - 1)) !== undefined) request._body = true;
  });
}

function handlerOf(paths: Paths, address: string): HttpHandler | undefined {
  for (const [path, routes] of paths) {
    if (!address.startsWith(`${path}/`)) continue;
    const route = address.slice(path.length).replace(/\/$/, '');
    if (Object.hasOwn(routes, route)) return routes[route];
  }
  return undefined;
}
