/** What a Google account checks before it opens, and how it is closed. */
import type { NodeAPI } from 'node-red';
import { systemClock, within } from '../../src/common/clock';
import { invalidInput, textOf } from '../../src/common/errors';
import type { Log } from '../../src/common/log';
import { textSetting, wholeText } from '../../src/common/settings';
import { NEEDED_SETTINGS, type GoogleAccount, type NeededSetting } from '../../src/google/account';
import { parseUsers } from '../../src/google/users';
import { httpSideOf, serve } from './google-routes';

/** How long closing waits for what is on its way to Google or to the disk. */
const CLOSE_GRACE_MS = 3000;

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
  { log, onClose }: { log: Log; onClose: (cleanup: () => Promise<void>) => void },
): void {
  let stop = (): void => undefined;
  onClose(async () => {
    stop();
    const closed = account.close().catch((error: unknown) => log.warn(`closing: ${textOf(error)}`));
    await within(closed, CLOSE_GRACE_MS, systemClock);
  });
  stop = serve(httpSideOf(RED), path, account.routes);
}

/** What keeps Google or people from linking. @throws CodedError INVALID_INPUT where no address of this account could work */
export function warnOfSetup(RED: NodeAPI, log: Log, setup: Record<NeededSetting, ArrayLike<unknown>>): void {
  const { httpNodeRoot, httpNodeAuth } = RED.settings as { httpNodeRoot?: unknown; httpNodeAuth?: unknown };
  if (httpNodeRoot === false) {
    throw invalidInput(
      'Google cannot reach this Node-RED: httpNodeRoot is switched off in settings.js',
      'Remove httpNodeRoot: false from settings.js and restart Node-RED.',
      'httpNodeRoot',
    );
  }
  if (httpNodeAuth !== undefined && httpNodeAuth !== null) {
    log.warn(
      'httpNodeAuth in settings.js asks for a password that Google does not have, so Google cannot reach this account. Remove httpNodeAuth, and protect your other pages in your reverse proxy',
    );
  }
  const missing = NEEDED_SETTINGS.filter((name) => setup[name].length === 0);
  if (missing.length > 0) log.warn(`this account cannot be linked with Google: ${missing.join(', ')} missing`);
}
