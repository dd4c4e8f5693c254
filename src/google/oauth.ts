/**
 * Account linking: the two addresses by which Google gets tokens for a user's home. `authorize` shows the login page and
 * sends the browser back to Google with a code; `token` turns codes and refresh tokens into access tokens. The protocol
 * itself is @node-oauth/oauth2-server's; here stand Google's stricter rules around it. Accounts, tokens and what is kept
 * of them are in `accounts.ts`, words and looks in `login-page.ts`, the counting of tries in `oauth-throttle.ts`.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type OAuth2Server from '@node-oauth/oauth2-server';
import { textOf } from '../common/errors';
import { StateError } from '../state/state';
import { ACCESS_LIFETIME_MS, CODE_LIFETIME_MS, LinkedAccounts, sameSecret } from './accounts';
import {
  chooseLanguage,
  loginPage,
  PAGE_POLICY,
  refusalPage,
  type Language,
  type Notice,
  type Refusal,
} from './login-page';
import {
  callerAddress,
  fromAnotherSite,
  guard,
  parseForm,
  rawQuery,
  readForm,
  sendJson,
  type Form,
} from './oauth-http';
import { LoginThrottle } from './oauth-throttle';
import type { Accounts, LinkingEndpoints, LinkingOptions } from './types';

/** Loaded with the first request: it takes longer to load than most of the package, and most flows have no use for it. */
function library(): typeof OAuth2Server {
  return createRequire(__filename)('@node-oauth/oauth2-server') as typeof OAuth2Server;
}

/** Google's only two addresses for a project (its account-linking guide). App Flip's third belongs to apps, not to us. */
export function redirectAddresses(projectId: string): readonly string[] {
  if (projectId === '') return [];
  return ['oauth-redirect', 'oauth-redirect-sandbox'].map(
    (host) => `https://${host}.googleusercontent.com/r/${projectId}`,
  );
}

/** How long the login form may lie open. */
const TICKET_LIFETIME_MS = 30 * 60_000;
/** A wrong client secret is told once in this time, not with every try of somebody who guesses. */
const REPEAT_WARNING_MS = 10 * 60_000;
/** RFC 7636, 4.2: a SHA-256 in base64url. */
const CHALLENGE = /^[A-Za-z0-9._~-]{43,128}$/;
/** The library compares with the system's clock; accounts have judged by theirs already. */
const NOT_TO_BE_JUDGED = new Date(8.64e15);

/** What the library carries between our answers to it: who logged in, and the link once one is opened. */
interface Login {
  name: string;
  link?: string;
}

/** What the login form carries from Google's request to the answer. */
interface Ticket {
  clientId: string;
  redirectUri: string;
  /** Google's `state` exactly as it stood in the address, still encoded: so it goes back byte for byte. */
  state?: string;
  challenge?: string;
  locale?: string;
  issued: number;
}

/** Account linking as one piece: who has linked, and the addresses by which they do. */
export function createLinking(options: LinkingOptions): { accounts: Accounts; endpoints: LinkingEndpoints } {
  const accounts = new LinkedAccounts(options);
  accounts.forgetRemoved().catch((error: unknown) => options.warn(`account linking: ${textOf(error)}`));
  return { accounts, endpoints: new AccountLinking(options, accounts) };
}

export class AccountLinking implements LinkingEndpoints {
  private readonly throttle: LoginThrottle;
  private readonly redirects: readonly string[];
  private pageKey: Promise<Buffer> | undefined;
  private warnedAt = -Infinity;

  constructor(
    private readonly options: Omit<LinkingOptions, 'users'>,
    private readonly accounts: LinkedAccounts,
  ) {
    const { state, prefix, clock } = options;
    this.redirects = redirectAddresses(options.projectId);
    this.throttle = new LoginThrottle({ state, clock, key: `${prefix}/throttle`, secret: () => this.secret() });
  }

