/** What the log says of a command: at trace each request with its reason, at debug the command and its end, never a secret. */
import assert from 'node:assert/strict';
import { sign } from '../../src/thekeys/calls';
import { FRONT, LockFlow } from '../support/lock-flow';

describe('the log', () => {
  const flow = new LockFlow();
  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  const action = { id: 'lock', type: 'lock-action', gateway: 'gw', action: 'open', wires: [['out']] };

  it('follows an open through a busy gateway: each request, each wait, each try', async () => {
    await flow.load(flow.whole(flow.gateway(), action));
    flow.world.faults.next({ kind: 'busy', path: '/open' });
    flow.send('lock', {});
    await flow.next('out');
    const lines = flow.logged.join('\n');
    assert.match(lines, /POST \/open: GATEWAY_BUSY/);
    assert.match(lines, /again in \d+ ms/);
    assert.match(lines, /POST \/open: done/);
    assert.match(lines, /POST \/locker_status: done/);
  });

  it('of a Node-RED that takes no more than information has no line of a command', async () => {
    await flow.end();
    await flow.begin({}, {}, { logging: { console: { level: 'info' } } });
    await flow.load(flow.whole(flow.gateway(), action));
    flow.send('lock', {});
    await flow.next('out');
    assert.doesNotMatch(flow.logged.join('\n'), /POST \/open|\bdone\b/);
  });

  it('holds no share code, no signature and no timestamp that was signed', async () => {
    await flow.load(flow.whole(flow.gateway(), action), { gw: { code: FRONT.code } });
    flow.world.faults.next({ kind: 'reset-after', path: '/open' });
    flow.send('lock', {});
    await flow.next('out');
    const lines = flow.logged.join('\n');
    assert.ok(lines.includes('/open'), 'the log says what was sent');
    assert.ok(!lines.includes(FRONT.code));
    const { timestamps } = flow.world.journal;
    assert.ok(timestamps.length > 0);
    for (const timestamp of timestamps) {
      const hash = sign(FRONT.code, timestamp);
      assert.ok(!lines.includes(hash) && !lines.includes(encodeURIComponent(hash)));
      assert.ok(!lines.includes(String(timestamp)));
    }
  });
});
