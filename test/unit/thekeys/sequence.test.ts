/** Which timestamps were used: whatever is taken, taken back and resumed, none is given twice where that can be helped. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  asSequence,
  giveBack,
  resume,
  reserve,
  rewind,
  toJson,
  UNUSED,
  type Sequence,
} from '../../../src/thekeys/sequence';

const NOON = 1_800_000_000;
const HOUR = 3600;

describe('the sequence of a gateway', () => {
  let sequence: Sequence;
  const next = (floor: number, count = 1): number[] => {
    const taken = reserve(sequence, floor, count);
    sequence = taken.sequence;
    return Array.from({ length: taken.count }, (_, index) => taken.first + index);
  };
  beforeEach(() => {
    sequence = UNUSED;
  });

  it('goes with the clock, and on from itself where the clock stands or goes back', () => {
    assert.deepEqual(next(NOON), [NOON]);
    assert.deepEqual(next(NOON, 3), [NOON + 1, NOON + 2, NOON + 3]);
    assert.deepEqual(next(NOON - HOUR), [NOON + 4]);
    assert.deepEqual(next(NOON + HOUR), [NOON + HOUR]);
  });

  it('knows, wherever a clock led it, what was used before', () => {
    next(NOON, 4);
    next(NOON + HOUR, 4);
    assert.equal(sequence.below, NOON + 3);
    sequence = rewind(sequence, Math.max(NOON + 1, sequence.below));
    assert.deepEqual(next(NOON + 2), [NOON + 4], 'the clock that is right points at one that was used');
  });

  it('steps over the stretch that a wrong clock has used, when the clock gets there', () => {
    next(NOON, 4);
    const wrong = next(NOON + HOUR, 4);
    sequence = rewind(sequence, NOON + 9);
    next(NOON + 10, 4);
    assert.deepEqual(next(NOON + HOUR + 2, 2), [wrong.at(-1)! + 1, wrong.at(-1)! + 2]);
  });

  it('gives fewer than were asked for where used ones lie in the way', () => {
    next(NOON + HOUR, 4);
    sequence = rewind(sequence, NOON);
    assert.deepEqual(next(NOON + HOUR - 2, 10), [NOON + HOUR - 2, NOON + HOUR - 1]);
    assert.equal(next(NOON, 10)[0], NOON + HOUR + 4);
  });

  it('follows a clock that is right through a long stretch, rather than be led away from it again', () => {
    for (let second = 0; second < HOUR; second += 30) next(NOON + second);
    sequence = rewind(sequence, NOON);
    assert.deepEqual(next(NOON + 60), [NOON + 60]);
  });

  it('goes on where it was before it was taken back', () => {
    next(NOON);
    const [ahead = 0] = next(NOON + HOUR);
    sequence = rewind(sequence, NOON + 9);
    const [tried = 0] = next(NOON + 10);
    sequence = resume(sequence, ahead);
    assert.deepEqual(next(NOON + 11), [ahead + 1]);
    assert.equal(sequence.below, tried);
    sequence = rewind(sequence, tried);
    assert.deepEqual(next(NOON + HOUR), [ahead + 2], 'all of the stretch is known');
  });

  it('goes on behind what was used of a block, though more had been taken', () => {
    const [ahead = 0, used = 0] = next(NOON + HOUR, 4);
    sequence = resume(rewind(sequence, NOON), used);
    assert.deepEqual([sequence.from, sequence.at, sequence.left], [ahead, used, []]);
    assert.deepEqual(next(NOON + 1, 3), [used + 1, used + 2, used + 3]);
  });

  it('takes again what was given back', () => {
    const [first = 0] = next(NOON, 10);
    sequence = giveBack(sequence, first + 1);
    assert.deepEqual(next(NOON), [first + 2]);
    sequence = giveBack(UNUSED, 0);
    assert.deepEqual(next(NOON), [NOON]);
  });

  it('is the same after it was kept, and nothing where something else was', () => {
    fc.assert(
      fc.property(history, (moves) => {
        const { end } = live(moves);
        assert.deepEqual(asSequence(JSON.parse(JSON.stringify(toJson(end))) as never), end);
      }),
    );
    assert.equal(reserve(asSequence(NOON) ?? UNUSED, NOON, 1).first, NOON + 1);
    for (const value of ['x', null, [], {}, { at: 1 }, -1, 1.5, Number.MAX_SAFE_INTEGER, 1e300, true]) {
      assert.equal(asSequence(value), undefined, JSON.stringify(value));
    }
  });

  it('gives none twice, whatever clocks do, as long as no wrong one is followed for more than a minute', () => {
    fc.assert(
      fc.property(history, (moves) => {
        const { given } = live(moves);
        assert.equal(new Set(given).size, given.length, given.join(' '));
      }),
      { numRuns: 2000 },
    );
  });
});

/** A clock that is right goes on; a wrong one is somewhere else, for some commands, and then the sequence is taken back. */
interface Move {
  idle: number;
  wrong?: { shift: number; commands: number };
}
const history = fc.array(
  fc.record(
    {
      idle: fc.integer({ min: 0, max: 5000 }),
      wrong: fc.record({
        shift: fc.constantFrom(300, 3600, 3600, 7200, 86_400),
        commands: fc.integer({ min: 1, max: 20 }),
      }),
    },
    { requiredKeys: ['idle'] },
  ),
  { maxLength: 6 },
);

function live(moves: readonly Move[]): { given: number[]; end: Sequence } {
  let sequence = UNUSED;
  let now = NOON;
  const given: number[] = [];
  const one = (floor: number): void => {
    const taken = reserve(sequence, floor, 1);
    sequence = taken.sequence;
    given.push(taken.first);
  };
  for (const { idle, wrong } of moves) {
    now += idle;
    one(now);
    if (wrong === undefined) continue;
    for (let command = 0; command < wrong.commands; command += 1) one(now + wrong.shift + command);
    now += wrong.commands;
    const behind = Math.max(now - 1, sequence.below);
    if (behind < sequence.at) sequence = rewind(sequence, behind);
  }
  return { given, end: sequence };
}
