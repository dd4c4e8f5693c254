/**
 * Whether a message is one that can be read and copied at all: what a node ends with when it was not. Whether it makes
 * sense is left to the parsers.
 */
import { invalidInput } from '../../src/common/errors';

/** What its sender is told. */
export const UNREADABLE = invalidInput(
  'the message holds something that cannot be read or copied',
  'Send plain values: texts, numbers, lists and objects, not nested without end.',
);
/** Deeper than any message is meant to be, and than the copying of it can go. */
const DEEPEST = 1000;

/** Whether everything in a value can be read: no getter throws, and its depth has an end. */
export function isReadable(value: unknown): boolean {
  const seen = new Set<unknown>();
  let level: unknown[] = [value];
  try {
    for (let depth = 0; level.length > 0; depth += 1) {
      if (depth > DEEPEST) return false;
      const next: unknown[] = [];
      for (const each of level) {
        if (typeof each !== 'object' || each === null || seen.has(each) || ArrayBuffer.isView(each)) continue;
        seen.add(each);
        for (const inner of Object.values(each)) if (typeof inner === 'object') next.push(inner);
      }
      level = next;
    }
    return true;
  } catch {
    return false;
  }
}
