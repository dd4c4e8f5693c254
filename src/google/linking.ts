/** Account linking as one piece: who has linked, and the two addresses by which they do. */
import { textOf } from '../common/errors';
import type { Clock } from '../common/clock';
import { foreignText } from '../common/foreign';
import type { Log } from '../common/log';
import { StateError, type State } from '../state/state';
import { LinkedAccounts } from './accounts';
import { authorizeAddress } from './authorize';
import { LoginThrottle } from './login-throttle';
import { PageKey } from './page-key';
import { trustedProxies, type TrustedProxies } from './requests';
import { tokenAddress } from './token';
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

/** What the two addresses work with. */
export interface Linking {
  /** Google's addresses for this project; empty while the account is not set up: then nothing can be linked. */
  redirects: readonly string[];
  clientId: string;
  clientSecret: string;
  accounts: LinkedAccounts;
  throttle: LoginThrottle;
  pageKey: PageKey;
  proxies: TrustedProxies;
  deviceCount: () => number;
  clock: Clock;
  log: Log;
  /** For warnings, each kind of them seldom. */
  warnSeldom: (kind: string, text: string) => void;
  /** What was thrown, on its way to the log. */
  failed: (error: unknown) => void;
}

export interface LinkingAddresses {
  accounts: LinkedAccounts;
  /** GET and POST: the login page, and the form it posts to its own address. */
  authorize: HttpHandler;
  /** POST: codes and refresh tokens against access tokens. */
  token: HttpHandler;
}

export function createLinking(options: LinkingOptions): LinkingAddresses {
  const { state, clock, prefix, log, projectId, clientId, clientSecret } = options;
  const accounts = new LinkedAccounts(options);
  const pageKey = new PageKey(state, `${prefix}/page-key`);
  const isSetUp = projectId !== '' && clientId !== '' && clientSecret !== '';
  const warnSeldom = eachSeldom(log, clock, REPEAT_WARNING_MS);
  const failed = (error: unknown): void => {
    const text = foreignText(error instanceof StateError ? error.message : `unexpected: ${textOf(error)}`, 400);
    warnSeldom(text, `account linking: ${text}`);
  };
  accounts.forgetRemoved().catch(failed);
  const linking: Linking = {
    proxies: trustedProxies(''),
    deviceCount: () => 1,
    ...options,
    redirects: isSetUp ? redirectAddresses(projectId) : [],
    accounts,
    throttle: new LoginThrottle({ state, clock, pageKey, key: `${prefix}/throttle` }),
    pageKey,
    warnSeldom,
    failed,
  };
  return { accounts, authorize: authorizeAddress(linking), token: tokenAddress(linking) };
}

/** Google's only two addresses for a project (its account-linking guide). */
function redirectAddresses(projectId: string): readonly string[] {
  const hosts = ['oauth-redirect', 'oauth-redirect-sandbox'];
  return hosts.map((host) => `https://${host}.googleusercontent.com/r/${projectId}`);
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
