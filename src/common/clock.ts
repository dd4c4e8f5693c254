/**
 * Time as a parameter. Everything below `src/` that waits, expires or stamps takes a Clock, so that tests own the time.
 */
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import { onAbort } from './abort';

export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump, forward and back. */
  now(): number;
  /** Milliseconds from an arbitrary start. Never jumps, and goes on while the machine sleeps. For deadlines and pauses. */
  elapsed(): number;
  /** Calls `run` once after `ms` milliseconds; the returned function cancels it. `keepsNothingAlive`: a process may end before. */
  after(ms: number, run: () => void, keepsNothingAlive?: boolean): () => void;
}

/** What the system offers. Milliseconds all. */
export interface TimeSources {
  /** Wall clock. */
  wall: () => number;
  /** Counts while the machine is awake. */
  awake: () => number;
  /** Counts while it sleeps too. Dear: on Linux it reads a file. */
  uptime: () => number;
}

/** Above it a difference between two counters means that the machine slept, not that they are read apart. */
const SLEEP_MS = 1000;

export function clockFrom({ wall, awake, uptime }: TimeSources): Clock {
  const start = uptime() - awake();
  let asleep = 0;
  let apart = wall() - awake();
  return {
    now: wall,
    elapsed: () => {
      // performance.now() stops while a laptop sleeps, the system's uptime does not. A command that was waiting when the
      // lid closed must find its deadline passed when the lid opens. As nothing else makes the wall clock leap ahead but
      // a person who sets it, the uptime, which costs more to read, is read only when it leapt.
      const now = awake();
      const leap = Math.abs(wall() - now - apart);
      if (leap > SLEEP_MS) {
        apart = wall() - now;
        asleep = uptime() - now - start;
      }
      return asleep > SLEEP_MS ? now + asleep : now;
    },
    after: (ms, run, keepsNothingAlive = false) => {
      const timer = setTimeout(run, Math.max(0, ms));
      if (keepsNothingAlive) timer.unref();
      return () => {
        clearTimeout(timer);
      };
    },
  };
}

export const systemClock: Clock = clockFrom({
  wall: () => Date.now(),
  awake: () => performance.now(),
  uptime: () => uptime() * 1000,
});

/** Resolves after `ms`; rejects at once with the signal's reason when it is aborted. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      leave?.();
      resolve();
    });
    const leave =
      signal &&
      onAbort(signal, () => {
        cancel();
        reject(signal.reason as Error);
      });
  });
}

/** Waits for the work, but not for longer than that; it goes on all the same. True where it was done in time. */
export function within(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  if (ms <= 0) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(false));
    work.finally(cancel).then(() => resolve(true), reject);
  });
}
