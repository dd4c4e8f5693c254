/**
 * The exclusive use of a name among the processes of one machine that share a folder: a file that exists while a process
 * holds it. A holder that was killed is recognised by `owner.ts`; one that was stopped, or works on another machine, by a
 * file that was not touched for a while.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { pause, type Clock } from '../common/clock';
import { systemCode } from '../common/errors';
import { RenewedLease } from './lease';
import { fateOf, ownerIn, thisProcess } from './owner';
import { StateError, type Lease, type LeaseOptions } from './state';

/** Looked at so often by each who waits, give or take a half. */
const RETRY_MS = 40;

export interface LockFileOptions extends LeaseOptions {
  file: string;
  clock: Clock;
  /** From 0 up to 1. */
  random: () => number;
}

/** Waits for it. @throws StateError, the signal's reason */
export async function takeLockFile({ file, ttlMs, signal, clock, random }: LockFileOptions): Promise<Lease> {
  const mine = JSON.stringify({ ...thisProcess(), id: randomUUID() });
  const holder = new Silence(file, clock);
  const removal = new Silence(removalOf(file), clock);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 }).catch(() => undefined);
  for (;;) {
    signal?.throwIfAborted();
    const asked = clock.elapsed();
    if (await make(file, mine)) return leaseOf(file, mine, { clock, asked, ttlMs });
    const content = await contentOf(file);
    const owner = ownerIn(content ?? '');
    const isGone = owner !== undefined && fateOf(owner) === 'gone';
    if (content !== undefined && (isGone || (await holder.lasts(content, ttlMs)))) {
      await remove(file, content, removal, ttlMs);
    }
    await pause(clock, RETRY_MS * (0.5 + random()), signal);
  }
}

function leaseOf(file: string, mine: string, grant: { clock: Clock; asked: number; ttlMs: number }): Lease {
  return new RenewedLease({
    ...grant,
    renew: async () => {
      if ((await contentOf(file)) !== mine) return false;
      const now = new Date();
      await utimes(file, now, now);
      return true;
    },
    release: async () => {
      if ((await contentOf(file)) === mine) await rm(file, { force: true });
    },
  });
}

/** For how long a file has not been touched, by our own count: wall clocks are set, and file times with them. */
class Silence {
  private last = '';
  private since = 0;

  constructor(
    private readonly file: string,
    private readonly clock: Clock,
  ) {}

  async lasts(content: string, ttlMs: number): Promise<boolean> {
    const found = await stat(this.file).catch(() => undefined);
    const now = this.clock.elapsed();
    const seen = `${found?.mtimeMs ?? ''} ${content}`;
    if (seen !== this.last) [this.last, this.since] = [seen, now];
    return found !== undefined && now - this.since >= ttlMs;
  }
}

/** Makes the file, unless there is one. */
async function make(file: string, content: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(content);
    } catch (error) {
      // A full disk. A file without an owner would be waited for.
      await rm(file, { force: true }).catch(() => undefined);
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    const reason = systemCode(error) ?? 'EIO';
    if (reason === 'EEXIST') return false;
    throw new StateError(`${file} cannot be made (${reason})`, reason);
  }
}

/**
 * Removes the file of a holder that is gone, and never that of one who was quicker: of those who would remove it only one
 * may at a time, and looks again before.
 */
async function remove(file: string, content: string, removal: Silence, ttlMs: number): Promise<void> {
  const permit = removalOf(file);
  if (!(await make(permit, ''))) {
    if (await removal.lasts('', ttlMs)) await rm(permit, { force: true });
    return;
  }
  try {
    if ((await contentOf(file)) === content) await rm(file, { force: true });
  } finally {
    await rm(permit, { force: true });
  }
}

function removalOf(file: string): string {
  return `${file}.removal`;
}

/** Undefined where there is no such file any more. */
async function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
