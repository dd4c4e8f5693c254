import assert from 'node:assert/strict';
import type { LockReading } from '../../../src/thekeys/wire';
import type { ActionResult } from '../../../src/thekeys/gateway';
import { named, payloadOf } from '../../../src/thekeys/commands';

const READING: LockReading = {
  identifier: '1001',
  state: 'open',
  code: 50,
  batteryMillivolts: 7783,
  batteryPercent: 76,
  rssi: -62,
  position: 4,
  version: 81,
  at: '2026-01-31T18:00:00.000Z',
};
const BARE: ActionResult = { identifier: '1001', action: 'toggle', state: 'open', confirmed: true };
const RESULT: ActionResult = { ...BARE, reading: READING };

describe('what is told of an action', () => {
  it('is the result first, then what the lock said', () => {
    const payload = payloadOf(RESULT);
    assert.deepEqual(Object.keys(payload).slice(0, 5), [
      'identifier',
      'action',
      'state',
      'confirmed',
      'batteryPercent',
    ]);
    assert.deepEqual(payload, { ...READING, action: 'toggle', confirmed: true });
  });

  it('has no battery where the lock does not say', () => {
    const silent = { ...READING, batteryPercent: null, batteryMillivolts: null };
    assert.equal('batteryPercent' in payloadOf({ ...RESULT, reading: silent }), false);
  });

  it('has the name of the lock beside its identifier, where the configuration has one', () => {
    assert.deepEqual(Object.entries(payloadOf(RESULT, 'Flat 3')).slice(0, 2), [
      ['identifier', '1001'],
      ['name', 'Flat 3'],
    ]);
    assert.deepEqual(named(READING, 'Flat 3'), { ...READING, name: 'Flat 3' });
    assert.deepEqual(named(READING), READING);
  });

  it('is the result alone where nothing was read', () => {
    assert.deepEqual(payloadOf({ ...BARE, state: null }), { ...BARE, state: null });
  });
});
