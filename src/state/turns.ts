/** What the callers of one process do one after the other, by name and in the order of asking. */
import { abortable } from '../common/abort';
import type { Lease } from './state';

export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  /** Runs `work` after everything that was asked for under the same name before, however that ended. */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.last.get(name) ?? Promise.resolve()).then(work);
    const settled: Promise<void> = mine
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        if (this.last.get(name) === settled) this.last.delete(name);
      });
    this.last.set(name, settled);
    return mine;
  }

  /** A turn until the lease is released, which calls `end`. `acquire` gets it from the other processes in that turn. */
  lease(name: string, signal: AbortSignal | undefined, acquire: (end: () => void) => Promise<Lease>): Promise<Lease> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const granted = new Promise<Lease>((resolve, reject) => {
      const work = async (): Promise<void> => {
        signal?.throwIfAborted();
        let end: () => void = () => undefined;
        const ended = new Promise<void>((settle) => (end = settle));
        resolve(await acquire(end));
        await ended;
      };
      this.run(name, work).catch(reject);
    });
    if (signal === undefined) return granted;
    return abortable(granted, signal).catch((error: unknown) => {
      // It may come all the same, to a caller who has left.
      granted.then((lease) => lease.release()).catch(() => undefined);
      throw error;
    });
  }
}
