/**
 * Finds the state that a configuration names: a folder of this machine, or a Redis. Whoever names the same one within a
 * process shares one object underneath, which is what makes turns taken in a folder, and a pair of connections to
 * Redis, enough for any number of nodes. How values are kept is left to `file.ts` and `redis.ts`.
 */
import { createRequire } from 'node:module';
import { FileState } from './file';
import type * as Redis from './redis';
import { StateError, type Change, type Json, type Lease, type LeaseOptions, type State } from './state';

export interface OpenStateOptions {
  /** Address of a Redis (see `redis-url.ts`); empty for the folder. */
  url: string;
  /** The folder, used only where `url` is empty. */
  folder: string;
  /** Told what a person should know: a damaged file, Redis gone, Redis back. The first who opened a state is told. */
  warn: (message: string) => void;
  /** As in `FileStateOptions`. */
  crossProcess?: boolean;
}

interface Entry {
  state: State;
  users: number;
}

const entries = new Map<string, Entry>();

/** Every caller closes what it got; the last one closes the state itself. @throws CodedError `INVALID_INPUT` */
export function openState(options: OpenStateOptions): State {
  const url = options.url.trim();
  const name = url === '' ? `folder ${options.crossProcess === true} ${options.folder}` : `redis ${url}`;
  const entry = entries.get(name) ?? { state: build(url, options), users: 0 };
  entry.users += 1;
  entries.set(name, entry);
  return new Share(entry.state, async () => {
    entry.users -= 1;
    if (entry.users > 0) return;
    // Connections end now, and whoever comes next makes new ones. A folder's object stays until its last write is
    // done, for another object would read the file before that.
    if (entry.state.shared) entries.delete(name);
    await entry.state.close();
    // Somebody may have come in the meantime.
    if (entries.get(name)?.users === 0) entries.delete(name);
  });
}

function build(url: string, { folder, warn, crossProcess }: OpenStateOptions): State {
  if (url !== '') {
    // Loaded for those few who use it: the client takes longer to load than all the rest of the package.
    const { RedisState } = createRequire(__filename)('./redis') as typeof Redis;
    return new RedisState({ url, warn });
  }
  return new FileState({ folder, warn, ...(crossProcess === undefined ? {} : { crossProcess }) });
}

/** One user's view of a shared state: closing it gives back what this user holds, and nothing of the others. */
class Share implements State {
  readonly shared: boolean;
  private readonly closing = new AbortController();
  private readonly held = new Set<Lease>();
  private readonly subscriptions = new Set<() => void>();
  private closed: Promise<void> | undefined;

  constructor(
    private readonly state: State,
    private readonly leave: () => Promise<void>,
  ) {
    this.shared = state.shared;
  }

  get(key: string): Promise<Json | undefined> {
    return this.state.get(key);
  }

  change<T>(key: string, decide: (current: Json | undefined) => Change<T>): Promise<T> {
    return this.state.change(key, decide);
  }

  async lease(name: string, options: LeaseOptions): Promise<Lease> {
    const { signal } = options;
    const waiting = new AbortController();
    const abort = (): void => waiting.abort((signal?.aborted ? signal : this.closing.signal).reason);
    if (signal?.aborted || this.closing.signal.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    this.closing.signal.addEventListener('abort', abort, { once: true });
    try {
      const lease = await this.state.lease(name, { ttlMs: options.ttlMs, signal: waiting.signal });
      const release = (): Promise<void> => {
        this.held.delete(mine);
        return lease.release();
      };
      const mine: Lease = {
        get lost() {
          return lease.lost;
        },
        release,
      };
      this.held.add(mine);
      if (this.closing.signal.aborted) {
        await release();
        throw this.closing.signal.reason;
      }
      return mine;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.closing.signal.removeEventListener('abort', abort);
    }
  }

  publish(channel: string, message: Json): Promise<void> {
    return this.state.publish(channel, message);
  }

  subscribe(channel: string, listener: (message: Json) => void, onGap?: () => void): () => void {
    const unsubscribe = this.state.subscribe(channel, listener, onGap);
    const end = (): void => {
      if (this.subscriptions.delete(end)) unsubscribe();
    };
    this.subscriptions.add(end);
    return end;
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    this.closing.abort(new StateError('the state was closed', 'ECLOSED'));
    for (const end of this.subscriptions) end();
    await Promise.all([...this.held].map((lease) => lease.release()));
    await this.leave();
  }
}
