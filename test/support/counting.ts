/** Numbers that only grow, taken from a state by as many as like to: what tests try its changes with. */
import type { State } from '../../src/state/state';

/** The first of `count` numbers, all greater than any given before, and none below `floor`. */
export function count(state: State, key: string, floor = 1, count = 1): Promise<number> {
  return state.change(key, (current) => {
    const first = typeof current === 'number' ? Math.max(floor, current + 1) : floor;
    return { value: first + count - 1, result: first };
  });
}
