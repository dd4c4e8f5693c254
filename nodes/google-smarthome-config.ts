/**
 * The Google account. Opens what its devices share, and answers on its path while it is deployed. The devices join it by
 * themselves (`google-smarthome-in`).
 */
import { systemClock } from '../src/common/clock';
import { secret, text, textSetting, wholeText } from '../src/common/settings';
import { openAccount, type GoogleAccount } from '../src/google/account';
import { trustedProxies } from '../src/google/requests';
import { defineConfig } from './shared/define-config';
import { pathSetting, serveAccount, usersSetting, warnOfSetup } from './shared/google';
import { serveGoogleEditor } from './shared/google-editor';
import { proxyOf, stateFor } from './shared/runtime';

export = defineConfig({
  type: 'google-smarthome-config',
  settings: {
    path: pathSetting,
    projectId: wholeText('the project ID'),
    homeGraphEndpoint: text('the Home Graph endpoint', 'https://homegraph.googleapis.com/v1'),
    proxies: { parse: (value: unknown) => trustedProxies(textSetting(value, 'the list of reverse proxies')) },
    proxy: text('the proxy'),
  },
  credentials: {
    clientId: secret('the client ID'),
    clientSecret: secret('the client secret'),
    users: usersSetting,
    serviceAccountKey: secret('the service account key'),
    sharedState: secret('the address of the shared state'),
  },
  visible: ['clientId'],
  open: ({ RED, node, settings, credentials, log, onClose }): GoogleAccount => {
    const { users, problems } = credentials.users;
    for (const problem of problems) log.warn(`users: ${problem}`);
    const options = { ...settings, ...credentials, users, endpoint: settings.homeGraphEndpoint };
    warnOfSetup(RED, log, options);
    const account = openAccount({
      ...options,
      proxy: proxyOf(RED, settings.proxy),
      state: stateFor(RED, credentials.sharedState, log),
      clock: systemClock,
      log,
      // The node's id, so that the links stay when name or path change.
      prefix: `google/${node.id}`,
    });
    serveAccount(RED, settings.path, account, { log, onClose });
    return account;
  },
  // For the log: the devices of the account report it to their Catch nodes, each once.
  failed: (node, { message, cause }) => {
    node.error(cause.hint === message ? message : `${message}. ${cause.hint}`);
  },
  register: serveGoogleEditor,
});
