import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SberAccount } from '../../../src/sber/sber-account';
import { accountSettings } from '../../../src/sber/endpoint';
import { startSberCloud } from '../../../simulators/sber/cloud';
import { HurriedClock } from '../../support/hurried-clock';

const never = new AbortController().signal;
const settings = accountSettings({ token: 'demo-sber-key' });

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('A Sber account', () => {
  const account = (): SberAccount => new SberAccount(settings, { clock: new HurriedClock(), random: () => 0.5 });

  it('lets operations of a kind run one after the other, whatever becomes of them', async () => {
    const shared = account();
    const order: string[] = [];
    const first = gate();
    const runs = [
      shared.inTurn('models', { signal: never }, async () => {
        await first.opened;
        order.push('first');
      }),
      shared.inTurn('models', { signal: never }, () => {
        order.push('second');
        throw new Error('second');
      }),
      shared.inTurn('models', { signal: never }, async () => {
        order.push('third');
        return 3;
      }),
    ];
    // States do not wait for a long sync.
    await shared.inTurn('devices', { signal: never }, async () => order.push('state'));
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
    const running = shared.inTurn('models', { signal: never }, () => first.opened);
    const waiting = shared.inTurn('models', { signal: stop.signal }, run);
    stop.abort(new Error('closed'));
    await assert.rejects(waiting, /closed/);
    await assert.rejects(shared.inTurn('models', { signal: stop.signal }, run), /closed/);
    first.open();
    await running;
    await shared.inTurn('models', { signal: never }, async () => undefined);
    assert.ok(!ran);
  });

  it('keeps no answer after its operation', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const shared = account();
    const answers: WeakRef<object>[] = [];
    for (let index = 0; index < 3; index += 1) {
      await shared.inTurn('models', { signal: never }, async () => {
        const models = [{ id: 'A' }];
        answers.push(new WeakRef(models));
        return models;
      });
    }
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    assert.deepEqual(
      answers.map((answer) => answer.deref()),
      [undefined, undefined, undefined],
    );
  });

  it('refuses more messages than anybody can wait for', async () => {
    const shared = account();
    const first = gate();
    const all = [shared.inTurn('devices', { signal: never }, () => first.opened)];
    await new Promise((resolve) => setImmediate(resolve));
    let refused = 0;
    for (let index = 0; index < 1100; index += 1) {
      all.push(
        shared
          .inTurn('devices', { signal: never }, async () => undefined)
          .catch((error: unknown) => {
            assert.equal((error as { code: string }).code, 'QUEUE_FULL');
            refused += 1;
          }),
      );
    }
    first.open();
    await Promise.all(all);
    assert.equal(refused, 100);
    await shared.inTurn('devices', { signal: never }, async () => undefined);
  });

  it('lets a thousand readers of an editor share one request, beside a long sync', async () => {
    const cloud = await startSberCloud({ models: [{ id: 'A' }] });
    try {
      const own = accountSettings({ endpoint: cloud.url, token: cloud.token });
      const shared = new SberAccount(own, { clock: new HurriedClock() });
      const sync = gate();
      const running = shared.inTurn('models', { signal: never }, () => sync.opened);
      cloud.strike({ kind: 'slow', ms: 20 });
      const gone = new AbortController();
      const closed = shared.modelsForEditor(gone.signal);
      const readers = Array.from({ length: 1000 }, () => shared.modelsForEditor(new AbortController().signal));
      gone.abort(new Error('closed'));
      await assert.rejects(closed, /closed/);
      for (const models of await Promise.all(readers)) assert.deepEqual(models, [{ id: 'A' }]);
      assert.equal(cloud.journal.length, 1);
      cloud.models.clear();
      assert.deepEqual(await shared.modelsForEditor(never), []);
      sync.open();
      await running;
    } finally {
      await cloud.close();
    }
  });
});
