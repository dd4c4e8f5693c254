/**
 * A real Node-RED as a child process, for tests that must not believe in mocks: boots, takes flows, is injected into,
 * tells its badges and debug output, survives `kill -9` if told to, and leaves no process and no folder behind.
 * Works with the Node-RED of this repository and with any other one, run by any other Node.js.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';

const repository = path.resolve(__dirname, '..', '..');

/** A node of a flow as the editor posts it: `credentials` beside the other properties. */
export interface FlowNode {
  id: string;
  type: string;
  [property: string]: unknown;
}

export interface Badge {
  text?: string;
  fill?: string;
  shape?: string;
}

/** What a debug node showed. Put one behind a Catch node to read errors. */
export interface DebugEntry {
  /** The debug node. */
  id: string;
  value: unknown;
}

/** `reload`: what was deployed before is read from the disk and started anew. */
export type DeployType = 'full' | 'flows' | 'nodes' | 'reload';

export interface NodeRedOptions {
  /** The folder of the `node-red` package. Default: the one in this repository's node_modules. */
  nodeRed?: string;
  /** The Node.js that runs it. Default: the one that runs the tests. */
  node?: string;
  /** Node packages to use, name to folder. Default: this repository, which must have been built. */
  packages?: Record<string, string>;
  /** A user directory to use and to leave in place, for instance one with the packed package installed. */
  userDir?: string;
  /** Joined to settings.js; whatever JSON can say. */
  settings?: Record<string, unknown>;
  /** Joined to the environment of the process. */
  env?: Record<string, string>;
  /** Runs Node-RED with this one user; requests of this object are then made as that user. */
  admin?: { username: string; passwordHash: string; password: string };
}

const BOOT_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

export class NodeRed {
  readonly badges = new Map<string, Badge>();
  readonly debugged: DebugEntry[] = [];
  private readonly deployed: string[] = [];
  private output = '';
  private child: ChildProcess | undefined;
  private socket: WebSocket | undefined;
  private base = '';
  private token: string | undefined;
  private readonly waiting = new Set<() => void>();

  private constructor(
    readonly userDir: string,
    private readonly options: NodeRedOptions,
  ) {}

  /** Resolves when the editor and the admin API answer and the flows are started. */
  static async start(options: NodeRedOptions = {}): Promise<NodeRed> {
    const userDir = options.userDir ?? (await mkdtemp(path.join(os.tmpdir(), 'node-red-test-')));
    const instance = new NodeRed(userDir, options);
    try {
      await instance.prepare();
      await instance.boot();
    } catch (error) {
      await instance.stop();
      throw error;
    }
    return instance;
  }

  /** `http://127.0.0.1:port`, without a slash at its end. */
  get url(): string {
    return this.base;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Everything that Node-RED wrote on its terminal since the last boot. */
  get log(): string {
    return this.output;
  }

  /** Whether the process lives. */
  get alive(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /** An authenticated request to the admin API or to an HTTP-in node. The caller judges the status. */
  request(pathname: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== undefined && !headers.has('Authorization')) headers.set('Authorization', `Bearer ${this.token}`);
    return fetch(this.base + pathname, { ...init, headers });
  }

  async json<T>(pathname: string): Promise<T> {
    const response = await this.request(pathname, { headers: { Accept: 'application/json' } });
    if (!response.ok) throw new Error(`GET ${pathname}: HTTP ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Posts flows as the editor does. Resolves when they run. */
  async deploy(flows: readonly FlowNode[], type: DeployType = 'full'): Promise<void> {
    if (type === 'full' || type === 'reload') this.badges.clear();
    const before = this.deployed.length;
    const response = await this.request('/flows', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Node-RED-API-Version': 'v2',
        'Node-RED-Deployment-Type': type,
      },
      body: JSON.stringify({ flows }),
    });
    if (!response.ok) throw new Error(`deploy: HTTP ${response.status} ${await response.text()}`);
    // The answer comes when the flows are kept; that they run is told over the web socket.
    const { rev } = (await response.json()) as { rev: string };
    await this.until(() => this.deployed.slice(before).includes(rev), 'the deployed flows to run', BOOT_LIMIT_MS);
  }

  /** Has somebody else deploy, say a person in the editor, and resolves when that runs. */
  async deployedBy(person: () => Promise<void>): Promise<void> {
    const before = this.deployed.length;
    await person();
    await this.until(() => this.deployed.length > before, 'what was deployed to run', BOOT_LIMIT_MS);
  }

  /** Presses an inject node's button, optionally with other properties of the message. */
  async inject(id: string, properties?: Record<string, unknown>): Promise<void> {
    const response = await this.request(`/inject/${id}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(
        properties === undefined
          ? {}
          : {
              ...properties,
              __user_inject_props__: Object.entries(properties).map(([p, v]) =>
                typeof v === 'string' ? { p, v, vt: 'str' } : { p, v: JSON.stringify(v), vt: 'json' },
              ),
            },
      ),
    });
    if (!response.ok) throw new Error(`inject ${id}: HTTP ${response.status}`);
  }

