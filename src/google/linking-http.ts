/**
 * The few things that the linking addresses need of HTTP, on Node's own request and response, so that it makes no difference
 * which framework or proxy stands before them: forms with a size limit, the caller's address, whether a page of another
 * site sent the request, and answers that no cache may keep.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { isThisMachine } from '../common/address';
import { invalidInput } from '../common/errors';
import type { Log } from '../common/log';
import { readBody } from './body';
import { addressPage, chooseLanguage, PAGE_POLICY } from './login-page';
import type { HttpHandler } from './types';

/** A login form with its ticket, or a token request, is far below. */
const MAX_FORM_BYTES = 32 * 1024;
/** Set with the form. Other sites cannot make a browser send it along, as its SameSite says. */
const FORM_COOKIE = 'login-form=shown';

export type Form = ReadonlyMap<string, string>;

/** The caller ended the connection before the form was complete. */
class BrokenOff extends Error {}

/** Parses a query or form. A name given twice makes the whole ambiguous, hence undefined (RFC 6749, 3.1). */
export function parseForm(text: string): Form | undefined {
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (form.has(name)) return undefined;
    form.set(name, value);
  }
  return form;
}

/** The query as it was sent, without the question mark. */
export function rawQuery(req: IncomingMessage): string {
  const [, query = ''] = /\?([^#]*)/.exec(req.url ?? '') ?? [];
  return query;
}

/** A form body, or the status that refuses it. @throws BrokenOff */
export async function readForm(req: IncomingMessage): Promise<Form | 400 | 413> {
  const type = (req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const text = req.readableEnded ? alreadyRead(req) : await received(req);
  if (text === undefined) return 413;
  if (type !== 'application/x-www-form-urlencoded') return 400;
  return parseForm(text) ?? 400;
}

async function received(req: IncomingMessage): Promise<string | undefined> {
  try {
    return await readBody(req, MAX_FORM_BYTES);
  } catch {
    throw new BrokenOff('the connection ended before the form did');
  }
}

/** A parser that stands before every route has the body already, however large it was. */
function alreadyRead(req: IncomingMessage & { body?: unknown }): string | undefined {
  if (Number(req.headers['content-length']) > MAX_FORM_BYTES) return undefined;
  const { body } = req;
  if (typeof body === 'string') return body;
  const entries = Object.entries(typeof body === 'object' && body !== null ? body : {});
  const pairs = entries.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return new URLSearchParams(pairs).toString();
}

/** Headers of every answer, the refusals included: none may be stored, framed, guessed at or followed. */
function guard(res: ServerResponse): void {
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Pragma', 'no-cache');
  res.setHeader('X-Frame-Options', 'DENY');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  // Not "no-referrer": browsers then send "Origin: null" with the form, which looks like a foreign page.
  res.setHeader('Referrer-Policy', 'same-origin');
}

/** What every linking address does with a failure. */
export interface Troubles {
  log: Log;
  /** For warnings, each kind of them seldom. */
  warnSeldom: (kind: string, text: string) => void;
  /** What was thrown, on its way to the log. */
  failed: (error: unknown) => void;
}

/** An address with the headers of `guard`; where `serve` throws, `unavailable` writes the answer 503. */
export function linkingAddress(
  { log, failed }: Troubles,
  serve: HttpHandler,
  unavailable: (req: IncomingMessage, res: ServerResponse) => void,
): HttpHandler {
  return async (req, res) => {
    guard(res);
    try {
      await serve(req, res);
    } catch (error) {
      if (error instanceof BrokenOff) {
        log.debug(`account linking: ${error.message}`);
        return;
      }
      failed(error);
      if (res.headersSent) return;
      res.setHeader('Retry-After', '3');
      unavailable(req, res);
    }
  };
}

export function sendJson(res: ServerResponse, status: number, body: object): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json;charset=UTF-8');
  res.end(JSON.stringify(body));
}

export function sendPage(res: ServerResponse, status: number, html: string): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/html;charset=UTF-8');
  res.setHeader('Content-Security-Policy', PAGE_POLICY);
  res.end(html);
}

export function sendForm(res: ServerResponse, status: number, html: string): void {
  res.setHeader('Set-Cookie', `${FORM_COOKIE}; HttpOnly; SameSite=Strict`);
  sendPage(res, status, html);
}

/**
 * For an address that takes POST only. People open it in a browser to see whether it is there, as setup guides advise:
 * they get 405 and a sentence that says it works.
 */
export function postOnly(handler: HttpHandler): HttpHandler {
  return async (req, res) => {
    if (req.method === 'POST') {
      await handler(req, res);
      return;
    }
    guard(res);
    res.setHeader('Allow', 'POST');
    sendPage(res, 405, addressPage(chooseLanguage(req.headers['accept-language'], undefined)));
  };
}

/** Whether an IP address is that of a proxy whose X-Forwarded-For counts: one on this machine, or one of the list. */
export type TrustedProxies = (address: string) => boolean;

/** @param list addresses and networks (`10.0.0.0/8`), with commas or spaces between @throws CodedError INVALID_INPUT */
export function trustedProxies(list: string): TrustedProxies {
  const named = new BlockList();
  for (const entry of list.split(/[\s,]+/).filter((word) => word !== '')) {
    const [network = '', bits] = entry.split('/');
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
    const prefix = bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits);
    if (isIP(network) === 0 || !Number.isInteger(prefix) || prefix < 1 || prefix > (family === 'ipv6' ? 128 : 32)) {
      throw invalidInput(
        `"${entry.slice(0, 60)}" is no address of a proxy`,
        'Give the addresses of your reverse proxies as 192.168.1.5 or 172.18.0.0/16, with commas between.',
      );
    }
    named.addSubnet(network, prefix, family);
  }
  return (address) => isThisMachine(address) || named.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Where the caller is, for counting. Behind trusted proxies it is the last entry of X-Forwarded-For that is no trusted
 * proxy's: those before it, and the header from everyone else, may be invented.
 */
export function callerAddress(req: IncomingMessage, trusted: TrustedProxies): string {
  const forwarded = headerOf(req, 'x-forwarded-for')?.split(',') ?? [];
  let address = plainAddress(req.socket.remoteAddress ?? '');
  while (trusted(address) && forwarded.length > 0) {
    const next = plainAddress(forwarded.pop()?.trim() ?? '');
    if (isIP(next) === 0) break;
    address = next;
  }
  // A person with one IPv6 address has 2^64 of them.
  return isIP(address) === 6 ? network64(address) : address;
}

/**
 * Whether a page of another site made the browser send this. Fetch metadata first; browsers without it say whether they
 * have our form's cookie, or their Origin is our host's. No header at all: no browser, hence no bystander to be used.
 */
export function fromAnotherSite(req: IncomingMessage): boolean {
  const site = headerOf(req, 'sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = headerOf(req, 'origin');
  // A proxy may have rewritten the host, so that it cannot be compared.
  if (origin === undefined || (headerOf(req, 'cookie') ?? '').split(/; */).includes(FORM_COOKIE)) return false;
  const forwardedHost = headerOf(req, 'x-forwarded-host')?.split(',').at(-1)?.trim();
  const ours = [req.headers.host, forwardedHost].map((host) => hostName(`http://${host ?? ''}`));
  const theirs = hostName(origin);
  return theirs === undefined || !ours.includes(theirs);
}

function headerOf(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

function hostName(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function network64(address: string): string {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    while (groups.length + rest.length < 8) groups.push('0');
    groups.push(...rest);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
