/**
 * What must outlive a process, or be shared by several: one small interface, two homes for it. `file.ts` keeps it in the
 * user directory for one process, `redis.ts` in a Redis server for any number of them. Callers cannot see which.
 */
import type { Json } from '../common/json';

export type { Json };

/** What a change function decides: the new value (`undefined` deletes, absent keeps), and what the caller gets back. */
export interface Change<T> {
  value?: Json | undefined;
  result: T;
}

export type Decide<T> = (current: Json | undefined) => Change<T>;

export interface LeaseOptions {
  /** Milliseconds after which others may take over from a holder that died. A living holder renews by itself. */
  ttlMs: number;
  /** Stops waiting for the lease. */
  signal?: AbortSignal | undefined;
}

export interface Lease {
  /** Aborted when the lease was lost (the store went away, or this process stalled beyond `ttlMs`). */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** Reading and changing end within a second on a disk, and within three in Redis, whatever these do. */
export interface State {
  /** True where other processes may use the same state. */
  readonly shared: boolean;

  /** Another process that uses the same folder although it must not, in words for a person: "process 41 on house". */
  readonly otherOwner?: string | undefined;

  /** The value of a key, or undefined. @throws StateError */
  get(key: string): Promise<Json | undefined>;

  /**
   * Reads, decides and writes as one step: no other change to the key comes between. `decide` may run more than once,
   * so it has no effects of its own; it leaves the current value untouched and returns a new one.
   * When the promise resolves the change survives `kill -9`.
   * @throws StateError when it could not be kept; then nothing was changed, unless its reason is `ETIMEDOUT`: then the
   * change is made, and is written (or was, in Redis) when the disk or the network finds the time.
   */
  change<T>(key: string, decide: Decide<T>): Promise<T>;

  /** Waits for the exclusive use of a name. In one process: in order of asking. @throws the signal's reason */
  lease(name: string, options: LeaseOptions): Promise<Lease>;

  /** Reaches every process that has subscribed (this one included). Nothing is kept for those who come later. */
  publish(channel: string, message: Json): Promise<void>;
  /** `onGap` is called when messages may have been missed, after a connection was lost: read anew what they were about. */
  subscribe(channel: string, listener: (message: Json) => void, onGap?: () => void): () => void;

  /** Waits a moment for what is being written, then lets go of files, timers and connections. */
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
