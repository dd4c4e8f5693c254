import assert from 'node:assert/strict';
import { CalmBadge } from '../../nodes/shared/calm-badge';
import { HandClock } from '../support/clock';

describe('a badge that many commands change', () => {
  let clock: HandClock;
  let shown: string[];
  let badge: CalmBadge<string>;
  beforeEach(() => {
    clock = new HandClock();
    shown = [];
    badge = new CalmBadge(clock, (picture, text) => shown.push(`${picture} ${text}`));
  });

  it('shows all of a few commands at once', () => {
    for (const text of ['opens', 'closes', 'opens']) {
      badge.show('working', text);
      badge.show('ok', text);
    }
    assert.equal(shown.length, 6);
    assert.equal(shown.at(-1), 'ok opens');
    assert.equal(clock.waiting, 0);
  });

  it('shows few of hundreds in a moment, each newer than the one before, and the last one in the end', async () => {
    for (let index = 0; index < 500; index += 1) {
      badge.show('ok', String(index));
      if (index % 50 === 49) await clock.advance(20);
    }
    badge.show('failed', '500');
    await clock.advance(250);
    assert.ok(shown.length <= 12, `${shown.length} were shown`);
    assert.equal(shown.at(-1), 'failed 500');
    const order = shown.map((one) => Number(one.split(' ')[1]));
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    assert.equal(clock.waiting, 0);
  });

  it('shows what comes after a rest at once again', async () => {
    for (let index = 0; index < 100; index += 1) badge.show('ok', String(index));
    await clock.advance(600);
    const before = shown.length;
    badge.show('working', 'opens');
    badge.show('ok', 'opens');
    assert.deepEqual(shown.slice(before), ['working opens', 'ok opens']);
  });

  it('shows nothing of a node that was closed', async () => {
    for (let index = 0; index < 100; index += 1) badge.show('ok', String(index));
    const before = shown.length;
    badge.close();
    await clock.advance(1000);
    assert.equal(shown.length, before);
  });
});
