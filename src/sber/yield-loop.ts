/**
 * Long work in small portions: work on thousands of models yields the event loop between them, so that the rest of
 * Node-RED does not notice.
 */
import type { Clock } from '../common/clock';

/** Milliseconds of work at a stretch. Far below the 50 ms that a flow could feel. */
const PORTION_MS = 8;
/** The clock costs time too: it is read once for so many items. */
const ITEMS_PER_LOOK = 16;

export interface Pace {
  /** Whether a portion's time is over. Cheap enough to be asked for every item. */
  due(): boolean;
  /** Lets everything else that waits run first. Rejects once the work is to stop. */
  yieldLoop(): Promise<void>;
}

/** @param throwIfStopped asked after each portion */
export function pacing(clock: Clock, throwIfStopped: () => void = () => undefined): Pace {
  let since = clock.elapsed();
  let items = 0;
  return {
    due: () => {
      items += 1;
      return items % ITEMS_PER_LOOK === 0 && clock.elapsed() - since >= PORTION_MS;
    },
    yieldLoop: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      throwIfStopped();
      since = clock.elapsed();
    },
  };
}
