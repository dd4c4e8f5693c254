import assert from 'node:assert/strict';
import type { Clock } from '../../../src/common/clock';
import { Queue, type AfterTurn, type Job } from '../../../src/thekeys/queue';

/** Time that passes while a program looks at the clock, and timers that fire a little early, as those of Node.js do. */
class RestlessClock implements Clock {
  private at = 0;
  private timers: { due: number; run: () => void }[] = [];

  constructor(private readonly earlyMs: number) {}

  now(): number {
    return this.elapsed();
  }

  elapsed(): number {
    this.at += 0.4;
    return this.at;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { due: this.at + ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Lets the next timer fire; gives the time it was due. */
  async fire(): Promise<number> {
    const [next] = this.timers.sort((a, b) => a.due - b.due);
    assert.ok(next !== undefined, 'a timer is set');
    this.timers = this.timers.filter((other) => other !== next);
    this.at = Math.max(this.at, next.due - this.earlyMs);
    next.run();
    await new Promise((resolve) => setImmediate(resolve));
    return next.due;
  }
}

describe('the queue of a gateway', () => {
  it('gives the turn after a pause when the pause is over, however the clock ticks', async () => {
    for (let early = 0; early < 3; early += 0.1) {
      const clock = new RestlessClock(early);
      const queue = new Queue(clock);
      let turns = 0;
      const job: Job = {
        rank: 'settle',
        light: false,
        expiresAt: 30_000,
        take: (): Promise<AfterTurn> => {
          turns += 1;
          return Promise.resolve(turns === 1 ? { again: true, inMs: 500 } : { again: false });
        },
        expire: () => assert.fail(`left waiting until its deadline (timers ${early} ms early)`),
      };
      queue.add(job);
      await new Promise((resolve) => setImmediate(resolve));
      let due = 0;
      while (turns < 2) due = await clock.fire();
      assert.ok(due < 600, `after ${due} ms`);
    }
  });
});
