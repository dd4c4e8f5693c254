/** The real time, but nobody waits: pauses are written down and end at once. */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../src/common/clock';

export class HurriedClock implements Clock {
  readonly pauses: number[] = [];

  now(): number {
    return Date.now();
  }

  elapsed(): number {
    return performance.now();
  }

  after(ms: number, run: () => void): () => void {
    this.pauses.push(ms);
    const immediate = setImmediate(run);
    return () => {
      clearImmediate(immediate);
    };
  }
}
