/** Several Node-REDs, each a process of its own, that share one gateway and one Google account through Redis. */
import assert from 'node:assert/strict';
import { fetchCode, redeem } from '../../simulators/google/link';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../simulators/gateway/server';
import { Balancer } from '../support/balancer';
import { linkableAccount, obedientLock } from '../support/google-flow';
import { NodeRed, type FlowNode } from '../support/node-red';
import { ProbeLink } from '../support/probe-link';
import type { ProbeEvent, ProbeMessage } from '../support/probe/protocol';
import { RedisServer } from '../support/redis';

const CODE = 'demo-share-code-1';
const LOCK = '3718';
const LEASE_MS = 8000;

interface Outcome {
  code: string;
  payload: Record<string, unknown>;
}

/** One Node-RED with its probe. */
class Instance {
  readonly heard: ProbeEvent[] = [];
  private readonly outcomes = new Map<number, (outcome: Outcome) => void>();
  private readonly outputs = new Map<number, ProbeMessage>();

  private constructor(
    readonly nodeRed: NodeRed,
    private readonly probe: ProbeLink,
  ) {
    probe.onEvent = (event) => {
      this.heard.push(event);
      if (event.event === 'output') this.outputs.set(event.message.probe, event.message);
      if (event.event !== 'complete' || event.node !== 'action') return;
      const payload = (this.outputs.get(event.id)?.payload ?? {}) as Record<string, unknown>;
      this.outcomes.get(event.id)?.({ code: event.code ?? 'ok', payload });
    };
  }

  static async start(flows: readonly FlowNode[]): Promise<Instance> {
    const probe = await ProbeLink.start();
    const nodeRed = await NodeRed.start({
      packages: { 'node-red-contrib-thekeys-gateway': process.cwd(), probe: probe.folder },
      env: probe.env,
    });
    const instance = new Instance(nodeRed, probe);
    await nodeRed.deploy(flows);
    await instance.arrived();
    return instance;
  }

  async arrived(): Promise<void> {
    await this.probe.connected();
    await this.probe.ask({ do: 'watch' });
  }

  async comeBack(): Promise<void> {
    await this.nodeRed.restart();
    await this.arrived();
  }

  command(id: number, payload: string, identifier = LOCK): Promise<Outcome> {
    return new Promise((resolve) => {
      this.outcomes.set(id, resolve);
      this.probe.send('action', { probe: id, payload, identifier });
    });
  }

  /** The states that the watching node told. */
  get told(): unknown[] {
    return this.heard.flatMap((event) =>
      event.event === 'output' && event.node === 'watched'
        ? [(event.message.payload as { state?: unknown } | undefined)?.state]
        : [],
    );
  }

  async stop(): Promise<void> {
    await this.nodeRed.stop();
    await this.probe.stop();
  }
}

