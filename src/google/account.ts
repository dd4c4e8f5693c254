/**
 * A Google account as one piece: linking, the home with its devices, the way to Home Graph, and the three addresses that
 * Google asks.
 */
import { createApiClient } from '../common/api-client';
import type { ProxySettings } from '../common/proxy';
import type { LinkedAccounts } from './accounts';
import { authorizeAddress } from './authorize';
import { fulfillmentRoute } from './fulfillment';
import { HomeGraphClient, type HomeGraphOptions } from './home-graph';
import { SmartHome } from './home';
import { eachSeldom, openLinking, type LinkingOptions } from './linking';
import { postOnly } from './requests';
import { tokenAddress } from './token';
import type { HttpHandler } from './types';

/** What comes with every request is logged this often. Strangers can send requests too. */
const REPEAT_WARNING_MS = 60_000;

export interface AccountOptions
  extends Omit<LinkingOptions, 'deviceCount'>, Pick<HomeGraphOptions, 'endpoint' | 'serviceAccountKey'> {
  /** On the way to Google; absent: none. */
  proxy?: ProxySettings | undefined;
}

/** Without these no account can be linked. */
export const NEEDED_SETTINGS = ['projectId', 'clientId', 'clientSecret', 'users'] as const;
export type NeededSetting = (typeof NEEDED_SETTINGS)[number];

/** What keeps devices and reports from reaching Google: a setting that is empty, that there is no link, or no key. */
export type Lack = NeededSetting | 'link' | 'serviceAccountKey';

export interface GoogleAccount {
  accounts: LinkedAccounts;
  graph: HomeGraphClient;
  home: SmartHome;
  /** By the address below the account's path. */
  routes: Readonly<Record<string, HttpHandler>>;
  /** When Google last sent a request with a good or bad token, by the wall clock. */
  lastRequest: () => number | undefined;
  /** The first thing that the account lacks; undefined where it lacks nothing. @throws StateError */
  lack: () => Promise<Lack | undefined>;
  close: () => Promise<void>;
}

/** @throws CodedError INVALID_INPUT */
export function openAccount(options: AccountOptions): GoogleAccount {
  const { state, clock, prefix, log } = options;
  const linking = openLinking({ ...options, deviceCount: () => home.devices().length });
  const { accounts } = linking;
  const graph = new HomeGraphClient({ ...options, api: createApiClient(options) });
  const warnSeldom = eachSeldom(log, clock, REPEAT_WARNING_MS);
  const seldomLog = { ...log, warn: (text: string) => warnSeldom(text, text) };
  const home = new SmartHome({ state, clock, prefix, accounts, graph, log: seldomLog });
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
      '/oauth/authorize': authorizeAddress(linking),
      '/oauth/token': tokenAddress(linking),
    },
    lastRequest: () => lastRequest,
    lack: async () => {
      const empty = NEEDED_SETTINGS.find((key) => options[key].length === 0);
      if (empty !== undefined) return empty;
      if ((await accounts.linkCount()) === 0) return 'link';
      return graph.enabled ? undefined : 'serviceAccountKey';
    },
    close: async () => {
      await home.close();
      accounts.close();
      await graph.close();
      await state.close();
    },
  };
}
