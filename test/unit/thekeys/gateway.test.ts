import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import { Gateway, type ActionOptions, type Progress } from '../../../src/thekeys/gateway';
import { serve, type RunningGateway } from '../../../simulators/gateway/server';
import { SimulatedGateway, type SimulatedGatewayOptions } from '../../../simulators/gateway/gateway';
import { ExchangeFailure } from '../../../src/thekeys/exchange';
import { answering, gatewayOver } from '../../support/in-process';
import { count } from '../../support/counting';

const FRONT = { identifier: '45961123', code: 'demo-front-code' };
const BACK = { identifier: '45961124', code: 'demo-back-code' };

describe('a gateway, asked over HTTP', () => {
  let world: SimulatedGateway;
  let running: RunningGateway;
  let gateway: Gateway;

  const begin = async (options: Partial<SimulatedGatewayOptions> = {}): Promise<void> => {
    world = new SimulatedGateway({ locks: [FRONT, BACK], ...options });
    running = await serve(world);
    gateway = new Gateway({
      address: parseAddress(running.host),
      state: new MemoryState(),
      log: silent,
      timing: { boltTravel: 20, readBackPauses: [30], workPause: 20, breather: 0 },
    });
  };
  beforeEach(() => begin());
  afterEach(() => running.close());

  const within = (deadlineMs = 8000, more: Partial<ActionOptions> = {}): ActionOptions => ({
    deadlineMs,
    timeoutMs: 3000,
    confirm: true,
    ...more,
  });
  const actions = (): string[] => world.journal.actions.map(({ action }) => action);
  const arrived = async (): Promise<void> => {
    while (world.journal.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const paths = (): string[] => world.journal.requests.map(({ path }) => path);

  it('opens the lock, and says confirmed because the lock said so', async () => {
    const result = await gateway.open(FRONT, within());
    assert.deepEqual(
      { ...result, reading: result.reading?.state },
      { identifier: FRONT.identifier, action: 'open', state: 'open', confirmed: true, reading: 'open' },
    );
    assert.deepEqual(paths(), ['/open', '/locker_status']);
  });

  it('asks nothing more when no confirmation is wanted', async () => {
    const result = await gateway.close(FRONT, within(8000, { confirm: false }));
    assert.deepEqual(result, { identifier: FRONT.identifier, action: 'close', state: null, confirmed: false });
    assert.deepEqual(paths(), ['/close']);
  });

  it('toggles from what it read', async () => {
    assert.equal((await gateway.toggle(FRONT, within())).state, 'open');
    assert.equal((await gateway.toggle(FRONT, within())).state, 'closed');
    assert.deepEqual(actions(), ['open', 'close']);
  });

  it('toggles one after the other where two processes are asked at the same moment', async () => {
    class Shared extends MemoryState {
      override readonly shared = true;
    }
    const state = new Shared();
    const timing = { boltTravel: 20, readBackPauses: [30], workPause: 20, breather: 0 };
    const processes = [1, 2].map(
      () => new Gateway({ address: parseAddress(running.host), state, log: silent, timing }),
    );
    world.times.bleMs = 10;
    await Promise.all(processes.map((process) => process.toggle(FRONT, within(8000, { confirm: false }))));
    assert.deepEqual(actions(), ['open', 'close']);
  });

  it('lets a bolt come to rest before it toggles it, where the gateway is free to read it on its way', async () => {
    const sent: string[] = [];
    let arrives = 0;
    const eager = gatewayOver(
      answering((path) => {
        sent.push(path);
        const arrived = arrives !== 0 && performance.now() >= arrives;
        if (path === '/open') arrives = performance.now() + 250;
        return path === '/locker_status' ? { code: arrived ? 50 : 49 } : { status: 'ok', code: 0 };
      }),
      { timing: { boltTravel: 300 } },
    );
    await eager.open(FRONT, within(8000, { confirm: false }));
    await eager.toggle(FRONT, within(8000, { confirm: false }));
    assert.deepEqual(sent, ['/open', '/locker_status', '/close']);
  });

  it('lets a bolt come to rest that was sent on its way by what was given up before its answer', async () => {
    const sent: string[] = [];
    const giveUp = new AbortController();
    let arrives = 0;
    const eager = gatewayOver(
      answering((path) => {
        sent.push(path);
        if (path === '/open') {
          arrives = performance.now() + 250;
          giveUp.abort(new Error('closed'));
          throw new ExchangeFailure('aborted', true, 'ABORT_ERR');
        }
        const code = performance.now() >= arrives ? 50 : 49;
        return path === '/locker_status' ? { code } : { status: 'ok', code: 0 };
      }),
      { timing: { boltTravel: 300 } },
    );
    await assert.rejects(eager.open(FRONT, within(8000, { signal: giveUp.signal })), { code: 'RESULT_UNKNOWN' });
    await eager.toggle(FRONT, within(8000, { confirm: false }));
    assert.deepEqual(sent, ['/open', '/locker_status', '/close']);
  });

  it('refuses to toggle a lock that does not know its state', async () => {
    world.locks.get(FRONT.identifier)!.reboot();
    await assert.rejects(gateway.toggle(FRONT, within()), { code: 'STATE_UNKNOWN' });
    assert.deepEqual(actions(), []);
  });

  it('understands the documented answers as well as the deployed ones', async () => {
    await running.close();
    await begin({ dialect: 'documented' });
    assert.equal((await gateway.open(FRONT, within())).confirmed, true);
    await assert.rejects(gateway.open({ ...FRONT, code: 'wrong' }, within()), { code: 'INVALID_HMAC' });
    assert.equal((await gateway.status(within())).synchronizing, false);
    assert.equal((await gateway.list(within())).length, 2);
  });

  it('tries a wrong signature twice, with a new timestamp, and no more', async () => {
    await assert.rejects(gateway.open({ ...FRONT, code: 'wrong' }, within()), { code: 'INVALID_HMAC' });
    assert.equal(world.journal.requests.length, 2);
  });

  it('sends an action again after the gateway refused the connection, once it listens', async () => {
    world.faults.next({ kind: 'refuse', ms: 600 });
    const retried: string[] = [];
    const onProgress = (progress: Progress): void => {
      if (progress.step === 'retrying') retried.push(progress.code);
    };
    assert.equal((await gateway.open(FRONT, within(8000, { onProgress }))).confirmed, true);
    assert.deepEqual(actions(), ['open']);
    assert.deepEqual([...new Set(retried)], ['GATEWAY_UNREACHABLE']);
  });

  it('asks again too after the gateway refused the connection', async () => {
    world.faults.next({ kind: 'refuse', ms: 600 });
    assert.equal((await gateway.lockStatus(FRONT, within())).state, 'closed');
    assert.deepEqual(paths(), ['/locker_status']);
  });

  it('sends an action again after the gateway was busy', async () => {
    world.faults.next({ kind: 'busy', times: 1 });
    assert.equal((await gateway.open(FRONT, within())).confirmed, true);
    assert.deepEqual(actions(), ['open']);
  });

  it('never repeats an action whose answer was lost: reads the lock instead', async () => {
    world.faults.next({ kind: 'reset-after', path: '/open' });
    const result = await gateway.open(FRONT, within(8000, { confirm: false }));
    assert.deepEqual([result.state, result.confirmed], ['open', true]);
    assert.deepEqual(actions(), ['open']);
  });

  it('says that the result is unknown where the lock reads as the other state', async () => {
    world.faults.next({ kind: 'reset-before', path: '/open' });
    await assert.rejects(gateway.open(FRONT, within(600)), { code: 'RESULT_UNKNOWN' });
    assert.deepEqual(actions(), []);
  });

  it('is honest about a bolt that did not move', async () => {
    world.locks.get(FRONT.identifier)!.jammed = true;
    const result = await gateway.open(FRONT, within(600));
    assert.deepEqual([result.state, result.confirmed], ['closed', false]);
  });

  it('cures a wrong gateway clock by one synchronization', async () => {
    world.clockInvalid = true;
    assert.equal((await gateway.open(FRONT, within())).confirmed, true);
    assert.deepEqual(paths().slice(0, 4), ['/open', '/synchronize', '/status', '/open']);
  });

  it('maps the refusals of the vendor’s page', async () => {
    const lock = world.locks.get(FRONT.identifier)!;
    await assert.rejects(gateway.open({ identifier: '1', code: 'x' }, within()), { code: 'NOT_SHARED' });
    lock.inSight = false;
    await assert.rejects(gateway.open(FRONT, within()), { code: 'LOCK_NOT_DETECTED' });
    await assert.rejects(gateway.synchronizeLock(FRONT.identifier, within()), { code: 'LOCK_NOT_DETECTED' });
    lock.inSight = true;
    lock.compatible = false;
    await assert.rejects(gateway.open(FRONT, within()), { code: 'LOCK_INCOMPATIBLE' });
    lock.compatible = true;
    lock.keyKnown = false;
    await assert.rejects(gateway.open(FRONT, within()), { code: 'KEY_REFUSED' });
    lock.keyKnown = true;
    lock.radioFails = true;
    await assert.rejects(gateway.open(FRONT, within()), { code: 'LOCK_ERROR' });
    assert.deepEqual(actions(), []);
  });

  it('drops a command at its deadline, and nothing sends it afterwards', async () => {
    world.times.latencyMs = 300;
    const first = gateway.lockStatus(FRONT, within());
    await assert.rejects(gateway.open(FRONT, within(100)), { code: 'EXPIRED' });
    await first;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(actions(), []);
  });

  it('reports the last obstacle of a command that tried until its deadline', async () => {
    await running.close();
    await assert.rejects(gateway.open(FRONT, within(700)), { code: 'GATEWAY_UNREACHABLE' });
    await begin();
    world.faults.next({ kind: 'busy', times: 100 });
    await assert.rejects(gateway.open(FRONT, within(700)), { code: 'GATEWAY_BUSY' });
  });

  it('gives up on a gateway that is not there as soon as the caller wants to', async () => {
    await running.close();
    const error: unknown = await gateway
      .open(FRONT, within(60_000, { unreachableMs: 200 }))
      .catch((thrown: unknown) => thrown);
    assert.equal((error as { code: string }).code, 'GATEWAY_UNREACHABLE');
    await begin();
  });

  it('answers equal waiting reads by one request, and lets an open go first', async () => {
    world.times.latencyMs = 30;
    const first = gateway.list(within());
    const reads = Array.from({ length: 5 }, () => gateway.lockStatus(FRONT, within()));
    const opened = gateway.open(FRONT, within(8000, { confirm: false }));
    await Promise.all([first, opened, ...reads]);
    assert.deepEqual(paths(), ['/lockers', '/open', '/locker_status']);
  });

  it('refuses the hundred and first waiting command', async () => {
    world.times.latencyMs = 500;
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const results = await Promise.allSettled(
      Array.from({ length: 110 }, (_, index) => {
        if (index === 109) void arrived().then(() => stop.abort(new Error('stopped')));
        return gateway.open(FRONT, within(8000, { signal: stop.signal }));
      }),
    );
    const codes = results.map((result) =>
      result.status === 'rejected' ? ((result.reason as { code?: string }).code ?? 'stopped') : 'ok',
    );
    assert.equal(codes.filter((code) => code === 'QUEUE_FULL').length, 9);
    assert.equal(codes.filter((code) => code === 'RESULT_UNKNOWN').length, 1);
    assert.equal(codes.filter((code) => code === 'stopped').length, 100);
  });

  it('follows long work by the gateway’s own words, and keeps others from it meanwhile', async () => {
    await running.close();
    await begin({ answerWork: 'at-once', times: { synchronizeMs: 200 } });
    const words: string[] = [];
    const note = (progress: Progress): void => {
      if (progress.step === 'working' && progress.status !== '') words.push(progress.status);
    };
    const work = gateway.synchronize(within(8000, { onProgress: note }));
    const opened = gateway.open(FRONT, within(8000, { confirm: false }));
    await Promise.all([work, opened]);
    assert.match(words[0] ?? '', /Synchronizing/);
    assert.equal(paths().filter((path) => path === '/open').length, 1);
    assert.equal(world.journal.refusedTimestamps.length, 0);
  });

  for (const method of ['GET', 'POST'] as const) {
    it(`updates a gateway that takes ${method}, and waits until it is back`, async () => {
      await running.close();
      await begin({
        updateMethods: [method],
        answerWork: 'at-once',
        times: { updateMs: 100, restartMs: 200 },
        version: 64,
      });
      await gateway.update(within());
      assert.equal(world.version, 65);
      assert.equal((await gateway.status(within())).version, 65);
    });
  }

  for (const clockRefusal of [33, 38] as const)
    it(`goes back to the clock when the kept timestamp is far ahead and the gateway refuses it with ${clockRefusal}`, async () => {
      await running.close();
      await begin({ clockTolerance: 30, clockRefusal });
      const state = new MemoryState();
      await count(state, `timestamp/${running.host}`, Math.floor(Date.now() / 1000) + 86_400, 1);
      gateway = new Gateway({
        address: parseAddress(running.host),
        state,
        log: silent,
        timing: { boltTravel: 10, breather: 0 },
      });
      assert.equal((await gateway.open(FRONT, within())).confirmed, true);
      assert.equal((await gateway.close(FRONT, within())).confirmed, true);
      assert.equal(world.journal.refusedTimestamps.length, clockRefusal === 33 ? 1 : 3);
    });

  it('waits for the synchronization that sets a gateway’s clock', async () => {
    await running.close();
    await begin({ answerWork: 'at-once', times: { synchronizeMs: 1500 } });
    world.clockInvalid = true;
    assert.equal((await gateway.open(FRONT, within(20_000))).confirmed, true);
    assert.equal(paths().filter((path) => path === '/synchronize').length, 1);
    assert.equal(paths().filter((path) => path === '/open').length, 2);
  });

  it('asks for what is missing before anything is sent', async () => {
    await assert.rejects(gateway.open({ identifier: '', code: 'x' }, within()), { code: 'INVALID_INPUT' });
    await assert.rejects(gateway.open({ identifier: '1', code: ' ' }, within()), { code: 'INVALID_INPUT' });
    await assert.rejects(gateway.open({ identifier: '1', code: 'clé' }, within()), { code: 'INVALID_INPUT' });
    assert.equal(world.journal.requests.length, 0);
  });
});
