/**
 * The first half of the stand-in for Google: it links an account as Google and a person with a browser do, over real
 * HTTP, following the form that the service shows. What is done with the tokens is in `google.ts`.
 */
import { randomBytes } from 'node:crypto';

/** What is typed into Google's console, and where the service is. */
export interface LinkSettings {
  authorizeUrl: string;
  tokenUrl: string;
  projectId: string;
  clientId: string;
  clientSecret: string;
}

export interface Tokens {
  accessToken: string;
  /** Only with a code; a refresh answers without one. */
  refreshToken?: string;
  expiresIn: number;
}

/** A page as a browser has it, with the form that stands in it. */
export interface Page {
  status: number;
  headers: Headers;
  html: string;
  /** Where the service sends the browser, if it does. */
  location?: URL;
  /** Where the form posts to. */
  action: URL;
  /** The hidden fields of the form. */
  hidden: Record<string, string>;
}

/** The answer of the token address. */
export interface TokenAnswer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** Google's redirect address for a project. */
export function redirectAddress(projectId: string): string {
  return `https://oauth-redirect.googleusercontent.com/r/${projectId}`;
}

/** The address that Google opens in the browser; `changes` replace or (undefined) drop parameters. */
export function authorizeAddress(settings: LinkSettings, changes: Record<string, string | undefined> = {}): URL {
  const url = new URL(settings.authorizeUrl);
  const parameters = {
    client_id: settings.clientId,
    redirect_uri: redirectAddress(settings.projectId),
    state: randomBytes(24).toString('base64url'),
    response_type: 'code',
    user_locale: 'en-US',
    ...changes,
  };
  for (const [name, value] of Object.entries<string | undefined>(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/** Opens a page, following nothing. */
export async function openPage(url: URL, headers: Record<string, string> = {}): Promise<Page> {
  return asPage(url, await fetch(url, { headers, redirect: 'manual' }));
}

/** Fills in the form of a page and submits it as a browser would. */
export async function submit(
  page: Page,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Page> {
  const body = new URLSearchParams({ ...page.hidden, ...fields });
  return asPage(page.action, await fetch(page.action, { method: 'POST', body, headers, redirect: 'manual' }));
}

/** Asks the token address. `basic` sends the client's id and secret as HTTP Basic instead of in the form. */
export async function askTokens(
  settings: LinkSettings,
  parameters: Record<string, string>,
  basic = false,
): Promise<TokenAnswer> {
  const { clientId, clientSecret } = settings;
  const client = basic ? {} : { client_id: clientId, client_secret: clientSecret };
  const answer = await fetch(settings.tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({ ...client, ...parameters }),
    headers: basic ? { Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` } : {},
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

/** Logs in and comes back with a code. @throws Error saying what the service showed instead. */
export async function fetchCode(settings: LinkSettings, user: string, password: string): Promise<string> {
  const url = authorizeAddress(settings);
  const shown = await submit(await openPage(url), { username: user, password });
  const code = shown.location?.searchParams.get('code');
  if (typeof code !== 'string') throw new Error(`linking: no code, the service answered ${shown.status}`);
  if (shown.location?.searchParams.get('state') !== url.searchParams.get('state')) {
    throw new Error('linking: the state came back changed');
  }
  return code;
}

/** Redeems a code. @throws Error with the service's error code. */
export async function redeem(settings: LinkSettings, code: string): Promise<Tokens> {
  const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectAddress(settings.projectId) };
  return asTokens(await askTokens(settings, grant));
}

/** @throws Error with the service's error code; after `invalid_grant` Google asks the user to link again. */
export async function refresh(settings: LinkSettings, refreshToken: string): Promise<Tokens> {
  return asTokens(await askTokens(settings, { grant_type: 'refresh_token', refresh_token: refreshToken }));
}

function asTokens({ status, body }: TokenAnswer): Tokens {
  const {
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_in: expiresIn,
    token_type: type,
    error,
  } = body;
  if (status !== 200 || typeof accessToken !== 'string' || typeof expiresIn !== 'number') {
    throw new Error(`linking: no token, the service answered ${status} ${typeof error === 'string' ? error : ''}`);
  }
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') throw new Error('linking: not a bearer token');
  return { accessToken, expiresIn, ...(typeof refreshToken === 'string' ? { refreshToken } : {}) };
}

async function asPage(url: URL, answer: Response): Promise<Page> {
  const html = await answer.text();
  const location = answer.headers.get('location');
  const inputs = [...html.matchAll(/<input\b([^>]*)>/g)].map((match) => attributes(match[1] ?? ''));
  const hidden = inputs.filter((input) => input.get('type') === 'hidden');
  const form = attributes(/<form\b([^>]*)>/.exec(html)?.[1] ?? '');
  return {
    status: answer.status,
    headers: answer.headers,
    html,
    ...(location === null ? {} : { location: new URL(location, url) }),
    action: new URL(form.get('action') ?? '', url),
    hidden: Object.fromEntries(hidden.map((input) => [input.get('name') ?? '', input.get('value') ?? ''])),
  };
}

function attributes(text: string): Map<string, string> {
  const pairs = [...text.matchAll(/([\w-]+)(?:="([^"]*)")?/g)];
  return new Map(pairs.map(([, name = '', value = '']) => [name, decoded(value)]));
}

function decoded(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
