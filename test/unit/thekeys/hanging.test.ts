/** The door must open although something else hangs: a lost answer of a poll, a slow disk, a flood of reads, many locks at once. */
import assert from 'node:assert/strict';
import { REALISTIC_TIMES, SimulatedGateway, type SimulatedGatewayOptions } from '../../../simulators/gateway/gateway';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import { StateError, type Json } from '../../../src/state/state';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import { Gateway, type ActionOptions } from '../../../src/thekeys/gateway';
import { HandClock } from '../../support/clock';
import { clientOf, inProcess } from '../../support/in-process';

const LOCKS = [1, 2, 3, 4, 5].map((number) => ({ identifier: String(1000 + number), code: `demo-code-${number}` }));
const FRONT = LOCKS[0]!;

/** A disk whose every write takes so long. Its callers wait for a second, once. */
class SlowDisk extends MemoryState {
  private isLate = false;
  constructor(
    private readonly clock: HandClock,
    private readonly flushMs: number,
  ) {
    super();
  }
  protected override async keep(key: string, value: Json | undefined): Promise<void> {
    const after = (ms: number): Promise<void> => new Promise((resolve) => this.clock.after(ms, resolve));
    const written = after(this.flushMs).then(() => (this.isLate = false));
    if (!this.isLate) await Promise.race([written, after(1000).then(() => (this.isLate = true))]);
    await super.keep(key, value);
    if (this.isLate) throw new StateError('the disk is slow', 'ETIMEDOUT');
  }
}

