/**
 * A Node-RED module for benchmarks and fault campaigns, loaded into a real Node-RED: it feeds messages to nodes, tells of
 * every message completed, and measures the process from within. It talks to `probe-link.ts` over a socket, in lines of
 * JSON. Times are of the machine's monotonic clock in microseconds, so that two processes can compare them.
 */
import { createHmac } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { NodeAPI, NodeDef, Node, NodeMessage } from 'node-red';
import type { ProbeEvent, ProbeOrder, ProbeUsage } from './protocol';

interface Hooks {
  add(
    name: string,
    listener: (event: { msg: { probe?: number }; error?: unknown; node: { id: string } }) => void,
  ): void;
}

/** How Node-RED keeps what listens to a node's input. */
interface Inputs {
  _inputCallback?: unknown;
  _inputCallbacks?: unknown;
}

function init(RED: NodeAPI): void {
  const sinks = new Map<string, (message: NodeMessage) => void>();
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();

  RED.nodes.registerType('probe-sink', function (this: Node, config: NodeDef) {
    RED.nodes.createNode(this, config);
    this.on('input', (message, _send, done) => {
      const waiting = sinks.get(this.id);
      if (waiting !== undefined) waiting(message);
      else tell({ event: 'output', node: this.id, at: now(), message: JSON.parse(JSON.stringify(message)) as never });
      done();
    });
  });

  const port = Number(process.env.PROBE_PORT ?? 0);
  if (port === 0) return;
  const socket = net.connect(port, '127.0.0.1');
  const tell = (event: ProbeEvent): void => {
    socket.write(`${JSON.stringify(event)}\n`);
  };

  const run = async (order: ProbeOrder): Promise<void> => {
    switch (order.do) {
      case 'watch': {
        const { hooks } = RED as unknown as { hooks: Hooks };
        hooks.add('onComplete.probe', ({ msg, error, node }) => {
          if (typeof msg.probe !== 'number') return;
          tell({ event: 'complete', node: node.id, id: msg.probe, at: now(), ...outcomeOf(error) });
        });
        tell({ event: 'done', order: order.order });
        return;
      }
      case 'send': {
        const { node: id, message } = order;
        let fate: { taken: boolean; problem?: string };
        try {
          // While a deploy goes on there may be no node (null where the flow is gone, undefined where only the node is),
          // or one that has closed: Node-RED lets its messages fall.
          const node = RED.nodes.getNode(id) as (Node & Inputs) | null | undefined;
          fate = { taken: Boolean(node?._inputCallback ?? node?._inputCallbacks) };
          if (fate.taken) node?.receive({ ...message });
        } catch (error) {
          fate = { taken: true, problem: String(error) };
        }
        // When the node has looked at it, and at its clock: a process may be stopped before that.
        setImmediate(() => tell({ event: 'sent', id: message.probe, at: now(), ...fate }));
        return;
      }
      case 'loop': {
        const node = RED.nodes.getNode(order.first);
        const starts: number[] = [];
        const ends: number[] = [];
        for (let index = 0; index < order.count; index += 1) {
          const reached = new Promise<void>((resolve) => sinks.set(order.sink, () => resolve()));
          starts.push(now());
          node.receive({ ...order.message });
          await reached;
          ends.push(now());
        }
        sinks.delete(order.sink);
        tell({ event: 'done', order: order.order, starts, ends });
        return;
      }
      case 'bare': {
        const starts: number[] = [];
        const ends: number[] = [];
        for (let index = 0; index < order.count; index += 1) {
          starts.push(now());
          await post(order.url, order.identifier, order.code, order.firstTimestamp + index);
          ends.push(now());
        }
        tell({ event: 'done', order: order.order, starts, ends });
        return;
      }
      case 'bare-answer':
        bareAnswer = JSON.parse(order.text);
        tell({ event: 'done', order: order.order });
        return;
      case 'usage':
        if (order.collect) (globalThis as { gc?: () => void }).gc?.();
        tell({ event: 'done', order: order.order, usage: usage(delay) });
        if (order.reset) delay.reset();
    }
  };

  // The least that a program can do to answer a request of Google's: read its JSON, write some.
  let bareAnswer: unknown = {};
  RED.httpNode.post('/probe/bare', (request, response) => {
    // Behind the admin API, at the same root, the body has been read already: by Express's own parser, as here on purpose.
    const { requestId } = request.body as { requestId: string };
    response.json({ ...(bareAnswer as object), requestId });
  });

  socket.unref();
  socket.on('error', () => undefined);
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const order = JSON.parse(line) as ProbeOrder;
      run(order).catch((error: unknown) => {
        tell({ event: 'failed', order: 'order' in order ? order.order : 0, text: String(error) });
      });
    }
  });
}

function outcomeOf(error: unknown): { code?: string; text?: string; cause?: unknown } {
  if (error === undefined || error === null) return {};
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const text = error instanceof Error ? error.message : JSON.stringify(error);
  return { code: typeof code === 'string' ? code : 'none', text, cause };
}

/** The least that a program can do to open a lock: sign, send, read the answer. */
function post(url: string, identifier: string, code: string, ts: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const hash = createHmac('sha256', code).update(`${ts}`).digest('base64');
    const body = new URLSearchParams({ identifier, ts: String(ts), hash }).toString();
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': Buffer.byteLength(body),
    };
    const request = http.request(url, { method: 'POST', headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        if ((JSON.parse(text) as { status: unknown }).status === 'ok') resolve();
        else reject(new Error(text));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

function usage(delay: ReturnType<typeof monitorEventLoopDelay>): ProbeUsage {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  return {
    rssBytes: memory.rss,
    heapBytes: memory.heapUsed,
    cpuMs: (cpu.user + cpu.system) / 1000,
    delayMeanMs: delay.mean / 1e6,
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
    resources,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

function now(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

export = init;
