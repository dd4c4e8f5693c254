/**
 * What the simulated gateway saw and what its locks did, for tests to look at afterwards. It decides nothing, and keeps
 * neither share codes nor hashes.
 */

export interface JournalRequest {
  /** When it arrived, in milliseconds of the gateway's `clock.elapsed()`. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** The fields of the form; of the hash only that it was there. */
  readonly fields: Readonly<Record<string, string>>;
  /** How many requests, this one included, the gateway had at that moment and their senders still waited for. */
  readonly inFlight: number;
  /** How it ended, once it did: `ok`, `busy`, `refused <code>`, `http <status>`, or what became of the connection. */
  outcome?: string;
}

export interface JournalAction {
  readonly lock: string;
  readonly action: 'open' | 'close' | 'calibrate';
  readonly ts: number;
  /** When the bolt began to move, in milliseconds of `clock.elapsed()`. */
  readonly at: number;
}

export interface RefusedTimestamp {
  readonly ts: string;
  readonly at: number;
  /** `repeated`: the previous one again; `older`: older than it; `clock`: too far from the gateway's own clock. */
  readonly reason: 'repeated' | 'older' | 'clock';
}

export class Journal {
  /** How many requests are remembered, and how many of what they led to. */
  most = Infinity;
  /** Every request, in the order of arrival. */
  readonly requests: JournalRequest[] = [];
  /** Every time a bolt was set in motion by a request. */
  readonly actions: JournalAction[] = [];
  /** Timestamps with a valid signature that were refused all the same. */
  readonly refusedTimestamps: RefusedTimestamp[] = [];

  /** The most requests that ever were under way together. A client that keeps to one at a time leaves 1 here. */
  get maxInFlight(): number {
    return this.requests.reduce((most, request) => Math.max(most, request.inFlight), 0);
  }

  /** The timestamps of all signed requests, in the order of arrival, refused ones included. */
  get timestamps(): number[] {
    return this.requests.flatMap(({ fields: { ts } }) => (ts === undefined ? [] : [Number(ts)]));
  }

  /** The paths asked for, in order: what most tests compare. */
  get paths(): string[] {
    return this.requests.map(({ path }) => path);
  }

  clear(): void {
    this.requests.length = 0;
    this.actions.length = 0;
    this.refusedTimestamps.length = 0;
  }
}
