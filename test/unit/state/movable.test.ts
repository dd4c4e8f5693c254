import assert from 'node:assert/strict';
import { MemoryState } from '../../../src/state/local';
import { MovableState } from '../../../src/state/movable';
import { count } from '../../support/counting';
import { describeStateContract } from '../../support/state-contract';

describeStateContract(
  'a state that can be moved',
  () => {
    const home = new MemoryState();
    return { open: () => new MovableState(home) };
  },
  false,
);

describe('a state that is moved', () => {
  it('keeps, counts and tells in its new home, and what was held in the old one stays held there', async () => {
    const [old, next] = [new MemoryState(), new MemoryState()];
    const state = new MovableState(old);
    const heard: unknown[] = [];
    let gaps = 0;
    const unsubscribe = state.subscribe(
      'news',
      (message) => heard.push(message),
      () => (gaps += 1),
    );
    const held = await state.lease('gate', { ttlMs: 1000 });
    await count(state, 'ts', 10);

    assert.equal(state.move(next), old);

    assert.equal(gaps, 1, 'news may have been missed');
    await old.publish('news', 'old');
    await next.publish('news', 'next');
    assert.deepEqual(heard, ['next']);
    assert.equal(await count(state, 'ts'), 1);
    assert.equal(await old.get('ts'), 10);
    await (await state.lease('gate', { ttlMs: 1000 })).release();
    let free = false;
    const waiting = old.lease('gate', { ttlMs: 1000 }).then(() => (free = true));
    await Promise.resolve();
    assert.equal(free, false);
    await held.release();
    await waiting;
    unsubscribe();
    await state.publish('news', 'last');
    assert.deepEqual(heard, ['next']);
  });
});
