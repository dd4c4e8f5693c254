/**
 * A small load balancer, as one stands before several Node-REDs: takes them in turn, and asks the next one where a
 * connection cannot be made. A request that was given to one is not given to another.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export class Balancer {
  /** How many requests each target has answered. */
  readonly answered = new Map<string, number>();
  private turn = 0;

  private constructor(
    private readonly server: http.Server,
    /** Asked for each request, as a process that starts again listens on another port. */
    private readonly targets: () => readonly string[],
  ) {}

  static async start(targets: () => readonly string[]): Promise<Balancer> {
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => balancer.pass(request, Buffer.concat(chunks), response));
    });
    const balancer = new Balancer(server, targets);
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(request: http.IncomingMessage, body: Buffer, response: http.ServerResponse, tries = 0): void {
    const targets = this.targets();
    const target = targets[(this.turn += 1) % targets.length];
    if (target === undefined || tries > targets.length) {
      response.writeHead(502).end();
      return;
    }
    const { method, headers, url = '/' } = request;
    const passed = http.request(new URL(url, target), { method: method ?? 'GET', headers, agent: false }, (answer) => {
      this.answered.set(target, (this.answered.get(target) ?? 0) + 1);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    passed.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') this.pass(request, body, response, tries + 1);
      else if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    });
    passed.end(body);
  }
}
