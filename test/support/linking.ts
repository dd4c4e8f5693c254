/**
 * Account linking on a real HTTP server, with the time in the test's hand.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseUsers } from '../../src/google/accounts';
import { createLinking } from '../../src/google/oauth';
import type { Accounts, LinkingOptions } from '../../src/google/types';
import type { LinkSettings } from '../../simulators/google/link';
import { MemoryState } from '../../src/state/local';
import { HandClock } from './clock';

export const PROJECT = 'demo-home-project';
export const USERS = 'anna:correct horse\nben:a:b:c';

export interface LinkingServer {
  settings: LinkSettings;
  accounts: Accounts;
  clock: HandClock;
  warnings: string[];
  close(): Promise<void>;
}

/** Serves linking under `prefix`, as behind a reverse proxy that strips nothing. */
export async function serveLinking(
  changes: Partial<Omit<LinkingOptions, 'users'>> & { users?: string; hand?: HandClock; prefix?: string } = {},
): Promise<LinkingServer> {
  const { users = USERS, hand = new HandClock(), ...others } = changes;
  const warnings: string[] = [];
  const options: LinkingOptions = {
    state: new MemoryState(),
    clock: hand,
    prefix: 'google/test',
    projectId: PROJECT,
    clientId: 'demo-client',
    clientSecret: 'demo-client-secret',
    users: parseUsers(users).users,
    warn: (message) => warnings.push(message),
    ...others,
  };
  const { accounts, endpoints } = createLinking(options);
  const server = http.createServer((req, res) => {
    const path = req.url?.split('?')[0];
    if (path === '/home/google-smarthome/oauth/authorize') void endpoints.authorize(req, res);
    else if (path === '/home/google-smarthome/oauth/token') void endpoints.token(req, res);
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
    close: async () => {
      await accounts.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
