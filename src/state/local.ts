/** What is the same wherever values are kept, as long as one process alone uses them. */
import { EventEmitter } from 'node:events';
import type { Decide, Json, Lease, LeaseOptions, State } from './state';
import { NEVER, Turns } from './turns';

export abstract class LocalState implements State {
  readonly shared: boolean = false;
  protected readonly leases = new Turns();
  private readonly channels = new EventEmitter().setMaxListeners(0);

  abstract get(key: string): Promise<Json | undefined>;
  abstract change<T>(key: string, decide: Decide<T>): Promise<T>;
  abstract close(): Promise<void>;

  lease(name: string, { signal }: LeaseOptions): Promise<Lease> {
    return this.leases.lease(name, signal, () => Promise.resolve({ lost: NEVER, release: () => Promise.resolve() }));
  }

  publish(channel: string, message: Json): Promise<void> {
    this.channels.emit(channel, message);
    return Promise.resolve();
  }

  subscribe(channel: string, listener: (message: Json) => void): () => void {
    this.channels.on(channel, listener);
    return () => void this.channels.off(channel, listener);
  }
}

/** State that is gone with the process: for tools that need none to last, and for tests. */
export class MemoryState extends LocalState {
  private readonly changes = new Turns();

  constructor(protected readonly values = new Map<string, Json>()) {
    super();
  }

  get(key: string): Promise<Json | undefined> {
    return Promise.resolve(this.values.get(key));
  }

  change<T>(key: string, decide: Decide<T>): Promise<T> {
    return this.changes.run(key, async () => {
      const change = decide(this.values.get(key));
      if ('value' in change) await this.keep(key, change.value);
      return change.result;
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  protected keep(key: string, value: Json | undefined): Promise<void> {
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
    return Promise.resolve();
  }
}
