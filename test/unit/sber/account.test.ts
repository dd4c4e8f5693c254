import assert from 'node:assert/strict';
import { SberAccount } from '../../../src/sber/account';
import { HurriedClock } from '../../support/hurried-clock';

const never = new AbortController().signal;
const fields = { token: 'demo-sber-key' };

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('A Sber account', () => {
  const account = (): SberAccount => new SberAccount(fields, { clock: new HurriedClock(), random: () => 0.5 });

  it('lets operations of a kind run one after the other, whatever becomes of them', async () => {
    const shared = account();
    const order: string[] = [];
    const first = gate();
    const runs = [
      shared.inTurn('models', never, async () => {
        await first.opened;
        order.push('first');
      }),
      shared.inTurn('models', never, () => {
        order.push('second');
        throw new Error('second');
      }),
      shared.inTurn('models', never, async () => {
        order.push('third');
        return 3;
      }),
    ];
    // States do not wait for a long sync.
    await shared.inTurn('devices', never, async () => order.push('state'));
    first.open();
    const results = await Promise.allSettled(runs);
    assert.deepEqual(order, ['state', 'first', 'second', 'third']);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('lets go of who is told to stop while waiting, and never runs it', async () => {
    const shared = account();
    const first = gate();
    const stop = new AbortController();
    let ran = false;
    const run = async (): Promise<void> => {
      ran = true;
    };
    const running = shared.inTurn('models', never, () => first.opened);
    const waiting = shared.inTurn('models', stop.signal, run);
    stop.abort(new Error('closed'));
    await assert.rejects(waiting, /closed/);
    await assert.rejects(shared.inTurn('models', stop.signal, run), /closed/);
    first.open();
    await running;
    await shared.inTurn('models', never, async () => undefined);
    assert.ok(!ran);
  });

  it('refuses more messages than anybody can wait for', async () => {
    const shared = account();
    const first = gate();
    const all = [shared.inTurn('devices', never, () => first.opened)];
    await Promise.resolve();
    let refused = 0;
    for (let index = 0; index < 1100; index += 1) {
      all.push(
        shared
          .inTurn('devices', never, async () => undefined)
          .catch((error: unknown) => {
            assert.equal((error as { code: string }).code, 'QUEUE_FULL');
            refused += 1;
          }),
      );
    }
    first.open();
    await Promise.all(all);
    assert.equal(refused, 100);
    await shared.inTurn('devices', never, async () => undefined);
  });

  it('says what is wrong with its settings when it is used', async () => {
    await assert.rejects(
      new SberAccount({}).inTurn('models', never, async () => undefined),
      { code: 'INVALID_INPUT' },
    );
  });
});
