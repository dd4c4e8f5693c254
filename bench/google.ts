/**
 * Google's QUERY and EXECUTE for 100 devices, 20 requests at a time: the whole way through a real Node-RED (token, flow,
 * answer) beside a bare Express handler in the same process, which reads the same JSON and writes the same, and beside the
 * least that Node-RED itself needs to send a message for each device (`test/support/probe/pair.ts`). And how long each
 * answer took, for Google waits a second.
 */
import http from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { fetchCode, redeem } from '../simulators/google/link';
import { linkableAccount, obedientLock } from '../test/support/google-flow';
import { NodeRed, type FlowNode } from '../test/support/node-red';
import { ProbeLink } from '../test/support/probe-link';
import { post } from './post';
import { median, quantile, type Row } from './table';

const DEVICES = 100;
const AT_ONCE = 20;
const REQUESTS = 200;
const ROUNDS = 15;
const CROWD = `${DEVICES} devices, ${AT_ONCE} requests at a time`;
/** As long as Google advises for nine answers of ten. */
const ADVISED_MS = 1000;

/** Answered by way of a function node, as most flows do. Names of the same length as the others'. */
const doors = Array.from({ length: DEVICES }, (_, index) => `door-${index}`);
/** Answered without any node in between. */
const gates = doors.map((id) => id.replace('door', 'gate'));

const query = (ids: readonly string[]): object => ({
  intent: 'action.devices.QUERY',
  payload: { devices: ids.map((id) => ({ id })) },
});
const execute = (ids: readonly string[]): object => ({
  intent: 'action.devices.EXECUTE',
  payload: {
    commands: [
      {
        devices: ids.map((id) => ({ id })),
        execution: [{ command: 'action.devices.commands.LockUnlock', params: { lock: true } }],
      },
    ],
  },
});

const OURS = '/google-smarthome/fulfillment';
const EXPRESS = '/probe/bare';
const PAIR = '/probe/pair';

/** One way to have requests answered. */
interface Way {
  path: string;
  input: object;
  atOnce: number;
  perSecond: number[];
  /** Milliseconds from sending a request to the end of its answer. */
  took: number[];
  /** Microseconds of processor time that Node-RED took for each device of a request. */
  processor: number[];
}

