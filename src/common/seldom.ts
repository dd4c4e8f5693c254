/**
 * For what a person should know, but not with each of a thousand requests: the same words at most once in a while.
 */
import type { Clock } from './clock';

/** Texts that are remembered. More at a time are no repetition of one trouble. */
const MOST_REMEMBERED = 100;

/** @param everyMs how long the same text is not said again */
export function seldom(say: (text: string) => void, clock: Clock, everyMs: number): (text: string) => void {
  const said = new Map<string, number>();
  return (text) => {
    const now = clock.elapsed();
    const before = said.get(text);
    if (before !== undefined && now - before < everyMs) return;
    if (said.size >= MOST_REMEMBERED) said.clear();
    said.set(text, now);
    say(text);
  };
}
