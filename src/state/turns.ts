/** What the callers of one process do one after the other, by name and in the order of asking. */
import { abortable } from '../common/abort';
import type { Lease } from './state';

/** For who does not leave. */
const NEVER = new AbortController().signal;

export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  /** Runs `work` after everything that was asked for under the same name before, however that ended. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const end = await this.turn(name, NEVER);
    try {
      return await work();
    } finally {
      end();
    }
  }

  /** A turn until the lease is released, which calls `end`. `acquire` gets it from the other processes in that turn. */
  async lease(
    name: string,
    signal: AbortSignal | undefined,
    acquire: (end: () => void) => Promise<Lease>,
  ): Promise<Lease> {
    const leaving = signal ?? NEVER;
    const end = await this.turn(name, leaving);
    const granted = acquire(end);
    granted.catch(end);
    return abortable(granted, leaving).catch((error: unknown) => {
      // It may come all the same, to a caller who has left.
      granted.then((lease) => lease.release()).catch(() => undefined);
      throw error;
    });
  }

  /** Resolves when everything that was asked for until now has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.last.values());
  }

  /** Resolves when the turn has come, to what ends it. @throws the signal's reason */
  private async turn(name: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const before = this.last.get(name) ?? Promise.resolve();
    let end: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => (end = resolve));
    const last = before
      .then(() => mine)
      .then(() => {
        if (this.last.get(name) === last) this.last.delete(name);
      });
    this.last.set(name, last);
    await abortable(before, signal).catch((error: unknown) => {
      end();
      throw error;
    });
    return end;
  }
}
