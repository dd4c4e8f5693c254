/**
 * Access tokens for Google's programming interfaces from a service account's key: an assertion signed with the key is
 * exchanged at the key's own token address (RFC 7523, as Google describes for server to server applications), and the
 * token is kept until shortly before it expires. What is done with it is left to `home-graph.ts`.
 */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { mayCarrySecrets } from '../common/address';
import { retryAfterMs, type ApiAnswer, type ApiClient } from '../common/api-client';
import type { Clock } from '../common/clock';
import { isRecord, parseJson } from '../common/json';

const SCOPE = 'https://www.googleapis.com/auth/homegraph';
const GOOGLE_TOKEN_URI = 'https://oauth2.googleapis.com/token';
/** Google takes no longer-lived assertions. */
const ASSERTION_SECONDS = 3600;
/** A token is renewed this long before its end, so that none expires on its way. */
const MARGIN_MS = 5 * 60_000;
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface ServiceAccountKey {
  clientEmail: string;
  tokenUri: URL;
  privateKey: KeyObject;
  keyId?: string;
}

/** The key or the token address said no. The message says what to do and holds no secret. */
export class ServiceAccountError extends Error {
  constructor(
    message: string,
    /** True if the same key may well be taken a little later. */
    readonly retriable: boolean,
    /** How long Google asked to wait, in milliseconds. */
    readonly retryAfterMs = 0,
  ) {
    super(message);
    this.name = 'ServiceAccountError';
  }
}

/** Reads the key file's text. @throws ServiceAccountError saying which part is unusable */
export function parseServiceAccountKey(text: string): ServiceAccountKey {
  const broken = (what: string): ServiceAccountError =>
    new ServiceAccountError(
      `the service account key ${what}. Paste the whole JSON file that Google Cloud made for the key`,
      false,
    );
  const json = parseJson(text);
  if (json === undefined) throw broken('is no JSON');
  const {
    client_email: clientEmail,
    private_key: pem,
    token_uri: uri = GOOGLE_TOKEN_URI,
    private_key_id: keyId,
  } = isRecord(json) ? json : {};
  if (typeof clientEmail !== 'string' || clientEmail === '') throw broken('has no client_email');
  if (typeof pem !== 'string' || pem === '') throw broken('has no private_key');
  if (typeof uri !== 'string' || !URL.canParse(uri) || !mayCarrySecrets(new URL(uri))) {
    throw broken('has a token_uri that is no https address');
  }
  let privateKey: KeyObject;
  try {
    // Keys that went through an environment variable or a form often come with their line breaks written out.
    privateKey = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch {
    throw broken('has a private_key that cannot be read');
  }
  if (privateKey.asymmetricKeyType !== 'rsa') throw broken('has a private_key that is not an RSA key');
  return {
    clientEmail,
    tokenUri: new URL(uri),
    privateKey,
    ...(typeof keyId === 'string' ? { keyId } : {}),
  };
}

/** The signed assertion (RS256) that is exchanged for a token. `now` in milliseconds. */
export function assertionOf(key: ServiceAccountKey, now: number): string {
  const issued = Math.floor(now / 1000);
  const header = { alg: 'RS256', typ: 'JWT', ...(key.keyId === undefined ? {} : { kid: key.keyId }) };
  const claims = {
    iss: key.clientEmail,
    scope: SCOPE,
    aud: key.tokenUri.href,
    iat: issued,
    exp: issued + ASSERTION_SECONDS,
  };
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const content = `${encode(header)}.${encode(claims)}`;
  return `${content}.${sign('RSA-SHA256', Buffer.from(content), key.privateKey).toString('base64url')}`;
}

export class ServiceAccount {
  private cached: { token: string; until: number } | undefined;
  private fetching: Promise<string> | undefined;
  /** How far this machine's clock was ahead of Google's when it last gave an answer, in milliseconds. */
  clockAheadMs: number | undefined;

  constructor(
    private readonly key: ServiceAccountKey,
    private readonly options: { api: ApiClient; clock: Clock; signal: AbortSignal },
  ) {}

  /** A token that is good for some minutes yet. @throws ServiceAccountError, ApiFailure */
  token(): Promise<string> {
    if (this.cached !== undefined && this.options.clock.now() < this.cached.until)
      return Promise.resolve(this.cached.token);
    this.fetching ??= this.fetch().finally(() => {
      this.fetching = undefined;
    });
    return this.fetching;
  }

  /** Forgets a token that was refused, unless it has been replaced meanwhile; without one, whichever there is. */
  discard(token = this.cached?.token): void {
    if (this.cached?.token === token) this.cached = undefined;
  }

  private async fetch(): Promise<string> {
    const { api, clock, signal } = this.options;
    const now = clock.now();
    const answer = await api.call({
      method: 'POST',
      url: this.key.tokenUri,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: assertionOf(this.key, now),
      }).toString(),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      signal,
    });
    const date = Date.parse(answer.headers.date ?? '');
    this.clockAheadMs = Number.isNaN(date) ? undefined : clock.now() - date;
    const fields = parseJson(answer.body);
    const { access_token: token, expires_in: seconds, error } = isRecord(fields) ? fields : {};
    if (answer.status !== 200 || typeof token !== 'string' || token === '') {
      throw refusal(answer, typeof error === 'string' ? error : '', clock.now());
    }
    const lifetime = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : ASSERTION_SECONDS * 1000;
    this.cached = { token, until: now + Math.max(lifetime - MARGIN_MS, lifetime / 2) };
    return token;
  }
}

function refusal({ status, headers }: ApiAnswer, error: string, now: number): ServiceAccountError {
  const word = /^[a-z_]{1,40}$/.test(error) ? `${status} ${error}` : String(status);
  if (status === 429 || status >= 500 || status === 200) {
    return new ServiceAccountError(`no token for the service account (${word})`, true, retryAfterMs(headers, now));
  }
  return new ServiceAccountError(
    `the service account key was refused (${word}): it may have been deleted, or this machine's clock is wrong. Set the clock, or make a new key in Google Cloud`,
    false,
  );
}
