/**
 * Account linking on a real HTTP server, with the time in the test's hand.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../src/common/clock';
import { parseUsers } from '../../src/google/accounts';
import { createLinking } from '../../src/google/oauth';
import type { Accounts, LinkingOptions } from '../../src/google/types';
import type { LinkSettings } from '../../src/simulator/google-link';
import { MemoryState } from '../../src/state/local';

/** A clock that stands until it is told to go on. Its timers fire while it goes. */
export class HandClock implements Clock {
  private timers: { at: number; run: () => void }[] = [];

  constructor(private time = Date.UTC(2026, 0, 15, 12)) {}

  now(): number {
    return this.time;
  }

  elapsed(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.timers.length;
  }

  /** Goes on to the next timer. */
  next(): void {
    this.advance(Math.max(0, Math.min(...this.timers.map((timer) => timer.at)) - this.time));
  }

  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.time = Math.max(this.time, due.at);
      due.run();
    }
    this.time = end;
  }
}

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
