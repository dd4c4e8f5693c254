/**
 * The few things that the linking addresses need of HTTP, on Node's own request and response, so that it does not matter
 * which framework or proxy stands before them: forms with a size limit, the caller's address, whether a page of another
 * site sent the request, and answers that nobody may store.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { readBody } from './body';

/** A login form with its ticket, or a token request, is far below. */
export const MAX_FORM_BYTES = 32 * 1024;

export type Form = ReadonlyMap<string, string>;

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
  const url = req.url ?? '';
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark + 1);
}

/** Reads a form body. `too large` and `not a form` are the caller's to answer. */
export async function readForm(req: IncomingMessage): Promise<Form | 'too large' | 'not a form'> {
  const type = (req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const text = req.readableEnded ? alreadyRead(req) : await readBody(req, MAX_FORM_BYTES);
  if (text === undefined) return 'too large';
  if (type !== 'application/x-www-form-urlencoded') return 'not a form';
  return parseForm(text) ?? 'not a form';
}

/** A parser that somebody put before every route has the body already, however large it was. */
function alreadyRead(req: IncomingMessage & { body?: unknown }): string | undefined {
  if (Number(req.headers['content-length']) > MAX_FORM_BYTES) return undefined;
  const { body } = req;
  if (typeof body === 'string') return body;
  const entries = Object.entries(typeof body === 'object' && body !== null ? body : {});
  const pairs = entries.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return new URLSearchParams(pairs).toString();
}

/** Headers of every answer, the refusals included: none may be stored, framed, guessed at or followed. */
export function guard(res: ServerResponse): void {
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Pragma', 'no-cache');
  res.setHeader('X-Frame-Options', 'DENY');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  // Not "no-referrer": browsers then send "Origin: null" with the form, which looks like a foreign page.
  res.setHeader('Referrer-Policy', 'same-origin');
}

export function sendJson(res: ServerResponse, status: number, body: object): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json;charset=UTF-8');
  res.end(JSON.stringify(body));
}

/**
 * Where the caller is, for counting. Behind a proxy on this machine or network it is the last entry of X-Forwarded-For:
 * the one that the nearest proxy wrote. Entries before it, and the header from anybody else, may be invented.
 */
export function callerAddress(req: IncomingMessage): string {
  const peer = (req.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const forwarded = headerOf(req, 'x-forwarded-for')?.split(',').at(-1)?.trim() ?? '';
  const address = isPrivate(peer) && isIP(forwarded) !== 0 ? forwarded.replace(/^::ffff:/, '') : peer;
  // Whoever has one IPv6 address has 2^64 of them.
  return isIP(address) === 6 ? network64(address) : address;
}

/**
 * Whether a browser says that a page of another site made it send this. Fetch metadata first, the Origin where a browser
 * knows no better. No header at all: no browser, hence no bystander whose login could be abused.
 */
export function fromAnotherSite(req: IncomingMessage): boolean {
  const site = headerOf(req, 'sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = headerOf(req, 'origin');
  if (origin === undefined) return false;
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

function isPrivate(address: string): boolean {
  return /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|::1$|f[cd]|fe80:)/i.test(address);
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
