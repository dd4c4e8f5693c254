/** What is kept of commands that flows have, answered or not. */
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Device } from '../../../src/google/devices/device';
import { PendingCommands, ReplyTimeouts, Session, type Pending } from '../../../src/google/pending';
import { HandClock } from '../../support/clock';
import { ANNA } from '../../support/smart-home';

const TEN_MINUTES = 600_000;

describe('commands that wait for a flow', () => {
  const command = (): Pending => ({ request: { device: { id: 'door' } } }) as unknown as Pending;

  it('are let go when no answer can be of use any more, with the PIN that came with them', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const clock = new HandClock();
    const pending = new PendingCommands(clock);
    const add = (): [string, WeakRef<object>] => {
      const one = command();
      return [pending.add(one, clock.elapsed()), new WeakRef(one.request)];
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

describe('the time that a flow has', () => {
  it("is each device's own, with one timer for all, and none is left of those that ended", async () => {
    const clock = new HandClock();
    const expired: string[] = [];
    const timeouts = new ReplyTimeouts(clock, ({ device }) => void expired.push(device.id));
    const session = (id: string, replyTimeout: number): Session => {
      const device = { id, settings: { replyTimeout } } as unknown as Device;
      return new Session(ANNA, device, { since: 0, gone: false });
    };
    const [slow, quick, ended, later] = [
      session('slow', 3000),
      session('quick', 1000),
      session('ended', 500),
      session('later', 1000),
    ];
    for (const each of [slow, quick, ended]) timeouts.begin(each, clock.elapsed());
    assert.equal(clock.waiting, 1);
    timeouts.end(ended);
    await clock.advance(600);
    timeouts.begin(later, clock.elapsed());
    await clock.advance(399);
    assert.deepEqual(expired, []);
    await clock.advance(1);
    assert.deepEqual(expired, ['quick']);
    await clock.advance(600);
    assert.deepEqual(expired, ['quick', 'later']);
    await clock.advance(1400);
    assert.deepEqual(expired, ['quick', 'later', 'slow']);
    assert.equal(clock.waiting, 0);
  });
});
