/**
 * State in a folder that processes use in turns, a file for each key: what a command keeps between its calls, of which several
 * may run side by side. Each change reads the file anew, while a lock file keeps the other processes out.
 */
import path from 'node:path';
import { lifetime } from '../common/abort';
import { systemClock } from '../common/clock';
import type { Log } from '../common/log';
import { LocalState } from './local';
import { acquireLockFile } from './lock-file';
import { StateError, type Decide, type Json, type Lease, type LeaseOptions } from './state';
import { StateFile } from './state-file';

/** A process that was killed, or stands still, is recognised by this where the system does not tell. */
const CHANGE_MS = 5000;
/** How long a change waits for those of other processes. */
const PATIENCE_MS = 1000;

export class SharedFolder extends LocalState {
  constructor(private readonly options: { folder: string; log: Log }) {
    super();
  }

  get(key: string): Promise<Json | undefined> {
    return this.fileFor(key).get();
  }

  async change<T>(key: string, decide: Decide<T>): Promise<T> {
    const late = (): Error => new StateError(`${key} is changed by another process (ETIMEDOUT)`, 'ETIMEDOUT');
    const life = lifetime({ clock: systemClock, deadline: systemClock.elapsed() + PATIENCE_MS, late });
    const lease = await this.lease(`change ${key}`, { ttlMs: CHANGE_MS, signal: life.signal }).finally(() =>
      life.end(),
    );
    const file = this.fileFor(key, lease);
    try {
      return await file.change(decide);
    } finally {
      // A disk that is slow holds up this caller for a second only, and the other processes until it is done.
      void file.rest().then(() => lease.release());
    }
  }

  override lease(name: string, options: LeaseOptions): Promise<Lease> {
    const { folder, log } = this.options;
    const file = path.join(folder, `${encodeURIComponent(name)}.lock`);
    return this.leases.lease(name, options.signal, () =>
      acquireLockFile({ ...options, file, log, clock: systemClock, random: Math.random }),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private fileFor(key: string, lease?: Lease): StateFile {
    const { folder, log } = this.options;
    return new StateFile(folder, key, { clock: systemClock, log, lease });
  }
}
