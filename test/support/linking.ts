/**
 * Account linking on a real HTTP server, with the time in the test's hand.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { silent } from '../../src/common/log';
import type { LinkedAccounts } from '../../src/google/accounts';
import { authorizeAddress } from '../../src/google/authorize';
import { openLinking, type LinkingOptions } from '../../src/google/linking';
import { tokenAddress } from '../../src/google/token';
import { parseUsers } from '../../src/google/users';
import type { LinkSettings } from '../../simulators/google/link';
import { MemoryState } from '../../src/state/local';
import { HandClock } from './clock';

export const PROJECT = 'demo-home-project';
export const USERS = 'anna:correct horse\nben:a:b:c';

export interface LinkingServer {
  settings: LinkSettings;
  accounts: LinkedAccounts;
  clock: HandClock;
  warnings: string[];
  /** Everything else that was logged. */
  lines: string[];
  close(): Promise<void>;
}

/** A state with a fixed key, so that counters of names meet by chance in every run or in none. */
async function stateWithKey(): Promise<MemoryState> {
  const state = new MemoryState();
  await state.change('google/test/page-key', () => ({ value: 'k'.repeat(43), result: undefined }));
  return state;
}

/** Serves linking under `prefix`, as behind a reverse proxy that strips nothing. */
export async function serveLinking(
  changes: Partial<Omit<LinkingOptions, 'users'>> & { users?: string; hand?: HandClock; prefix?: string } = {},
): Promise<LinkingServer> {
  const { users = USERS, hand = new HandClock(), ...others } = changes;
  const warnings: string[] = [];
  const lines: string[] = [];
  const options: LinkingOptions = {
    state: await stateWithKey(),
    clock: hand,
    prefix: 'google/test',
    projectId: PROJECT,
    clientId: 'demo-client',
    clientSecret: 'demo-client-secret',
    users: parseUsers(users).users,
    deviceCount: () => 1,
    log: {
      ...silent,
      warn: (message) => warnings.push(message),
      debug: (line) => lines.push(line),
      trace: (line) => lines.push(line),
    },
    ...others,
  };
  const linking = openLinking(options);
  const { accounts } = linking;
  const [authorize, token] = [authorizeAddress(linking), tokenAddress(linking)];
  const server = http.createServer((req, res) => {
    const path = req.url?.split('?')[0];
    if (path === '/home/google-smarthome/oauth/authorize') void authorize(req, res);
    else if (path === '/home/google-smarthome/oauth/token') void token(req, res);
    else res.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/home/google-smarthome/oauth`;
  return {
    settings: {
      authorizeUrl: `${base}/authorize`,
      tokenUrl: `${base}/token`,
      projectId: PROJECT,
      clientId: 'demo-client',
      clientSecret: 'demo-client-secret',
    },
    accounts,
    clock: hand,
    warnings,
    lines,
    close: async () => {
      accounts.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
