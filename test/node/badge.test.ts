import assert from 'node:assert/strict';
import type { NodeStatus } from 'node-red';
import { Badge } from '../../nodes/shared/badge';
import { LockBadge } from '../../nodes/shared/lock-badge';
import { HandClock } from '../support/clock';

describe('a badge that many commands change', () => {
  let clock: HandClock;
  let shown: NodeStatus[];
  let badge: Badge;
  const texts = (): (string | undefined)[] => shown.map(({ text }) => text);
  beforeEach(() => {
    clock = new HandClock();
    shown = [];
    badge = new Badge(
      clock,
      (key) => (key === 'badge.opening' ? 'opening…' : undefined),
      (status) => shown.push(status),
    );
  });

  it('shows a word of the catalogue, and a key that is none as it is', () => {
    badge.show('working', 'opening');
    badge.show('warning', 'deviceTurnedOff');
    badge.text('ok', 'a text that is far too long for a badge');
    assert.deepEqual(texts(), ['opening…', 'deviceTurnedOff', 'a text that is far…']);
    assert.deepEqual(shown[0], { fill: 'blue', shape: 'dot', text: 'opening…' });
  });

  it('shows all of a few commands at once', () => {
    for (const text of ['opens', 'closes', 'opens']) {
      badge.text('working', text);
      badge.text('ok', text);
    }
    assert.equal(shown.length, 6);
    assert.equal(clock.waiting, 0);
  });

  it('shows few of hundreds in a moment, each newer than the one before, and the last one in the end', async () => {
    for (let index = 0; index < 500; index += 1) {
      badge.text('ok', String(index));
      if (index % 50 === 49) await clock.advance(20);
    }
    badge.text('failed', '500');
    await clock.advance(250);
    assert.ok(shown.length <= 12, `${shown.length} were shown`);
    assert.deepEqual(shown.at(-1), { fill: 'red', shape: 'dot', text: '500' });
    const order = texts().map(Number);
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    assert.equal(clock.waiting, 0);
  });

  it('shows what comes after a rest at once again', async () => {
    for (let index = 0; index < 100; index += 1) badge.text('ok', String(index));
    await clock.advance(600);
    const before = shown.length;
    badge.text('working', 'opens');
    badge.text('ok', 'opens');
    assert.deepEqual(texts().slice(before), ['opens', 'opens']);
  });

  it('shows nothing of a node that was closed', async () => {
    for (let index = 0; index < 100; index += 1) badge.text('ok', String(index));
    const before = shown.length;
    badge.close();
    badge.text('ok', 'later');
    await clock.advance(1000);
    assert.equal(shown.length, before);
  });
});

describe('the badge of a lock node', () => {
  it('says that what answers may be another gateway, before that gets a signature', async () => {
    const shown: NodeStatus[] = [];
    const words = (key: string): string => key.replace('badge.', '');
    const badge = new Badge(new HandClock(), words, (status) => shown.push(status));
    const known: { notice?: string } = {};
    const fail = (): never => assert.fail('the lock has not failed');
    const lock = new LockBadge({ badge, words, report: fail, showFailure: fail }, { notice: () => known.notice });
    const open = (): Promise<void> =>
      lock.follow('opening', (onProgress) => {
        onProgress({ step: 'sending' });
        return Promise.resolve();
      });
    await open();
    known.notice = 'the name leads to another address now';
    await open();
    assert.deepEqual(
      shown.map(({ fill, text }) => [fill, text]),
      [
        ['blue', 'opening'],
        ['yellow', 'otherGateway'],
      ],
    );
  });
});