describe('three Node-REDs that share a Redis', function () {
  this.timeout(180_000);
  let redis: RedisServer;
  let gateway: SimulatedGateway;
  let server: RunningGateway;
  let balancer: Balancer;
  let instances: Instance[];
  let ids = 0;

  const flows = (): FlowNode[] => [
    { id: 'tab', type: 'tab', label: 'house' },
    {
      id: 'share',
      type: 'gateway-config',
      name: '',
      host: server.host,
      identifier: LOCK,
      timeout: 10,
      credentials: { code: CODE, sharedState: redis.url },
    },
    {
      id: 'action',
      type: 'lock-action',
      ...place(40),
      gateway: 'share',
      identifier: '',
      action: 'message',
      confirm: false,
      deadline: 30,
      wires: [['sink']],
    },
    {
      id: 'watch',
      type: 'lock-status',
      ...place(80),
      gateway: 'share',
      identifier: '',
      interval: 2,
      emit: 'change',
      wires: [['watched']],
    },
    { id: 'sink', type: 'probe-sink', ...place(40), wires: [] },
    { id: 'watched', type: 'probe-sink', ...place(80), wires: [] },
    linkableAccount('account', redis.url),
    {
      id: 'door',
      type: 'google-smarthome-in',
      ...place(120),
      account: 'account',
      deviceId: 'door',
      deviceName: 'front door',
      nicknames: [],
      roomHint: '',
      deviceType: 'LOCK',
      pinFor: 'none',
      replyTimeout: 1500,
      wires: [['answer']],
    },
    obedientLock('answer', place(120), 'out'),
    { id: 'out', type: 'google-smarthome-out', ...place(120), account: 'account', device: '', wires: [] },
  ];

  before(async () => {
    redis = await RedisServer.start();
    gateway = new SimulatedGateway({
      locks: [{ identifier: LOCK, code: CODE }],
      times: { latencyMs: 5, bleMs: 20, travelMs: 10 },
    });
    server = await serve(gateway);
    instances = [];
    for (let index = 0; index < 3; index += 1) instances.push(await Instance.start(flows()));
    balancer = await Balancer.start(() => instances.map(({ nodeRed }) => nodeRed.url));
  });
  after(async () => {
    await balancer.stop();
    await Promise.all(instances.map((instance) => instance.stop()));
    await server.close();
    await redis.stop();
  });
  beforeEach(() => gateway.journal.clear());

  const everywhere = (count: number, payload: string): Promise<Outcome[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => instances[index % 3]!.command((ids += 1), payload)));

  it('speak to the gateway one at a time, with timestamps that only grow', async () => {
    const outcomes = await everywhere(60, 'open');
    assert.deepEqual(new Set(outcomes.map(({ code }) => code)), new Set(['ok']));
    assert.equal(gateway.journal.actions.length, 60);
    assert.equal(gateway.journal.maxInFlight, 1);
    assert.deepEqual(gateway.journal.refusedTimestamps, []);
    const { timestamps } = gateway.journal;
    timestamps.slice(1).forEach((timestamp, index) => assert.ok(timestamp > timestamps[index]!));
  });

  it('poll the gateway as often as one would, and each tells its flow', async () => {
    gateway.lock(LOCK).turnByHand('open');
    await until(() => instances.every(({ told }) => told.at(-1) === 'open'));
    gateway.journal.clear();
    const began = performance.now();
    gateway.lock(LOCK).turnByHand('closed');
    await until(() => instances.every(({ told }) => told.at(-1) === 'closed'));
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 10_000 - (performance.now() - began))));
    const polls = gateway.journal.paths.filter((path) => path === '/lockers').length;
    const seconds = (performance.now() - began) / 1000;
    // One process polls each 2 s, give or take a tenth; three apart would poll thrice as often.
    assert.ok(polls <= seconds / 2 / 0.9 + 2, `${polls} polls in ${seconds} s`);
    assert.equal(gateway.journal.maxInFlight, 1);
  });

  it('go on when one is killed in the middle of a request, no later than its lease lasts', async () => {
    const [victim, ...others] = instances as [Instance, Instance, Instance];
    gateway.times.bleMs = 3000;
    void victim.command((ids += 1), 'open');
    await until(() => gateway.journal.paths.includes('/open'));
    await victim.nodeRed.kill();
    gateway.times.bleMs = 20;
    const since = performance.now();
    const outcomes = await Promise.all(others.map((other) => other.command((ids += 1), 'close')));
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      ['ok', 'ok'],
    );
    const waited = performance.now() - since;
    assert.ok(waited < LEASE_MS + 4000, `waited ${Math.round(waited)} ms`);
    assert.equal(gateway.journal.actions.filter(({ action }) => action === 'open').length, 1);
    await victim.comeBack();
    assert.equal((await victim.command((ids += 1), 'open')).code, 'ok');
    assert.deepEqual(gateway.journal.refusedTimestamps, []);
  });

  it('go on when one stands still in the middle of a request, and it goes on behind them when it wakes', async () => {
    const [sleeper, ...others] = instances as [Instance, Instance, Instance];
    gateway.times.bleMs = 1500;
    const before = sleeper.command((ids += 1), 'open');
    await until(() => gateway.journal.paths.includes('/open'));
    // As a machine that swaps, a suspended container, or a debugger would.
    process.kill(sleeper.nodeRed.pid, 'SIGSTOP');
    const waiting = sleeper.command((ids += 1), 'open');
    gateway.times.bleMs = 20;
    const since = performance.now();
    const outcomes = await Promise.all(others.map((other) => other.command((ids += 1), 'close')));
    assert.deepEqual(new Set(outcomes.map(({ code }) => code)), new Set(['ok']));
    const waited = performance.now() - since;
    assert.ok(waited < LEASE_MS + 4000, `waited ${Math.round(waited)} ms`);
    process.kill(sleeper.nodeRed.pid, 'SIGCONT');
    assert.deepEqual([(await before).code, (await waiting).code], ['ok', 'ok']);
    assert.equal(gateway.journal.actions.length, 4);
    assert.equal(gateway.journal.maxInFlight, 1);
    assert.deepEqual(gateway.journal.refusedTimestamps, []);
  });

  it('reuse no timestamp that the gateway knows, though Redis has lost everything in the middle of a burst', async () => {
    const outcomes = everywhere(24, 'open');
    await until(() => gateway.journal.actions.length >= 12);
    await redis.forget();
    assert.deepEqual(new Set((await outcomes).map(({ code }) => code)), new Set(['ok']));
    assert.equal(gateway.journal.actions.length, 24);
    assert.deepEqual(gateway.journal.refusedTimestamps, []);
  });

  it('send nothing while Redis is gone, say so, and recover by themselves', async () => {
    await redis.kill();
    gateway.journal.clear();
    const since = performance.now();
    const refused = everywhere(3, 'open');
    const fulfilment = `${balancer.url}/google-smarthome/fulfillment`;
    const asked = await fetch(fulfilment, {
      method: 'POST',
      headers: { Authorization: 'Bearer of-somebody' },
      body: '{}',
    });
    assert.equal(asked.status, 503, 'whose token it is cannot be told');
    assert.deepEqual(new Set((await refused).map(({ code }) => code)), new Set(['GATEWAY_UNREACHABLE']));
    assert.ok(performance.now() - since < 35_000);
    assert.deepEqual(gateway.journal.actions, []);
    await redis.run();
    const outcomes = await everywhere(3, 'close');
    assert.deepEqual(new Set(outcomes.map(({ code }) => code)), new Set(['ok']));
    assert.deepEqual(gateway.journal.refusedTimestamps, []);
    assert.equal(gateway.journal.maxInFlight, 1);
  });

  it('are one to Google: linked on one, served by all, while they are killed in turn', async () => {
    const settings = {
      authorizeUrl: `${balancer.url}/google-smarthome/oauth/authorize`,
      tokenUrl: `${balancer.url}/google-smarthome/oauth/token`,
      projectId: 'demo-home-project',
      clientId: 'demo-client',
      clientSecret: 'demo-client-secret',
    };
    const { accessToken } = await redeem(settings, await fetchCode(settings, 'anna', 'correct horse'));
    const ask = async (intent: string, payload: object): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${balancer.url}/google-smarthome/fulfillment`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${accessToken}` },
        body: JSON.stringify({
          requestId: `r${(ids += 1)}`,
          inputs: [{ intent: `action.devices.${intent}`, payload }],
        }),
      });
      return { status: response.status, text: await response.text() };
    };
    const turn = async (lock: boolean): Promise<void> => {
      const done = await ask('EXECUTE', {
        commands: [
          {
            devices: [{ id: 'door' }],
            execution: [{ command: 'action.devices.commands.LockUnlock', params: { lock } }],
          },
        ],
      });
      assert.equal(done.status, 200, done.text);
      assert.match(done.text, /"SUCCESS"/);
      // In a moment each of them knows what one of them did, whichever is asked.
      let agreed = 0;
      await until(async () => {
        const asked = await ask('QUERY', { devices: [{ id: 'door' }] });
        assert.equal(asked.status, 200, asked.text);
        agreed = asked.text.includes(`"isLocked":${lock}`) ? agreed + 1 : 0;
        return agreed >= 3;
      });
    };
    for (const [index, instance] of instances.entries()) {
      await turn(index % 2 === 0);
      await instance.nodeRed.kill();
      await turn(index % 2 === 1);
      await instance.comeBack();
    }
    assert.ok(balancer.answered.size >= 3);
  });
});

function place(y: number): { z: string; x: number; y: number } {
  return { z: 'tab', x: 100, y };
}

async function until(condition: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('it never came');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
