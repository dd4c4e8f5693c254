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

export class PinAttempts {
  /** `key`: of the record in the state. */
  constructor(private readonly options: { state: State; clock: Clock; key: string }) {}

  /** Whether no PIN of this subject is looked at for a while. @throws StateError */
  async isLockedOut(who: string): Promise<boolean> {
    const { state, clock, key } = this.options;
    const now = clock.now();
    const latest = now + LOCK_OUT_MS;
    const until = numberIn(recordsIn(await state.get(key))[who], 'until');
    // A clock that was set back must not lengthen the wait.
    if (until > latest) {
      await state.change(key, (current) => {
        const all = recordsIn(current);
        const isLong = numberIn(all[who], 'until') > latest;
        return { ...(isLong && { value: { ...all, [who]: { until: latest } } }), result: undefined };
      });
    }
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
      const { [who]: mine, ...others } = recordsIn(current);
      if (numberIn(mine, 'until') > now) return { result: 'locked out' };
      if (isRight) return { ...(mine !== undefined && { value: others }), result: 'right' };
      const counts = now - numberIn(mine, 'at', now) < ATTEMPT_COUNTS_MS;
      const failures = (counts ? numberIn(mine, 'failures') : 0) + 1;
      // The last one too is answered as wrong: what follows is locked out, and is answered so.
      const record: Json = failures >= ATTEMPTS ? { until: now + LOCK_OUT_MS } : { failures, at: now };
      return { value: { ...others, [who]: record }, result: 'wrong' };
    });
  }
}

function recordsIn(value: Json | undefined): Readonly<Record<string, Json>> {
  return isRecord(value) ? value : {};
}

function numberIn(record: unknown, name: string, otherwise = 0): number {
  const value = isRecord(record) ? record[name] : undefined;
  return typeof value === 'number' ? value : otherwise;
}
