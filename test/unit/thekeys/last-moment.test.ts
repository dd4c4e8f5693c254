import assert from 'node:assert/strict';
import { SimulatedGateway, type SimulatedGatewayOptions } from '../../../simulators/gateway/gateway';
import { MemoryState } from '../../../src/state/local';
import { parseAddress } from '../../../src/thekeys/address';
import { Gateway } from '../../../src/thekeys/gateway';
import type { Parcel } from '../../../src/thekeys/transport';
import { HandClock, turn } from '../../support/clock';
import { inProcess } from '../../support/in-process';

const FRONT = { identifier: '1001', code: 'demo-front-code' };
const BACK = { identifier: '1002', code: 'demo-back-code' };

describe('a command at its last moment', () => {
  let clock: HandClock;
  let world: SimulatedGateway;
  let gateway: Gateway;
  /** What happens between the look at the clock that comes first, and the one that comes last. */
  let whileSigned: (parcel: Parcel) => Promise<void>;

  const begin = (options: Partial<SimulatedGatewayOptions>): void => {
    clock = new HandClock();
    whileSigned = () => Promise.resolve();
    world = new SimulatedGateway({ locks: [FRONT, BACK], clock, ...options });
    const simulated = inProcess(world, clock);
    gateway = new Gateway({
      address: parseAddress('gateway.test'),
      state: new MemoryState(),
      warn: () => undefined,
      clock,
      transport: (parcel) =>
        simulated({
          ...parcel,
          form: async () => {
            const form = await parcel.form();
            await whileSigned(parcel);
            return form;
          },
        }),
    });
  };
  const paths = (): string[] => world.journal.requests.map(({ path }) => path);
  const code = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'ok',
      (error: unknown) => (error as { code?: unknown }).code,
    );

  it('is not sent when no answer could come in time', async () => {
    begin({ times: { latencyMs: 2950 } });
    const list = gateway.list({ deadlineMs: 9000, timeoutMs: 9000 });
    const opened = code(gateway.open(FRONT, { deadlineMs: 3000, timeoutMs: 9000, confirm: true }));
    await clock.advance(2960);
    assert.equal((await list).length, 2);
    assert.deepEqual(paths(), ['/lockers']);
    await clock.advance(100);
    assert.equal(await opened, 'EXPIRED');
    assert.deepEqual(paths(), ['/lockers']);
  });

  it('is not sent when the time ran out while it was signed', async () => {
    begin({});
    whileSigned = () => clock.advance(5000);
    const opened = code(gateway.open(FRONT, { deadlineMs: 3000, timeoutMs: 9000, confirm: false }));
    await turn();
    await clock.advance(1000);
    assert.equal(await opened, 'EXPIRED');
    assert.deepEqual(world.journal.actions, []);
  });

  it('leaves a gateway alone that was too slow to be waited for', async () => {
    begin({ times: { travelMs: 2500 }, answerMoves: 'after', overlap: 'drop' });
    const front = code(gateway.open(FRONT, { deadlineMs: 3000, timeoutMs: 9000, confirm: false }));
    const back = code(gateway.open(BACK, { deadlineMs: 20_000, timeoutMs: 9000, confirm: false }));
    await clock.advance(20_000);
    // It was given up after two thirds of its time, which left some to read the lock, and that told how it went.
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
