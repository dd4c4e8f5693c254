/**
 * State in a folder that processes use in turns, a file for each key: what a command keeps between its calls, of which several
 * may run side by side. Each change reads the file anew, while a lock file keeps the other processes out.
 */
import path from 'node:path';
import { systemClock } from '../common/clock';
import type { Log } from '../common/log';
import { FileState } from './file';
import { LocalState } from './local';
import { acquireLockFile } from './lock-file';
import type { Decide, Json, Lease, LeaseOptions } from './state';

/** A process that was killed, or stands still, is recognised by this where the system does not tell. */
const CHANGE_MS = 5000;

export class SharedFolder extends LocalState {
  constructor(private readonly options: { folder: string; log: Log }) {
    super();
  }

  get(key: string): Promise<Json | undefined> {
    return new FileState(this.options).get(key);
  }

  async change<T>(key: string, decide: Decide<T>): Promise<T> {
    const lease = await this.lease(`change ${key}`, { ttlMs: CHANGE_MS });
    const file = new FileState({ ...this.options, lease });
    try {
      return await file.change(key, decide);
    } finally {
      // A disk that is slow holds up this caller for a second only, and the other processes until it is done.
      void file.rest().then(() => lease.release());
    }
  }

  override lease(name: string, options: LeaseOptions): Promise<Lease> {
    const { folder, log } = this.options;
    const file = path.join(folder, `${encodeURIComponent(name)}.lock`);
    return acquireLockFile({ ...options, file, log, clock: systemClock, random: Math.random });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
