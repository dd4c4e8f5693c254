/**
 * What the addresses of an account need of HTTP, on Node's own request and response, so that it makes no difference which
 * framework or proxy stands before them: bodies with a size limit, the caller's address, whether a page of another site sent
 * the request, and answers that no cache may keep.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { isThisMachine, plainHost } from '../common/address';
import { invalidInput } from '../common/errors';
import { addressPage, chooseLanguage, PAGE_POLICY } from './login-page';
import type { HttpHandler } from './types';

/** A login form with its ticket, or a token request, is far below. */
const MAX_FORM_BYTES = 32 * 1024;
/** How much of a body that nothing reads is read on, so that the other side learns why it is refused; then it is cut off. */
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;
/** Set with the form. Other sites cannot make a browser send it along, as its SameSite says. */
const FORM_COOKIE = 'login-form=shown';

type Incoming = IncomingMessage & { body?: unknown };
export type Form = ReadonlyMap<string, string>;

/** The text, or undefined as soon as it is too large. Rejects when the connection ends before the body does. */
export function readBody(request: Incoming, maxBytes: number): Promise<string | undefined> {
  const isTooLarge = Number(request.headers['content-length']) > maxBytes;
  if (request.readableEnded) return Promise.resolve(isTooLarge ? undefined : bodyRead(request));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    if (isTooLarge) resolve(undefined);
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else resolve(undefined);
      if (size > MAX_DISCARDED_BYTES) request.destroy();
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the connection ended')));
  });
}

/** What a parser that stands before every route has made of the body, as a text again. */
function bodyRead({ body, headers }: Incoming): string {
  if (Buffer.isBuffer(body) || typeof body === 'string') return body.toString();
  if (!isForm(headers['content-type'])) return body === undefined ? '' : JSON.stringify(body);
  const entries = Object.entries(typeof body === 'object' && body !== null ? body : {});
  const pairs = entries.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return new URLSearchParams(pairs).toString();
}

/** Of a request that is answered without its body: it is read on for a while, or the other side learns nothing. */
export function discardBody(request: IncomingMessage): void {
  readBody(request, 0).catch(() => undefined);
}

/** Parses a query or form. A name given twice makes the whole ambiguous, hence undefined (RFC 6749, 3.1). */
export function parseForm(text: string): Form | undefined {
  const pairs = [...new URLSearchParams(text)];
  const form = new Map(pairs);
  return form.size === pairs.length ? form : undefined;
}

/** The query as it was sent, without the question mark. */
export function rawQuery(req: IncomingMessage): string {
  return /\?([^#]*)/.exec(req.url ?? '')?.[1] ?? '';
}

/** A form body, or the status that refuses it. Rejects as `readBody`. */
export async function readForm(req: IncomingMessage): Promise<Form | 400 | 413> {
  const text = await readBody(req, MAX_FORM_BYTES);
  if (text === undefined) return 413;
  return (isForm(req.headers['content-type']) ? parseForm(text) : undefined) ?? 400;
}

function isForm(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded';
}

/** Headers of what a person or a foreign page may see, the refusals included: never stored, framed, guessed at or followed. */
export function guard(res: ServerResponse): void {
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Pragma', 'no-cache');
  res.setHeader('X-Frame-Options', 'DENY');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  // Not "no-referrer": browsers then send "Origin: null" with the form, which looks like a foreign page.
  res.setHeader('Referrer-Policy', 'same-origin');
}

export function sendJson(
  res: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'Content-Type': 'application/json;charset=UTF-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    ...headers,
  });
  res.end(text);
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
    const most = isIP(network) === 6 ? 128 : 32;
    const prefix = bits === undefined ? most : Number(bits);
    if (isIP(network) === 0 || !Number.isInteger(prefix) || prefix < 1 || prefix > most) {
      throw invalidInput(
        `"${entry.slice(0, 60)}" is no address of a proxy`,
        'Give the addresses of your reverse proxies as 192.168.1.5 or 172.18.0.0/16, with commas between.',
      );
    }
    named.addSubnet(network, prefix, familyOf(network));
  }
  return (address) => isThisMachine(address) || named.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/**
 * Where the caller is, for counting. Behind trusted proxies it is the last entry of X-Forwarded-For that is no trusted
 * proxy's: those before it, and the header from everyone else, may be invented.
 */
export function callerAddress(req: IncomingMessage, trusted: TrustedProxies): string {
  const forwarded = headerOf(req, 'x-forwarded-for')?.split(',') ?? [];
  let address = plainHost(req.socket.remoteAddress ?? '');
  while (trusted(address) && forwarded.length > 0) {
    const next = plainHost(forwarded.pop()?.trim() ?? '');
    if (isIP(next) === 0) break;
    address = next;
  }
  // A person with one IPv6 address has 2^64 of them.
  return isIP(address) === 6 ? network64(address) : address;
}

function network64(address: string): string {
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
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
