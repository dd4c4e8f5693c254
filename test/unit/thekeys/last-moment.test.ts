import assert from 'node:assert/strict';
import { SimulatedGateway, type SimulatedGatewayOptions } from '../../../simulators/gateway/gateway';
import type { Gateway } from '../../../src/thekeys/gateway';
import { HandClock, turn } from '../../support/clock';
import { gatewayOver, inProcess } from '../../support/in-process';

const FRONT = { identifier: '1001', code: 'demo-front-code' };
const BACK = { identifier: '1002', code: 'demo-back-code' };

describe('a command at its last moment', () => {
  let clock: HandClock;
  let world: SimulatedGateway;
  let gateway: Gateway;
  /** What happens between the look at the clock that comes first, and the one that comes last. */
  let whileConnecting: () => Promise<void>;

  const begin = (options: Partial<SimulatedGatewayOptions>): void => {
    clock = new HandClock();
    whileConnecting = () => Promise.resolve();
    world = new SimulatedGateway({ locks: [FRONT, BACK], clock, ...options });
    const simulated = inProcess(world, clock);
    gateway = gatewayOver(
      async (request) => {
        await whileConnecting();
        return simulated(request);
      },
      { clock },
    );
  };
  const paths = (): string[] => world.journal.requests.map(({ path }) => path);
  const code = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'ok',
      (error: unknown) => (error as { code?: unknown }).code,
    );

  it('is sent up to its deadline, and has time of its own for the answer and for being read back', async () => {
    begin({ times: { latencyMs: 2950, travelMs: 1000 } });
    const list = gateway.list({ deadlineMs: 9000, timeoutMs: 9000 });
    const opened = code(gateway.open(FRONT, { deadlineMs: 3000, timeoutMs: 9000, confirm: true }));
    await clock.advance(20_000);
    assert.equal((await list).length, 2);
    assert.equal(await opened, 'ok');
    assert.deepEqual(paths(), ['/lockers', '/open', '/locker_status']);
  });

  it('is not sent when the deadline passed before its turn', async () => {
    begin({ times: { latencyMs: 3100 } });
    const list = gateway.list({ deadlineMs: 9000, timeoutMs: 9000 });
    const opened = code(gateway.open(FRONT, { deadlineMs: 3000, timeoutMs: 9000, confirm: true }));
    await clock.advance(9000);
    assert.equal((await list).length, 2);
    assert.equal(await opened, 'EXPIRED');
    assert.deepEqual(paths(), ['/lockers']);
  });

  it('is not sent when it reads, and no answer could come in time', async () => {
    begin({ times: { latencyMs: 2950 } });
    const list = gateway.list({ deadlineMs: 9000, timeoutMs: 9000 });
    const status = code(gateway.status({ deadlineMs: 3000, timeoutMs: 9000 }));
    await clock.advance(4000);
    assert.equal((await list).length, 2);
    assert.equal(await status, 'EXPIRED');
    assert.deepEqual(paths(), ['/lockers']);
  });

  it('is not sent when the time ran out while the connection was made', async () => {
    begin({});
    whileConnecting = () => clock.advance(5000);
    const opened = code(gateway.open(FRONT, { deadlineMs: 3000, timeoutMs: 9000, confirm: false }));
    await turn();
    await clock.advance(1000);
    assert.equal(await opened, 'EXPIRED');
    assert.deepEqual(world.journal.actions, []);
  });

  it('leaves a gateway alone that was too slow to be waited for', async () => {
    begin({ times: { travelMs: 2500 }, answerMoves: 'after', overlap: 'drop' });
    const front = code(gateway.open(FRONT, { deadlineMs: 3000, timeoutMs: 2000, confirm: false }));
    const back = code(gateway.open(BACK, { deadlineMs: 20_000, timeoutMs: 9000, confirm: false }));
    await clock.advance(20_000);
    // Its answer came too late, but the lock could be read, and that says how it went.
    assert.equal(await front, 'ok');
    // At once it would have been dropped, and nobody could say whether it had been heard.
    assert.equal(await back, 'ok');
    assert.deepEqual(
      world.journal.actions.map(({ lock }) => lock),
      [FRONT.identifier, BACK.identifier],
    );
    assert.deepEqual(
      world.journal.requests.map(({ outcome }) => outcome).filter((outcome) => outcome === 'dropped'),
      [],
    );
  });
});
