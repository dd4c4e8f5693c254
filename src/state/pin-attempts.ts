/**
 * Wrong PINs, and the lock-out after them. Kept in the State, so that neither a restart nor another process gives a guesser
 * a fresh start; every change is durable before the caller gets its answer.
 */
import type { Clock } from '../common/clock';
import { isRecord } from '../common/json';
import type { Json, State } from './state';

/** Wrong PINs of one subject until no PIN is looked at any more, and for how long. */
const ATTEMPTS = 5;
const LOCK_OUT_MS = 5 * 60_000;
/** How long a wrong PIN counts: two of last month and three of today are no attack. */
const ATTEMPT_COUNTS_MS = 24 * 60 * 60_000;

export type PinVerdict = 'right' | 'wrong' | 'locked out';

export interface PinAttemptsOptions {
  state: State;
  clock: Clock;
  /** Of the record in the state. */
  key: string;
}

export class PinAttempts {
  constructor(private readonly options: PinAttemptsOptions) {}

  /** Whether no PIN of this subject is looked at for a while. @throws StateError */
  async isLockedOut(who: string): Promise<boolean> {
    const { state, clock, key } = this.options;
    const now = clock.now();
    const all = await state.get(key);
    const until = numberIn(isRecord(all) ? all[who] : undefined, 'until');
    // A clock that was set back must not lengthen the wait.
    if (until > now + LOCK_OUT_MS) await this.shortenLockOut(who, now);
    return until > now;
  }

  /**
   * Counts a PIN. Attempts that come side by side are counted one by one, so that no burst gets more of them than patience
   * would.
   * @throws StateError when the count could not be kept; then nothing may run.
   */
  check(who: string, isRight: boolean): Promise<PinVerdict> {
    const { state, clock, key } = this.options;
    const now = clock.now();
    return state.change<PinVerdict>(key, (current) => {
      const all = isRecord(current) ? (current as Record<string, Json>) : {};
      const mine = all[who];
      if (numberIn(mine, 'until') > now) return { result: 'locked out' };
      if (isRight) return mine === undefined ? { result: 'right' } : { value: without(all, who), result: 'right' };
      const counts = now - numberIn(mine, 'at', now) < ATTEMPT_COUNTS_MS;
      const failures = (counts ? numberIn(mine, 'failures') : 0) + 1;
      // The last one too is answered as wrong: what follows is locked out, and is answered so.
      const record: Json = failures >= ATTEMPTS ? { until: now + LOCK_OUT_MS } : { failures, at: now };
      return { value: { ...all, [who]: record }, result: 'wrong' };
    });
  }

  private async shortenLockOut(who: string, now: number): Promise<void> {
    await this.options.state.change(this.options.key, (current) => {
      const all = isRecord(current) ? (current as Record<string, Json>) : {};
      if (numberIn(all[who], 'until') <= now + LOCK_OUT_MS) return { result: undefined };
      return { value: { ...all, [who]: { until: now + LOCK_OUT_MS } }, result: undefined };
    });
  }
}

function numberIn(record: unknown, name: string, otherwise = 0): number {
  const value = isRecord(record) ? record[name] : undefined;
  return typeof value === 'number' ? value : otherwise;
}

function without(all: Readonly<Record<string, Json>>, name: string): Record<string, Json> {
  return Object.fromEntries(Object.entries(all).filter(([each]) => each !== name));
}
