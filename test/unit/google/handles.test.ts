import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { handles } from '../../../src/google/handles';

describe('handles of commands', () => {
  it('are all different and of random bits alone, so that nobody guesses the next from the last', () => {
    let bytes = 0;
    const next = handles((count) => {
      bytes += count;
      return randomBytes(count);
    });
    const made = Array.from({ length: 1000 }, next);
    assert.equal(new Set(made).size, 1000);
    for (const handle of made) assert.match(handle, /^[\w-]{24}$/);
    assert.ok(bytes >= 1000 * 16, 'each has 128 bits of its own at least');
  });
});
