/** The real time, but nothing is waited for: pauses are written down and end at once. Time limits run as they do. */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../src/common/clock';

export interface Hurry {
  /** Milliseconds above which a timer is a time limit, not a pause. */
  longestPauseMs?: number;
}

export class HurriedClock implements Clock {
  readonly pauses: number[] = [];

  constructor(private readonly hurry: Hurry = {}) {}

  now(): number {
    return Date.now();
  }

  elapsed(): number {
    return performance.now();
  }

  after(ms: number, run: () => void): () => void {
    if (ms > (this.hurry.longestPauseMs ?? 5000)) {
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
