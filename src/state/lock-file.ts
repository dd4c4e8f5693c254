/**
 * The exclusive use of a name among the processes of one machine that share a folder: a file that exists while somebody
 * holds it. A holder that was killed is recognised by its process number at once; one that was stopped, or works on
 * another machine, by a file that nobody has touched for a while. What is done meanwhile is left to `file.ts`.
 */
import { randomUUID } from 'node:crypto';
import { open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { pause, systemClock } from '../common/clock';
import { systemCode } from '../common/errors';
import { StateError, type Lease } from './state';

const RETRY_MS = 15;
/** A living holder touches its file this many times before others would take it for dead. */
const TOUCHES = 4;
/** The holder's own idea of the end is this much earlier than that of the others. */
const MARGIN = 0.1;

export interface LockFileOptions {
  file: string;
  /** Milliseconds of silence after which the others take over. */
  ttlMs: number;
  signal?: AbortSignal | undefined;
}

/** Waits for it. @throws StateError, the signal's reason */
export async function takeLockFile({ file, ttlMs, signal }: LockFileOptions): Promise<Lease> {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  const holder = new Silence(file);
  const remover = new Silence(removalOf(file));
  for (;;) {
    signal?.throwIfAborted();
    const asked = systemClock.elapsed();
    if (await make(file, mine)) return new LockFile(file, mine, ttlMs, asked);
    const content = await contentOf(file);
    if (content !== undefined && (isDead(content) || (await holder.lasts(content, ttlMs)))) {
      await remove(file, content, remover, ttlMs);
    }
    await pause(systemClock, RETRY_MS, signal);
  }
}

class LockFile implements Lease {
  private readonly losing = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private validUntil: number;
  private released = false;

  constructor(
    private readonly file: string,
    private readonly mine: string,
    private readonly ttlMs: number,
    asked: number,
  ) {
    this.validUntil = asked + ttlMs * (1 - MARGIN);
    this.timer = setInterval(() => void this.touch(), ttlMs / TOUCHES);
    this.timer.unref();
  }

  /** Compares times whenever it is read: a process that was stopped finds out before any timer tells it. */
  get lost(): AbortSignal {
    if (!this.released && systemClock.elapsed() >= this.validUntil) this.lose();
    return this.losing.signal;
  }

  async release(): Promise<void> {
    if (this.released) return;
    this.released = true;
    clearInterval(this.timer);
    if ((await contentOf(this.file)) === this.mine) await rm(this.file, { force: true }).catch(() => undefined);
  }

  private async touch(): Promise<void> {
    const asked = systemClock.elapsed();
    try {
      const content = await contentOf(this.file);
      if (this.released || this.lost.aborted) return;
      if (content !== this.mine) {
        this.lose();
        return;
      }
      const now = new Date();
      await utimes(this.file, now, now);
      this.validUntil = asked + this.ttlMs * (1 - MARGIN);
    } catch {
      // The disk may answer the next time; until then the time runs.
    }
  }

  private lose(): void {
    clearInterval(this.timer);
    if (!this.losing.signal.aborted) this.losing.abort(new StateError('the lock file was lost', 'ESTALE'));
  }
}

/** For how long a file has not been touched, by our own count: wall clocks are set, and file times with them. */
class Silence {
  private last = '';
  private since = 0;

  constructor(private readonly file: string) {}

  async lasts(content: string, ttlMs: number): Promise<boolean> {
    const found = await stat(this.file).catch(() => undefined);
    const now = systemClock.elapsed();
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
      // A full disk. Nobody shall wait for a file that is nobody's.
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
 * Removes a dead holder's file, and never that of somebody who was quicker: only one at a time may, and looks again
 * before, and nobody but the one who may removes the file of the dead.
 */
async function remove(file: string, content: string, remover: Silence, ttlMs: number): Promise<void> {
  const permit = removalOf(file);
  if (!(await make(permit, ''))) {
    if (await remover.lasts('', ttlMs)) await rm(permit, { force: true });
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

/** Whether the process that wrote this is one of this machine, and gone. */
function isDead(content: string): boolean {
  try {
    const { pid, host } = JSON.parse(content) as { pid?: unknown; host?: unknown };
    if (host !== hostname() || typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return systemCode(error) === 'ESRCH';
  }
}
