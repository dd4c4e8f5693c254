/** Log lines that would come with every request. */
import assert from 'node:assert/strict';
import { seldom } from '../../../src/common/seldom';
import { HandClock } from '../../support/clock';

describe('what is said seldom', () => {
  it('is said at once, and the same again only after a while', async () => {
    const clock = new HandClock();
    const said: string[] = [];
    const say = seldom((text) => said.push(text), clock, 60_000);
    for (let times = 0; times < 10; times += 1) say('Redis is gone');
    say('the disk is full');
    await clock.advance(59_999);
    say('Redis is gone');
    assert.deepEqual(said, ['Redis is gone', 'the disk is full']);
    await clock.advance(1);
    say('Redis is gone');
    assert.equal(said.length, 3);
  });

  it('remembers no more than it has to', () => {
    const said: string[] = [];
    const say = seldom((text) => said.push(text), new HandClock(), 60_000);
    for (let which = 0; which < 1000; which += 1) say(`trouble ${which}`);
    assert.equal(said.length, 1000);
  });
});
