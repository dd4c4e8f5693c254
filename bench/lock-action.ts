/**
 * Opening a lock through a real Node-RED: the `lock-action` node, the core-node flow, and requests with nothing around
 * them, by turns in one process. From the message to the request's arrival, and messages per second.
 * Then: opening while twenty locks are polled, and how long that waits beyond the one request under way.
 */
import { NodeRed, type FlowNode } from '../test/support/node-red';
import { ProbeLink } from '../test/support/probe-link';
import { coreFlow } from './core-flow';
import { now, QuickGateway } from './gateway';
import { median, quantile, type Row } from './table';

const IDENTIFIER = '3718';
const CODE = 'demo-share-code-1';
const ROUNDS = 9;
const COUNT = 150;
const WARM_UP = 400;

const tab: FlowNode = { id: 'tab', type: 'tab', label: 'bench' };

export async function run(): Promise<Row[]> {
  return [...(await opening()), ...(await openingWhilePolled())];
}

async function opening(): Promise<Row[]> {
  const gateway = await QuickGateway.start({ identifier: IDENTIFIER });
  const probe = await ProbeLink.start();
  const nodeRed = await startNodeRed(probe);
  try {
    const core = coreFlow('core', 'tab', gateway.host, IDENTIFIER, CODE, 'core-sink');
    await nodeRed.deploy([
      tab,
      gatewayConfig('share', gateway.host),
      lockAction('action', 'share', 'action-sink'),
      sink('action-sink'),
      sink('core-sink'),
      ...core.nodes,
    ]);
    await probe.connected();
    const kinds = {
      node: (count: number) =>
        probe.ask({ do: 'loop', first: 'action', sink: 'action-sink', count, message: { payload: 'open' } }),
      core: (count: number) =>
        probe.ask({ do: 'loop', first: core.first, sink: 'core-sink', count, message: { action: 'open' } }),
      bare: (count: number) =>
        probe.ask({
          do: 'bare',
          url: `http://${gateway.host}/open`,
          identifier: IDENTIFIER,
          code: CODE,
          firstTimestamp: Math.floor(Date.now() / 1000),
          count,
        }),
    };
    const toRequest: Record<keyof typeof kinds, number[]> = { node: [], core: [], bare: [] };
    const perSecond: Record<keyof typeof kinds, number[]> = { node: [], core: [], bare: [] };
    const names = Object.keys(kinds) as (keyof typeof kinds)[];
    for (const name of names) await kinds[name](WARM_UP);
    for (let round = 0; round < ROUNDS; round += 1) {
      // By turns, so that whatever else the machine does meets all of them.
      for (const name of names) {
        gateway.arrivals.length = 0;
        const { starts = [], ends = [] } = await kinds[name](COUNT);
        const times = starts.map((start, index) => ((gateway.arrivals[index]?.at ?? Number.NaN) - start) / 1000);
        toRequest[name].push(median(times));
        perSecond[name].push((COUNT * 1e6) / ((ends.at(-1) ?? 0) - (starts[0] ?? 0)));
      }
    }
    const compare = (figures: typeof toRequest, name: string, unit: string, better: 'less' | 'more'): Row[] => {
      const value = median(figures.node);
      return [
        {
          name,
          value,
          unit,
          better,
          against: { name: 'function + http request nodes', value: median(figures.core) },
          goal: { ratio: 1 },
        },
        {
          name,
          value,
          unit,
          better,
          against: { name: 'http.request and nothing else', value: median(figures.bare) },
          goal: { ratio: 1.5 },
        },
      ];
    };
    return [
      ...compare(toRequest, 'lock-action: from message to request', 'ms', 'less'),
      ...compare(perSecond, 'lock-action: messages one after the other', '/s', 'more'),
    ];
  } finally {
    await nodeRed.stop();
    await probe.stop();
    await gateway.stop();
  }
}

const LOCKS = 20;
const POLLED_OPENS = 60;
/** Microseconds from a request's turn to its arrival, at most. */
const ON_THE_WAY_US = 5000;

async function openingWhilePolled(): Promise<Row[]> {
  // A gateway as quick as its own memory (130 ms in the field, shortened), and one lock that is always asked.
  const gateway = await QuickGateway.start({
    identifier: IDENTIFIER,
    answerMs: (path) => (path === '/lockers' ? 40 : 15),
  });
  const probe = await ProbeLink.start();
  const nodeRed = await startNodeRed(probe);
  try {
    const polls = Array.from({ length: LOCKS }, (_, index) => ({
      id: `poll-${index}`,
      type: 'lock-status',
      z: 'tab',
      x: 100,
      y: 100 + 40 * index,
      gateway: 'share',
      identifier: String(5000 + index),
      interval: 1,
      emit: 'change',
      wires: [[]],
    }));
    await nodeRed.deploy([
      tab,
      gatewayConfig('share', gateway.host),
      lockAction('action', 'share', 'action-sink'),
      sink('action-sink'),
      ...polls,
    ]);
    await probe.connected();
    const beyond: number[] = [];
    for (let index = 0; index < POLLED_OPENS; index += 1) {
      // Not in step with the polls.
      await new Promise((resolve) => setTimeout(resolve, 30 + ((index * 37) % 90)));
      const { starts = [] } = await probe.ask({
        do: 'loop',
        first: 'action',
        sink: 'action-sink',
        count: 1,
        message: { payload: 'open' },
      });
      const sent = starts[0] ?? 0;
      const open = gateway.arrivals.find(({ path, at }) => path === '/open' && at > sent);
      // A request may have had its turn already and be on its way.
      const underWay = gateway.arrivals.find(
        ({ path, at, answeredAt }) => path !== '/open' && at < sent + ON_THE_WAY_US && answeredAt > sent,
      );
      beyond.push(((open?.at ?? now()) - Math.max(sent, underWay?.answeredAt ?? 0)) / 1000);
    }
    return [
      {
        name: `open while ${LOCKS} locks are polled: wait beyond the request under way, median`,
        value: median(beyond),
        unit: 'ms',
      },
      { name: 'the same, worst of 60', value: quantile(beyond, 1), unit: 'ms' },
    ];
  } finally {
    await nodeRed.stop();
    await probe.stop();
    await gateway.stop();
  }
}

async function startNodeRed(probe: ProbeLink): Promise<NodeRed> {
  return NodeRed.start({
    packages: { 'node-red-contrib-thekeys-gateway': process.cwd(), probe: probe.folder },
    env: probe.env,
  });
}

function gatewayConfig(id: string, host: string): FlowNode {
  return {
    id,
    type: 'gateway-config',
    name: '',
    host,
    identifier: IDENTIFIER,
    timeout: 30,
    credentials: { code: CODE, sharedState: '' },
  };
}

function lockAction(id: string, gateway: string, next: string): FlowNode {
  return {
    id,
    type: 'lock-action',
    z: 'tab',
    x: 100,
    y: 200,
    gateway,
    identifier: '',
    action: 'message',
    confirm: false,
    deadline: 30,
    wires: [[next]],
  };
}

function sink(id: string): FlowNode {
  return { id, type: 'probe-sink', z: 'tab', x: 600, y: 40, wires: [] };
}
