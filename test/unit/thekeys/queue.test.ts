import assert from 'node:assert/strict';
import type { Clock } from '../../../src/common/clock';
import { lifetime } from '../../../src/common/abort';
import { Queue, type Rank, type Turn, type TurnRequest } from '../../../src/thekeys/queue';
import { HandClock } from '../../support/clock';

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
      const queue = new Queue(clock, 0);
      const life = lifetime({ clock });
      const turn = await queue.turn({ rank: 'settle', light: false, life, commands: 0 });
      const turns: string[] = [];
      void turn.stepAside(500).then(() => turns.push('again'));
      let due = 0;
      while (turns.length === 0) due = await clock.fire();
      turn.end();
      assert.ok(due < 600, `after ${due} ms (timers ${early} ms early)`);
    }
  });

  describe('gives turns', () => {
    let clock: HandClock;
    let queue: Queue;
    let began: string[];
    beforeEach(() => {
      clock = new HandClock();
      queue = new Queue(clock, 400);
      began = [];
    });
    const ask = (name: string, rank: Rank, more: Partial<TurnRequest> = {}): Promise<Turn> => {
      const turn = queue.turn({ rank, light: false, life: lifetime({ clock }), commands: 1, ...more });
      turn.then(
        () => began.push(name),
        () => undefined,
      );
      return turn;
    };

    it('to actions before read-backs before reads before polls, to actions in the order they came', async () => {
      queue = new Queue(clock, 0);
      const first = await ask('first', 'read');
      const all = [
        ask('poll', 'poll'),
        ask('read', 'read'),
        ask('one', 'action'),
        ask('settle', 'settle'),
        ask('two', 'action'),
      ];
      first.end();
      for (const turn of all) void turn.then((each) => each.end());
      await clock.advance(1000);
      assert.deepEqual(began, ['first', 'one', 'two', 'settle', 'read', 'poll']);
    });

    it('to no action before one that waits to try again, but to reads meanwhile', async () => {
      const first = await ask('first', 'action');
      const again = first.stepAside(1000).then(() => began.push('again'));
      void ask('second', 'action');
      void ask('read', 'read').then((turn) => turn.end());
      await clock.advance(900);
      assert.deepEqual(began, ['first', 'read']);
      await clock.advance(200);
      await again;
      assert.deepEqual(began, ['first', 'read', 'again']);
      first.end();
      await clock.advance(0);
      assert.deepEqual(began, ['first', 'read', 'again', 'second']);
    });

    it('to no other action of a lock that is held, but to those of other locks', async () => {
      const first = await ask('first', 'action', { lock: '1' });
      void ask('same', 'action', { lock: '1' });
      void ask('other', 'action', { lock: '2' }).then((turn) => turn.end());
      first.hold('lock');
      await clock.advance(0);
      assert.deepEqual(began, ['first', 'other']);
      assert.ok(queue.isWanted('1'));
      first.end();
      await clock.advance(0);
      assert.deepEqual(began, ['first', 'other', 'same']);
    });

    it('to light requests alone while the gateway works on something long', async () => {
      const work = await ask('work', 'action');
      void ask('open', 'action');
      void ask('status', 'settle', { light: true }).then((turn) => turn.end());
      work.hold('gateway');
      await clock.advance(10_000);
      assert.deepEqual(began, ['work', 'status']);
      work.end();
      await clock.advance(0);
      assert.deepEqual(began, ['work', 'status', 'open']);
    });

    it('after a silence, to nothing for a while but the reading back of an action', async () => {
      queue.backOff(1000);
      void ask('open', 'action').then((turn) => turn.end());
      void ask('settle', 'settle').then((turn) => turn.end());
      await clock.advance(900);
      assert.deepEqual(began, ['settle']);
      await clock.advance(200);
      assert.deepEqual(began, ['settle', 'open']);
    });

    it('to an action 2 s after a poll that does not end, whose command is given up', async () => {
      const life = lifetime({ clock });
      const poll = await ask('poll', 'poll', { life });
      await clock.advance(5000);
      void ask('open', 'action');
      await clock.advance(1900);
      assert.equal(life.signal.aborted, false);
      await clock.advance(200);
      assert.equal((life.signal.reason as { code: string }).code, 'GATEWAY_BUSY');
      poll.end();
      await clock.advance(0);
      assert.deepEqual(began, ['poll', 'open']);
    });

    it('to a hundred that wait and no more, counting each command that one request answers', async () => {
      await ask('first', 'action');
      const life = lifetime({ clock });
      const request: TurnRequest = { rank: 'poll', light: true, life, commands: 1 };
      void queue.turn(request);
      for (let count = 0; count < 60; count += 1) assert.ok(queue.join(request, 'read'));
      for (let count = 0; count < 39; count += 1) void ask('open', 'action');
      await assert.rejects(ask('one more', 'action'), { code: 'QUEUE_FULL' });
      assert.throws(() => queue.join(request, 'read'), { code: 'QUEUE_FULL' });
    });
  });
});