describe('while something else hangs', () => {
  let clock: HandClock;
  let world: SimulatedGateway;
  const begin = (options: Partial<SimulatedGatewayOptions> = {}): Gateway => {
    clock = new HandClock();
    world = new SimulatedGateway({ locks: LOCKS, clock, times: REALISTIC_TIMES, ...options });
    return clientOf(world, clock);
  };
  const within = (more: Partial<ActionOptions> = {}): ActionOptions => ({
    deadlineMs: 30_000,
    timeoutMs: 30_000,
    confirm: true,
    ...more,
  });
  const endOf = (work: Promise<unknown>): { code?: string; at?: number } => {
    const end: { code?: string; at?: number } = {};
    const note = (code: string): void => void Object.assign(end, { code, at: clock.elapsed() });
    work.then(
      (value) => note((value as { confirmed?: boolean } | undefined)?.confirmed === true ? 'confirmed' : 'ok'),
      (error: unknown) => note((error as { code: string }).code),
    );
    return end;
  };
  const sentAt = (path: string): number | undefined => world.journal.requests.find((each) => each.path === path)?.at;
  const watch = (gateway: Gateway): (() => void) =>
    gateway.watch(
      { share: FRONT, intervalMs: 60_000, timeoutMs: 30_000 },
      {
        onReading: () => undefined,
        onTrouble: () => undefined,
        onTroubleLasts: () => undefined,
        onRecovered: () => undefined,
      },
    );

  for (const path of ['/lockers', '/locker_status'])
    it(`an open behind a poll whose answer was lost leaves within 4 s (${path})`, async () => {
      const gateway = begin();
      world.faults.next({ kind: 'hang', path });
      const stop = watch(gateway);
      while (sentAt(path) === undefined) await clock.advance(100);
      await clock.advance(500);
      const asked = clock.elapsed();
      const opened = endOf(gateway.open(FRONT, within()));
      await clock.advance(40_000);
      assert.equal(opened.code, 'confirmed');
      assert.ok(sentAt('/open')! - asked <= 4000, `left after ${sentAt('/open')! - asked} ms`);
      stop();
    });

  it('an open behind a healthy reading of a poll meets no gateway that is at work still', async () => {
    const gateway = begin({ overlap: 'drop' });
    const stop = watch(gateway);
    while (sentAt('/locker_status') === undefined) await clock.advance(100);
    const opened = endOf(gateway.open(FRONT, within()));
    await clock.advance(40_000);
    assert.equal(opened.code, 'confirmed');
    assert.ok(world.journal.requests.every(({ outcome }) => outcome !== 'dropped'));
    stop();
  });

  it('a list or a status that gets no answer is given up after 5 s, whatever the time-out', async () => {
    const gateway = begin();
    world.faults.next({ kind: 'hang', times: 1 });
    const listed = endOf(gateway.list(within()));
    await clock.advance(30_000);
    assert.deepEqual(listed, { code: 'GATEWAY_TIMEOUT', at: 5000 });
  });

  it('a disk that takes 2 s for each write, or never ends one, keeps no door shut, and is warned of once', async () => {
    for (const flushMs of [2000, Infinity]) {
      begin({ times: { latencyMs: 100 } });
      const warnings: string[] = [];
      const gateway = new Gateway({
        address: parseAddress('gateway.test'),
        state: new SlowDisk(clock, flushMs),
        log: { ...silent, warn: (text) => warnings.push(text) },
        clock,
        exchange: inProcess(world, clock),
      });
      for (let round = 0; round < 5; round += 1) {
        const asked = clock.elapsed();
        const opened = endOf(gateway[round % 2 === 0 ? 'open' : 'close'](FRONT, within()));
        await clock.advance(20_000);
        assert.equal(opened.code, 'confirmed', `${flushMs}`);
        assert.ok(opened.at! - asked < 9000, `${opened.at! - asked} ms`);
      }
      assert.equal(warnings.filter((text) => text.includes('timestamps')).length, 1, warnings.join('\n'));
      const { timestamps } = world.journal;
      assert.deepEqual([...timestamps].sort(), timestamps);
      assert.equal(new Set(timestamps).size, timestamps.length);
    }
  });

  it('20,000 readings asked for in one moment are a hundred and one that are answered, and the rest refused', async () => {
    const gateway = begin({ times: {} });
    const ends = new Map<string, number>();
    const count = (code: string): void => void ends.set(code, (ends.get(code) ?? 0) + 1);
    for (let message = 0; message < 20_000; message += 1) {
      gateway.lockStatus(FRONT, within()).then(
        () => count('ok'),
        (error: unknown) => count((error as { code: string }).code),
      );
    }
    await clock.advance(5000);
    assert.deepEqual([...ends].sort(), [
      ['QUEUE_FULL', 19_899],
      ['ok', 101],
    ]);
    assert.equal(world.journal.requests.length, 2);
  });

  it('five locks of one gateway that are closed in one moment all end confirmed', async () => {
    const gateway = begin();
    for (const { identifier } of LOCKS) world.lock(identifier).turnByHand('open');
    const closed = LOCKS.map((lock) => endOf(gateway.close(lock, within({ deadlineMs: 120_000 }))));
    await clock.advance(180_000);
    assert.deepEqual(
      closed.map(({ code }) => code),
      LOCKS.map(() => 'confirmed'),
    );
  });

  it('five locks that are opened in one moment are opened one right after the other, and only then read', async () => {
    const gateway = begin();
    const opened = LOCKS.map((lock) => endOf(gateway.open(lock, within({ deadlineMs: 40_000 }))));
    await clock.advance(120_000);
    assert.deepEqual(
      opened.map(({ code }) => code),
      LOCKS.map(() => 'confirmed'),
    );
    // A gateway of the field answers when the bolt has arrived: after 0.13 + 3.3 + 5 s. Nothing of ours comes between.
    const { paths, requests } = world.journal;
    assert.deepEqual(
      requests.slice(0, 5).map(({ at }) => at),
      [0, 8430, 16_860, 25_290, 33_720],
    );
    assert.deepEqual(paths.slice(0, 5), Array<string>(5).fill('/open'));
  });

  it('an open that meets a gateway which is busy with another bolt does not wait for the reading back of that one', async () => {
    const gateway = begin({ times: { ...REALISTIC_TIMES, travelMs: 3000 }, answerMoves: 'before' });
    const [first, second] = [LOCKS[0]!, LOCKS[1]!].map((lock) => endOf(gateway.open(lock, within())));
    await clock.advance(60_000);
    assert.deepEqual([first!.code, second!.code], ['confirmed', 'confirmed']);
    const done = world.journal.requests.filter(({ outcome }) => outcome === 'ok').map(({ path }) => path);
    assert.deepEqual(done, ['/open', '/open', '/locker_status', '/locker_status']);
  });

  it('an action that the gateway is busy for until its deadline keeps no other one from being read back', async () => {
    const gateway = begin({ times: { ...REALISTIC_TIMES, travelMs: 0 } });
    const opened = endOf(gateway.open(FRONT, within()));
    await clock.advance(100);
    world.faults.next({ kind: 'busy', path: '/close', times: 1000 });
    const closed = endOf(gateway.close(LOCKS[1]!, within({ deadlineMs: 120_000 })));
    await clock.advance(130_000);
    assert.equal(opened.code, 'confirmed');
    assert.ok(opened.at! < 30_000, `${opened.at}`);
    assert.equal(closed.code, 'GATEWAY_BUSY');
  });

  for (const deadlineMs of [2000, 5000, 12_000])
    it(`a deadline of ${deadlineMs} ms is about sending: the result is known all the same`, async () => {
      for (const confirm of [true, false]) {
        const gateway = begin();
        const opened = endOf(gateway.open(FRONT, within({ deadlineMs, confirm })));
        await clock.advance(60_000);
        assert.equal(opened.code, confirm ? 'confirmed' : 'ok');
        world.faults.next({ kind: 'reset-after', path: '/close' });
        const closed = endOf(gateway.close(FRONT, within({ deadlineMs, confirm })));
        await clock.advance(60_000);
        assert.equal(closed.code, 'confirmed', 'a lost answer is settled by reading the lock');
      }
    });

  it('an action that was refused with 34 and then given up ends with that, for it is known', async () => {
    const gateway = begin({ times: { latencyMs: 200 } });
    world.lock(FRONT.identifier).inSight = false;
    const stop = new AbortController();
    const opened = endOf(gateway.open(FRONT, within({ signal: stop.signal })));
    while (sentAt('/status') === undefined) await clock.advance(50);
    stop.abort(new Error('closed'));
    await clock.advance(0);
    assert.equal(opened.code, 'LOCK_NOT_DETECTED');
  });

  it('an action that is given up while its connection is made keeps the next one waiting for nothing', async () => {
    begin({ times: {} });
    const simulated = inProcess(world, clock);
    let connect = (): void => undefined;
    const gateway = clientOf(world, clock, async (request) => {
      if (world.journal.requests.length === 0)
        await Promise.race([new Promise<void>((resolve) => (connect = resolve)), given(request.signal)]);
      return simulated(request);
    });
    const stop = new AbortController();
    const first = endOf(gateway.open(FRONT, within({ signal: stop.signal })));
    await clock.advance(300);
    const second = endOf(gateway.open(LOCKS[1]!, within({ confirm: false })));
    stop.abort(Object.assign(new Error('closed'), { code: 'closed' }));
    await clock.advance(0);
    connect();
    await clock.advance(10);
    assert.equal(first.code, 'closed');
    assert.deepEqual(second, { code: 'ok', at: 300 });
  });

  it('a refused reading hands out no second signature, unless the status of the gateway explains it', async () => {
    const gateway = begin({ times: {} });
    world.faults.next({ kind: 'code', code: 33, path: '/locker_status', times: 10 });
    const read = endOf(gateway.lockStatus(FRONT, within()));
    await clock.advance(30_000);
    assert.equal(read.code, 'INVALID_HMAC');
    assert.equal(world.journal.paths.filter((path) => path === '/locker_status').length, 1);
  });

  it('a gateway that synchronizes until the deadline is not said to be too far from the lock', async () => {
    const gateway = begin({ times: {}, background: { scanMs: 0, gatewayMs: 600_000, lockMs: 0 } });
    world.faults.next({ kind: 'code', code: 34, times: 100, path: '/open' });
    let error: { code?: string; message?: string } = {};
    gateway.open(FRONT, within()).catch((thrown: unknown) => (error = thrown as Error));
    await clock.advance(40_000);
    assert.equal(error.code, 'LOCK_NOT_DETECTED');
    assert.match(error.message ?? '', /synchronizing/);
    assert.equal(world.journal.paths.filter((path) => path === '/open').length, 1);
  });
});

/** As a connection that is given up. */
function given(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
}
