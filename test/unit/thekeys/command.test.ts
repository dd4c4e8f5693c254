import assert from 'node:assert/strict';
import { SimulatedGateway } from '../../../simulators/gateway/gateway';
import type { CommandOptions, Gateway } from '../../../src/thekeys/gateway';
import { HandClock } from '../../support/clock';
import { clientOf, inProcess } from '../../support/in-process';

const FRONT = { identifier: '1001', code: 'demo-front-code' };
const MINUTE = 60_000;

/** How a promise ended: its code, `ok`, or undefined while it has not. */
function endOf(work: Promise<unknown>): { code?: string } {
  const end: { code?: string } = {};
  work.then(
    () => (end.code = 'ok'),
    (error: unknown) => (end.code = (error as { code: string }).code),
  );
  return end;
}

describe('a command to a gateway', () => {
  let clock: HandClock;
  let world: SimulatedGateway;
  let gateway: Gateway;

  beforeEach(() => {
    clock = new HandClock();
    world = new SimulatedGateway({ locks: [FRONT], clock });
    gateway = clientOf(world, clock);
  });

  const within = (deadlineMs: number): CommandOptions => ({ deadlineMs, timeoutMs: deadlineMs });
  const asked = (path: string): number => world.journal.paths.filter((each) => each === path).length;

  it('synchronizes a gateway for its clock, and where that did not help not again for ten minutes', async () => {
    world.faults.next({ kind: 'code', code: 38, path: '/locker_status', times: 1_000_000 });
    gateway.watch(
      { share: FRONT, intervalMs: 5000, timeoutMs: 10_000 },
      {
        onReading: () => undefined,
        onTrouble: () => undefined,
        onTroubleLasts: () => undefined,
        onRecovered: () => undefined,
      },
    );
    await clock.advance(9 * MINUTE);
    assert.equal(asked('/synchronize'), 1);
    const read = endOf(gateway.lockStatus(FRONT, within(20_000)));
    await clock.advance(20_000);
    assert.equal(read.code, 'GATEWAY_CLOCK');
    assert.equal(asked('/synchronize'), 1);
    await clock.advance(9 * MINUTE);
    assert.equal(asked('/synchronize'), 2);
  });

  it('ends a read that shares a call with a longer one in its own time, and goes on for the other', async () => {
    const first = endOf(gateway.list(within(1000)));
    world.faults.next({ kind: 'slow', path: '/status', ms: 4000 });
    const long = endOf(gateway.status(within(30_000)));
    const short = endOf(gateway.status(within(2000)));
    await clock.advance(1900);
    assert.deepEqual([first.code, short.code, long.code], ['ok', undefined, undefined]);
    await clock.advance(200);
    assert.deepEqual([short.code, long.code], ['GATEWAY_TIMEOUT', undefined]);
    await clock.advance(2000);
    assert.equal(long.code, 'ok');
    assert.equal(asked('/status'), 1);
  });

  it('says of such a read that it was never sent where that is so', async () => {
    let connected: () => void = () => undefined;
    const connecting = new Promise<void>((resolve) => (connected = resolve));
    const simulated = inProcess(world, clock);
    const far = clientOf(world, clock, async (request) => {
      if (request.url.pathname === '/status') await connecting;
      return simulated(request);
    });
    const first = endOf(far.list(within(1000)));
    const long = endOf(far.status(within(30_000)));
    const short = endOf(far.status(within(2000)));
    await clock.advance(2100);
    assert.deepEqual([first.code, short.code, long.code], ['ok', 'EXPIRED', undefined]);
    connected();
    await clock.advance(100);
    assert.equal(long.code, 'ok');
  });
});
