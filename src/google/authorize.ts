/**
 * The authorize address: shows the login page to the person whom Google sends here, and sends the browser back to Google with
 * a code. Google's rules of account linking, stricter than RFC 6749, stand here; texts and looks are in `login-page.ts`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { linkingAddress, type Linking } from './linking';
import { chooseLanguage, loginPage, refusalPage, type Language, type Notice, type Refusal } from './login-page';
import {
  callerAddress,
  fromAnotherSite,
  parseForm,
  rawQuery,
  readForm,
  sendForm,
  sendPage,
  type Form,
} from './requests';
import type { HttpHandler } from './types';

/** How long the login form may lie open. */
const TICKET_LIFETIME_MS = 30 * 60_000;
/** RFC 7636, 4.2: a SHA-256 in base64url. */
const CHALLENGE = /^[A-Za-z0-9._~-]{43,128}$/;

/** What the login form carries from Google's request to the answer. */
interface Ticket {
  clientId: string;
  redirectUri: string;
  /** Google's `state` exactly as it stood in the address, still encoded: so it goes back byte for byte. */
  state?: string | undefined;
  challenge?: string | undefined;
  locale?: string | undefined;
  issued: number;
}

/** `GET, POST <path>/oauth/authorize`: Google's request in a browser, and the login form's own post. */
export function authorizeAddress(linking: Linking): HttpHandler {
  return linkingAddress(
    linking,
    (req, res) => (req.method === 'POST' ? submit(linking, req, res) : show(linking, req, res)),
    (req, res) => void refuse(res, 503, languageOf(req), 'unavailable'),
  );
}

async function show(linking: Linking, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const query = parseForm(rawQuery(req));
  const language = languageOf(req, query?.get('user_locale'));
  if (linking.redirects.length === 0) return refuse(res, 503, language, 'setup');
  if (query === undefined) return refuse(res, 400, language, 'broken');
  const ticket: Ticket = {
    clientId: query.get('client_id') ?? '',
    redirectUri: query.get('redirect_uri') ?? '',
    state: rawValue(rawQuery(req), 'state'),
    challenge: query.get('code_challenge'),
    locale: query.get('user_locale'),
    issued: linking.clock.now(),
  };
  if (!isOurs(linking, ticket)) return refuse(res, 400, language, 'foreign');
  const error = faultOf(query);
  if (error !== undefined) return redirect(res, ticket, `error=${error}`);
  linking.log.trace('account linking: the login page is shown');
  return showForm(linking, res, { status: 200, language, ticket });
}

async function submit(linking: Linking, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const form = await readForm(req);
  const language = languageOf(req);
  if (typeof form === 'number') return refuse(res, form, language, 'broken');
  if (fromAnotherSite(req)) return refuse(res, 403, language, 'broken');
  const ticket = (await linking.pageKey.open(form.get('ticket') ?? '')) as Ticket | undefined;
  if (ticket === undefined) return refuse(res, 400, language, 'broken');
  if (linking.redirects.length === 0) return refuse(res, 503, language, 'setup');
  if (!isOurs(linking, ticket)) return refuse(res, 400, language, 'foreign');
  if (form.has('cancel')) return redirect(res, ticket, 'error=access_denied');
  return login(linking, req, res, { form, ticket });
}

async function login(
  linking: Linking,
  req: IncomingMessage,
  res: ServerResponse,
  { form, ticket }: { form: Form; ticket: Ticket },
): Promise<void> {
  const { accounts, throttle, clock, log, proxies, deviceCount, warnSeldom } = linking;
  const language = languageOf(req, ticket.locale);
  const username = form.get('username') ?? '';
  const again = (status: number, notice: Notice): Promise<void> =>
    showForm(linking, res, { status, language, ticket: { ...ticket, issued: clock.now() }, notice, username });

  // A ticket from the future is one from before the clock was set back; it may serve out its time.
  if (clock.now() - ticket.issued > TICKET_LIFETIME_MS) return again(200, { kind: 'expired' });
  const address = callerAddress(req, proxies);
  const listed = accounts.listedName(username);
  const attempt = await throttle.attempt(username, address);
  if (attempt.waitMs > 0) {
    const seconds = Math.ceil(attempt.waitMs / 1000);
    log.debug(`account linking: a login from ${address} has to wait ${seconds} s`);
    res.setHeader('Retry-After', String(seconds));
    return again(429, { kind: 'wait', seconds });
  }
  const user = accounts.checkPassword(username, form.get('password') ?? '');
  if (user === undefined) {
    const name = listed === undefined ? 'names that are not listed' : `"${listed}"`;
    const guesses = `account linking: many wrong passwords, the last for ${name} from ${address}; tries are slowed down`;
    if (attempt.last) warnSeldom('guesses', guesses);
    return again(403, { kind: 'failed' });
  }
  await throttle.succeeded(attempt);
  const { redirectUri, challenge } = ticket;
  const code = await accounts.grantCode({ user, redirectUri, ...(challenge === undefined ? {} : { challenge }) });
  log.debug(`account linking: "${user}" has logged in and goes back to Google with a code`);
  if (deviceCount() === 0) {
    warnSeldom(
      'no devices',
      'account linking: Google refuses to link a home without devices. Add a google-smarthome-in node for this account, deploy, and link again',
    );
  }
  return redirect(res, ticket, `code=${code}`);
}

function isOurs(linking: Linking, { clientId, redirectUri }: Ticket): boolean {
  return clientId === linking.clientId && linking.redirects.includes(redirectUri);
}

async function showForm(
  { pageKey }: Linking,
  res: ServerResponse,
  page: { status: number; language: Language; ticket: Ticket; notice?: Notice; username?: string },
): Promise<void> {
  sendForm(res, page.status, loginPage({ ...page, ticket: await pageKey.seal(page.ticket) }));
}

/** What is wrong with a request of Google's that came to the right place: an error code of RFC 6749, 4.1.2.1. */
function faultOf(query: Form): string | undefined {
  const type = query.get('response_type');
  if (type !== 'code') return type === undefined ? 'invalid_request' : 'unsupported_response_type';
  const challenge = query.get('code_challenge');
  if (challenge === undefined) return undefined;
  const method = query.get('code_challenge_method') ?? 'S256';
  return method === 'S256' && CHALLENGE.test(challenge) ? undefined : 'invalid_request';
}

function languageOf(req: IncomingMessage, locale?: string): Language {
  return chooseLanguage(req.headers['accept-language'], locale);
}

/** The value of a parameter as it was written, not decoded. */
function rawValue(query: string, name: string): string | undefined {
  const pair = query.split('&').find((candidate) => candidate.split('=')[0] === name);
  const value = pair?.slice(name.length + 1);
  // Node passes on whatever bytes a client sends; in a header of ours only printable ones may stand.
  return value?.replace(/[^\x21-\x7e]/g, (character) => encodeURIComponent(character));
}

/** Back to Google, with its state. */
function redirect(res: ServerResponse, { redirectUri, state }: Ticket, answer: string): Promise<void> {
  res.statusCode = 302;
  res.setHeader('Location', `${redirectUri}?${answer}${state === undefined ? '' : `&state=${state}`}`);
  res.end();
  return Promise.resolve();
}

function refuse(res: ServerResponse, status: number, language: Language, refusal: Refusal): Promise<void> {
  sendPage(res, status, refusalPage(language, refusal));
  return Promise.resolve();
}
