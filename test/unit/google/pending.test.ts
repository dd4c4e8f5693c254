/** What is kept of commands that flows have, answered or not. */
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PendingCommands, type Pending } from '../../../src/google/pending';
import { HandClock } from '../../support/clock';

const TEN_MINUTES = 600_000;

describe('commands that wait for a flow', () => {
  const command = (): Pending => ({ request: { device: { id: 'door' } } }) as unknown as Pending;

  it('are let go when no answer can be of use any more, with the PIN that came with them', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const clock = new HandClock();
    const pending = new PendingCommands(clock);
    const add = (): [string, WeakRef<Pending>] => {
      const one = command();
      return [pending.add(one), new WeakRef(one)];
    };
    const [handle, old] = add();
    await clock.advance(TEN_MINUTES);
    const [, young] = add();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    assert.equal(old.deref(), undefined);
    assert.ok(young.deref());
    assert.deepEqual(pending.redeem(handle), { kind: 'spent', warned: false });
    assert.equal(pending.deviceOf(handle), 'door');
    assert.equal(pending.close().length, 1);
  });
});