  /** `GET, POST <path>/oauth/authorize`: Google's request in a browser, and the login form's own post. */
  readonly authorize = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    guard(res);
    try {
      if (req.method === 'POST') await this.submitted(req, res);
      else if (req.method === 'GET' || req.method === 'HEAD') await this.asked(req, res);
      else this.notAllowed(res, 'GET, POST');
    } catch (error) {
      this.failed(error);
      if (!res.headersSent) refuse(res, 503, languageOf(req), 'unavailable');
    }
  };

  /** `POST <path>/oauth/token`: codes and refresh tokens against access tokens. */
  readonly token = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    guard(res);
    try {
      if (req.method === 'POST') await this.exchanged(req, res);
      else this.notAllowed(res, 'POST');
    } catch (error) {
      this.failed(error);
      if (!res.headersSent) sendJson(res, 503, { error: 'temporarily_unavailable' });
    }
  };

  private async asked(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const query = parseForm(rawQuery(req));
    const locale = query?.get('user_locale');
    const language = languageOf(req, locale);
    if (!this.configured()) {
      refuse(res, 503, language, 'setup');
      return;
    }
    const redirectUri = query?.get('redirect_uri') ?? '';
    if (query === undefined) {
      refuse(res, 400, language, 'broken');
      return;
    }
    if (!this.knows(query.get('client_id') ?? '', redirectUri)) {
      refuse(res, 400, language, 'foreign');
      return;
    }

    const state = rawValue(rawQuery(req), 'state');
    const ticket: Ticket = {
      clientId: this.options.clientId,
      redirectUri,
      issued: this.options.clock.now(),
      ...(state === undefined ? {} : { state }),
      ...(locale === undefined ? {} : { locale }),
    };
    const type = query.get('response_type');
    if (type !== 'code') {
      redirectError(res, ticket, type === undefined ? 'invalid_request' : 'unsupported_response_type');
      return;
    }
    const challenge = query.get('code_challenge');
    if (challenge !== undefined) {
      const method = query.get('code_challenge_method') ?? 'S256';
      if (method !== 'S256' || !CHALLENGE.test(challenge)) {
        redirectError(res, ticket, 'invalid_request');
        return;
      }
      ticket.challenge = challenge;
    }
    await this.showForm(res, 200, language, ticket);
  }

  private async submitted(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const form = await readForm(req);
    const language = languageOf(req);
    if (form === 'too large') {
      refuse(res, 413, language, 'broken');
      return;
    }
    if (form === 'not a form') {
      refuse(res, 400, language, 'broken');
      return;
    }
    if (fromAnotherSite(req)) {
      refuse(res, 403, language, 'broken');
      return;
    }
    const ticket = await this.openTicket(form.get('ticket') ?? '');
    if (ticket === undefined) {
      refuse(res, 400, language, 'broken');
      return;
    }
    if (!this.configured()) {
      refuse(res, 503, language, 'setup');
      return;
    }
    if (!this.knows(ticket.clientId, ticket.redirectUri)) {
      refuse(res, 400, language, 'foreign');
      return;
    }
    if (form.has('cancel')) {
      redirectError(res, ticket, 'access_denied');
      return;
    }
    await this.login(req, res, form, ticket);
  }

  private async login(req: IncomingMessage, res: ServerResponse, form: Form, ticket: Ticket): Promise<void> {
    const { accounts } = this;
    const { clock } = this.options;
    const language = languageOf(req, ticket.locale);
    const username = form.get('username') ?? '';
    const again = (status: number, notice: Notice): Promise<void> =>
      this.showForm(res, status, language, { ...ticket, issued: clock.now() }, notice, username);

    // A ticket from the future is one from before the clock was set back; it may serve out its time.
    if (clock.now() - ticket.issued > TICKET_LIFETIME_MS) return again(200, { kind: 'expired' });
    const address = callerAddress(req);
    const listed = accounts.listedName(username);
    const attempt = await this.throttle.attempt(username, listed !== undefined, address);
    const { waitMs, last } = attempt;
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      res.setHeader('Retry-After', String(seconds));
      return again(429, { kind: 'wait', seconds });
    }
    const user = accounts.checkPassword(username, form.get('password') ?? '');
    if (user === undefined) {
      if (last) {
        const whom = listed === undefined ? 'unlisted users' : `"${listed}"`;
        this.options.warn(
          `account linking: many wrong passwords for ${whom}, last from ${address}; tries are slowed down`,
        );
      }
      return again(403, { kind: 'failed' });
    }
    await this.throttle.succeeded(user, address, attempt);
    await this.grant(res, ticket, user);
  }

  private async grant(res: ServerResponse, ticket: Ticket, user: string): Promise<void> {
    const request = new (library().Request)({
      method: 'POST',
      headers: {},
      query: {},
      body: {
        client_id: armoured(ticket.clientId),
        redirect_uri: ticket.redirectUri,
        response_type: 'code',
        ...(ticket.challenge === undefined ? {} : { code_challenge: ticket.challenge, code_challenge_method: 'S256' }),
      },
    });
    const response = new (library().Response)();
    await new (library())({ model: this.model() }).authorize(request, response, {
      authenticateHandler: { handle: () => ({ name: user }) },
      authorizationCodeLifetime: CODE_LIFETIME_MS / 1000,
      // The state is kept from the library, which refuses some and encodes the others anew.
      allowEmptyState: true,
    });
    redirect(res, String(response.get('Location')), ticket.state);
  }

  private async exchanged(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const form = await readForm(req);
    if (form === 'too large') {
      sendJson(res, 413, { error: 'invalid_request' });
      return;
    }
    if (form === 'not a form') {
      sendJson(res, 400, { error: 'invalid_request' });
      return;
    }
    // Scopes are not used here. One that Google's console adds must not make the library refuse.
    const body = Object.fromEntries(
      [...form]
        .filter(([name]) => name !== 'scope')
        .map(([name, value]) => [name, name === 'client_id' || name === 'client_secret' ? armoured(value) : value]),
    );
    const { authorization } = req.headers;
    const request = new (library().Request)({
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': '1',
        ...(authorization === undefined ? {} : { authorization: armouredBasic(authorization) }),
      },
      query: {},
      body,
    });
    const response = new (library().Response)();
    const seen = { client: false };
    try {
      const token = await new (library())({ model: this.model(seen) }).token(request, response, {
        accessTokenLifetime: ACCESS_LIFETIME_MS / 1000,
        alwaysIssueNewRefreshToken: false,
      });
      sendJson(res, 200, {
        token_type: 'Bearer',
        access_token: token.accessToken,
        ...(token.refreshToken === undefined ? {} : { refresh_token: token.refreshToken }),
        expires_in: ACCESS_LIFETIME_MS / 1000,
      });
    } catch (thrown) {
      if (!(thrown instanceof library().OAuthError) || thrown instanceof library().ServerError) throw thrown;
      const challenge = response.get('WWW-Authenticate') as string | undefined;
      if (challenge !== undefined) res.setHeader('WWW-Authenticate', challenge);
      if (thrown.name === 'invalid_client') this.warnOfClient();
      // Google's guide knows one answer to whatever is wrong with a grant.
      const error = seen.client && thrown.name === 'invalid_request' ? 'invalid_grant' : thrown.name;
      sendJson(res, thrown.code, { error });
    }
  }

  /**
   * What the library asks of us. With `seen` it serves the token address, where a client without the right secret is
   * nobody, PKCE or not, and `seen` is told once the client has shown it.
   */
  private model(seen?: { client: boolean }): OAuth2Server.AuthorizationCodeModel & OAuth2Server.RefreshTokenModel {
    const { accounts } = this;
    const { clientId, clientSecret } = this.options;
    const client: OAuth2Server.Client = {
      id: armoured(clientId),
      redirectUris: [...this.redirects],
      grants: ['authorization_code', 'refresh_token'],
    };
    const token = (): Promise<string> => Promise.resolve(accounts.newToken());
    return {
      getClient: (id: string, secret: string | null | undefined) => {
        if (seen === undefined) return Promise.resolve(id === client.id ? client : undefined);
        const rightSecret = matches(bare(secret ?? ''), clientSecret);
        const right = this.configured() && matches(bare(id), clientId) && rightSecret;
        if (right) seen.client = true;
        return Promise.resolve(right ? client : undefined);
      },
      validateRedirectUri: (uri) => Promise.resolve(this.redirects.includes(uri)),
      generateAuthorizationCode: token,
      generateAccessToken: token,
      generateRefreshToken: token,
      saveAuthorizationCode: async (code, _client, user) => {
        const { authorizationCode, redirectUri, codeChallenge } = code;
        await accounts.grantCode(authorizationCode, {
          user: (user as Login).name,
          redirectUri,
          ...(codeChallenge === undefined ? {} : { challenge: codeChallenge }),
        });
        return { ...code, client, user };
      },
      getAuthorizationCode: async (code) => {
        const grant = await accounts.findCode(code);
        if (grant === undefined) return undefined;
        return {
          authorizationCode: code,
          expiresAt: NOT_TO_BE_JUDGED,
          redirectUri: grant.redirectUri,
          client,
          user: { name: grant.user },
          ...(grant.challenge === undefined ? {} : { codeChallenge: grant.challenge, codeChallengeMethod: 'S256' }),
        };
      },
      revokeAuthorizationCode: async (code) => {
        const link = await accounts.spendCode(code.authorizationCode);
        if (link === undefined) return false;
        Object.assign(code.user, { link });
        return true;
      },
      getRefreshToken: async (refreshToken) => {
        const session = await accounts.findRefresh(refreshToken);
        if (session === undefined) return undefined;
        return { refreshToken, client, user: { name: session.user, link: session.link } };
      },
      // Never asked: refresh tokens are not replaced.
      revokeToken: () => Promise.resolve(false),
      saveToken: async (issued, _client, user) => {
        const { link = '' } = user as Login;
        const { authorizationCode } = issued as { authorizationCode?: string };
        const { accessToken, refreshToken } = issued;
        const kept =
          refreshToken === undefined
            ? await accounts.extendLink(link, accessToken)
            : await accounts.openLink(authorizationCode ?? '', link, {
                access: accessToken,
                refresh: refreshToken,
              });
        if (!kept) throw new (library().InvalidGrantError)('the link has ended');
        return { ...issued, client, user };
      },
      // Bearer tokens are checked by the fulfilment, through the accounts.
      getAccessToken: () => Promise.resolve(undefined),
    };
  }

  private configured(): boolean {
    return this.redirects.length > 0 && this.options.clientId !== '' && this.options.clientSecret !== '';
  }

  private knows(clientId: string, redirectUri: string): boolean {
    return clientId === this.options.clientId && this.redirects.includes(redirectUri);
  }

  private async showForm(
    res: ServerResponse,
    status: number,
    language: Language,
    ticket: Ticket,
    notice?: Notice,
    username?: string,
  ): Promise<void> {
    const sealed = await this.seal(ticket);
    const form = { language, ticket: sealed, ...(notice === undefined ? {} : { notice }) };
    sendPage(res, status, loginPage(username === undefined ? form : { ...form, username }));
  }

  private async seal(ticket: Ticket): Promise<string> {
    const content = Buffer.from(JSON.stringify(ticket)).toString('base64url');
    return `${content}.${(await this.sign(content)).toString('base64url')}`;
  }

  private async openTicket(sealed: string): Promise<Ticket | undefined> {
    const [content = '', seal = ''] = sealed.split('.');
    const expected = await this.sign(content);
    const given = Buffer.from(seal, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return JSON.parse(Buffer.from(content, 'base64url').toString()) as Ticket;
  }

  private async sign(content: string): Promise<Buffer> {
    return createHmac('sha256', await this.secret())
      .update(content)
      .digest();
  }

  /** A random key, the same for every process that shares the state. It opens nothing but our own forms. */
  private secret(): Promise<Buffer> {
    this.pageKey ??= this.options.state
      .change(`${this.options.prefix}/page-key`, (current) => {
        if (typeof current === 'string' && current.length >= 43) return { result: current };
        const fresh = randomBytes(32).toString('base64url');
        return { value: fresh, result: fresh };
      })
      .then((key) => Buffer.from(key, 'base64url'))
      .catch((error: unknown) => {
        this.pageKey = undefined;
        throw error;
      });
    return this.pageKey;
  }

  private warnOfClient(): void {
    const now = this.options.clock.elapsed();
    if (now - this.warnedAt < REPEAT_WARNING_MS) return;
    this.warnedAt = now;
    this.options.warn(
      'account linking: a token request came with a wrong client ID or client secret. If linking fails, compare both with the Google Home Developer Console',
    );
  }

  private notAllowed(res: ServerResponse, methods: string): void {
    res.setHeader('Allow', methods);
    sendJson(res, 405, { error: 'invalid_request' });
  }

  private failed(thrown: unknown): void {
    const error = thrown instanceof library().ServerError ? (innerOf(thrown) ?? thrown) : thrown;
    const what = error instanceof StateError ? error.message : `unexpected: ${textOf(error)}`;
    this.options.warn(`account linking: ${what}`);
  }
}

