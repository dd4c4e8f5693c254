/**
 * Time as a parameter. Everything below `src/` that waits, expires or stamps takes a Clock, so that tests own the time.
 */
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump, forward and back. */
  now(): number;
  /** Milliseconds from an arbitrary start. Never jumps, and goes on while the machine sleeps. For deadlines and pauses. */
  elapsed(): number;
  /** Calls `run` once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
}

/** Above it a difference between the two system counters means that the machine slept, not that they are read apart. */
const SLEEP_MS = 1000;
const baseline = uptime() * 1000 - performance.now();

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => {
    // performance.now() stops while a laptop sleeps, the system's uptime does not. A command that was
    // waiting when the lid closed must find its deadline passed when the lid opens.
    const awake = performance.now();
    const slept = uptime() * 1000 - awake - baseline;
    return slept > SLEEP_MS ? awake + slept : awake;
  },
  after: (ms, run) => {
    const timer = setTimeout(run, Math.max(0, ms));
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Resolves after `ms`; rejects at once with the signal's reason when it is aborted. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}
