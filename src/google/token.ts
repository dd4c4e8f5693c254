/**
 * The token address: gives Google tokens for codes, and new access tokens for refresh tokens (RFC 6749, sections 4.1.3 and 6),
 * to a client that shows its secret. Each exchange is one atomic step in `accounts.ts`, which no library of the protocol offers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sameSecret } from '../common/secrets';
import { ACCESS_LIFETIME_MS } from './accounts';
import { linkingAddress, type Linking } from './linking';
import { postOnly, readForm, sendJson, type Form } from './requests';
import type { HttpHandler } from './types';

/** `POST <path>/oauth/token`. */
export function tokenAddress(linking: Linking): HttpHandler {
  const serve: HttpHandler = async (req, res) => {
    const form = await readForm(req);
    if (typeof form === 'number') sendJson(res, form, { error: 'invalid_request' });
    else if (isClient(linking, req, form)) await exchange(linking, form, res);
    else refuseClient(linking, req, res);
  };
  return postOnly(
    linkingAddress(linking, serve, (_req, res) => sendJson(res, 503, { error: 'temporarily_unavailable' })),
  );
}

async function exchange({ accounts, log }: Linking, form: Form, res: ServerResponse): Promise<void> {
  const grantType = form.get('grant_type') ?? '';
  let tokens: { access: string; refresh?: string } | undefined;
  if (grantType === 'authorization_code') {
    const [redirectUri = '', verifier] = [form.get('redirect_uri'), form.get('code_verifier')];
    tokens = await accounts.redeemCode(form.get('code') ?? '', { redirectUri, verifier });
  } else if (grantType === 'refresh_token') {
    const access = await accounts.refresh(form.get('refresh_token') ?? '');
    tokens = access === undefined ? undefined : { access };
  } else {
    sendJson(res, 400, { error: grantType === '' ? 'invalid_grant' : 'unsupported_grant_type' });
    return;
  }
  log.debug(`account linking: ${grantType} ${tokens === undefined ? 'refused' : 'exchanged for an access token'}`);
  if (tokens === undefined) {
    // Google's guide knows one answer to whatever is wrong with a grant.
    sendJson(res, 400, { error: 'invalid_grant' });
    return;
  }
  sendJson(res, 200, {
    token_type: 'Bearer',
    access_token: tokens.access,
    ...(tokens.refresh === undefined ? {} : { refresh_token: tokens.refresh }),
    expires_in: ACCESS_LIFETIME_MS / 1000,
  });
}

/** While the account is not set up every client is refused. */
function isClient({ redirects, clientId, clientSecret }: Linking, req: IncomingMessage, form: Form): boolean {
  const [id = form.get('client_id'), secret = form.get('client_secret')] = basicOf(req) ?? [];
  const rightId = matches(id ?? '', clientId);
  const rightSecret = matches(secret ?? '', clientSecret);
  return redirects.length > 0 && rightId && rightSecret;
}

function refuseClient({ warnSeldom }: Linking, req: IncomingMessage, res: ServerResponse): void {
  warnSeldom(
    'client',
    'account linking: a token request came with a wrong client ID or client secret. If linking fails, compare both with the Google Home Developer Console',
  );
  if (req.headers.authorization === undefined) sendJson(res, 400, { error: 'invalid_client' });
  else sendJson(res, 401, { error: 'invalid_client' }, { 'WWW-Authenticate': 'Basic realm="Google"' });
}

/** ID and secret of HTTP Basic, where the client shows them so. */
function basicOf(req: IncomingMessage): [id: string, secret: string] | undefined {
  const [, coded] = /^Basic +([A-Za-z0-9+/._~-]+=*) *$/i.exec(req.headers.authorization ?? '') ?? [];
  if (coded === undefined) return undefined;
  const [, id = '', secret = ''] = /^([^:]*):([^]*)$/.exec(Buffer.from(coded, 'base64').toString()) ?? [];
  return [id, secret];
}

/** With HTTP Basic some clients encode id and secret as a form would (RFC 6749, 2.3.1), others do not. */
function matches(given: string, expected: string): boolean {
  const plain = sameSecret(given, expected);
  const decoded = sameSecret(new URLSearchParams(`v=${given.replaceAll('&', '%26')}`).get('v') ?? '', expected);
  return plain || decoded;
}
