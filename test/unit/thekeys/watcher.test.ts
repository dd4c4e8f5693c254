import assert from 'node:assert/strict';
import type { Clock } from '../../../src/common/clock';
import { SimulatedGateway } from '../../../simulators/gateway/gateway';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import type { Json } from '../../../src/state/state';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import { Gateway } from '../../../src/thekeys/gateway';
import { HandClock } from '../../support/clock';
import { answering, inProcess } from '../../support/in-process';

const FRONT = { identifier: '1001', code: 'demo-front-code' };
const BACK = { identifier: '1002', code: 'demo-back-code' };
const MINUTE = 60_000;

describe('watching locks', () => {
  let clock: HandClock;
  let world: SimulatedGateway;
  let gateway: Gateway;
  let away: boolean;
  let random: () => number;

  beforeEach(() => {
    clock = new HandClock();
    away = false;
    random = () => 0.5;
    world = new SimulatedGateway({ locks: [FRONT, BACK], clock });
    const simulated = inProcess(world, clock);
    gateway = new Gateway({
      address: parseAddress('gateway.test'),
      state: new MemoryState(),
      log: silent,
      clock,
      exchange: (request) => {
        if (away) world.faults.next({ kind: 'refuse', path: request.url.pathname });
        return simulated(request);
      },
      random: () => random(),
    });
  });

  const watch = (
    share = FRONT,
    intervalMs = MINUTE,
  ): { told: string[]; lasting: readonly unknown[]; stop: () => void } => {
    const told: string[] = [];
    const lasting: unknown[] = [];
    const stop = gateway.watch(
      { share, intervalMs, timeoutMs: 10_000 },
      {
        onReading: ({ state }, polled) => {
          if (polled || state !== told.at(-1)) told.push(state);
        },
        onTrouble: ({ code }) => told.push(code),
        onTroubleLasts: () => lasting.push(clock.elapsed()),
        onRecovered: () => told.push('recovered'),
      },
    );
    return { told, lasting, stop };
  };
  const asked = (): number => world.journal.paths.filter((path) => path === '/locker_status').length;

  it('reads at once, then asks the lock only when its log counter changed', async () => {
    const { told } = watch();
    await clock.advance(1000);
    assert.deepEqual(told, ['closed']);
    await clock.advance(3 * MINUTE);
    assert.deepEqual(told, ['closed', 'closed', 'closed', 'closed']);
    assert.equal(asked(), 2, 'once more when the bolt would be at rest');
    world.locks.get(FRONT.identifier)!.turnByHand('open');
    await clock.advance(MINUTE + 10_000);
    assert.equal(told.at(-1), 'open');
    await clock.advance(5 * MINUTE);
    assert.equal(asked(), 4);
  });

  it('tells what was read for others meanwhile, rather than something older', async () => {
    const { told } = watch();
    await clock.advance(1000);
    const lock = world.locks.get(FRONT.identifier)!;
    const counted = lock.lastLog;
    const options = { deadlineMs: 30_000, timeoutMs: 10_000 };
    lock.turnByHand('open');
    // The gateway has not heard of it yet.
    lock.lastLog = counted;
    const read = gateway.lockStatus(FRONT, options);
    await clock.advance(10_000);
    assert.equal((await read).state, 'open');
    assert.deepEqual(told, ['closed', 'open'], 'at once');
    await clock.advance(MINUTE);
    assert.deepEqual(told, ['closed', 'open', 'open']);

    const closed = gateway.close(FRONT, { ...options, confirm: true });
    await clock.advance(20_000);
    assert.equal((await closed).state, 'closed');
    lock.lastLog = counted;
    await clock.advance(MINUTE);
    assert.equal(told.at(-1), 'closed');
    lock.turnByHand('open');
    await clock.advance(MINUTE + 10_000);
    assert.equal(told.at(-1), 'open');
  });

  it('asks each time where the firmware sends no log counter', async () => {
    world.wire.lastLog = false;
    watch();
    await clock.advance(2 * MINUTE + 10_000);
    assert.equal(asked(), 3);
  });

  it('keeps one timer and one list request, however many watch', async () => {
    const watches = [watch(), watch(), watch(BACK), watch(BACK, 2 * MINUTE)];
    await clock.advance(MINUTE + 10_000);
    assert.equal(clock.waiting, 1);
    assert.equal(world.journal.paths.filter((path) => path === '/lockers').length, 2);
    assert.equal(asked(), 4);
    for (const { stop } of watches) stop();
    assert.equal(clock.waiting, 0);
  });

  it('lists once for all who watch at the same pace, also after hours of jitter', async () => {
    let even = false;
    random = () => {
      even = !even;
      return even ? 0 : 1;
    };
    for (const share of [FRONT, BACK]) watch(share);
    await clock.advance(100 * MINUTE);
    const lists = world.journal.paths.filter((path) => path === '/lockers').length;
    assert.ok(lists >= 95 && lists <= 105, String(lists));
  });

  it('tells an outage once, and its end once', async () => {
    const { told } = watch();
    await clock.advance(1000);
    away = true;
    await clock.advance(5 * MINUTE);
    assert.deepEqual(told, ['closed', 'GATEWAY_UNREACHABLE']);
    away = false;
    await clock.advance(MINUTE + 10_000);
    assert.deepEqual(told, ['closed', 'GATEWAY_UNREACHABLE', 'recovered', 'closed']);
  });

  it('goes on saying that an outage lasts, for badges that show something newer', async () => {
    const { told, lasting } = watch();
    await clock.advance(1000);
    away = true;
    await clock.advance(5 * MINUTE + 10_000);
    assert.deepEqual(told, ['closed', 'GATEWAY_UNREACHABLE']);
    assert.equal(lasting.length, 4);
  });

  it('tells an outage once, whatever a gateway does that goes down', async () => {
    const { told } = watch();
    await clock.advance(1000);
    for (const kind of ['hang', 'reset-before', 'html', 'refuse', 'empty'] as const) {
      world.faults.clear();
      world.faults.next({ kind, path: '/lockers', times: 100 });
      await clock.advance(2 * MINUTE);
    }
    assert.deepEqual(told, ['closed', 'GATEWAY_TIMEOUT']);
    world.faults.clear();
    await clock.advance(MINUTE);
    assert.deepEqual(told.slice(2), ['recovered', 'closed']);
  });

  it('tells a lock that is out of sight from a gateway that is gone', async () => {
    const front = watch();
    const back = watch(BACK);
    await clock.advance(1000);
    world.locks.get(FRONT.identifier)!.inSight = false;
    await clock.advance(3 * MINUTE);
    assert.deepEqual(front.told, ['closed', 'closed', 'LOCK_NOT_DETECTED'], 'once missing is not out of reach');
    assert.deepEqual(back.told, ['closed', 'closed', 'closed', 'closed']);
  });

  for (const counts of ['start', 'end'] as const) {
    it(`ends with the state at rest where others move the lock, though polls fall into that (counted at its ${counts})`, async () => {
      const lock = world.locks.get(FRONT.identifier)!;
      lock.counts = counts;
      for (const [offset, intervalMs] of [
        [100, MINUTE],
        [MINUTE - 1000, MINUTE],
        [MINUTE - 4000, MINUTE],
        [100, 2000],
        [1000, 3000],
      ] as const) {
        lock.turnByHand('closed');
        const { told, stop } = watch(FRONT, intervalMs);
        await clock.advance(20_000 + offset);
        lock.moveElsewhere('open', 5000);
        await clock.advance(2 * MINUTE);
        assert.equal(told.at(-1), 'open', `moved ${offset} ms after a poll, every ${intervalMs} ms`);
        const readings = asked();
        await clock.advance(10 * MINUTE);
        assert.equal(asked(), readings, 'and is left in peace then');
        stop();
      }
    });
  }

  it('begins in the middle of a movement, and ends with the state at rest', async () => {
    const lock = world.locks.get(FRONT.identifier)!;
    lock.counts = 'start';
    lock.moveElsewhere('open', 5000);
    const { told } = watch();
    await clock.advance(10_000);
    assert.deepEqual(told, ['closed', 'open']);
  });

  it('asks a lock that is barely heard only when it has news, and tells no error for that', async () => {
    const { told } = watch();
    await clock.advance(10_000);
    const readings = asked();
    const lock = world.locks.get(FRONT.identifier)!;
    for (let list = 0; list < 18; list += 1) {
      lock.inSight = !lock.inSight;
      await clock.advance(MINUTE);
    }
    assert.equal(asked(), readings);
    assert.deepEqual([...new Set(told)], ['closed']);
  });

  it('tells a lock out of reach once, however often it is heard in between', async () => {
    const { told, lasting } = watch();
    await clock.advance(10_000);
    const lock = world.locks.get(FRONT.identifier)!;
    for (let list = 0; list < 18; list += 1) {
      lock.inSight = list % 3 === 2;
      await clock.advance(MINUTE);
    }
    assert.equal(told.filter((each) => each === 'LOCK_NOT_DETECTED').length, 1);
    assert.ok(lasting.length > 10, 'the badge goes on to say so');
    lock.inSight = true;
    await clock.advance(3 * MINUTE);
    assert.equal(told.filter((each) => each === 'recovered').length, 1);
    assert.equal(told.at(-1), 'closed');
  });

  it('takes the readings of others for its own, also as the one at rest', async () => {
    const { told } = watch();
    await clock.advance(10_000);
    world.locks.get(FRONT.identifier)!.moveElsewhere('open', 5000);
    await clock.advance(MINUTE + 3000);
    const readings = asked();
    const read = gateway.lockStatus(FRONT, { deadlineMs: 30_000, timeoutMs: 10_000 });
    await clock.advance(5000);
    assert.equal((await read).state, 'open');
    assert.equal(told.at(-1), 'open');
    await clock.advance(5 * MINUTE);
    assert.ok(asked() <= readings + 2);
  });

  it('knows a lock whatever zeros its number is written with', async () => {
    const { told } = watch({ ...FRONT, identifier: '1001' });
    const zeros: string[] = [];
    gateway.readings.subscribe('0001001', ({ state }) => zeros.push(state));
    await clock.advance(10_000);
    assert.deepEqual([told[0], zeros[0]], ['closed', 'closed']);
  });

  describe('a lock that counts a movement when it is told to move, and reads as what it was until the bolt has arrived', () => {
    let log: number;
    let arrivesAt: number;

    beforeEach(() => {
      log = 100;
      arrivesAt = Infinity;
      gateway = new Gateway({
        address: parseAddress('gateway.test'),
        state: new MemoryState(),
        log: silent,
        clock,
        random: () => 0.5,
        exchange: answering((path) => {
          if (path === '/open') {
            log += 1;
            arrivesAt = clock.elapsed() + 4000;
          }
          const listed = { identifier: 1001, rssi: -60, battery: 8000, last_log: log };
          const answers: Record<string, object> = {
            '/lockers': { status: 'ok', devices: [listed] },
            '/locker_status': { code: clock.elapsed() >= arrivesAt ? 50 : 49 },
          };
          return answers[path] ?? { status: 'ok', code: 0 };
        }),
      });
    });
    it('is asked again after a poll that came while the bolt travelled', async () => {
      const { told } = watch(FRONT, 3000);
      await clock.advance(1000);
      await gateway.open(FRONT, { deadlineMs: 30_000, timeoutMs: 10_000, confirm: false });
      await clock.advance(3000);
      assert.deepEqual(told, ['closed', 'closed']);
      await clock.advance(6000);
      assert.equal(told.at(-1), 'open');
    });
  });

  it('takes a gateway that is busy for no outage', async () => {
    const { told } = watch();
    await clock.advance(10_000);
    world.faults.next({ kind: 'busy', times: 2 });
    await clock.advance(3 * MINUTE);
    assert.deepEqual(told, ['closed', 'closed']);
  });

  it('takes one that stays busy for an outage in the end, for nobody knows the state of its locks', async () => {
    const { told, lasting } = watch();
    await clock.advance(1000);
    world.locks.get(FRONT.identifier)!.turnByHand('open');
    world.faults.next({ kind: 'busy', path: '/locker_status', times: 1000 });
    await clock.advance(10 * MINUTE);
    assert.deepEqual(told, ['closed'], 'a firmware takes as long');
    await clock.advance(10 * MINUTE);
    assert.deepEqual(told, ['closed', 'GATEWAY_BUSY']);
    assert.ok(lasting.length > 0);
    away = true;
    await clock.advance(5 * MINUTE);
    assert.deepEqual(told, ['closed', 'GATEWAY_BUSY'], 'the same outage, whatever it looks like');
    away = false;
    world.faults.clear();
    await clock.advance(2 * MINUTE);
    assert.deepEqual(told.slice(2, 4), ['recovered', 'open']);
  });

  it('counts the time for which it is busy anew after each poll that succeeds', async () => {
    const { told } = watch();
    await clock.advance(1000);
    for (let round = 0; round < 3; round += 1) {
      world.locks.get(FRONT.identifier)!.turnByHand('open');
      world.faults.next({ kind: 'busy', path: '/locker_status', times: 1000 });
      await clock.advance(12 * MINUTE);
      world.faults.clear();
      await clock.advance(2 * MINUTE);
    }
    assert.deepEqual([...new Set(told)], ['closed', 'open']);
  });

  it('leaves nothing behind when the last one stops, even in the middle of a poll', async () => {
    world.times.bleMs = 5000;
    const { told, stop } = watch();
    await clock.advance(2000);
    stop();
    await clock.advance(10 * MINUTE);
    assert.deepEqual(told, []);
    assert.equal(clock.waiting, 0);
    assert.equal(world.journal.paths.length, 2);
  });

  describe('in several processes', () => {
    class Shared extends MemoryState {
      override readonly shared = true;
    }
    let state: Shared;
    beforeEach(() => {
      state = new Shared();
    });

    /** A process on a machine whose clock shows another time. */
    const elsewhere = (aheadMs: number): string[] => {
      const itsClock: Clock = {
        now: () => clock.now() + aheadMs,
        elapsed: () => clock.elapsed(),
        after: (ms, run) => clock.after(ms, run),
      };
      const its = new Gateway({
        address: parseAddress('gateway.test'),
        state,
        log: silent,
        clock: itsClock,
        exchange: inProcess(world, clock),
        random: () => Math.random(),
      });
      const told: string[] = [];
      its.watch(
        { share: FRONT, intervalMs: MINUTE, timeoutMs: 10_000 },
        {
          onReading: ({ state: read }, polled) => {
            if (polled || read !== told.at(-1)) told.push(read);
          },
          onTrouble: ({ code }) => told.push(code),
          onTroubleLasts: () => undefined,
          onRecovered: () => told.push('recovered'),
        },
      );
      return told;
    };
    const listed = (): number => world.journal.paths.filter((path) => path === '/lockers').length;

    it('one polls and all know, though no two clocks show the same time', async () => {
      const told = [-2000, -50, 0, 50, 2000].map(elsewhere);
      await clock.advance(20 * MINUTE);
      // Each of them would have asked that often; the quickest of them sets the pace, by up to a tenth.
      assert.ok(listed() <= 23, `${listed()} lists in 20 minutes`);
      assert.equal(asked(), 2);
      for (const each of told) assert.ok(each.length >= 18, `told ${each.length} times`);
    });

    it('a message that is no finding of theirs changes nothing', async () => {
      const told = elsewhere(0);
      await clock.advance(10_000);
      const lists = listed();
      const locks = [{ identifier: FRONT.identifier, lastLog: 7 }];
      const odd: Json[] = [
        'open',
        [1],
        { ageMs: 0, locks: [null], read: [] },
        { ageMs: 0, locks: { find: 1 }, read: [] },
        { ageMs: 'now', locks, read: [] },
        { ageMs: 0, locks, read: [1] },
      ];
      for (const message of odd) await state.publish('watch/gateway.test:80', message);
      await clock.advance(10_000);
      assert.deepEqual([told, listed(), asked()], [['closed'], lists, 2]);
    });
  });
});
