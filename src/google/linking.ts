/** What the two addresses of account linking share. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { textOf } from '../common/errors';
import type { Clock } from '../common/clock';
import { foreignText } from '../common/foreign';
import type { Log } from '../common/log';
import { StateError } from '../state/state';
import { LinkedAccounts } from './accounts';
import { LoginThrottle } from './login-throttle';
import { PageKey } from './page-key';
import { guard, trustedProxies, type TrustedProxies } from './requests';
import type { AccountContext, HttpHandler } from './types';
import type { ListedUser } from './users';

/** What anyone on the internet can bring about is logged once in this time. */
const REPEAT_WARNING_MS = 10 * 60_000;

export interface LinkingOptions extends AccountContext {
  projectId: string;
  clientId: string;
  clientSecret: string;
  users: readonly ListedUser[];
  /** Reverse proxies whose X-Forwarded-For counts; absent: those on this machine. */
  proxies?: TrustedProxies;
  /** How many devices Google would be shown. */
  deviceCount: () => number;
}

export interface Linking extends LinkingOptions {
  /** Google's addresses for this project; empty while the account is not set up: then nothing can be linked. */
  redirects: readonly string[];
  proxies: TrustedProxies;
  accounts: LinkedAccounts;
  throttle: LoginThrottle;
  pageKey: PageKey;
  /** For warnings, each kind of them seldom. */
  warnSeldom: (kind: string, text: string) => void;
}

export function openLinking(options: LinkingOptions): Linking {
  const { state, clock, prefix, log, projectId, clientId, clientSecret } = options;
  const pageKey = new PageKey(state, `${prefix}/page-key`);
  const isSetUp = projectId !== '' && clientId !== '' && clientSecret !== '';
  const linking: Linking = {
    proxies: trustedProxies(''),
    ...options,
    redirects: isSetUp ? redirectAddresses(projectId) : [],
    accounts: new LinkedAccounts(options),
    throttle: new LoginThrottle({ state, clock, pageKey, key: `${prefix}/throttle` }),
    pageKey,
    warnSeldom: eachSeldom(log, clock, REPEAT_WARNING_MS),
  };
  linking.accounts.forgetRemoved().catch((error: unknown) => warnOf(linking, error));
  return linking;
}

/**
 * An address of account linking. Where `serve` throws, `unavailable` writes the answer 503; a caller who ended the connection
 * before the form was complete gets none.
 */
export function linkingAddress(
  linking: Linking,
  serve: HttpHandler,
  unavailable: (req: IncomingMessage, res: ServerResponse) => void,
): HttpHandler {
  return async (req, res) => {
    guard(res);
    try {
      await serve(req, res);
    } catch (error) {
      if (!req.complete) {
        linking.log.debug('account linking: the connection ended before the form did');
        return;
      }
      warnOf(linking, error);
      if (res.headersSent) return;
      res.setHeader('Retry-After', '3');
      unavailable(req, res);
    }
  };
}

function warnOf({ warnSeldom }: Linking, error: unknown): void {
  const text = foreignText(error instanceof StateError ? error.message : `unexpected: ${textOf(error)}`, 400);
  warnSeldom(text, `account linking: ${text}`);
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
