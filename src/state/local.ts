/**
 * The half of the state that is the same wherever values are kept, as long as one process alone uses them: turns in the
 * order of asking, listeners called directly. What is left to subclasses is reading and keeping a value.
 */
import { EventEmitter } from 'node:events';
import type { Decide, Json, Lease, LeaseOptions, State } from './state';
import { Turns } from './turns';

const NEVER = new AbortController().signal;

export abstract class LocalState implements State {
  readonly shared: boolean = false;
  private readonly changes = new Turns();
  private readonly leases = new Turns();
  private readonly channels = new EventEmitter().setMaxListeners(0);

  abstract get(key: string): Promise<Json | undefined>;
  /** Keeps a value durably (`undefined` deletes it), or throws a StateError and leaves the old one. */
  protected abstract keep(key: string, value: Json | undefined): Promise<void>;

  change<T>(key: string, decide: Decide<T>): Promise<T> {
    return this.changes.run(key, async () => {
      const change = decide(await this.get(key));
      if ('value' in change) await this.keep(key, change.value);
      return change.result;
    });
  }

  lease(name: string, { signal }: LeaseOptions): Promise<Lease> {
    return this.leases.lease(name, signal, (end) => {
      const release = (): Promise<void> => Promise.resolve().then(end);
      return Promise.resolve({ lost: NEVER, release });
    });
  }

  publish(channel: string, message: Json): Promise<void> {
    this.channels.emit(channel, message);
    return Promise.resolve();
  }

  subscribe(channel: string, listener: (message: Json) => void): () => void {
    this.channels.on(channel, listener);
    return () => {
      this.channels.off(channel, listener);
    };
  }

  close(): Promise<void> {
    return this.changes.rest();
  }
}

/** State that is gone with the process: for tests and for tools that need none. */
export class MemoryState extends LocalState {
  private readonly values = new Map<string, Json>();

  get(key: string): Promise<Json | undefined> {
    return Promise.resolve(this.values.get(key));
  }

  protected keep(key: string, value: Json | undefined): Promise<void> {
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
    return Promise.resolve();
  }
}
