/**
 * The demo's stand-in for a home's app: an address on loopback that accepts one order at a time as JSON, and answers with what
 * the home sees then. matter.js is loaded with the first order, in a thread of its own.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';

export type Order = { do: 'pair'; code: string } | { do: 'look' } | { do: 'lock' | 'unlock'; pin?: string };

export interface Answer {
  /** "accepted", or why not. */
  answer: string;
  lock?: string;
  shows?: string;
  reachable?: boolean;
  battery?: string;
}

export interface HomeOptions {
  /** `home-app.ts`, compiled. */
  app: string | URL;
  /** The eleven digits that the bridge shows: this home scans no QR code. @throws Error in words for a person */
  code: () => Promise<string>;
}

export interface RunningHome {
  url: string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 1024;

export async function startHome(options: HomeOptions): Promise<RunningHome> {
  const home = new Home(options);
  const server = http.createServer((request, response) => {
    void serve(home, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await home.close();
    },
  };
}

class Home {
  private worker: Worker | undefined;
  private folder: string | undefined;
  private orders = 0;

  constructor(private readonly options: HomeOptions) {}

  async order(asked: Record<string, unknown>): Promise<Answer> {
    const trouble = networkTrouble();
    if (trouble !== undefined) return { answer: trouble };
    try {
      const order = await this.orderOf(asked);
      return order === undefined ? { answer: 'ask for pair, look, lock or unlock' } : await this.ask(order);
    } catch (error) {
      return { answer: error instanceof Error ? error.message : String(error) };
    }
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
  }

  private async orderOf({ do: what, pin }: Record<string, unknown>): Promise<Order | undefined> {
    if (what === 'pair') return { do: what, code: await this.options.code() };
    if (what === 'look') return { do: what };
    if (what !== 'lock' && what !== 'unlock') return undefined;
    return typeof pin === 'string' ? { do: what, pin } : { do: what };
  }

  private async ask(order: Order): Promise<Answer> {
    this.folder ??= await mkdtemp(path.join(os.tmpdir(), 'the-keys-demo-home-'));
    this.worker ??= this.begin(this.folder);
    const { worker } = this;
    const number = (this.orders += 1);
    return new Promise((resolve) => {
      const end = (answer: Answer): void => {
        worker.off('message', listen);
        worker.off('exit', gone);
        resolve(answer);
      };
      const listen = (message: { number: number; answer: Answer }): void => {
        if (message.number === number) end(message.answer);
      };
      const gone = (): void => end({ answer: 'the home’s app has ended; ask again' });
      worker.on('message', listen);
      worker.on('exit', gone);
      worker.postMessage({ number, order });
    });
  }

  private begin(folder: string): Worker {
    const worker = new Worker(this.options.app, {
      workerData: { folder },
      env: {},
      argv: [],
      stdout: true,
      stderr: true,
    });
    worker.setMaxListeners(0);
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      this.worker = undefined;
    });
    return worker;
  }
}

/** Loopback alone does not do: homes find their devices by multicast in a network with IPv6. */
function networkTrouble(): string | undefined {
  const addresses = Object.values(os.networkInterfaces()).flatMap((each) => each ?? []);
  const canMatter = addresses.some(({ family, internal }) => family === 'IPv6' && !internal);
  return canMatter
    ? undefined
    : 'This machine has no network with IPv6, not even a link-local address, and Matter needs one: it cannot be tried here.';
}

async function serve(home: Home, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  // A page of another site can post text, but not JSON, without asking first.
  const isJson = (request.headers['content-type'] ?? '').startsWith('application/json');
  if (request.method !== 'POST' || !isJson || !/^127\.0\.0\.1(:\d+)?$/.test(request.headers.host ?? '')) {
    response.writeHead(403).end();
    return;
  }
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length > MAX_BODY_BYTES) {
      response.writeHead(413).end();
      return;
    }
  }
  const answer = await home.order(JSON.parse(text) as Record<string, unknown>);
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(answer));
}
