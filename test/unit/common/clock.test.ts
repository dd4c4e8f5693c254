import assert from 'node:assert/strict';
import { clockFrom } from '../../../src/common/clock';

describe('the clock', () => {
  let wall: number;
  let awake: number;
  let uptime: number;
  let asked: number;
  const clock = (): ReturnType<typeof clockFrom> =>
    clockFrom({
      wall: () => wall,
      awake: () => awake,
      uptime: () => {
        asked += 1;
        return uptime;
      },
    });
  const pass = (ms: number, sleeping = false): void => {
    wall += ms;
    uptime += ms;
    if (!sleeping) awake += ms;
  };
  beforeEach(() => {
    wall = 1_700_000_000_000;
    awake = 5000;
    uptime = 90_000;
    asked = 0;
  });

  it('counts the time that the machine slept, from the first look after it woke', () => {
    const time = clock();
    const before = time.elapsed();
    pass(500);
    assert.equal(time.elapsed() - before, 500);
    pass(60_000, true);
    assert.equal(time.elapsed() - before, 60_500);
    pass(500);
    assert.equal(time.elapsed() - before, 61_000);
    pass(30_000, true);
    assert.equal(time.elapsed() - before, 91_000);
  });

  it('does not mind a wall clock that is set, back or forward', () => {
    const time = clock();
    const before = time.elapsed();
    wall -= 3_600_000;
    pass(100);
    assert.equal(time.elapsed() - before, 100);
    assert.equal(time.now(), wall);
    wall += 86_400_000;
    pass(100);
    assert.equal(time.elapsed() - before, 200);
  });

  it('asks the counter that is dear to read only when the wall clock leapt', () => {
    const time = clock();
    for (let index = 0; index < 1000; index += 1) {
      pass(20);
      time.elapsed();
    }
    assert.equal(asked, 1);
  });
});
