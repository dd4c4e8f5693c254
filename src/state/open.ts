/**
 * Finds the state that a configuration names: a folder of this machine, or a Redis. All who name the same one within a
 * process share one object underneath, which is what makes turns taken in a folder, and a pair of connections to
 * Redis, enough for any number of nodes. How values are kept is left to `file.ts` and `redis.ts`.
 */
import { createRequire } from 'node:module';
import { onAbort } from '../common/abort';
import { systemClock } from '../common/clock';
import { FileState } from './file';
import { Presence } from './presence';
import type * as Redis from './redis';
import { StateError, type Decide, type Json, type Lease, type LeaseOptions, type State } from './state';

export interface OpenStateOptions {
  /** Address of a Redis (see `redis-url.ts`); empty for the folder. */
  url: string;
  /** The folder, used only where `url` is empty. */
  folder: string;
  /**
   * Gets what a person should know: a damaged file, another process in the folder, Redis gone, Redis back. Only that of
   * the first who opened a state is called.
   */
  warn: (message: string) => void;
}

interface Store {
  state: State;
  presence?: Presence;
  users: number;
  /** Called with the first user. */
  begin?: () => void;
  /** Called with the last one. Resolves when another object for the same place would find all that this one knows. */
  end: () => Promise<void>;
}

const stores = new Map<string, Store>();

/** Every caller closes what it got; the last one closes the state itself. @throws CodedError `INVALID_INPUT` */
export function openState(options: OpenStateOptions): State {
  const url = options.url.trim();
  const name = url === '' ? `folder ${options.folder}` : `redis ${url}`;
  const store = stores.get(name) ?? (url === '' ? folderStore(options) : redisStore(url, options, name));
  if (store.users === 0) store.begin?.();
  store.users += 1;
  stores.set(name, store);
  return new Handle(store, async () => {
    store.users -= 1;
    if (store.users > 0) return;
    const ended = store.end().then(() => {
      // A folder's object is used again by those who have come meanwhile.
      if (store.users === 0 && stores.get(name) === store) stores.delete(name);
    });
    await (store.state.shared ? ended : Promise.all([store.state.close(), store.presence?.end()]));
  });
}

function folderStore({ folder, warn }: OpenStateOptions): Store {
  const state = new FileState({ folder, warn });
  const begin = (): void => {
    store.presence = new Presence({ folder, warn, clock: systemClock });
  };
  const store: Store = { state, users: 0, begin, end: () => state.rest() };
  return store;
}

function redisStore(url: string, { warn }: OpenStateOptions, name: string): Store {
  // Loaded for those few who use it: the client takes longer to load than all the rest of the package.
  const { RedisState } = createRequire(__filename)('./redis') as typeof Redis;
  const state = new RedisState({ url, warn });
  const end = (): Promise<void> => {
    // Its connections end, so others make new ones.
    stores.delete(name);
    return state.close();
  };
  return { state, users: 0, end };
}

/** What one user has of a state: closing it gives back what this user holds, and nothing of the others. */
class Handle implements State {
  readonly shared: boolean;
  private readonly closing = new AbortController();
  private readonly held = new Set<Lease>();
  private readonly subscriptions = new Set<() => void>();
  private closed: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    private readonly leave: () => Promise<void>,
  ) {
    this.shared = store.state.shared;
  }

  get otherOwner(): string | undefined {
    return this.store.presence?.other;
  }

  get(key: string): Promise<Json | undefined> {
    return this.store.state.get(key);
  }

  change<T>(key: string, decide: Decide<T>): Promise<T> {
    return this.store.state.change(key, decide);
  }

  async lease(name: string, { ttlMs, signal }: LeaseOptions): Promise<Lease> {
    const waiting = new AbortController();
    const sources = [this.closing.signal, ...(signal === undefined ? [] : [signal])];
    const forget = sources.map((source) => onAbort(source, () => waiting.abort(source.reason)));
    try {
      const lease = await this.store.state.lease(name, { ttlMs, signal: waiting.signal });
      const release = (): Promise<void> => {
        this.held.delete(lease);
        return lease.release();
      };
      this.held.add(lease);
      if (this.closing.signal.aborted) {
        await release();
        throw this.closing.signal.reason;
      }
      return {
        get lost() {
          return lease.lost;
        },
        release,
      };
    } finally {
      for (const each of forget) each();
    }
  }

  publish(channel: string, message: Json): Promise<void> {
    return this.store.state.publish(channel, message);
  }

  subscribe(channel: string, listener: (message: Json) => void, onGap?: () => void): () => void {
    const unsubscribe = this.store.state.subscribe(channel, listener, onGap);
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