export async function run(): Promise<Row[]> {
  const probe = await ProbeLink.start();
  const nodeRed = await NodeRed.start({
    packages: { 'node-red-contrib-thekeys-gateway': process.cwd(), probe: probe.folder },
    env: probe.env,
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  try {
    await nodeRed.deploy(flow());
    await probe.connected();
    const settings = {
      authorizeUrl: `${nodeRed.url}/google-smarthome/oauth/authorize`,
      tokenUrl: `${nodeRed.url}/google-smarthome/oauth/token`,
      projectId: 'demo-home-project',
      clientId: 'demo-client',
      clientSecret: 'demo-client-secret',
    };
    const { accessToken } = await redeem(settings, await fetchCode(settings, 'anna', 'correct horse'));
    const ask = (path: string, input: object): Promise<string> =>
      post(agent, `${nodeRed.url}${path}`, accessToken, JSON.stringify({ requestId: 'bench', inputs: [input] }));

    /** Measures ways that give the same answer by turns; the first round compiles, and is not counted. */
    const compare = async (...ways: Way[]): Promise<void> => {
      const [first] = ways;
      if (first === undefined) return;
      const answer = await ask(first.path, first.input);
      if (!answer.includes('"SUCCESS"') || answer.includes('"ERROR"')) throw new Error(answer);
      await probe.ask({ do: 'bare-answer', text: answer });
      for (const { path, input } of ways) {
        const other = await ask(path, input);
        if (!sameAnswer(answer, other)) throw new Error(`${path} answers otherwise: ${other}`);
      }
      for (let round = -1; round < ROUNDS; round += 1) {
        for (const way of ways) {
          const { cpuMs: before } = await probe.usage();
          await measure(way, ask, round >= 0);
          const { cpuMs: after } = await probe.usage();
          if (round >= 0) way.processor.push(((after - before) * 1000) / REQUESTS / DEVICES);
        }
      }
    };

    const [queried, queriedBare] = [way(OURS, query(doors)), way(EXPRESS, query(doors))];
    const [executed, executedBare, executedPair] = [OURS, EXPRESS, PAIR].map((path) =>
      way(path, execute(doors)),
    ) as Ways;
    const [direct, directBare, directPair] = [OURS, EXPRESS, PAIR].map((path) => way(path, execute(gates))) as Ways;
    const single = way(OURS, execute(doors.slice(0, 1)), 1);
    await compare(executed, executedBare, executedPair);
    await compare(direct, directBare, directPair);
    await compare(queried, queriedBare);
    await compare(single);

    const row = (name: string, one: Way, by: string, other: Way, goal?: Row['goal']): Row => ({
      name,
      value: median(one.perSecond),
      unit: '/s',
      better: 'more',
      against: { name: by, value: median(other.perSecond) },
      ...(goal === undefined ? {} : { goal }),
    });
    const cost = (name: string, one: Way, by: string, other: Way): Row => ({
      name: `${name}, processor time for each device`,
      value: median(one.processor),
      unit: 'µs',
      against: { name: by, value: median(other.processor) },
    });
    const express = 'bare Express handler';
    const pair = 'bare pair of nodes, same flow';
    const half = { ratio: 2 };
    return [
      row(`Google QUERY of ${CROWD}`, queried, express, queriedBare, half),
      row(`Google EXECUTE of ${CROWD}`, executed, express, executedBare, { ...half, outOfReach: true }),
      row('the same', executed, pair, executedPair, { ratio: 1.5 }),
      row('bare pair of nodes, same flow', executedPair, express, executedBare),
      row('Google EXECUTE, no node between in and out', direct, express, directBare),
      row('the same', direct, pair, directPair),
      row('bare pair of nodes, no node in between', directPair, express, directBare),
      cost('Google EXECUTE', executed, pair, executedPair),
      cost('Google EXECUTE, no node between in and out', direct, pair, directPair),
      ...times(`Google QUERY of ${CROWD}`, queried),
      ...times(`Google EXECUTE of ${CROWD}`, executed),
      ...times('Google EXECUTE of one device, one request at a time', single),
    ];
  } finally {
    agent.destroy();
    await nodeRed.stop();
    await probe.stop();
  }
}

type Ways = [Way, Way, Way];

function way(path: string, input: object, atOnce = AT_ONCE): Way {
  return { path, input, atOnce, perSecond: [], took: [], processor: [] };
}

async function measure(
  { path, input, atOnce, perSecond, took }: Way,
  ask: (path: string, input: object) => Promise<string>,
  counts: boolean,
): Promise<void> {
  const began = performance.now();
  let left = REQUESTS;
  const worker = async (): Promise<void> => {
    while ((left -= 1) >= 0) {
      const sent = performance.now();
      await ask(path, input);
      if (counts) took.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (counts) perSecond.push((REQUESTS * 1000) / (performance.now() - began));
}

function times(name: string, { took }: Way): Row[] {
  return [0.9, 0.99].map((share) => ({
    name: `${name}: ${share * 100} % within`,
    value: quantile(took, share),
    unit: 'ms',
    goal: { atMost: ADVISED_MS },
  }));
}

/** The same text, whatever the order of its words. */
function sameAnswer(one: string, other: string): boolean {
  return one.length === other.length && isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
}

function flow(): FlowNode[] {
  const device = (id: string, index: number, next: string): FlowNode => ({
    id,
    type: 'google-smarthome-in',
    z: 'tab',
    x: 100,
    y: 40 * index,
    account: 'account',
    deviceId: id,
    deviceName: id,
    nicknames: [],
    roomHint: '',
    deviceType: 'LOCK',
    pinFor: 'none',
    replyTimeout: 20_000,
    wires: [[next]],
  });
  const twin = (id: string, next: string): FlowNode => ({
    id: `pair-${id}`,
    type: 'probe-pair-in',
    z: 'tab',
    x: 700,
    y: 40,
    deviceId: id,
    wires: [[next]],
  });
  const place = { z: 'tab', x: 300, y: 40 };
  return [
    { id: 'tab', type: 'tab', label: 'bench' },
    linkableAccount('account'),
    ...doors.map((id, index) => device(id, index, 'answer')),
    ...gates.map((id, index) => device(id, index, 'out')),
    obedientLock('answer', place, 'out'),
    { id: 'out', type: 'google-smarthome-out', z: 'tab', x: 500, y: 40, account: 'account', device: '', wires: [] },
    ...doors.map((id) => twin(id, 'pair-answer')),
    ...gates.map((id) => twin(id, 'pair-out')),
    obedientLock('pair-answer', place, 'pair-out'),
    { id: 'pair-out', type: 'probe-pair-out', z: 'tab', x: 900, y: 40, wires: [] },
  ];
}
