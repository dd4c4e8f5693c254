/**
 * The half of the state that is the same wherever values are kept, as long as one process alone uses them: turns taken
 * in order, listeners called directly. What is left to subclasses is reading and keeping a value.
 */
import { EventEmitter } from 'node:events';
import type { Change, Json, Lease, LeaseOptions, State } from './state';
import { Turns } from './turns';

export abstract class LocalState implements State {
  readonly shared: boolean = false;
  private readonly turns = new Turns();
  private readonly channels = new EventEmitter().setMaxListeners(0);

  abstract get(key: string): Promise<Json | undefined>;
  /** Keeps a value durably (`undefined` deletes it), or throws a StateError and leaves the old one. */
  protected abstract keep(key: string, value: Json | undefined): Promise<void>;

  change<T>(key: string, decide: (current: Json | undefined) => Change<T>): Promise<T> {
    return this.turns.take(`change ${key}`, () => this.decide(key, decide));
  }

  protected async decide<T>(key: string, decide: (current: Json | undefined) => Change<T>): Promise<T> {
    const change = decide(await this.get(key));
    if ('value' in change) await this.keep(key, change.value);
    return change.result;
  }

  lease(name: string, options: LeaseOptions): Promise<Lease> {
    const never = new AbortController();
    return new Promise((resolve, reject) => {
      const { signal } = options;
      const abort = (): void => reject(signal?.reason as Error);
      if (signal?.aborted) {
        abort();
        return;
      }
      signal?.addEventListener('abort', abort, { once: true });
      void this.turns.take(`lease ${name}`, () => {
        signal?.removeEventListener('abort', abort);
        if (signal?.aborted) return Promise.resolve();
        return new Promise<void>((free) => {
          resolve({
            lost: never.signal,
            release: () => {
              free();
              return Promise.resolve();
            },
          });
        });
      });
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
    return this.turns.rest('change ');
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
