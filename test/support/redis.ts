/**
 * A Redis for tests: Debian's `redis-server` on a free port of this machine, its data in a temporary folder. It can be
 * killed, frozen and started again on the same port. `TcpProxy` stands between, for networks that swallow or cut.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

const PROGRAM = '/usr/bin/redis-server';

export class RedisServer {
  private child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly settings: readonly string[],
  ) {}

  /** `settings` are command line arguments of redis-server, such as `--requirepass`, `demo`. */
  static async start(...settings: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await mkdtemp(path.join(os.tmpdir(), 'redis-')), settings);
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the server, again too, with what it had on disk. */
  async run(): Promise<void> {
    if (!existsSync(PROGRAM)) {
      throw new Error(`${PROGRAM} is missing: these tests need it (Debian: apt-get install redis-server)`);
    }
    const common = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder];
    const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
    const child = spawn(PROGRAM, [...this.settings, ...common, ...durable], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      let output = '';
      const read = (chunk: Buffer): void => {
        output += chunk.toString();
        if (output.includes('Ready to accept connections')) resolve();
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.on('exit', () => reject(new Error(`redis-server ended: ${output}`)));
    });
  }

  /** Loses everything, as one that keeps nothing on disk does when it is started again. */
  async forget(): Promise<void> {
    const { Redis } = await import('ioredis');
    const raw = new Redis(this.port);
    await raw.flushall();
    raw.disconnect();
  }

  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Passes bytes on, until told otherwise. */
export class TcpProxy {
  /** Called for each chunk that the server answers; false swallows it and cuts the connection. */
  onAnswer: (chunk: Buffer) => boolean = () => true;
  /** True: bytes vanish in both directions, and connections stay open, as in a network that drops packets. */
  blackHole = false;
  private readonly sockets = new Set<net.Socket>();

  private constructor(
    private readonly server: net.Server,
    target: number,
  ) {
    server.on('connection', (near) => {
      const far = net.connect(target, '127.0.0.1');
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on('data', (chunk) => {
        if (!this.blackHole) far.write(chunk);
      });
      far.on('data', (chunk) => {
        if (this.blackHole) return;
        if (this.onAnswer(chunk)) near.write(chunk);
        else near.destroy();
      });
    });
  }

  static async start(target: number): Promise<TcpProxy> {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return new TcpProxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
