/**
 * The other end of the measured requests: answers as a gateway does, as quickly as Node.js can, and notes when each
 * request arrived. It checks nothing, so that what is measured is the sender.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Arrival {
  path: string;
  /** Microseconds of the machine's monotonic clock. */
  at: number;
  answeredAt: number;
}

export interface QuickGatewayOptions {
  /** How long the answer takes, by path; default none. */
  answerMs?: (path: string) => number;
  identifier?: string;
}

export class QuickGateway {
  readonly arrivals: Arrival[] = [];

  private constructor(private readonly server: http.Server) {}

  static async start(options: QuickGatewayOptions = {}): Promise<QuickGateway> {
    const identifier = Number(options.identifier ?? '3718');
    const bodies: Record<string, string> = {
      '/lockers': JSON.stringify({
        status: 'ok',
        devices: [{ identifier, rssi: -60, battery: 8000, last_log: 7 }],
      }),
      '/locker_status': JSON.stringify({
        status: 'Door open',
        code: 50,
        id: identifier,
        version: 81,
        position: 20,
        rssi: -60,
        battery: 8000,
      }),
    };
    const server = http.createServer((request, response) => {
      const arrival: Arrival = { path: request.url ?? '', at: now(), answeredAt: 0 };
      gateway.arrivals.push(arrival);
      request.resume();
      request.on('end', () => {
        const answer = (): void => {
          arrival.answeredAt = now();
          response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' });
          response.end(bodies[arrival.path] ?? '{"status":"ok","code":0}');
        };
        const ms = options.answerMs?.(arrival.path) ?? 0;
        if (ms === 0) answer();
        else setTimeout(answer, ms);
      });
    });
    const gateway = new QuickGateway(server);
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return gateway;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export function now(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
