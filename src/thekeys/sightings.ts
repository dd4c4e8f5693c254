/**
 * What the lists of a gateway show of its locks: which have something new to say since they were last read, and which are
 * out of reach. Some firmware counts a movement when it begins, and the lock reads as what it was until the bolt has arrived:
 * so a reading counts for good only where the bolt had had time to travel. Times are milliseconds on the clock's `elapsed()`.
 */
import type { ListedLock } from './wire';

/** From the list that shows a movement until the bolt is at rest: it travels for about 5 s (field reports). */
const REST_MS = 5000;
/** Lists in a row without a lock, or with it, that decide whether it is in reach: one at the edge of reach comes and goes. */
const IN_A_ROW = 2;

interface Sighting {
  /** As last listed; undefined where the firmware sends none. */
  lastLog: number | undefined;
  changedAt: number;
  /** Whether the lock was read since then, and whether that was when the bolt was at rest. */
  read: boolean;
  rested: boolean;
  /** Lists in a row that had the lock; below 0, that had not. */
  inARow: number;
  outOfReach: boolean;
}

export class Sightings {
  private readonly all = new Map<string, Sighting>();

  /** A list, made `ageMs` ago. */
  note(locks: readonly ListedLock[], watched: ReadonlySet<string>, now: number, ageMs = 0): void {
    const listed = new Map(locks.map((each) => [each.identifier, each]));
    for (const lock of watched) {
      const found = listed.get(lock);
      const seen = this.all.get(lock) ?? { ...UNSEEN };
      this.all.set(lock, seen);
      if (found === undefined) {
        seen.inARow = Math.min(seen.inARow, 0) - 1;
        // Where nothing was read yet, there is nothing else to say of it.
        if (seen.inARow <= -IN_A_ROW || !seen.read) seen.outOfReach = true;
        continue;
      }
      seen.inARow = Math.max(seen.inARow, 0) + 1;
      if (seen.inARow >= IN_A_ROW) seen.outOfReach = false;
      const { lastLog } = found;
      // Any difference counts: a lock that was reset starts to count anew.
      if (seen.changedAt === -Infinity || lastLog === undefined || lastLog !== seen.lastLog) {
        Object.assign(seen, { lastLog, changedAt: now - ageMs, read: false, rested: lastLog === undefined });
      }
    }
  }

  /** The lock was read, and the reading is no older than `since`. */
  noteRead(lock: string, since: number): void {
    const seen = this.all.get(lock);
    if (seen === undefined || since < seen.changedAt) return;
    seen.read = true;
    seen.rested ||= since >= seen.changedAt + REST_MS;
    seen.outOfReach = false;
  }

  isNew(lock: string, now: number): boolean {
    const restsAt = this.restsAt(lock);
    return this.all.get(lock)?.read !== true || (restsAt !== undefined && restsAt <= now);
  }

  /** When the lock is to be read once more; undefined where it is not. */
  restsAt(lock: string): number | undefined {
    const seen = this.all.get(lock);
    return seen === undefined || seen.rested ? undefined : seen.changedAt + REST_MS;
  }

  isOutOfReach(lock: string): boolean {
    return this.all.get(lock)?.outOfReach === true;
  }

  /** The next watch begins with the locks themselves, not with a memory. */
  forget(): void {
    for (const seen of this.all.values()) Object.assign(seen, { read: false, inARow: 0, outOfReach: false });
  }
}

const UNSEEN: Sighting = {
  lastLog: undefined,
  changedAt: -Infinity,
  read: false,
  rested: false,
  inARow: 0,
  outOfReach: false,
};
