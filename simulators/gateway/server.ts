/**
 * Puts a simulated gateway on real HTTP, including what happens to connections: refused while the gateway is away, dropped,
 * cut off in the middle of an answer, or left hanging. What is answered is the gateway's business.
 */
import * as http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { SimulatedGateway } from './gateway';
import { sloppyBytes } from './sloppy';
import type { SimulatedAnswer, SloppyHttp } from './wire';

export interface ServeOptions {
  /** 0, the default, takes any free port. */
  port?: number;
  /** Default 127.0.0.1: nobody but this machine. */
  host?: string;
}

export interface RunningGateway {
  /** `http://127.0.0.1:12345`, without a slash at the end. */
  readonly url: string;
  /** `127.0.0.1:12345`, as the nodes' and the command's host fields take it. */
  readonly host: string;
  readonly port: number;
  /** Resolves when the listening socket is as the gateway's presence says: open, or closed. */
  settled(): Promise<void>;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

/** Requests are short forms. */
const MAX_REQUEST_BYTES = 64 * 1024;

export async function serve(gateway: SimulatedGateway, options: ServeOptions = {}): Promise<RunningGateway> {
  const door = new Door(gateway, options);
  await door.openFirst();
  return door;
}

class Door implements RunningGateway {
  private readonly stop = new AbortController();
  private readonly server: http.Server;
  private readonly sockets = new Set<Socket>();
  private readonly address: string;
  private readonly unfollow: () => void;
  private bound = 0;
  private turning: Promise<void> = Promise.resolve();
  private cancel: () => void = () => undefined;

  constructor(
    private readonly gateway: SimulatedGateway,
    private readonly options: ServeOptions,
  ) {
    this.address = options.host ?? '127.0.0.1';
    this.server = http.createServer((request, response) => void this.take(request, response));
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    this.server.on('clientError', (_error, socket) => socket.destroy());
    this.unfollow = gateway.onAbsence(() => this.follow());
  }

  get port(): number {
    return this.bound;
  }

  get host(): string {
    const name = this.address.includes(':') ? `[${this.address}]` : this.address;
    return `${name}:${this.bound}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  async openFirst(): Promise<void> {
    try {
      await this.listen(this.options.port ?? 0);
    } catch (error) {
      this.unfollow();
      throw error;
    }
    this.bound = (this.server.address() as AddressInfo).port;
    this.follow();
  }

  settled(): Promise<void> {
    return this.turning;
  }

  async close(): Promise<void> {
    this.unfollow();
    this.cancel();
    this.stop.abort(new Error('the simulated gateway is switched off'));
    await this.turning;
    await this.shut();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Opens or closes the listening socket by the gateway's presence, now and when that changes next. */
  private follow(): void {
    this.cancel();
    const absence = this.gateway.plannedAbsence;
    const now = this.gateway.clock.elapsed();
    const next = absence === undefined ? undefined : now < absence.from ? absence.from : absence.until;
    if (next !== undefined && next > now && next !== Infinity) {
      this.cancel = this.gateway.clock.after(next - now, () => this.follow());
    }
    this.turning = this.turning.then(() => this.turn());
  }

  private async turn(): Promise<void> {
    if (this.stop.signal.aborted) return;
    if (!this.gateway.present) await this.shut();
    else if (!this.server.listening) await this.listen(this.bound);
  }

  private listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, this.address, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  /** Stops listening. Requests under way are left to end. */
  private shut(): Promise<void> {
    if (!this.server.listening) return Promise.resolve();
    // The callback would wait for the last connection; the port is free at once.
    this.server.close();
    return new Promise((resolve) => setImmediate(resolve));
  }

  private async take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    let body = '';
    request.setEncoding('utf8');
    try {
      for await (const chunk of request) {
        body += String(chunk);
        if (body.length > MAX_REQUEST_BYTES) {
          request.socket.destroy();
          return;
        }
      }
    } catch {
      return;
    }
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    const { method = 'GET', headers } = request;
    const answer = await this.gateway.handle(
      { method, path, query, headers, body },
      { stop: this.stop.signal, gone: gone.signal },
    );
    give(answer, request.socket, response, this.gateway.wire.sloppy);
  }
}

function give(
  answer: SimulatedAnswer,
  socket: Socket,
  response: http.ServerResponse,
  sloppy: SloppyHttp | undefined,
): void {
  if (answer.kind === 'hang') return;
  if (answer.kind === 'dropped' || answer.kind === 'refused') {
    socket.resetAndDestroy();
    return;
  }
  const { kind, status, headers, body } = answer;
  if (kind === 'answer' && sloppy !== undefined) {
    socket.end(sloppyBytes(answer, sloppy));
    return;
  }
  // The gateway has a clock of its own, if it says the time at all.
  response.sendDate = false;
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' });
  if (kind === 'answer') response.end(body);
  else response.write(body.slice(0, Math.ceil(body.length / 2)), () => socket.destroy());
}
