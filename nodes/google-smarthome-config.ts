/**
 * The Google account. Opens what its devices share, and answers on its path while it is deployed. The devices join it by
 * themselves (`google-smarthome-in`).
 */
import type { NodeAPI } from 'node-red';
import { systemClock } from '../src/common/clock';
import { invalidInput, textOf } from '../src/common/errors';
import type { Log } from '../src/common/log';
import { refusePartVariable, text, textSetting } from '../src/common/settings';
import { openAccount, type GoogleAccount } from '../src/google/account';
import { trustedProxies } from '../src/google/linking-http';
import { parseUsers } from '../src/google/users';
import { defineConfig } from './shared/define-config';
import { serveGoogleEditor } from './shared/google-editor';
import { httpSideOf, serve } from './shared/google-routes';
import { proxyOf } from './shared/proxy';
import { stateFor } from './shared/states';

/** How long closing waits for what is on its way to Google or to the disk. */
const CLOSE_GRACE_MS = 3000;

/** As it was typed, for the last password may end in a space. */
const users = {
  parse: (value: unknown) => {
    textSetting(value, 'the list of users');
    return parseUsers(typeof value === 'string' ? value : '');
  },
};

export = defineConfig({
  type: 'google-smarthome-config',
  settings: {
    path: text('the path', '/google-smarthome'),
    projectId: text('the project ID'),
    homeGraphEndpoint: text('the Home Graph endpoint', 'https://homegraph.googleapis.com/v1'),
    proxies: { parse: (value: unknown) => trustedProxies(textSetting(value, 'the list of reverse proxies')) },
    proxy: text('the proxy'),
  },
  credentials: {
    clientId: text('the client ID'),
    clientSecret: text('the client secret'),
    users,
    serviceAccountKey: text('the service account key'),
    sharedState: text('the address of the shared state'),
  },
  visible: ['clientId'],
  open: ({ RED, node, settings, credentials, log, onClose }): GoogleAccount => {
    refusePartVariable(settings.projectId, 'the project ID');
    refusePartVariable(credentials.clientId, 'the client ID');
    const path = pathOf(settings.path);
    for (const problem of credentials.users.problems) log.warn(`users: ${problem}`);
    warnOfSetup(RED, log, {
      projectId: settings.projectId,
      ...credentials,
      users: credentials.users.users.map(({ name }) => name).join(),
    });
    const account = openAccount({
      ...settings,
      ...credentials,
      endpoint: settings.homeGraphEndpoint,
      users: credentials.users.users,
      proxy: proxyOf(RED, settings.proxy),
      state: stateFor(RED, credentials.sharedState, log),
      clock: systemClock,
      log,
      // The node's id, so that the links stay when name or path change.
      prefix: `google/${node.id}`,
    });
    try {
      onClose(serve(httpSideOf(RED), path, account.routes));
    } catch (error) {
      void closed(account, log);
      throw error;
    }
    onClose(() => closed(account, log));
    return account;
  },
  register: serveGoogleEditor,
  // For the log: the devices of the account report it to their Catch nodes, each once.
  opened: (node, result) => {
    if (!('error' in result)) return;
    const { message, cause } = result.error;
    node.error(cause.hint === message ? message : `${message}. ${cause.hint}`);
  },
});

/** Settles in time, whatever hangs. */
function closed(account: GoogleAccount, log: Log): Promise<void> {
  return new Promise((resolve) => {
    const forget = systemClock.after(CLOSE_GRACE_MS, resolve);
    account
      .close()
      .catch((error: unknown) => log.warn(`closing: ${textOf(error)}`))
      .finally(() => {
        forget();
        resolve();
      });
  });
}

/** What keeps Google or people from linking. @throws CodedError INVALID_INPUT where no address of this account could work */
function warnOfSetup(RED: NodeAPI, log: Log, setup: Readonly<Record<string, unknown>>): void {
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
  const missing = ['projectId', 'clientId', 'clientSecret', 'users'].filter((name) => setup[name] === '');
  if (missing.length > 0) log.warn(`this account cannot be linked with Google: ${missing.join(', ')} missing`);
}

/** With a slash before it and none behind. @throws CodedError INVALID_INPUT */
function pathOf(typed: string): string {
  refusePartVariable(typed, 'the path');
  const path = `/${typed.replace(/^\/+|\/+$/g, '')}`;
  if (/^(\/[\w.~-]+)+$/.test(path)) return path;
  throw invalidInput(
    `the path ${typed} cannot be used`,
    'Use letters, digits, - and / only, such as /google-smarthome.',
    'path',
  );
}
