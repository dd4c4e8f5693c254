/**
 * What must outlive a process, or be shared by several: one small interface, two homes for it. `file.ts` keeps it in the
 * user directory for one process, `redis.ts` in a Redis server for any number of them. Callers cannot tell which.
 */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What a change function decides: the new value (`undefined` deletes, absent keeps), and what the caller gets back. */
export interface Change<T> {
  value?: Json | undefined;
  result: T;
}

export interface LeaseOptions {
  /** Milliseconds after which others may take over from a holder that died. A living holder renews by itself. */
  ttlMs: number;
  /** Stops waiting for the lease. */
  signal?: AbortSignal;
}

export interface Lease {
  /** Aborted when the lease was lost (the store went away, or this process stalled beyond `ttlMs`). */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface State {
  /** True where other processes may use the same state. */
  readonly shared: boolean;

  /** The value of a key, or undefined. */
  get(key: string): Promise<Json | undefined>;

  /**
   * Reads, decides and writes as one step: no other change to the key comes between. `decide` may run more than once,
   * so it has no effects of its own; it leaves the current value untouched and returns a new one.
   * When the promise resolves the change survives `kill -9`.
   * @throws StateError when it could not be kept; then nothing was changed.
   */
  change<T>(key: string, decide: (current: Json | undefined) => Change<T>): Promise<T>;

  /** Waits for the exclusive use of a name. In one process: in order of asking. @throws the signal's reason */
  lease(name: string, options: LeaseOptions): Promise<Lease>;

  /** Tells every process that listens (this one included). Nothing is kept for those who come later. */
  publish(channel: string, message: Json): Promise<void>;
  /** `onGap` is called when messages may have been missed, after a connection was lost: read anew what they were about. */
  subscribe(channel: string, listener: (message: Json) => void, onGap?: () => void): () => void;

  /** Waits for what is being written, then lets go of files, timers and connections. */
  close(): Promise<void>;
}

/** The state could not be read or kept. `reason` is the system's word for it (`EROFS`, `ENOSPC`, `ECONNREFUSED`, …). */
export class StateError extends Error {
  constructor(
    message: string,
    readonly reason: string,
  ) {
    super(message);
    this.name = 'StateError';
  }
}
