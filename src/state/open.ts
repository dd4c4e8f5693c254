/**
 * Finds the state that a configuration names: a folder of this machine, or a Redis. All who name the same one within a
 * process share one object underneath: that makes turns within the process, and a pair of connections to Redis, enough for
 * any number of nodes.
 */
import { createRequire } from 'node:module';
import { systemClock } from '../common/clock';
import type { Log } from '../common/log';
import { FileState } from './file';
import { Presence } from './presence';
import type * as Redis from './redis';
import type { State } from './state';

export interface OpenStateOptions {
  /** Address of a Redis (see `redis-url.ts`); empty for the folder. */
  url: string;
  /** The folder, used only where `url` is empty. */
  folder: string;
  /**
   * Gets what a person should know: a damaged file, another process in the folder, Redis gone, Redis back. Only that of
   * the first who opened a state is used.
   */
  log: Log;
}

interface Store {
  readonly state: State;
  users: number;
  presence?: Presence;
}

const stores = new Map<string, Store>();

/**
 * Every caller releases its leases, ends its subscriptions and closes what it got; the last one closes the state itself.
 * @throws CodedError `INVALID_INPUT`
 */
export function openState({ url: typed, folder, log }: OpenStateOptions): State {
  const url = typed.trim();
  const name = url === '' ? `folder ${folder}` : `redis ${url}`;
  const store: Store = stores.get(name) ?? {
    state: url === '' ? new FileState({ folder, log }) : redis(url, log),
    users: 0,
  };
  stores.set(name, store);
  if (url === '' && store.users === 0) store.presence = new Presence({ folder, log, clock: systemClock });
  store.users += 1;
  const { state } = store;
  let closed: Promise<void> | undefined;
  return {
    shared: state.shared,
    get otherOwner() {
      return store.presence?.other;
    },
    get: (key) => state.get(key),
    change: (key, decide) => state.change(key, decide),
    lease: (lease, options) => state.lease(lease, options),
    publish: (channel, message) => state.publish(channel, message),
    subscribe: (channel, listener, onGap) => state.subscribe(channel, listener, onGap),
    close: () => (closed ??= leave(name, store)),
  };
}

/** Loaded for those few who use it: the client takes longer to load than all the rest of the package. */
function redis(url: string, log: Log): State {
  const { RedisState } = createRequire(__filename)('./redis') as typeof Redis;
  return new RedisState({ url, log });
}

async function leave(name: string, store: Store): Promise<void> {
  store.users -= 1;
  if (store.users > 0) return;
  const { state, presence } = store;
  const forget = (): void => {
    if (store.users === 0 && stores.get(name) === store) stores.delete(name);
  };
  // Another object for the same folder must find all that this one knows, so it is used again until that is written.
  if (state instanceof FileState) void state.rest().then(forget);
  else forget();
  await Promise.all([state.close(), presence?.end()]);
}
