/**
 * The outer end of the probe (`probe/probe.ts`): makes the module that a Node-RED loads, and waits for it to call.
 * A Node-RED that is started again calls again.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { ProbeEvent, ProbeMessage, ProbeOrder, ProbeUsage } from './probe/protocol';
import { transpile } from './transpile';

type Done = Extract<ProbeEvent, { event: 'done' }>;
type Asking = { [D in ProbeOrder['do']]: Omit<Extract<ProbeOrder, { do: D }>, 'order'> }[Exclude<
  ProbeOrder['do'],
  'send'
>];

/** The files of the module beside `probe-link.ts`, and the types that each of them has. */
const FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  probe: { 'probe-sink': 'inputs: 1, outputs: 0' },
  pair: { 'probe-pair-in': 'inputs: 0, outputs: 1', 'probe-pair-out': 'inputs: 1, outputs: 0' },
};

export class ProbeLink {
  /** Called for all that is no answer to an order. */
  onEvent: (event: ProbeEvent) => void = () => undefined;
  private socket: net.Socket | undefined;
  private readonly waiting = new Map<number, { resolve: (event: Done) => void; reject: (error: Error) => void }>();
  private readonly arrivals = new Set<() => void>();
  private orders = 0;

  private constructor(
    private readonly server: net.Server,
    /** The folder of the module, to be linked into `node_modules` as `probe`. */
    readonly folder: string,
  ) {
    server.on('connection', (socket) => this.take(socket));
  }

  static async start(): Promise<ProbeLink> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'probe-'));
    const nodes: Record<string, string> = {};
    for (const [name, types] of Object.entries(FILES)) {
      await transpile(path.join(__dirname, 'probe', `${name}.ts`), path.join(folder, `${name}.js`));
      const lines = Object.entries(types).map(
        ([type, ports]) => `RED.nodes.registerType('${type}', { category: 'probe', defaults: {}, ${ports} });`,
      );
      const html = `<script type="text/javascript">${lines.join('\n')}</script>\n`;
      await writeFile(path.join(folder, `${name}.html`), html);
      nodes[name] = `${name}.js`;
    }
    const manifest = { name: 'probe', version: '1.0.0', 'node-red': { nodes } };
    await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return new ProbeLink(server, folder);
  }

  /** For the environment of Node-RED. */
  get env(): Record<string, string> {
    return { PROBE_PORT: String((this.server.address() as AddressInfo).port) };
  }

  /** Resolves when the Node-RED that was started has called. */
  async connected(): Promise<void> {
    if (this.socket === undefined) await new Promise<void>((resolve) => this.arrivals.add(resolve));
  }

  /** Hands a message to a node. False while there is no Node-RED. */
  send(node: string, message: ProbeMessage): boolean {
    return this.write({ do: 'send', node, message });
  }

  /** @throws Error when Node-RED ends before it has answered. */
  ask(asking: Asking): Promise<Done> {
    this.orders += 1;
    const order = this.orders;
    return new Promise((resolve, reject) => {
      this.waiting.set(order, { resolve, reject });
      if (!this.write({ ...asking, order })) this.end(order, new Error('no Node-RED is connected'));
    });
  }

  async usage(options: { reset?: boolean; collect?: boolean } = {}): Promise<ProbeUsage> {
    const asking = { do: 'usage', reset: options.reset ?? false, collect: options.collect ?? false } as const;
    const { usage } = await this.ask(asking);
    if (usage === undefined) throw new Error('the probe told no usage');
    return usage;
  }

  async stop(): Promise<void> {
    this.socket?.destroy();
    await new Promise((resolve) => this.server.close(resolve));
    await rm(this.folder, { recursive: true, force: true });
  }

  private write(order: ProbeOrder): boolean {
    return this.socket?.write(`${JSON.stringify(order)}\n`) !== undefined;
  }

  private take(socket: net.Socket): void {
    this.socket = socket;
    let rest = '';
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.socket === socket) this.socket = undefined;
      for (const order of [...this.waiting.keys()]) this.end(order, new Error('Node-RED ended'));
    });
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.hear(JSON.parse(line) as ProbeEvent);
    });
    for (const arrived of this.arrivals) arrived();
    this.arrivals.clear();
  }

  private hear(event: ProbeEvent): void {
    if (event.event === 'failed') {
      // An order for which nobody waits must not fail unheard: what was counted on it would be wrong.
      if (!this.waiting.has(event.order)) throw new Error(`the probe failed: ${event.text}`);
      this.end(event.order, new Error(event.text));
    } else if (event.event === 'done') {
      this.waiting.get(event.order)?.resolve(event);
      this.waiting.delete(event.order);
    } else this.onEvent(event);
  }

  private end(order: number, error: Error): void {
    this.waiting.get(order)?.reject(error);
    this.waiting.delete(order);
  }
}
