/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/common/clock';

export class HandClock implements Clock {
  private wall: number;
  private run = 0;
  private readonly timers = new Set<{ at: number; call: () => void }>();

  constructor(wallSeconds = 1_700_000_000) {
    this.wall = wallSeconds * 1000;
  }

  now(): number {
    return this.wall;
  }

  elapsed(): number {
    return this.run;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.run + Math.max(0, ms), call };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.timers.size;
  }

  /** Somebody sets the wall clock; time itself goes on as before. */
  setWall(byMs: number): void {
    this.wall += byMs;
  }

  /** Lets time pass, timer by timer, giving everything that awaits one its turn. */
  async advance(ms: number): Promise<void> {
    const end = this.run + ms;
    await turn();
    while (this.fire(end)) await turn();
    this.step(end);
    await turn();
  }

  /** The same in one moment, where nothing awaits what the timers do. */
  skip(ms: number): void {
    const end = this.run + ms;
    while (this.fire(end));
    this.step(end);
  }

  /** Goes on to the next timer, and to any others of that moment. */
  next(): void {
    const moments = [...this.timers].map(({ at }) => at);
    if (moments.length > 0) this.skip(Math.max(0, Math.min(...moments) - this.run));
  }

  /** Calls the first timer that is due until then; false when there is none. */
  private fire(end: number): boolean {
    const due = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
    if (due === undefined) return false;
    this.timers.delete(due);
    this.step(Math.max(this.run, due.at));
    due.call();
    return true;
  }

  private step(to: number): void {
    this.wall += to - this.run;
    this.run = to;
  }
}

/** Lets everything that is ready to run, run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
