import assert from 'node:assert/strict';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import { Gateway, type ActionResult } from '../../../src/thekeys/gateway';
import { HandClock } from '../../support/clock';
import { answering } from '../../support/in-process';

const FRONT = { identifier: '1001', code: 'demo-front-code' };

describe('reading an action back while another command for the lock waits', () => {
  let clock: HandClock;
  let gateway: Gateway;
  let sent: string[];
  /** Milliseconds that the bolt takes. */
  let travelMs: number;

  beforeEach(() => {
    clock = new HandClock();
    sent = [];
    let arrivesAt = Infinity;
    gateway = new Gateway({
      address: parseAddress('gateway.test'),
      state: new MemoryState(),
      log: silent,
      clock,
      exchange: answering((path) => {
        sent.push(path);
        if (path === '/open') arrivesAt = clock.elapsed() + travelMs;
        return path === '/locker_status' ? { code: clock.elapsed() >= arrivesAt ? 50 : 49 } : { status: 'ok', code: 0 };
      }),
    });
  });

  const openThenClose = async (): Promise<ActionResult> => {
    const options = { deadlineMs: 60_000, timeoutMs: 10_000 };
    const opened = gateway.open(FRONT, { ...options, confirm: true });
    void gateway.close(FRONT, { ...options, confirm: false });
    await clock.advance(60_000);
    return opened;
  };

  it('waits once more for a bolt that is slow, and then gives way', async () => {
    travelMs = 6000;
    const { state, confirmed } = await openThenClose();
    assert.deepEqual([state, confirmed], ['open', true]);
    assert.deepEqual(sent, ['/open', '/locker_status', '/locker_status', '/close']);
  });

  it('gives way after that to a lock that does not obey', async () => {
    travelMs = Infinity;
    const { state, confirmed } = await openThenClose();
    assert.deepEqual([state, confirmed], ['closed', false]);
    assert.deepEqual(sent, ['/open', '/locker_status', '/locker_status', '/close']);
  });
});
