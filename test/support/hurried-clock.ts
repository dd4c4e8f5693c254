/** The real time, but nothing is waited for: pauses are written down and end at once. Time limits run as they do. */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../src/common/clock';

/** Milliseconds. Shorter and longer timers are time limits. */
const PAUSES = { least: 90, most: 5000 };

export class HurriedClock implements Clock {
  readonly pauses: number[] = [];

  now(): number {
    return Date.now();
  }

  elapsed(): number {
    return performance.now();
  }

  after(ms: number, run: () => void): () => void {
    if (ms < PAUSES.least || ms > PAUSES.most) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    }
    this.pauses.push(ms);
    const immediate = setImmediate(run);
    return () => {
      clearImmediate(immediate);
    };
  }
}
