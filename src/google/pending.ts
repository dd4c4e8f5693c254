/**
 * Commands that a flow was told of and has not answered: the handles by which it answers them, and the memory of those it
 * has answered, so that a second answer is noticed. What an answer means is left to `home.ts`.
 */
import type { Clock } from '../common/clock';

/** How long after a command its answer is still of use: longer than any door takes, and than Google keeps its tokens. */
const LIFE_MS = 10 * 60_000;
/** Commands that may wait at once: a hundred requests with a hundred devices each. */
const MOST_OPEN = 10_000;
/** Handles remembered after their end, at least. */
const REMEMBERED = 2000;
/** How often is looked for those that nobody answered. By no timer: what is over is noticed where it matters. */
const SWEEP_MS = 60_000;

export interface Waiting {
  readonly deviceId: string;
}

export type Found<T> =
  | { kind: 'open'; command: T }
  /** Answered, expired, or never known here; `told` when that was said before. */
  | { kind: 'spent'; told: boolean };

interface Open<T> {
  command: T;
  /** By the clock's `elapsed`. */
  until: number;
}

export class PendingCommands<T extends Waiting> {
  /** In the order in which they came, which is that of their end. */
  private readonly open = new Map<string, Open<T>>();
  /** The devices of those that have ended. */
  private readonly spent = new Recent<string>(REMEMBERED);
  /** Those that somebody used again. */
  private readonly told = new Recent<true>(REMEMBERED);
  private swept = -Infinity;

  constructor(
    private readonly clock: Clock,
    /** A new handle: unguessable, unique. */
    private readonly newHandle: () => string,
  ) {}

  /** @param now the clock's `elapsed` */
  add(command: T, now: number): string {
    const handle = this.newHandle();
    this.open.set(handle, { command, until: now + LIFE_MS });
    if (this.open.size > MOST_OPEN || now - this.swept > SWEEP_MS) this.sweep(now);
    return handle;
  }

  /** The device of a handle, spent or not; undefined for one that was never known here. */
  deviceOf(handle: string): string | undefined {
    return this.open.get(handle)?.command.deviceId ?? this.spent.get(handle);
  }

  /** Takes the command of a handle, which is spent from then on. */
  take(handle: string): Found<T> {
    const found = this.open.get(handle);
    if (found !== undefined) {
      this.end(handle, found.command);
      if (found.until > this.clock.elapsed()) return { kind: 'open', command: found.command };
    }
    const told = this.told.get(handle) ?? false;
    this.told.set(handle, true);
    return { kind: 'spent', told };
  }

  /** Forgets all, and gives those that nobody has answered. */
  close(): T[] {
    const left = [...this.open.values()].map(({ command }) => command);
    this.open.clear();
    return left;
  }

  private sweep(now: number): void {
    this.swept = now;
    for (const [oldest, { command, until }] of this.open) {
      if (until > now && this.open.size <= MOST_OPEN) return;
      this.end(oldest, command);
    }
  }

  private end(handle: string, { deviceId }: T): void {
    this.open.delete(handle);
    this.spent.set(handle, deviceId);
  }
}

/**
 * A memory of the last so many, and of up to as many before them: whole halves are forgotten at once, which costs a tenth
 * of forgetting them one by one.
 */
class Recent<V> {
  private young = new Map<string, V>();
  private old = new Map<string, V>();

  constructor(private readonly atLeast: number) {}

  get(key: string): V | undefined {
    return this.young.get(key) ?? this.old.get(key);
  }

  set(key: string, value: V): void {
    this.young.set(key, value);
    if (this.young.size <= this.atLeast) return;
    this.old = this.young;
    this.young = new Map();
  }
}
