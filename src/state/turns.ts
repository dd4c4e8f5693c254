/** What the callers of one process do one after the other, by name and in the order of asking. */
import { abortable } from '../common/abort';
import type { Lease } from './state';

/** The signal of those who do not leave. */
export const NEVER = new AbortController().signal;

export class Turns {
  private readonly last = new Map<string, Promise<void>>();
  private readonly held = new Set<Lease>();

  /** Runs `work` after everything that was asked for under the same name before, however that ended. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const end = await this.turn(name, NEVER);
    try {
      return await work();
    } finally {
      end();
    }
  }

  /** A turn until the lease is released. `acquire` gets it from the other processes in that turn. @throws the signal's reason */
  async lease(name: string, signal: AbortSignal | undefined, acquire: () => Promise<Lease>): Promise<Lease> {
    const end = await this.turn(name, signal ?? NEVER);
    const granted = acquire();
    granted.catch(end);
    const lease = await abortable(granted, signal ?? NEVER).catch((error: unknown) => {
      // It may come all the same, to a caller who has left.
      granted.then((late) => late.release().finally(end)).catch(() => undefined);
      throw error;
    });
    const mine = {
      get lost() {
        return lease.lost;
      },
      release: () => {
        this.held.delete(mine);
        return lease.release().finally(end);
      },
    };
    this.held.add(mine);
    return mine;
  }

  /** Ends all leases. */
  async release(): Promise<void> {
    await Promise.allSettled([...this.held].map((lease) => lease.release()));
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
