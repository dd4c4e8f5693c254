/**
 * The Google account: account linking, the fulfilment's address and the way to Home Graph, put together and taken apart
 * again. The devices join it by themselves (`google-smarthome-in`).
 */
import { randomUUID } from 'node:crypto';
import type { NodeAPI, NodeDef } from 'node-red';
import { systemClock } from '../src/common/clock';
import { CodedError, invalidInput, textOf } from '../src/common/errors';
import { seldom } from '../src/common/seldom';
import { parseUsers } from '../src/google/accounts';
import { HomeGraphClient } from '../src/google/home-graph';
import { SmartHome } from '../src/google/home';
import { fulfillmentRoute } from '../src/google/routes';
import { createLinking } from '../src/google/oauth';
import { httpSideOf, serve, type GoogleAccountNode, type GoogleCredentials } from './shared/google';
import { stateFor } from './shared/states';

interface GoogleConfigDef extends NodeDef {
  path?: unknown;
  projectId?: unknown;
  homeGraphEndpoint?: unknown;
}

const DEFAULT_PATH = '/google-smarthome';
const DEFAULT_ENDPOINT = 'https://homegraph.googleapis.com/v1';
/** How long closing waits for what is on its way to Google or to the disk. */
const CLOSE_GRACE_MS = 3000;
/** What every request meets is told this often. Strangers can send requests too. */
const REPEAT_MS = 60_000;

function init(RED: NodeAPI): void {
  function GoogleConfig(this: GoogleAccountNode, config: GoogleConfigDef): void {
    RED.nodes.createNode(this, config);
    try {
      this.home = open(this, config);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.home = error;
      // For the log alone: the devices of the account tell their Catch nodes, each once, with code and hint.
      const { message, cause } = error as CodedError;
      this.error(cause.hint === message ? message : `${message}. ${cause.hint}`);
    }
  }

  function open(node: GoogleAccountNode, config: GoogleConfigDef): SmartHome {
    // Undefined where nothing was ever typed, whatever the types say.
    const credentials = node.credentials as GoogleCredentials | undefined;
    const root: unknown = RED.settings.httpNodeRoot;
    if (root === false) {
      throw invalidInput(
        'Google cannot reach this Node-RED: httpNodeRoot is switched off in settings.js',
        'Remove httpNodeRoot: false from settings.js and restart Node-RED.',
      );
    }
    const path = parsePath(text(config.path) || DEFAULT_PATH);
    const warn = (message: string): void => node.warn(message);
    const list = credentials?.users;
    // As it was typed: the last password may end in a space.
    const { users, problems } = parseUsers(typeof list === 'string' ? list : '');
    for (const problem of problems) warn(`users: ${problem}`);
    const linking = {
      projectId: text(config.projectId),
      clientId: text(credentials?.clientId),
      clientSecret: text(credentials?.clientSecret),
    };
    const missing = Object.entries({ ...linking, users: users.length === 0 ? '' : 'some' })
      .filter(([, value]) => value === '')
      .map(([name]) => name);
    if (missing.length > 0) warn(`nobody can link this account with Google: ${missing.join(', ')} missing`);

    const state = stateFor(RED, text(credentials?.sharedState), warn);
    // The node's id, so that the links stay when name or path change.
    const common = {
      state,
      clock: systemClock,
      prefix: `google/${node.id}`,
      warn: seldom(warn, systemClock, REPEAT_MS),
      log: {
        warn: seldom(warn, systemClock, REPEAT_MS),
        info: (text: string) => node.log(text),
        debug: (text: string) => node.debug(text),
        trace: (text: string) => node.trace(text),
      },
    };
    const { accounts, endpoints } = createLinking({ ...common, ...linking, users });
    const graph = new HomeGraphClient({
      clock: systemClock,
      endpoint: text(config.homeGraphEndpoint) || DEFAULT_ENDPOINT,
      serviceAccountKey: text(credentials?.serviceAccountKey),
      warn,
    });
    const home = new SmartHome({ ...common, accounts, graph, newHandle: randomUUID });
    const shut = async (): Promise<void> => {
      await home.close();
      await Promise.all([graph.close(), accounts.close()]);
      await state.close();
    };
    let withdraw: () => void;
    try {
      withdraw = serve(httpSideOf(RED), path, {
        'POST /fulfillment': fulfillmentRoute({ ...common, accounts, home }),
        'GET /oauth/authorize': endpoints.authorize,
        'POST /oauth/authorize': endpoints.authorize,
        'POST /oauth/token': endpoints.token,
      });
    } catch (error) {
      void shut().catch((failure: unknown) => warn(textOf(failure)));
      throw error;
    }
    node.on('close', (done: () => void) => {
      withdraw();
      const limit = setTimeout(done, CLOSE_GRACE_MS);
      void shut()
        .catch((error: unknown) => warn(`closing: ${textOf(error)}`))
        .finally(() => {
          clearTimeout(limit);
          done();
        });
    });
    return home;
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

/** A variable of a flow may be a number. */
function text(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value.trim() : '';
}

/** With a slash before it and none behind. @throws CodedError INVALID_INPUT */
function parsePath(typed: string): string {
  const path = `/${typed.replace(/^\/+|\/+$/g, '')}`;
  if (!/^(\/[\w.~-]+)+$/.test(path)) {
    throw invalidInput(
      `the path ${typed} cannot be used`,
      'Use letters, digits, - and / only, such as /google-smarthome.',
    );
  }
  return path;
}

export = init;