/** The library wraps what the model throws. */
function innerOf(error: Error): unknown {
  return (error as { inner?: unknown }).inner;
}

/**
 * The library takes a client's id and secret in printable ASCII only, and people invent theirs in any script: between us and
 * the library both are hexadecimal digits.
 */
function armoured(text: string): string {
  return Buffer.from(text).toString('hex');
}

function bare(digits: string): string {
  return Buffer.from(digits, 'hex').toString();
}

function armouredBasic(authorization: string): string {
  const [, coded = ''] = /^Basic +([A-Za-z0-9+/._~-]+=*) *$/i.exec(authorization) ?? [];
  const [, id, secret] = /^([^:]*):([^]*)$/.exec(Buffer.from(coded, 'base64').toString()) ?? [];
  if (id === undefined || secret === undefined) return authorization;
  return `Basic ${Buffer.from(`${armoured(id)}:${armoured(secret)}`).toString('base64')}`;
}

/** With HTTP Basic some clients encode id and secret as a form would (RFC 6749, 2.3.1), others do not. */
function matches(given: string, expected: string): boolean {
  const plain = sameSecret(given, expected);
  const decoded = sameSecret(formDecoded(given), expected);
  return plain || decoded;
}

function formDecoded(text: string): string {
  return new URLSearchParams(`v=${text.replaceAll('&', '%26')}`).get('v') ?? '';
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

function redirectError(res: ServerResponse, ticket: Ticket, error: string): void {
  redirect(res, `${ticket.redirectUri}?error=${error}`, ticket.state);
}

function redirect(res: ServerResponse, location: string, state: string | undefined): void {
  res.statusCode = 302;
  res.setHeader('Location', state === undefined ? location : `${location}&state=${state}`);
  res.end();
}

function refuse(res: ServerResponse, status: number, language: Language, refusal: Refusal): void {
  sendPage(res, status, refusalPage(language, refusal));
}

function sendPage(res: ServerResponse, status: number, html: string): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/html;charset=UTF-8');
  res.setHeader('Content-Security-Policy', PAGE_POLICY);
  res.end(html);
}
