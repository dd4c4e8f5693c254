/**
 * Whose turn it is on one gateway: one job at a time, actions before read-backs before reads before polls, actions in the
 * order they came, nothing after its deadline. What a job does in its turn is left to the job.
 */
import type { Clock } from '../common/clock';

/** In order of precedence. `settle` is the reading back of an action that was sent. */
export const RANKS = ['action', 'settle', 'read', 'poll'] as const;
export type Rank = (typeof RANKS)[number];

/** What a job says after its turn: it is over, or wants another turn, no sooner than in so many milliseconds. */
export type AfterTurn = { again: false } | { again: true; inMs: number };

export interface Job {
  rank: Rank;
  /** The lock whose bolt this job may move. Such jobs wait while the lock is held. */
  moves?: string;
  /** True for what a gateway answers even while it works on something long: its list, its status. */
  light: boolean;
  /** On the clock's `elapsed()`: from then on the job gets no turn. */
  expiresAt: number;
  /** Its turn. Never rejects. */
  take(): Promise<AfterTurn>;
  /** It waited until `expiresAt`. Returns true where it is over; false where it set itself a later `expiresAt`. */
  expire(): boolean;
}

interface Entry {
  job: Job;
  order: number;
  notBefore: number;
}

/** Commands that may wait. More would mean minutes of waiting: each takes the gateway seconds. */
export const MOST_WAITING = 100;

export class Queue {
  private readonly waiting: Entry[] = [];
  private readonly held = new Map<string, number>();
  private taking: Entry | undefined;
  private occupied = 0;
  private quietUntil = -Infinity;
  private orders = 0;
  private cancelAlarm: (() => void) | undefined;
  private idle: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  /** False where too many commands wait already. Polls and read-backs do not count, and are always taken. */
  add(job: Job): boolean {
    if (isCommand(job) && this.waiting.filter((entry) => isCommand(entry.job)).length >= MOST_WAITING) {
      // The job in its turn has left the waiting ones, so exactly one hundred may wait behind it.
      return false;
    }
    this.waiting.push({ job, order: this.orders++, notBefore: 0 });
    this.pump();
    return true;
  }

  /** Takes a job out, if it is waiting. */
  remove(job: Job): void {
    const index = this.waiting.findIndex((entry) => entry.job === job);
    if (index === -1) return;
    this.waiting.splice(index, 1);
    this.pump();
  }

  /** A change of a waiting job's rank or deadline takes effect. */
  reconsider(): void {
    this.pump();
  }

  /** True while the job waits for a turn, so that others may still join it. */
  waits(job: Job): boolean {
    return this.waiting.some((entry) => entry.job === job);
  }

  /** Keeps further jobs that move this lock waiting, until the returned function is called. */
  hold(lock: string): () => void {
    this.held.set(lock, (this.held.get(lock) ?? 0) + 1);
    return once(() => {
      const holders = (this.held.get(lock) ?? 1) - 1;
      if (holders === 0) this.held.delete(lock);
      else this.held.set(lock, holders);
      this.pump();
    });
  }

  /** True where a job that moves this lock waits. */
  isWanted(lock: string): boolean {
    return this.waiting.some((entry) => entry.job.moves === lock);
  }

  /** Lets light jobs alone have turns, until the returned function is called: the gateway works on something long. */
  occupy(): () => void {
    this.occupied += 1;
    return once(() => {
      this.occupied -= 1;
      this.pump();
    });
  }

  /** Nobody has a turn for so many milliseconds, but who must know how an action ended. */
  pause(ms: number): void {
    this.quietUntil = Math.max(this.quietUntil, this.clock.elapsed() + ms);
  }

  /** Resolves when no job is having its turn. */
  async rest(): Promise<void> {
    if (this.taking === undefined) return;
    await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  get busy(): boolean {
    return this.taking !== undefined;
  }

  private pump(): void {
    // One look at the clock for the whole round: an entry that falls due between two looks would be neither chosen nor
    // waited for.
    const now = this.clock.elapsed();
    this.expireLate(now);
    if (this.taking === undefined) {
      const entry = this.choose(now);
      if (entry !== undefined) {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        this.taking = entry;
        void this.giveTurn(entry);
      }
    }
    this.setAlarm(now);
  }

  private async giveTurn(entry: Entry): Promise<void> {
    const after = await entry.job.take();
    this.taking = undefined;
    if (after.again) {
      entry.notBefore = this.clock.elapsed() + after.inMs;
      this.waiting.push(entry);
    }
    this.pump();
    if (!this.busy) for (const resolve of this.idle.splice(0)) resolve();
  }

  private choose(now: number): Entry | undefined {
    const firstAction = this.firstAction();
    const ready = this.waiting.filter(
      (entry) =>
        entry.notBefore <= now &&
        (this.quietUntil <= now || entry.job.rank === 'settle') &&
        (this.occupied === 0 || entry.job.light) &&
        // An action never overtakes another, not even while that one waits to try again.
        (entry.job.rank !== 'action' || entry === firstAction) &&
        (entry.job.moves === undefined || !this.held.has(entry.job.moves)),
    );
    return ready.sort(byPrecedence)[0];
  }

  /** The action whose turn comes first: those whose lock is held stand aside, but keep others of their lock behind them. */
  private firstAction(): Entry | undefined {
    return this.waiting
      .filter(({ job }) => job.rank === 'action' && (job.moves === undefined || !this.held.has(job.moves)))
      .sort((a, b) => a.order - b.order)[0];
  }

  private expireLate(now: number): void {
    for (const entry of [...this.waiting]) {
      if (entry.job.expiresAt > now || !entry.job.expire()) continue;
      this.waiting.splice(this.waiting.indexOf(entry), 1);
    }
  }

  /** One timer for whatever comes first: a deadline, or the end of a pause. */
  private setAlarm(now: number): void {
    this.cancelAlarm?.();
    this.cancelAlarm = undefined;
    if (this.waiting.length === 0) return;
    const times = this.waiting.flatMap(({ job, notBefore }) => [
      job.expiresAt,
      ...(notBefore > now ? [notBefore] : []),
    ]);
    if (this.quietUntil > now) times.push(this.quietUntil);
    this.cancelAlarm = this.clock.after(Math.min(...times) - now, () => {
      this.pump();
    });
  }
}

function isCommand(job: Job): boolean {
  return job.rank === 'action' || job.rank === 'read';
}

function byPrecedence(a: Entry, b: Entry): number {
  return RANKS.indexOf(a.job.rank) - RANKS.indexOf(b.job.rank) || a.order - b.order;
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
