/**
 * The exclusive use of a name among the processes of one machine that share a folder: a file that exists while a process
 * holds it. A holder that was killed is recognised by what the file says of it; one that was stopped, or works on another
 * machine, by a file that was not touched for a while.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { pause, type Clock } from '../common/clock';
import { systemCode } from '../common/errors';
import type { Log } from '../common/log';
import { RenewedLease } from './lease';
import { fateOf, ownerIn, Silence, thisProcess } from './presence';
import { StateError, type Lease, type LeaseOptions } from './state';

/** Looked at so often by each who waits, give or take a half. */
const RETRY_MS = 40;

export interface LockFileOptions extends LeaseOptions {
  file: string;
  clock: Clock;
  log: Log;
  /** From 0 up to 1. */
  random: () => number;
}

/** Waits for it. @throws StateError, the signal's reason */
export async function acquireLockFile(options: LockFileOptions): Promise<Lease> {
  const { file, ttlMs, signal, clock, log, random } = options;
  const mine = JSON.stringify({ ...thisProcess(), id: randomUUID() });
  const permit = `${file}.removal`;
  const silence = new Silence(clock);
  const isSilent = (name: string, content: string): Promise<boolean> =>
    silence.of(name, content).then(
      ({ ms }) => ms >= ttlMs,
      () => false,
    );
  const isMine = async (): Promise<boolean> => (await contentOf(file)) === mine;
  const release = async (): Promise<void> => {
    if (await isMine()) await rm(file, { force: true });
  };
  const renew = async (): Promise<boolean> => {
    const now = new Date();
    return (await isMine()) && utimes(file, now, now).then(() => true);
  };
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 }).catch(() => undefined);
  for (;;) {
    signal?.throwIfAborted();
    const asked = clock.elapsed();
    if (await make(file, mine)) {
      return new RenewedLease({ name: path.basename(file), log, clock, asked, ttlMs, renew, release });
    }
    const content = await contentOf(file);
    const owner = ownerIn(content ?? '');
    const isGone = owner !== undefined && fateOf(owner) === 'gone';
    if (content !== undefined && (isGone || (await isSilent(file, content)))) {
      // Of those who would remove it only one may at a time, and looks again before: never that of one who was quicker.
      if (await make(permit, '')) {
        if ((await contentOf(file)) === content) await rm(file, { force: true });
        await rm(permit, { force: true });
      } else if (await isSilent(permit, '')) await rm(permit, { force: true });
    }
    await pause(clock, RETRY_MS * (0.5 + random()), signal);
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

/** Undefined where there is no such file any more. */
function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
