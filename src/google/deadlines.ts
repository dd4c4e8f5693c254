/**
 * Many waits of a few lengths: one timer for each length instead of one for each wait, because a request may start a
 * hundred of them that all end a moment later. What happens when a wait is over is told by the caller.
 */
import type { Clock } from '../common/clock';

/** Timers of the system may be early by less than this. */
const EARLY_MS = 1;

export interface Wait {
  /** Set here: when it is over, by the clock's `elapsed`. */
  due: number;
  /** Called then, once. Must not throw. */
  expire: () => void;
}

/** All waits of one length: they end in the order in which they began. */
interface Line {
  waits: Set<Wait>;
  /** Stops the timer; it is set for what was the first wait then, which may have ended since. */
  stop: (() => void) | undefined;
}

export class Deadlines {
  private readonly lines = new Map<number, Line>();

  constructor(private readonly clock: Clock) {}

  /** @param now the clock's `elapsed` */
  add(ms: number, wait: Wait, now: number): void {
    let line = this.lines.get(ms);
    if (line === undefined) {
      line = { waits: new Set(), stop: undefined };
      this.lines.set(ms, line);
    }
    wait.due = now + ms;
    line.waits.add(wait);
    if (line.stop === undefined) this.arm(line, ms);
  }

  /** What is not there any more may be deleted again. @param ms as it was added with */
  delete(ms: number, wait: Wait): void {
    this.lines.get(ms)?.waits.delete(wait);
  }

  /** Forgets all that waits. */
  close(): void {
    for (const { waits, stop } of this.lines.values()) {
      waits.clear();
      stop?.();
    }
    this.lines.clear();
  }

  private arm(line: Line, ms: number): void {
    line.stop = this.clock.after(ms, () => {
      const now = this.clock.elapsed();
      // What is over may lead to another wait, which is then the last of these.
      for (const wait of line.waits) {
        const left = wait.due - now;
        if (left >= EARLY_MS) {
          this.arm(line, left);
          return;
        }
        line.waits.delete(wait);
        wait.expire();
      }
      line.stop = undefined;
    });
  }
}
