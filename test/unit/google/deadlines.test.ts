import assert from 'node:assert/strict';
import { Deadlines, type Wait } from '../../../src/google/deadlines';
import { HandClock } from '../../support/clock';

describe('the waits of a hundred commands', () => {
  let clock: HandClock;
  let deadlines: Deadlines;
  let over: string[];
  beforeEach(() => {
    clock = new HandClock();
    deadlines = new Deadlines(clock);
    over = [];
  });

  const wait = (name: string, then?: () => void): Wait => ({
    due: 0,
    expire: () => {
      over.push(`${name} at ${clock.elapsed()}`);
      then?.();
    },
  });
  const add = (ms: number, one: Wait): Wait => {
    deadlines.add(ms, one, clock.elapsed());
    return one;
  };

  it('need one timer, and end each in its time', async () => {
    for (let index = 0; index < 100; index += 1) add(1500, wait(`${index}`));
    assert.equal(clock.waiting, 1);
    await clock.advance(10);
    add(1500, wait('later'));
    add(200, wait('short'));
    assert.equal(clock.waiting, 2);
    await clock.advance(1489);
    assert.deepEqual(over, ['short at 210']);
    await clock.advance(1);
    assert.equal(over.length, 101);
    await clock.advance(9);
    assert.equal(over.length, 101);
    await clock.advance(1);
    assert.equal(over.at(-1), 'later at 1510');
    assert.equal(clock.waiting, 0);
  });

  it('end no more once they were answered, and begin anew afterwards', async () => {
    const first = add(1500, wait('answered'));
    await clock.advance(700);
    deadlines.delete(1500, first);
    deadlines.delete(1500, first);
    deadlines.delete(99, first);
    add(1500, wait('not answered'));
    await clock.advance(10_000);
    add(1500, wait('another day'));
    await clock.advance(10_000);
    assert.deepEqual(over, ['not answered at 2200', 'another day at 12200']);
  });

  it('lead to another wait of the same length, which ends in its own time', async () => {
    add(
      1500,
      wait('one', () => add(1500, wait('two'))),
    );
    await clock.advance(1500);
    assert.equal(clock.waiting, 1);
    await clock.advance(1500);
    assert.deepEqual(over, ['one at 1500', 'two at 3000']);
  });

  it('are forgotten when the house is closed', async () => {
    add(1500, wait('one'));
    deadlines.close();
    assert.equal(clock.waiting, 0);
    await clock.advance(10_000);
    assert.deepEqual(over, []);
  });
});
