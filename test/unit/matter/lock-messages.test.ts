import assert from 'node:assert/strict';
import { contradiction, fromFlow } from '../../../src/matter/lock-messages';

const updateOf = (payload: unknown): object => {
  const said = fromFlow({ payload });
  assert.equal(said.kind, 'state');
  return said.update;
};

describe('what a flow says of a Matter lock', () => {
  it('is understood as lock-action and lock-status send it', () => {
    const reading = {
      identifier: '45961123',
      state: 'open',
      code: 50,
      batteryPercent: 87,
      version: 81,
      confirmed: true,
    };
    assert.deepEqual(updateOf(reading), { state: 'open', reachable: true, batteryPercent: 87, firmware: '81' });
    assert.deepEqual(updateOf({ state: 'unknown', batteryPercent: null }), { state: 'unknown', reachable: true });
  });

  it('shows nothing of a lock that was not read back', () => {
    assert.deepEqual(updateOf({ identifier: '45961123', action: 'open', state: null, confirmed: false }), {});
  });

  it('may be a jam or a door contact alone', () => {
    assert.deepEqual(updateOf({ isJammed: true }), { jammed: true });
    assert.deepEqual(updateOf({ door: 'open' }), { door: 'open' });
    assert.deepEqual(updateOf({ state: 'closed', door: 'ajar' }), { state: 'closed', reachable: true });
  });

  it('is refused where it says nothing of a lock: a guess is no state', () => {
    const nothing = [true, 1, 'open', null, undefined, [], {}, { state: true }, { state: 'ajar' }, { door: 'ajar' }];
    for (const payload of [...nothing, { isJammed: 'yes' }, { command: 'UnlockDoor', action: 'open' }]) {
      assert.throws(() => fromFlow({ payload }), { code: 'INVALID_INPUT' }, JSON.stringify(payload));
    }
  });

  it('is a failure where a Catch node says so, and an outage where the code means that', () => {
    const error = { code: 'GATEWAY_UNREACHABLE', message: 'nothing\nanswers', cause: {} };
    const said = fromFlow({ payload: { state: 'open' }, error });
    assert.equal(said.kind, 'failure');
    assert.deepEqual([said.error.code, said.error.message, said.isOutage], [error.code, 'nothing answers', true]);
    const other = fromFlow({ error: { message: 'a function node failed' } });
    assert.equal(other.kind, 'failure');
    assert.deepEqual([other.error.code, other.isOutage], ['LOCK_ERROR', false]);
  });
});

describe('what was read after a command', () => {
  it('is its failure where it is another state, no state, or a jam', () => {
    assert.equal(contradiction('open', { state: 'closed' })?.code, 'LOCK_ERROR');
    assert.equal(contradiction('close', { state: 'unknown' })?.code, 'LOCK_ERROR');
    assert.equal(contradiction('close', { state: 'closed', jammed: true })?.code, 'LOCK_ERROR');
  });

  it('is its success where it is what was asked for, or where nothing was read', () => {
    assert.equal(contradiction('open', { state: 'open' }), undefined);
    assert.equal(contradiction('close', { state: 'closed', jammed: false }), undefined);
    assert.equal(contradiction('close', {}), undefined);
  });
});