  /** The first debug entry of a node from the `from`-th of all entries on (take `debugged.length` before acting). */
  async debug(id: string, from = 0, limitMs = 30_000): Promise<unknown> {
    const find = (): DebugEntry | undefined => this.debugged.slice(from).find((entry) => entry.id === id);
    await this.until(() => find() !== undefined, `debug output of ${id}`, limitMs);
    return find()?.value;
  }

  /** Waits until the badge of a node matches. */
  async badge(id: string, matches: (badge: Badge) => boolean, limitMs = 30_000): Promise<Badge> {
    const now = (): Badge => this.badges.get(id) ?? {};
    await this.until(
      () => matches(now()),
      () => `badge of ${id}, which is ${JSON.stringify(now())}`,
      limitMs,
    );
    return now();
  }

  /** `kill -9`, as a power cut would. The user directory stays; `restart` goes on from it. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Stops politely if still running, and starts again on the same user directory (and another port). */
  async restart(): Promise<void> {
    await this.end('SIGTERM');
    await this.boot();
  }

  /** Ends the process and removes what `start` made. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
    if (this.options.userDir === undefined) await rm(this.userDir, { recursive: true, force: true });
  }

  private async prepare(): Promise<void> {
    const { options } = this;
    const packages = options.packages ?? (options.userDir === undefined ? ownPackage() : {});
    await mkdir(path.join(this.userDir, 'node_modules'), { recursive: true });
    for (const [name, folder] of Object.entries(packages)) {
      const link = path.join(this.userDir, 'node_modules', name);
      await rm(link, { recursive: true, force: true });
      await mkdir(path.dirname(link), { recursive: true });
      await symlink(folder, link, 'junction');
    }
    if (options.userDir === undefined && Object.keys(packages).length > 0) {
      const dependencies = Object.fromEntries(Object.keys(packages).map((name) => [name, '*']));
      await writeFile(path.join(this.userDir, 'package.json'), JSON.stringify({ name: 'test', dependencies }));
    }
    const settings = {
      uiHost: '127.0.0.1',
      uiPort: 0,
      flowFile: 'flows.json',
      credentialSecret: false,
      lang: 'en-US',
      debugMaxLength: 1_000_000,
      logging: { console: { level: 'info', metrics: false, audit: false } },
      telemetry: { enabled: false, updateNotification: false },
      editorTheme: { tours: false, projects: { enabled: false }, palette: { catalogues: [] } },
      diagnostics: { enabled: true, ui: false },
      ...(options.admin === undefined
        ? {}
        : {
            adminAuth: {
              type: 'credentials',
              users: [{ username: options.admin.username, password: options.admin.passwordHash, permissions: '*' }],
            },
          }),
      ...options.settings,
    };
    await writeFile(path.join(this.userDir, 'settings.js'), `module.exports = ${JSON.stringify(settings, null, 2)};\n`);
  }

  private async boot(): Promise<void> {
    const nodeRed = this.options.nodeRed ?? path.dirname(require.resolve('node-red/package.json'));
    this.output = '';
    this.badges.clear();
    const child = spawn(
      this.options.node ?? process.execPath,
      [path.join(nodeRed, 'red.js'), '--userDir', this.userDir, '--settings', path.join(this.userDir, 'settings.js')],
      { cwd: this.userDir, env: environment(this.options.env), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.child = child;
    const withUs = (): void => void child.kill('SIGKILL');
    process.once('exit', withUs);
    child.once('exit', () => process.off('exit', withUs));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.wake();
      });
    }
    child.on('exit', () => this.wake());
    child.on('error', (error) => {
      this.output += String(error);
      this.wake();
    });
    const listening = /(http:\/\/127\.0\.0\.1:\d+)\//;
    // In the languages in which Node-RED itself writes its log and which this package speaks.
    const started = /Started flows|Flux démarrés|Запущены потоки|Waiting for missing types/;
    await this.until(() => listening.test(this.log) && started.test(this.log), 'Node-RED to start', BOOT_LIMIT_MS);
    this.base = listening.exec(this.log)?.[1] ?? '';
    if (this.options.admin !== undefined) await this.login(this.options.admin);
    await this.listen();
  }

  private async login(admin: { username: string; password: string }): Promise<void> {
    const body = { client_id: 'node-red-admin', grant_type: 'password', scope: '*', ...admin };
    const response = await fetch(`${this.base}/auth/token`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`login: HTTP ${response.status}`);
    this.token = ((await response.json()) as { access_token: string }).access_token;
  }

  /** Follows badges and debug output the way the editor does. */
  private async listen(): Promise<void> {
    const socket = new WebSocket(`${this.base.replace('http', 'ws')}/comms`);
    this.socket = socket;
    await once(socket, 'open');
    socket.on('error', () => undefined);
    const subscribed = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        const received = JSON.parse(data.toString()) as Entry | Entry[] | { auth: string };
        if ('auth' in received) {
          resolve();
          return;
        }
        for (const entry of Array.isArray(received) ? received : [received]) this.take(entry);
        this.wake();
      });
    });
    if (this.token !== undefined) {
      socket.send(JSON.stringify({ auth: this.token }));
      await subscribed;
    }
    for (const topic of ['status/#', 'debug', 'notification/#']) socket.send(JSON.stringify({ subscribe: topic }));
  }

  private take({ topic, data }: Entry): void {
    if (topic.startsWith('status/')) this.badges.set(topic.slice('status/'.length), data as Badge);
    if (topic === 'notification/runtime-deploy') this.deployed.push((data as { revision: string }).revision);
    if (topic !== 'debug') return;
    const { id, format = '', msg } = data as { id: string; format?: string; msg?: string };
    this.debugged.push({ id, value: decode(format, msg) });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    this.socket?.terminate();
    this.socket = undefined;
    const { child } = this;
    if (child === undefined || !this.alive) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const impatient = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await gone;
    clearTimeout(impatient);
  }

  private wake(): void {
    for (const check of [...this.waiting]) check();
  }

  /** Waits for something that the process will tell, and quotes the log when it does not come or the process ends. */
  private until(condition: () => boolean, what: string | (() => string), limitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (problem?: string): void => {
        clearTimeout(timer);
        this.waiting.delete(check);
        if (problem === undefined) resolve();
        else reject(new Error(`${problem}; the log ends with:\n${this.log.slice(-3000)}`));
      };
      const told = (): string => (typeof what === 'string' ? what : what());
      const check = (): void => {
        if (condition()) finish();
        else if (!this.alive) finish(`Node-RED ended while waiting for ${told()}`);
      };
      const timer = setTimeout(() => finish(`waited ${limitMs} ms in vain for ${told()}`), limitMs);
      this.waiting.add(check);
      check();
    });
  }
}

interface Entry {
  topic: string;
  data: unknown;
}

/** A debug message back from its encoding for the editor (@node-red/util: encodeObject). */
function decode(format: string, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  if (format === 'number') return Number(text);
  if (format === 'boolean') return text === 'true';
  if (format === 'null' || format === 'undefined') return null;
  if (/^(Object|array\[|error|set\[|map)/i.test(format)) return JSON.parse(text) as unknown;
  return text;
}

function ownPackage(): Record<string, string> {
  return { 'node-red-contrib-thekeys-gateway': repository };
}

/** Of the test runner's own settings (loaders, npm's variables) nothing must reach Node-RED. */
function environment(added: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(NODE_OPTIONS|NODE_RED_HOME|PORT|npm_|THE_KEYS_)/.test(name),
  );
  return { ...Object.fromEntries(kept), ...added };
}
