import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { onAbort } from '../../../src/common/abort';

describe('many that wait for one signal', () => {
  it('are all told, in the order of asking, but for those who left', () => {
    const { signal, abort } = started();
    const told: number[] = [];
    const leave = [1, 2, 3, 4].map((each) => onAbort(signal, () => told.push(each)));
    leave[1]?.();
    abort();
    assert.deepEqual(told, [1, 3, 4]);
    abort();
    assert.deepEqual(told, [1, 3, 4]);
  });

  it('cost the signal one listener, and leave nothing behind but that', () => {
    const { signal } = started();
    for (let command = 0; command < 1000; command += 1) onAbort(signal, () => undefined)();
    assert.equal(getEventListeners(signal, 'abort').length, 1);
  });

  it('may leave while the others are told', () => {
    const { signal, abort } = started();
    const told: string[] = [];
    onAbort(signal, () => leave());
    const leave = onAbort(signal, () => told.push('left before'));
    onAbort(signal, () => told.push('last'));
    abort();
    assert.deepEqual(told, ['last']);
  });

  function started(): { signal: AbortSignal; abort: () => void } {
    const controller = new AbortController();
    return { signal: controller.signal, abort: () => controller.abort() };
  }
});
