/**
 * What every State promises (`src/state/state.ts`), as tests. Each home of the state runs them, so that callers indeed
 * cannot tell which one they have.
 */
import assert from 'node:assert/strict';
import type { State } from '../../src/state/state';
import { count } from './counting';

export interface StateFixture {
  /** An object for the state, as one process has one. Called again, the same state as the next process has it. */
  open(): State;
  dispose?(): Promise<void>;
}

/** `lasting`: whether the state outlives its process. */
export function describeStateContract(
  name: string,
  arrange: () => StateFixture | Promise<StateFixture>,
  lasting = true,
): void {
  describe(`${name} keeps the contract of a state`, () => {
    let fixture: StateFixture;
    let state: State;

    beforeEach(async () => {
      fixture = await arrange();
      state = fixture.open();
    });
    afterEach(async () => {
      await state.close();
      await fixture.dispose?.();
    });

    const put = (key: string, value: unknown): Promise<void> =>
      state.change(key, () => ({ value: value as never, result: undefined }));

    it('gives back what was kept, of every kind of JSON, and nothing for what never was', async () => {
      const values = [null, false, 0, '', 'ключ "1"\n', [1, [2]], { a: { 'b c': null } }];
      for (const [index, value] of values.entries()) await put(`key ${index}/ü:{x}`, value);
      const kept = await Promise.all(values.map((_, index) => state.get(`key ${index}/ü:{x}`)));
      assert.deepEqual(kept, values);
      assert.equal(await state.get('never'), undefined);
    });

    it('decides on the current value, keeps the old one where no new is given, and deletes', async () => {
      await put('k', { n: 1 });
      const seen = await state.change('k', (current) => ({ result: current }));
      assert.deepEqual(seen, { n: 1 });
      assert.deepEqual(await state.get('k'), { n: 1 });
      assert.equal(await state.change('k', () => ({ value: undefined, result: 'gone' })), 'gone');
      assert.equal(await state.get('k'), undefined);
      assert.equal(await state.change('k', (current) => ({ value: 1, result: current })), undefined);
    });

    it('lets a decision that throws change nothing', async () => {
      await put('k', 1);
      const refused = state.change('k', () => {
        throw new Error('no');
      });
      await assert.rejects(refused, /no/);
      assert.equal(await state.get('k'), 1);
      await put('k', 2);
      assert.equal(await state.get('k'), 2);
    });

    it('loses none of many changes that are asked for at once', async () => {
      const add = (): Promise<number> =>
        state.change('count', (current) => {
          const next = (typeof current === 'number' ? current : 0) + 1;
          return { value: next, result: next };
        });
      const results = await Promise.all(Array.from({ length: 40 }, add));
      assert.equal(await state.get('count'), 40);
      assert.equal(new Set(results).size, 40);
    });

    const remembers = async (): Promise<void> => {
      await put('k', 'v');
      await count(state, 'ts', 100, 5);
      await state.close();
      state = fixture.open();
      assert.equal(await state.get('k'), 'v');
      assert.equal(await count(state, 'ts', 1, 1), 105);
    };
    if (lasting) it('remembers for the next process', remembers);

    it('gives a lease to one at a time, in the order of asking', async () => {
      const order: number[] = [];
      let holders = 0;
      await Promise.all(
        [0, 1, 2, 3, 4].map(async (index) => {
          const lease = await state.lease('gate', { ttlMs: 5000 });
          holders += 1;
          assert.equal(holders, 1);
          order.push(index);
          await new Promise((resolve) => setTimeout(resolve, 2));
          holders -= 1;
          assert.equal(lease.lost.aborted, false);
          await lease.release();
        }),
      );
      assert.deepEqual(order, [0, 1, 2, 3, 4]);
    });

    it('lets two names be held side by side, and a release be repeated', async () => {
      const one = await state.lease('one', { ttlMs: 5000 });
      const two = await state.lease('two', { ttlMs: 5000 });
      await one.release();
      await one.release();
      const again = await state.lease('one', { ttlMs: 5000 });
      await one.release();
      let third = false;
      const waiting = state.lease('one', { ttlMs: 5000 }).then((lease) => {
        third = true;
        return lease.release();
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(third, false, 'an old release frees nobody else’s lease');
      await again.release();
      await waiting;
      await two.release();
    });

    it('lets one who waits for a lease leave, with the reason of the signal, and passes it over', async () => {
      const first = await state.lease('gate', { ttlMs: 5000 });
      const leaving = new AbortController();
      const left = state.lease('gate', { ttlMs: 5000, signal: leaving.signal });
      const third = state.lease('gate', { ttlMs: 5000 });
      leaving.abort(new Error('gone'));
      await assert.rejects(left, /gone/);
      await assert.rejects(
        state.lease('gate', { ttlMs: 5000, signal: AbortSignal.abort(new Error('never')) }),
        /never/,
      );
      await first.release();
      await (await third).release();
    });

    it('tells everybody who listens, until they leave', async () => {
      const heard: unknown[] = [];
      const leave = state.subscribe('news', (message) => heard.push(message));
      const told = new Promise((resolve) => state.subscribe('news', resolve));
      await state.publish('other', 'not for us');
      await state.publish('news', { battery: 80 });
      assert.deepEqual(await told, { battery: 80 });
      assert.deepEqual(heard, [{ battery: 80 }]);
      leave();
      const again = new Promise((resolve) => state.subscribe('news', resolve));
      await state.publish('news', 2);
      assert.equal(await again, 2);
      assert.deepEqual(heard, [{ battery: 80 }]);
    });

    it('finishes on close what was being written', async () => {
      const writing = put('k', 'last words');
      await state.close();
      await writing;
    });
  });
}
