import assert from 'node:assert/strict';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import { StateError, type Json } from '../../../src/state/state';
import type { LockReading, LockState } from '../../../src/thekeys/wire';
import { Readings } from '../../../src/thekeys/readings';

const KEY = 'gateway.test:80';
const reading = (state: LockState, at = 1, identifier = '1001'): LockReading => ({
  identifier,
  state,
  code: { unknown: 48, closed: 49, open: 50 }[state],
  batteryMillivolts: 8131,
  batteryPercent: 95,
  rssi: -70,
  position: 4,
  version: 81,
  at: new Date(1_700_000_000_000 + at * 1000).toISOString(),
});

describe('readings of the locks of a gateway', () => {
  const of = (state: MemoryState, log = silent): Readings => new Readings({ state, key: KEY, log });

  it('reach at once whatever follows the lock, however its number is spelt', () => {
    const readings = of(new MemoryState());
    const seen: string[] = [];
    const stop = readings.subscribe('001001', ({ state }) => seen.push(state));
    readings.subscribe('1002', () => assert.fail('another lock'));
    readings.add(reading('closed'));
    readings.add(reading('open'));
    stop();
    readings.add(reading('unknown'));
    assert.deepEqual(seen, ['closed', 'open']);
    assert.equal(readings.last('01001')?.state, 'unknown');
  });

  it('are known after a restart', async () => {
    const state = new MemoryState();
    const before = of(state);
    assert.equal(await before.known('1001'), undefined);
    before.add(reading('open'));
    before.add(reading('closed', 2, '1002'));
    await before.saved();
    const after = of(state);
    assert.equal((await after.known('1001'))?.state, 'open');
    assert.equal((await after.known('1002'))?.state, 'closed');
  });

  it('that come while those of before are looked up do not pass for them', async () => {
    const state = new MemoryState();
    of(state).add(reading('open'));
    await new Promise((resolve) => setImmediate(resolve));
    const readings = of(state);
    const known = readings.known('1001');
    readings.add(reading('closed', 2));
    assert.equal((await known)?.state, 'open');
    assert.equal((await readings.known('1001'))?.state, 'closed');
  });

  it('that could not be kept are told once, and kept with the next one', async () => {
    let broken = true;
    class Disk extends MemoryState {
      protected override keep(key: string, value: Json | undefined): Promise<void> {
        return broken ? Promise.reject(new StateError('no room', 'ENOSPC')) : super.keep(key, value);
      }
    }
    const state = new Disk();
    const warned: string[] = [];
    const readings = of(state, { ...silent, warn: (text) => warned.push(text) });
    readings.add(reading('open'));
    await readings.saved();
    readings.add(reading('closed', 2, '1002'));
    await readings.saved();
    assert.equal(warned.length, 1);
    broken = false;
    readings.add(reading('open', 3, '1002'));
    await readings.saved();
    const after = of(state);
    assert.equal((await after.known('1001'))?.state, 'open');
    assert.equal((await after.known('1002'))?.state, 'open');
  });

  it('are none where something else was written in their place', async () => {
    const good = reading('open') as unknown as Json;
    const odd: Json[] = ['open', [good], { 1001: null }, { 1001: { ...(good as object), state: 'ajar' } }];
    for (const value of odd) {
      const state = new MemoryState();
      await state.change(`readings/${KEY}`, () => ({ value, result: undefined }));
      assert.equal(await of(state).known('1001'), undefined, JSON.stringify(value));
    }
  });

  describe('in processes that share the state', () => {
    class Shared extends MemoryState {
      override readonly shared = true;
    }

    it('travel at once, whatever the clocks show', async () => {
      const state = new Shared();
      const [one, other] = [of(state), of(state)];
      const seen: string[] = [];
      other.subscribe('1001', (each) => seen.push(each.state));
      one.subscribe('1001', () => undefined);
      one.add(reading('open', 3600));
      other.add(reading('closed', 10));
      one.add(reading('unknown', 3));
      assert.deepEqual(seen, ['open', 'closed', 'unknown']);
      assert.equal(one.last('1001')?.state, 'unknown');
      await state.publish(`readings/${KEY}`, { from: 'elsewhere', reading: { state: 'open' } });
      assert.equal(seen.length, 3, 'what is no reading is none');
    });

    it('are caught up with where messages were missed', async () => {
      const state = new Shared();
      const [one, other] = [of(state), of(state)];
      other.add(reading('closed'));
      await other.saved();
      one.add(reading('open', 2));
      await one.saved();
      assert.equal(other.last('1001')?.state, 'closed', 'nothing followed the lock there');
      await other.refresh();
      assert.equal(other.last('1001')?.state, 'open');
    });
  });
});
