/** How a Google account is opened and closed, what its nodes show of it, and how Google is sent everything anew. */
import type { NodeAPI } from 'node-red';
import { abortable } from '../../src/common/abort';
import { systemClock, within } from '../../src/common/clock';
import { CodedError, invalidInput, textOf } from '../../src/common/errors';
import { isRecord } from '../../src/common/json';
import type { Log } from '../../src/common/log';
import { textSetting, wholeText } from '../../src/common/settings';
import { NEEDED_SETTINGS, type GoogleAccount, type Lack, type NeededSetting } from '../../src/google/account';
import { parseUsers } from '../../src/google/users';
import type { Badge } from './badge';
import type { Message } from './define-node';
import { httpSideOf, serve } from './google-routes';

/** How long closing waits for what is on its way to Google or to the disk. */
const CLOSE_GRACE_MS = 3000;
/** As long as a person waits for it. Google is asked again afterwards, too. */
const SYNC_MS = 15_000;

/** As it was typed, for the last password may end in a space. */
export const usersSetting = {
  parse: (value: unknown) => {
    textSetting(value, 'the list of users');
    return parseUsers(typeof value === 'string' ? value : '');
  },
};
/** With a slash before it and none behind. */
export const pathSetting = {
  parse: (value: unknown) => {
    const typed = wholeText('the path', '/google-smarthome').parse(value);
    const path = `/${typed.replace(/^\/+|\/+$/g, '')}`;
    if (/^(\/[\w.~-]+)+$/.test(path)) return path;
    const hint = 'Use letters, digits, - and / only, such as /google-smarthome.';
    throw invalidInput(`the path ${typed} cannot be used`, hint, 'path');
  },
};

/** Answers for the account on its path, until the node closes. @throws CodedError where another one answers there */
export function serveAccount(
  RED: NodeAPI,
  path: string,
  account: GoogleAccount,
  { log, onClose }: { log: Log; onClose: (cleanup: () => unknown) => void },
): void {
  onClose(() => {
    const closed = account.close().catch((error: unknown) => log.warn(`closing: ${textOf(error)}`));
    return within(closed, CLOSE_GRACE_MS, systemClock);
  });
  onClose(serve(httpSideOf(RED), path, account.routes));
}

/** What keeps Google or people from linking. @throws CodedError INVALID_INPUT where no address of this account could work */
export function warnOfSetup(RED: NodeAPI, log: Log, setup: Record<NeededSetting, ArrayLike<unknown>>): void {
  const { httpNodeRoot, httpNodeAuth } = RED.settings as { httpNodeRoot?: unknown; httpNodeAuth?: unknown };
  if (httpNodeRoot === false) {
    const hint = 'Remove httpNodeRoot: false from settings.js and restart Node-RED.';
    const message = 'Google cannot reach this Node-RED: httpNodeRoot is switched off in settings.js';
    throw invalidInput(message, hint, 'httpNodeRoot');
  }
  if (httpNodeAuth !== undefined && httpNodeAuth !== null) {
    log.warn(
      'httpNodeAuth in settings.js asks for a password that Google does not have, so Google cannot reach this account. Remove httpNodeAuth, and protect your other pages in your reverse proxy',
    );
  }
  const missing = NEEDED_SETTINGS.filter((name) => setup[name].length === 0);
  if (missing.length > 0) log.warn(`this account cannot be linked with Google: ${missing.join(', ')} missing`);
}

/** A missing setting is a fault; that there is no link or no key yet is not. */
export const isFault = (lack: Lack | undefined): lack is NeededSetting =>
  lack !== undefined && lack !== 'link' && lack !== 'serviceAccountKey';

export function showLack(badge: Badge, lack: Lack): void {
  badge.show(isFault(lack) ? 'warning' : 'idle', `lack.${lack}`);
}

/**
 * Asks Google to read the device list of every linked user again. `asked` is false where Google refuses, or has not got it
 * after as long as a person waits.
 */
export async function askToSync(
  { accounts, graph }: GoogleAccount,
  signal: AbortSignal,
): Promise<{ links: number; asked: boolean }> {
  const users = await accounts.linkedUsers();
  const inTime = new Promise<boolean>((resolve) => {
    const forget = systemClock.after(SYNC_MS, () => resolve(false));
    void graph.requestSync(users).then(resolve).finally(forget);
  });
  return { links: users.length, asked: await abortable(inTime, signal) };
}

/** A payload with nothing but an operation in it, and no command that it could answer. */
export function operationOf({ payload, google }: Message): 'sync' | 'report' | undefined {
  if (!isRecord(payload) || Object.keys(payload).length !== 1 || (google !== undefined && google !== ''))
    return undefined;
  const { operation } = payload;
  return operation === 'sync' || operation === 'report' ? operation : undefined;
}

/** @throws CodedError CLOUD_UNREACHABLE where Google has not been asked to read the device list */
export async function sendAnew(
  account: GoogleAccount,
  operation: 'sync' | 'report',
  signal: AbortSignal,
): Promise<void> {
  if (operation === 'report') {
    account.home.reportAll();
    return;
  }
  const { links, asked } = await askToSync(account, signal);
  if (asked || links === 0 || !account.graph.enabled) return;
  const hint =
    'While Google cannot be reached it is asked again by itself. The log says why; Test in the account tells more.';
  const message = 'Google has not been asked to read the device list yet';
  throw new CodedError('CLOUD_UNREACHABLE', message, { retriable: true, hint });
}
