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

/** Which handler answers on which address, for each HTTP server. Its middleware is added once and looks here. */
const served = new WeakMap<HttpSide['app'], Map<string, HttpHandler>>();

/**
 * Answers on a path from now on; the returned function ends that. Express has no way to take a route back, so there is
 * one middleware for good, and whatever no living account answers goes on to others and ends as 404.
 * @param routes by the address below the path; the handlers judge the method
 * @throws CodedError INVALID_INPUT where another account answers there
 */
export function serve(side: HttpSide, path: string, routes: Readonly<Record<string, HttpHandler>>): () => void {
  const handlers = served.get(side.app) ?? begin(side);
  const own = Object.entries(routes).map(([route, handler]) => [path + route, handler] as const);
  if (own.some(([address]) => handlers.has(address))) {
    throw invalidInput(`two Google accounts have the path ${path}`, 'Give each account a path of its own.', 'path');
  }
  for (const [address, handler] of own) handlers.set(address, handler);
  return () => {
    for (const [address] of own) handlers.delete(address);
  };
}

function begin({ app, root, server }: HttpSide): Map<string, HttpHandler> {
  const handlers = new Map<string, HttpHandler>();
  served.set(app, handlers);
  const handlerAt = (address: string): HttpHandler | undefined => handlers.get(address.replace(/\/$/, ''));
  /*
   * While httpNodeRoot lies within httpAdminRoot, as it does by default, Node-RED's editor reads every body first: before a
   * token is looked at, with its own limit, and with its own error pages and log lines, which quote what is broken, PIN and
   * all. Its parser (body-parser 1, in Node-RED 4 and 5) passes over a request that says it was read. Should one not heed
   * that, the handlers take what it made of the body.
   */
  const mount = `/${root}/`.replace(/\/+/g, '/');
  server?.prependListener('request', (request: IncomingMessage & { _body?: boolean }) => {
    // A request line may hold a whole URL, or a fragment (RFC 9112, 3.2.2): Express finds the path in both.
    const [address = ''] = (request.url ?? '').replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/);
    if (address.startsWith(mount) && handlerAt(address.slice(mount.length - 1)) !== undefined) request._body = true;
  });
  app.use((request, response, next) => {
    const handler = handlerAt(request.path);
    if (handler === undefined) {
      next();
      return;
    }
    // Node-RED's editor lets every site read what is answered below its root. These answers are for the caller alone.
    response.removeHeader('Access-Control-Allow-Origin');
    void handler(request, response);
  });
  return handlers;
}
