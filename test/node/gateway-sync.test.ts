import assert from 'node:assert/strict';
import { BACK, FRONT, LockFlow, type FlowItem } from '../support/lock-flow';

describe('gateway-sync', () => {
  const flow = new LockFlow();
  const sync = (operation: string, more: Record<string, unknown> = {}): FlowItem => ({
    id: 'sync',
    type: 'gateway-sync',
    gateway: 'gw',
    operation,
    wires: [['out']],
    ...more,
  });
  const start = (operation: string, more: Record<string, unknown> = {}): Promise<void> =>
    flow.load(flow.whole(flow.gateway(), sync(operation, more)));

  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  it('lists the locks that the gateway sees', async () => {
    await start('list');
    flow.send('sync', { other: 1 });
    const message = await flow.next('out');
    const [front, back] = message.payload as Record<string, unknown>[];
    assert.deepEqual(
      { ...front, rssi: 0 },
      {
        identifier: FRONT.identifier,
        rssi: 0,
        batteryMillivolts: 8131,
        batteryPercent: 95,
        lastLog: 100,
      },
    );
    assert.equal(back?.identifier, BACK.identifier);
    assert.deepEqual([message.other, message.topic], [1, undefined]);
    assert.equal(flow.badgesOf('sync').at(-1), 'locks: 2');
  });

  it('tells the status of the gateway, its version as a number', async () => {
    await start('status');
    flow.send('sync', {});
    const { payload } = await flow.next('out');
    assert.deepEqual(payload, { version: 65, currentStatus: 'Scanning...', synchronizing: false });
    assert.equal(flow.badgesOf('sync').at(-1), 'version 65');
  });

  it('does each of the others, and says so', async () => {
    await start('message');
    const lock = { identifier: FRONT.identifier };
    for (const [payload, expected, path] of [
      ['synchronize', { operation: 'synchronize', ok: true }, '/synchronize'],
      [{ operation: 'update' }, { operation: 'update', ok: true }, '/update'],
      ['synchronize-lock', { operation: 'synchronize-lock', ...lock, ok: true }, '/locker/synchronize'],
      [{ operation: 'update-lock', ...lock }, { operation: 'update-lock', ...lock, ok: true }, '/locker/update'],
    ] as const) {
      flow.world.journal.clear();
      flow.send('sync', { payload });
      await flow.until(() => flow.at('out').length + flow.at('caught').length > 0);
      assert.deepEqual(flow.at('caught').splice(0), []);
      const [message] = flow.at('out').splice(0);
      assert.deepEqual(message?.payload, expected);
      assert.equal(message.topic, 'identifier' in expected ? FRONT.identifier : undefined);
      assert.equal(flow.world.journal.paths[0], path);
      assert.equal(flow.badgesOf('sync').at(-1), 'done');
    }
  });

  it('follows long work in the badge, in the gateway’s words with the time, until it is over', async () => {
    await flow.end();
    await flow.begin({ answerWork: 'at-once', times: { synchronizeMs: 150 } });
    await start('synchronize');
    flow.send('sync', {});
    await flow.next('out');
    const badges = flow.badgesOf('sync');
    assert.ok(badges.includes('synchronizing 0:00'), badges.join(', '));
    assert.ok(badges.every((text) => text.length < 20));
    await flow.until(() => flow.badgesOf('sync').at(-1) === 'done');
  });

  it('refuses what is no operation, and a lock operation without a lock', async () => {
    await flow.load(flow.whole(flow.gateway({ identifier: '' }), sync('message')));
    for (const payload of ['reboot', 1, true, undefined, {}, 'synchronize-lock', { operation: 'update-lock' }]) {
      flow.send('sync', { payload });
      await flow.until(() => flow.at('caught').length > 0);
      assert.equal(flow.at('caught').pop()?.error?.code, 'INVALID_INPUT', JSON.stringify(payload));
    }
    assert.deepEqual(flow.world.journal.requests, []);
  });

  it('tells which refusal it was', async () => {
    await start('message');
    flow.world.lock(FRONT.identifier).inSight = false;
    flow.world.cloud = 'unavailable';
    for (const [payload, code, gatewayCode] of [
      ['synchronize-lock', 'LOCK_NOT_DETECTED', 1],
      ['update', 'FIRMWARE_UNAVAILABLE', 2],
    ] as const) {
      flow.send('sync', { payload });
      await flow.until(() => flow.at('caught').length > 0);
      const { error } = flow.at('caught').pop()!;
      assert.deepEqual([error?.code, error?.cause.gatewayCode], [code, gatewayCode]);
    }
  });

  it('needs no share code', async () => {
    await flow.load(flow.whole(flow.gateway(), sync('list')), {});
    flow.send('sync', {});
    await flow.next('out');
  });
});
