/**
 * How a command ends early: one plain AbortController for each, which its deadline, its caller and the closing of its node
 * abort alike. (`AbortSignal.any` does it too, at 31 µs for each command.)
 */
import type { Clock } from './clock';

/** What waits for a signal. One listener serves all: to add one and take it away costs more than most of what a command does. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `run` when the signal is aborted, unless the returned function was called before. At once where it is aborted. */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) {
    run();
    return () => undefined;
  }
  let all = waiting.get(signal);
  if (all === undefined) {
    const mine = new Set<() => void>();
    waiting.set(signal, mine);
    const runAll = (): void => {
      for (const each of [...mine]) if (mine.delete(each)) each();
    };
    signal.addEventListener('abort', runAll, { once: true });
    all = mine;
  }
  const entry = (): void => run();
  all.add(entry);
  return () => void all.delete(entry);
}

/** The promise's result, or a rejection with the signal's reason as soon as it is aborted. The promise's work goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason as Error));
    promise.then(resolve, reject).finally(forget);
  });
}

/** A command's signal, and the ways in which it is aborted. */
export interface Lifetime {
  readonly signal: AbortSignal;
  /** Ends it at once, with this reason. */
  abort(reason: Error): void;
  /** Another deadline, or none: what was sent in time has time of its own for its answer. */
  setDeadline(deadline: number | undefined): void;
  /** The command is over: takes its timer and its listener away. */
  end(): void;
}

export interface LifetimeOptions {
  clock: Clock;
  /** On the clock's `elapsed()`. Absent: no deadline. */
  deadline?: number | undefined;
  /** What a command ends with when its deadline passes. */
  late?: () => Error;
  /** The caller's own signal; its reason is passed on. */
  caller?: AbortSignal | undefined;
}

/** Begins a command's life. Call `end()` in a `finally`. */
export function lifetime({ clock, deadline, late, caller }: LifetimeOptions): Lifetime {
  const controller = new AbortController();
  const forget = caller && onAbort(caller, () => controller.abort(caller.reason));
  let cancel: (() => void) | undefined;
  const setDeadline = (at: number | undefined): void => {
    cancel?.();
    cancel = undefined;
    if (at === undefined || controller.signal.aborted) return;
    // A process that stood still learns of the time before it learns of what has arrived meanwhile: hence a second look.
    cancel = clock.after(at - clock.elapsed(), () => {
      cancel = clock.after(0, () => controller.abort(late?.()));
    });
  };
  setDeadline(deadline);
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    setDeadline,
    end: () => {
      setDeadline(undefined);
      forget?.();
    },
  };
}
