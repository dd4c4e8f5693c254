/**
 * Which timestamps of a gateway may have been used, in a few numbers, so that none is used again: not even where a clock
 * that was wrong led the sequence far ahead, the gateway refused it there, and it had to be rewound. A plain value and
 * its moves; when to make one, and where the value is kept, is left to `timestamps.ts`.
 */
import { isRecord, type Json } from '../common/json';

export interface Sequence {
  /** All up to this one may have been used, and accepted. */
  readonly below: number;
  /** Behind them there is a gap, and the sequence has gone on with this one … */
  readonly from: number;
  /** … up to this one. The next is greater. */
  readonly at: number;
  /** Stretches that lie ahead, used by a clock that was wrong, and refused. */
  readonly left: readonly (readonly [from: number, to: number])[];
}

/** Seconds. What is further away was not reached by one command after the other, but by the clock. */
export const GAP = 60;
/** A longer stretch is not stepped over when the clock gets there: that would lead away from a clock that is right. */
const LONGEST_STEP = GAP;
/** How many stretches are remembered: the latest. */
const MOST_LEFT = 8;

export const UNUSED: Sequence = { below: 0, from: 1, at: 0, left: [] };

/** The next `count` numbers, none below `least`; fewer where one was used already. */
export function reserve(
  sequence: Sequence,
  least: number,
  count: number,
): { sequence: Sequence; first: number; count: number } {
  const { below, from, at } = sequence;
  const ascending = [...sequence.left].sort((one, other) => one[0] - other[0]);
  let first = Math.max(least, at + 1);
  for (const [start, end] of ascending) if (first >= start && first <= end) first = end + 1;
  const next = ascending.find(([start]) => start > first)?.[0] ?? Infinity;
  const given = Math.min(count, next - first);
  const bounds = first - at > GAP ? { below: at, from: first } : { below, from };
  // Those that were passed by are ahead again when the sequence is rewound.
  const left = sequence.left.filter(([, end]) => end > bounds.below);
  return { sequence: { ...bounds, at: first + given - 1, left }, first, count: given };
}

/** Lets the sequence go on behind `last`, which is lower than where it is. */
export function rewind({ below, from, at, left }: Sequence, last: number): Sequence {
  const isStep = last < from && from <= at && at - from < LONGEST_STEP;
  const stretches = isStep ? [...left, [from, at] as const].slice(-MOST_LEFT) : left;
  return { below, from: Math.min(from, last + 1), at: last, left: stretches };
}

/** Lets it go on behind `last` again, where it was before it was rewound. */
export function resume(sequence: Sequence, last: number): Sequence {
  // Its end was reserved, but not all of it was used.
  const stretch = sequence.left.find(([start, end]) => start <= last && last <= end);
  return {
    below: sequence.at,
    from: stretch?.[0] ?? last + 1,
    at: last,
    left: sequence.left.filter((each) => each !== stretch),
  };
}

/** Gives back, of what was reserved last, all behind `last`. */
export function giveBack(sequence: Sequence, last: number): Sequence {
  return { ...sequence, at: last, from: Math.min(sequence.from, last + 1) };
}

/** As it was kept; undefined for anything else. The first versions kept nothing but where it stood. */
export function asSequence(value: Json | undefined): Sequence | undefined {
  if (isNumber(value)) return { below: 0, from: 1, at: value, left: [] };
  if (!isRecord(value)) return undefined;
  const { below, from, at, left } = value;
  if (!isNumber(below) || !isNumber(from) || !isNumber(at) || !Array.isArray(left)) return undefined;
  const stretches = left.flatMap((each) => {
    const [start, end] = Array.isArray(each) ? each : [];
    return isNumber(start) && isNumber(end) ? [[start, end] as const] : [];
  });
  return { below, from, at, left: stretches };
}

export function toJson({ below, from, at, left }: Sequence): Record<keyof Sequence, Json> {
  return { below, from, at, left: left.map(([start, end]) => [start, end]) };
}

/** One behind which all that will ever be needed have room. */
function isNumber(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < Number.MAX_SAFE_INTEGER / 2;
}
