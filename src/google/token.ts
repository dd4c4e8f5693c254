/**
 * The token address: gives Google tokens for codes, and new access tokens for refresh tokens (RFC 6749, sections 4.1.3 and 6),
 * to a client that shows its secret. Each exchange is one atomic step in `accounts.ts`, which no library of the protocol offers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ACCESS_LIFETIME_MS, type LinkedAccounts } from './accounts';
import { linkingAddress, readForm, sendJson, type Form, type Troubles } from './linking-http';
import type { HttpHandler } from './types';
import { sameSecret } from './users';

export interface TokenOptions extends Troubles {
  /** Both empty while the account is not set up: then every client is refused. */
  clientId: string;
  clientSecret: string;
  accounts: LinkedAccounts;
}

export class TokenAddress {
  /** `POST <path>/oauth/token`. */
  readonly handle: HttpHandler;

  constructor(private readonly options: TokenOptions) {
    this.handle = linkingAddress(
      options,
      async (req, res) => {
        const form = await readForm(req);
        if (typeof form === 'number') sendJson(res, form, { error: 'invalid_request' });
        else if (this.isClient(req, form)) await this.exchange(form, res);
        else this.refuseClient(req, res);
      },
      (_req, res) => sendJson(res, 503, { error: 'temporarily_unavailable' }),
    );
  }

  private async exchange(form: Form, res: ServerResponse): Promise<void> {
    const { accounts, log } = this.options;
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

  private isClient(req: IncomingMessage, form: Form): boolean {
    const { clientId, clientSecret } = this.options;
    const [id = form.get('client_id'), secret = form.get('client_secret')] = basicOf(req) ?? [];
    const rightId = matches(id ?? '', clientId);
    const rightSecret = matches(secret ?? '', clientSecret);
    return clientId !== '' && clientSecret !== '' && rightId && rightSecret;
  }

  private refuseClient(req: IncomingMessage, res: ServerResponse): void {
    this.options.warnSeldom(
      'client',
      'account linking: a token request came with a wrong client ID or client secret. If linking fails, compare both with the Google Home Developer Console',
    );
    const withHeader = req.headers.authorization !== undefined;
    if (withHeader) res.setHeader('WWW-Authenticate', 'Basic realm="Google"');
    sendJson(res, withHeader ? 401 : 400, { error: 'invalid_client' });
  }
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
