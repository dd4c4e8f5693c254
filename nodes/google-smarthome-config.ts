/**
 * The Google account: account linking, the fulfillment address and the way to Home Graph, put together and taken apart
 * again. The devices join it by themselves (`google-smarthome-in`).
 */
import { randomUUID } from 'node:crypto';
import type { NodeAPI, NodeDef } from 'node-red';
import { systemClock } from '../src/common/clock';
import { CodedError, invalidInput, textOf } from '../src/common/errors';
import type { Log } from '../src/common/log';
import { seldom } from '../src/common/seldom';
import { parseSettings, refusePartVariable, text, textSetting } from '../src/common/settings';
import { HomeGraphClient } from '../src/google/home-graph';
import { SmartHome } from '../src/google/home';
import { createLinking } from '../src/google/linking';
import { postOnly } from '../src/google/linking-http';
import { fulfillmentRoute } from '../src/google/routes';
import { parseUsers, type ListedUser } from '../src/google/users';
import { logOf, type GoogleAccountNode, type GoogleCredentials } from './shared/google';
import { httpSideOf, serve } from './shared/google-routes';
import { stateFor } from './shared/states';

const SETTINGS = {
  path: text('the path', '/google-smarthome'),
  projectId: text('the project ID'),
  homeGraphEndpoint: text('the Home Graph endpoint', 'https://homegraph.googleapis.com/v1'),
  proxies: text('the list of reverse proxies'),
};
const CREDENTIALS = {
  clientId: text('the client ID'),
  clientSecret: text('the client secret'),
  serviceAccountKey: text('the service account key'),
  sharedState: text('the address of the shared state'),
};
/** How long closing waits for what is on its way to Google or to the disk. */
const CLOSE_GRACE_MS = 3000;
/** What comes with every request is logged this often. Strangers can send requests too. */
const REPEAT_MS = 60_000;

function init(RED: NodeAPI): void {
  function GoogleConfig(this: GoogleAccountNode, config: NodeDef): void {
    RED.nodes.createNode(this, config);
    try {
      this.home = open(this, config);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.home = error;
      // For the log alone: the devices of the account report it to their Catch nodes, each once, with code and hint.
      const { message, cause } = error as CodedError;
      this.error(cause.hint === message ? message : `${message}. ${cause.hint}`);
    }
  }

  function open(node: GoogleAccountNode, config: NodeDef): SmartHome {
    // Undefined where nothing was ever typed, whatever the types say.
    const credentials = (node.credentials as GoogleCredentials | undefined) ?? ({} as Partial<GoogleCredentials>);
    const settings = parseSettings(SETTINGS, { ...config });
    const secrets = parseSettings(CREDENTIALS, { ...credentials });
    refusePartVariable(settings.projectId, 'the project ID');
    refusePartVariable(secrets.clientId, 'the client ID');
    const path = parsePath(settings.path);
    const log = logOf(node);
    const users = usersOf(credentials.users, log);
    warnOfSetup({ ...settings, ...secrets, users: users.map(({ name }) => name).join() }, log);

    const state = stateFor(RED, secrets.sharedState, (line) => log.warn(line));
    // The node's id, so that the links stay when name or path change.
    const common = { state, clock: systemClock, prefix: `google/${node.id}`, log };
    const seldomLog = { ...log, warn: seldom((line) => log.warn(line), systemClock, REPEAT_MS) };
    const deviceCount = (): number => home.devices().length;
    const { accounts, authorize, token } = createLinking({ ...common, ...settings, ...secrets, users, deviceCount });
    const { homeGraphEndpoint: endpoint } = settings;
    const { serviceAccountKey } = secrets;
    const graph = new HomeGraphClient({ clock: systemClock, endpoint, serviceAccountKey, log });
    const home = new SmartHome({ ...common, log: seldomLog, accounts, graph, newHandle: randomUUID });
    const shut = async (): Promise<void> => {
      await home.close();
      await Promise.all([graph.close(), accounts.close()]);
      await state.close();
    };
    let withdraw: () => void;
    try {
      withdraw = serve(httpSideOf(RED), path, {
        '/fulfillment': postOnly(fulfillmentRoute({ clock: systemClock, log: seldomLog, accounts, home })),
        '/oauth/authorize': authorize,
        '/oauth/token': postOnly(token),
      });
    } catch (error) {
      void shut().catch((failure: unknown) => log.warn(textOf(failure)));
      throw error;
    }
    node.on('close', (done: () => void) => {
      withdraw();
      const limit = setTimeout(done, CLOSE_GRACE_MS);
      void shut()
        .catch((error: unknown) => log.warn(`closing: ${textOf(error)}`))
        .finally(() => {
          clearTimeout(limit);
          done();
        });
    });
    return home;
  }

  /** What keeps Google or people from linking, though the account itself can be opened. @throws CodedError INVALID_INPUT */
  function warnOfSetup(setup: Readonly<Record<string, string>>, log: Log): void {
    if ((RED.settings.httpNodeRoot as unknown) === false) {
      throw invalidInput(
        'Google cannot reach this Node-RED: httpNodeRoot is switched off in settings.js',
        'Remove httpNodeRoot: false from settings.js and restart Node-RED.',
      );
    }
    const { httpNodeAuth } = RED.settings as { httpNodeAuth?: unknown };
    if (httpNodeAuth !== undefined && httpNodeAuth !== null) {
      log.warn(
        'httpNodeAuth in settings.js asks for a password that Google does not have, so Google cannot reach this account. Remove httpNodeAuth, and protect your other pages in your reverse proxy',
      );
    }
    const missing = ['projectId', 'clientId', 'clientSecret', 'users'].filter((name) => setup[name] === '');
    if (missing.length > 0) log.warn(`this account cannot be linked with Google: ${missing.join(', ')} missing`);
  }

  RED.nodes.registerType('google-smarthome-config', GoogleConfig, {
    credentials: {
      clientId: { type: 'text' },
      clientSecret: { type: 'password' },
      users: { type: 'password' },
      serviceAccountKey: { type: 'password' },
      sharedState: { type: 'password' },
    },
  });
}

/** With a slash before it and none behind. @throws CodedError INVALID_INPUT */
function parsePath(typed: string): string {
  refusePartVariable(typed, 'the path');
  const path = `/${typed.replace(/^\/+|\/+$/g, '')}`;
  if (!/^(\/[\w.~-]+)+$/.test(path)) {
    throw invalidInput(
      `the path ${typed} cannot be used`,
      'Use letters, digits, - and / only, such as /google-smarthome.',
    );
  }
  return path;
}

/** The list as it was typed, for the last password may end in a space. @throws CodedError INVALID_INPUT */
function usersOf(list: unknown, log: Log): ListedUser[] {
  textSetting(list, 'the list of users');
  const { users, problems } = parseUsers(typeof list === 'string' ? list : '');
  for (const problem of problems) log.warn(`users: ${problem}`);
  return users;
}

export = init;
