/**
 * Which proxy leads to an address, and the tunnel through it. Only clouds are asked through a proxy, never the gateway of
 * a lock. A proxy's login is a secret: it goes to the proxy and into no text.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { isThisMachine } from './address';
import { invalidInput } from './errors';

export interface ProxySettings {
  /** The proxy for addresses that begin with `https://`, with its login in it. */
  https?: URL;
  /** For those that begin with `http://`. */
  http?: URL;
  /** Hosts that are asked directly: names, `.domain`, `*.domain`, addresses, each with or without a port; `*` is all. */
  bypass: readonly string[];
}

/** The variables that curl and most programs know: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in letters of either case. */
export function proxyFromEnvironment(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const value = (name: string): string => (env[name.toLowerCase()] ?? env[name] ?? '').trim();
  const secure = value('HTTPS_PROXY');
  const plain = value('HTTP_PROXY');
  return {
    ...(secure === '' ? {} : { https: proxyUrl(secure, 'HTTPS_PROXY') }),
    ...(plain === '' ? {} : { http: proxyUrl(plain, 'HTTP_PROXY') }),
    bypass: value('NO_PROXY').split(/[\s,]+/),
  };
}

/** Node-RED's own node "http proxy", which a user picks in place of the environment's. */
export interface ProxyNode {
  url?: unknown;
  noproxy?: unknown;
  credentials?: { username?: unknown; password?: unknown } | undefined;
}

/** @throws CodedError INVALID_INPUT where its address is none */
export function proxyFromNode({ url, noproxy, credentials }: ProxyNode): ProxySettings {
  const proxy = proxyUrl(typeof url === 'string' ? url.trim() : '', 'the proxy');
  const { username, password } = credentials ?? {};
  if (typeof username === 'string' && username !== '') {
    proxy.username = encodeURIComponent(username);
    proxy.password = encodeURIComponent(typeof password === 'string' ? password : '');
  }
  const bypass = Array.isArray(noproxy) ? noproxy.filter((host): host is string => typeof host === 'string') : [];
  return { https: proxy, http: proxy, bypass };
}

function proxyUrl(text: string, name: string): URL {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  // Not quoted: it may hold a password.
  throw invalidInput(`${name} is no address of a proxy`, `Write ${name} as http://host:port.`);
}

/** The proxy through which an address is asked; undefined: directly. */
export function proxyFor(url: URL, { https: secure, http: plain, bypass }: ProxySettings): URL | undefined {
  const proxy = url.protocol === 'https:' ? secure : plain;
  if (proxy === undefined || bypass.some((entry) => matches(url, entry.trim().toLowerCase()))) return undefined;
  // What is asked without encryption must not leave this machine.
  const stays = proxy.protocol === 'http:' && isThisMachine(proxy.hostname);
  return url.protocol === 'https:' || stays ? proxy : undefined;
}

function matches(url: URL, entry: string): boolean {
  if (entry === '*') return true;
  const isIpv6 = entry.split(':').length > 2 && !entry.startsWith('[');
  const [, name = '', port] = isIpv6 ? [entry, entry] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []);
  const domain = name.replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
  const host = url.hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  if (domain === '' || (host !== domain && !host.endsWith(`.${domain}`))) return false;
  return port === undefined || port === portOf(url);
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port;
}

/** A proxy that did not let a request through. Nothing of the request was sent. */
export class ProxyRefusal extends Error {
  constructor(readonly status: number) {
    super(status === 407 ? 'the proxy wants a login, or another one (407)' : `the proxy answered ${status}`);
  }
}

/** What proves to a proxy who asks, where its address holds a login. */
export function proxyLogin({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const login = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  return { 'Proxy-Authorization': `Basic ${login}` };
}

/** Connections of one request through a proxy, encrypted from here to the endpoint. */
export class TunnelAgent extends https.Agent {
  constructor(
    private readonly proxy: URL,
    private readonly signal: AbortSignal,
    options: https.AgentOptions,
  ) {
    super({ ...options, keepAlive: false });
  }

  /** Called by Node.js for each connection. */
  override createConnection(
    options: tls.ConnectionOptions,
    callback: (error: Error | null, socket?: Duplex) => void,
  ): undefined {
    const { hostname, protocol } = this.proxy;
    const target = `${options.host?.includes(':') === true ? `[${options.host}]` : options.host}:${options.port}`;
    const request = (protocol === 'https:' ? https : http).request({
      method: 'CONNECT',
      host: hostname.replace(/^\[|\]$/g, ''),
      port: portOf(this.proxy),
      path: target,
      headers: { Host: target, ...proxyLogin(this.proxy) },
      agent: protocol === 'https:' ? new https.Agent({ keepAlive: false }) : new http.Agent({ keepAlive: false }),
      signal: this.signal,
    });
    request.once('error', callback);
    request.once('connect', ({ statusCode = 0 }, socket) => {
      if (statusCode >= 200 && statusCode < 300) callback(null, tls.connect({ ...options, socket }));
      else {
        socket.destroy();
        callback(new ProxyRefusal(statusCode));
      }
    });
    request.end();
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
