/**
 * Long work in small portions: whoever goes through thousands of models lets the event loop breathe between them, so that
 * the rest of Node-RED never notices.
 */
import type { Clock } from '../common/clock';

/** Work for this long at a stretch, then let others run. Far below the 50 ms a flow could feel. */
const PORTION_MS = 8;
/** The system's clock is not free of charge either: it is read once for so many items. */
const ITEMS_PER_LOOK = 16;

export interface Breath {
  /** Whether a portion's time is over. Cheap enough to be asked for every item. */
  due(): boolean;
  /** Lets everything else that waits run first. Rejects with the signal's reason once it is aborted. */
  take(): Promise<void>;
}

export function breathing(clock: Clock, signal?: AbortSignal): Breath {
  let since = clock.elapsed();
  let items = 0;
  return {
    due: () => {
      items += 1;
      return items % ITEMS_PER_LOOK === 0 && clock.elapsed() - since >= PORTION_MS;
    },
    take: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      since = clock.elapsed();
    },
  };
}
