/**
 * A Google account as one piece: linking, the home with its devices, the way to Home Graph, and the three addresses that
 * Google asks.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../common/clock';
import type { Log } from '../common/log';
import type { State } from '../state/state';
import type { LinkedAccounts } from './accounts';
import { HomeGraphClient, type HomeGraphOptions } from './home-graph';
import { SmartHome } from './home';
import { createLinking, eachSeldom, type LinkingOptions } from './linking';
import { postOnly } from './linking-http';
import { fulfillmentRoute } from './routes';
import type { HttpHandler } from './types';

/** What comes with every request is logged this often. Strangers can send requests too. */
const REPEAT_WARNING_MS = 60_000;

export interface AccountOptions
  extends Omit<LinkingOptions, 'deviceCount'>, Pick<HomeGraphOptions, 'endpoint' | 'serviceAccountKey' | 'proxy'> {
  state: State;
  clock: Clock;
  log: Log;
}

export interface GoogleAccount {
  accounts: LinkedAccounts;
  graph: HomeGraphClient;
  home: SmartHome;
  /** By the address below the account's path. */
  routes: Readonly<Record<string, HttpHandler>>;
  /** When Google last sent a request with a good or bad token, by the wall clock. */
  lastRequest: () => number | undefined;
  close: () => Promise<void>;
}

/** @throws CodedError INVALID_INPUT */
export function openAccount(options: AccountOptions): GoogleAccount {
  const { state, clock, prefix, log } = options;
  const { accounts, authorize, token } = createLinking({ ...options, deviceCount: () => home.devices().length });
  const graph = new HomeGraphClient(options);
  const warnSeldom = eachSeldom(log, clock, REPEAT_WARNING_MS);
  const seldomLog = { ...log, warn: (text: string) => warnSeldom(text, text) };
  const home = new SmartHome({ state, clock, prefix, accounts, graph, newHandle: randomUUID, log: seldomLog });
  const fulfillment = fulfillmentRoute({ clock, log: seldomLog, accounts, home });
  let lastRequest: number | undefined;
  return {
    accounts,
    graph,
    home,
    routes: {
      '/fulfillment': postOnly((request, response) => {
        lastRequest = clock.now();
        return fulfillment(request, response);
      }),
      '/oauth/authorize': authorize,
      '/oauth/token': postOnly(token),
    },
    lastRequest: () => lastRequest,
    close: async () => {
      await home.close();
      await Promise.all([graph.close(), accounts.close()]);
      await state.close();
    },
  };
}
