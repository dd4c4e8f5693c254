/** Account linking as one piece: who has linked, and the two addresses by which they do. */
import { textOf } from '../common/errors';
import type { Clock } from '../common/clock';
import { foreignText } from '../common/foreign';
import type { Log } from '../common/log';
import { StateError, type State } from '../state/state';
import { LinkedAccounts } from './accounts';
import { Authorize } from './authorize';
import { trustedProxies, type TrustedProxies } from './linking-http';
import { LoginThrottle } from './login-throttle';
import { PageKey } from './page-key';
import { TokenAddress } from './token';
import type { HttpHandler } from './types';
import type { ListedUser } from './users';

/** What anyone on the internet can bring about is logged once in this time. */
const REPEAT_WARNING_MS = 10 * 60_000;

export interface LinkingOptions {
  state: State;
  clock: Clock;
  /** Begins every key that is kept, so that two accounts in one state do not meet: `google/<id>`. */
  prefix: string;
  projectId: string;
  clientId: string;
  clientSecret: string;
  users: readonly ListedUser[];
  /** Reverse proxies whose X-Forwarded-For counts; absent: those on this machine. */
  proxies?: TrustedProxies;
  /** How many devices Google would be shown. */
  deviceCount?: () => number;
  log: Log;
}

export interface Linking {
  accounts: LinkedAccounts;
  /** GET and POST: the login page, and the form it posts to its own address. */
  authorize: HttpHandler;
  /** POST: codes and refresh tokens against access tokens. */
  token: HttpHandler;
}

/** Google's only two addresses for a project (its account-linking guide). */
function redirectAddresses(projectId: string): readonly string[] {
  const hosts = ['oauth-redirect', 'oauth-redirect-sandbox'];
  return hosts.map((host) => `https://${host}.googleusercontent.com/r/${projectId}`);
}

/** @throws CodedError INVALID_INPUT */
export function createLinking(options: LinkingOptions): Linking {
  const { state, clock, prefix, log, projectId, clientId, clientSecret } = options;
  const accounts = new LinkedAccounts(options);
  const pageKey = new PageKey(state, `${prefix}/page-key`);
  const throttle = new LoginThrottle({ state, clock, pageKey, key: `${prefix}/throttle` });
  const isSetUp = projectId !== '' && clientId !== '' && clientSecret !== '';
  const warnSeldom = eachSeldom(log, clock, REPEAT_WARNING_MS);
  const failed = (error: unknown): void => {
    const text = foreignText(error instanceof StateError ? error.message : `unexpected: ${textOf(error)}`, 400);
    warnSeldom(text, `account linking: ${text}`);
  };
  accounts.forgetRemoved().catch(failed);
  const authorize = new Authorize({
    redirects: isSetUp ? redirectAddresses(projectId) : [],
    clientId,
    accounts,
    throttle,
    pageKey,
    trusted: options.proxies ?? trustedProxies(''),
    deviceCount: options.deviceCount ?? (() => 1),
    clock,
    log,
    warnSeldom,
    failed,
  });
  const client = isSetUp ? { clientId, clientSecret } : { clientId: '', clientSecret: '' };
  const token = new TokenAddress({ ...client, accounts, log, warnSeldom, failed });
  return { accounts, authorize: authorize.handle, token: token.handle };
}

/** Warnings of one kind, whatever they say, once in a time. */
export function eachSeldom(log: Log, clock: Clock, everyMs: number): (kind: string, text: string) => void {
  const last = new Map<string, number>();
  return (kind, text) => {
    const now = clock.elapsed();
    if (now - (last.get(kind) ?? -Infinity) < everyMs) return;
    if (last.size > 100) last.clear();
    last.set(kind, now);
    log.warn(text);
  };
}
