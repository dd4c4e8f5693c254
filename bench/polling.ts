/**
 * One Node-RED that polls 10, 100 and 1,000 gateways, each with its own configuration and `lock-status` node: what that
 * costs in processor time, memory and delay of everything else, and whether it grows in proportion.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { NodeRed, type FlowNode } from '../test/support/node-red';
import { ProbeLink } from '../test/support/probe-link';
import { median, type Row } from './table';

const SIZES = [10, 100, 1000] as const;
/** What is subtracted, or multiplied by ten, must be known well: a collection of garbage more or less would show. */
const TIMES: Readonly<Record<number, number>> = { 0: 3, 100: 3 };
const INTERVAL_S = 10;
const SETTLE_MS = 12_000;
const MEASURE_MS = 20_000;

interface Load {
  size: number;
  cpuPercent: number;
  heapMb: number;
  delayP99Ms: number;
  pollsPerSecond: number;
}

export async function run(): Promise<Row[]> {
  const empty = await measure(0);
  const loads: Load[] = [];
  for (const size of SIZES) loads.push(await measure(size));
  const [, middle, large] = loads;
  const rows = loads.flatMap((load): Row[] => [
    { name: `${load.size} gateways, a poll each ${INTERVAL_S} s: polls made`, value: load.pollsPerSecond, unit: '/s' },
    { name: `${load.size} gateways: processor, of one core`, value: load.cpuPercent, unit: '%', goal: { atMost: 100 } },
    { name: `${load.size} gateways: heap beyond an empty Node-RED`, value: load.heapMb - empty.heapMb, unit: 'MB' },
    {
      name: `${load.size} gateways: event loop delay (99 %) beyond an empty Node-RED`,
      value: load.delayP99Ms - empty.delayP99Ms,
      unit: 'ms',
    },
  ]);
  if (middle === undefined || large === undefined) return rows;
  const factor = large.size / middle.size;
  // Against proportion: below 1, ten times the gateways cost less than ten times as much. Some noise is allowed for.
  return [
    ...rows,
    {
      name: `growth of processor time from ${middle.size} to ${large.size} gateways`,
      value: large.cpuPercent - empty.cpuPercent,
      unit: '%',
      against: {
        name: `${factor} times that of ${middle.size}`,
        value: factor * (middle.cpuPercent - empty.cpuPercent),
      },
      goal: { ratio: 1.2 },
    },
    {
      name: `growth of heap from ${middle.size} to ${large.size} gateways`,
      value: large.heapMb - empty.heapMb,
      unit: 'MB',
      against: { name: `${factor} times that of ${middle.size}`, value: factor * (middle.heapMb - empty.heapMb) },
      goal: { ratio: 1.2 },
    },
  ];
}

/** Medians of as many runs as the size asks for. */
async function measure(size: number): Promise<Load> {
  const runs: Load[] = [];
  for (let run = 0; run < (TIMES[size] ?? 1); run += 1) runs.push(await measureOnce(size));
  const of = (figure: keyof Load): number => median(runs.map((load) => load[figure]));
  return {
    size,
    cpuPercent: of('cpuPercent'),
    heapMb: of('heapMb'),
    delayP99Ms: of('delayP99Ms'),
    pollsPerSecond: of('pollsPerSecond'),
  };
}

async function measureOnce(size: number): Promise<Load> {
  const gateways = await Gateways.start(size);
  const probe = await ProbeLink.start();
  const nodeRed = await NodeRed.start({
    packages: { 'node-red-contrib-thekeys-gateway': process.cwd(), probe: probe.folder },
    env: { ...probe.env, NODE_OPTIONS: '--expose-gc' },
  });
  try {
    await nodeRed.deploy([{ id: 'tab', type: 'tab', label: 'bench' }, ...gateways.hosts.flatMap(watched)]);
    await probe.connected();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const polls = gateways.polls;
    const before = await probe.usage({ reset: true });
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
    const after = await probe.usage();
    const ms = performance.now() - began;
    const pollsPerSecond = ((gateways.polls - polls) * 1000) / ms;
    // Garbage is collected before memory is read, and after everything else was.
    const { heapBytes } = await probe.usage({ collect: true });
    return {
      size,
      cpuPercent: ((after.cpuMs - before.cpuMs) * 100) / ms,
      heapMb: heapBytes / 1e6,
      delayP99Ms: after.delayP99Ms,
      pollsPerSecond,
    };
  } finally {
    await nodeRed.stop();
    await probe.stop();
    await gateways.stop();
  }
}

function watched(host: string, index: number): FlowNode[] {
  return [
    {
      id: `share-${index}`,
      type: 'gateway-config',
      name: '',
      host,
      identifier: '3718',
      timeout: 30,
      credentials: { code: 'demo-share-code-1', sharedState: '' },
    },
    {
      id: `watch-${index}`,
      type: 'lock-status',
      z: 'tab',
      x: 100,
      y: 40,
      gateway: `share-${index}`,
      identifier: '',
      interval: INTERVAL_S,
      emit: 'change',
      wires: [[]],
    },
  ];
}

/** Any number of gateways, each on a port of its own, with one lock that stays as it is. */
class Gateways {
  polls = 0;
  private readonly servers: http.Server[] = [];

  static async start(size: number): Promise<Gateways> {
    const gateways = new Gateways();
    const list = JSON.stringify({
      status: 'ok',
      devices: [{ identifier: 3718, rssi: -60, battery: 8000, last_log: 7 }],
    });
    const reading = JSON.stringify({
      status: 'Door closed',
      code: 49,
      id: 3718,
      version: 81,
      position: 4,
      rssi: -60,
      battery: 8000,
    });
    for (let index = 0; index < size; index += 1) {
      const server = http.createServer((request, response) => {
        if (request.url === '/lockers') gateways.polls += 1;
        request.resume();
        response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' });
        response.end(request.url === '/lockers' ? list : reading);
      });
      server.listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      gateways.servers.push(server);
    }
    return gateways;
  }

  get hosts(): string[] {
    return this.servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  async stop(): Promise<void> {
    for (const server of this.servers) server.closeAllConnections();
    await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
