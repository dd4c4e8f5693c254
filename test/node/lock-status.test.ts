import assert from 'node:assert/strict';
import { BACK, FRONT, LockFlow, type FlowItem } from '../support/lock-flow';

describe('lock-status', () => {
  const flow = new LockFlow();
  const status = (more: Record<string, unknown> = {}): FlowItem => ({
    id: 'lock',
    type: 'lock-status',
    gateway: 'gw',
    interval: '0',
    emit: 'change',
    wires: [['out']],
    ...more,
  });
  const start = (more: Record<string, unknown> = {}, gateway: Record<string, unknown> = {}): Promise<void> =>
    flow.load(flow.whole(flow.gateway(gateway), status(more)));
  const states = (): unknown[] => flow.at('out').map(({ payload }) => (payload as { state: string }).state);
  const polls = (): number => flow.world.journal.paths.filter((path) => path === '/lockers').length;

  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  it('answers a message with everything that the lock says', async () => {
    await start();
    flow.send('lock', { payload: 'anything', topic: 'mine', other: 1 });
    const message = await flow.next('out');
    const { at, rssi, ...payload } = message.payload as Record<string, unknown>;
    assert.deepEqual(payload, {
      identifier: FRONT.identifier,
      state: 'closed',
      previous: null,
      code: 49,
      batteryMillivolts: 8131,
      batteryPercent: 95,
      position: 4,
      version: 81,
    });
    assert.equal(typeof rssi, 'number');
    assert.match(String(at), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual([message.topic, message.other], ['mine', 1]);
    assert.match(flow.badgesOf('lock').slice(-2).join(), /^reading…,closed · \d\d:\d\d$/);
  });

  it('reads the lock that the message names', async () => {
    await flow.load(flow.whole(flow.gateway({ identifier: '' }), status()), { gw: { code: BACK.code } });
    flow.send('lock', { identifier: Number(BACK.identifier) });
    const { payload, topic } = await flow.next('out');
    assert.deepEqual([(payload as { identifier: string }).identifier, topic], [BACK.identifier, BACK.identifier]);
  });

  it('watches: tells the state at first, then only when it changed', async () => {
    await start({ interval: '1' });
    await flow.next('out');
    await flow.polledAgain();
    assert.deepEqual(states(), ['closed']);
    flow.world.lock(FRONT.identifier).turnByHand('open');
    await flow.next('out', 2);
    assert.deepEqual(states(), ['closed', 'open']);
    assert.ok(flow.at('out').every(({ _msgid }) => typeof _msgid === 'string' && _msgid !== ''));
    assert.equal(flow.badgesOf('lock').at(-1), 'open · 95 %');
  });

  it('tells the last reading after each poll where it is to, without asking the lock', async () => {
    await start({ interval: '1', emit: 'always' });
    await flow.next('out', 3);
    const readings = flow.at('out').map(({ payload }) => (payload as { at: string }).at);
    assert.equal(new Set(readings).size, 1);
    assert.equal(flow.world.journal.paths.filter((path) => path === '/locker_status').length, 1);
  });

  it('always answers a message, whatever the polls have told', async () => {
    await start({ interval: '60' });
    await flow.next('out');
    flow.send('lock', { ask: 1 });
    flow.send('lock', { ask: 2 });
    await flow.next('out', 3);
    assert.deepEqual(
      flow.at('out').map(({ ask }) => ask),
      [undefined, 1, 2],
    );
  });

  it('tells an outage once, and its end in the badge and one line of the log', async () => {
    await start({ interval: '1' });
    await flow.next('out');
    flow.world.goAway();
    const { error } = await flow.next('caught');
    assert.deepEqual([error?.code, error?.source.id], ['GATEWAY_UNREACHABLE', 'lock']);
    assert.equal(flow.badges.filter(({ id }) => id === 'lock').at(-1)?.badge.shape, 'ring');
    await flow.polledAgain();
    flow.world.comeBack();
    await flow.until(() => flow.badgesOf('lock').at(-1) === 'closed · 95 %');
    assert.equal(flow.at('caught').length, 1);
    assert.equal(flow.logged.filter((line) => line.includes('answers again')).length, 1);
    assert.deepEqual(states(), ['closed'], 'nothing changed, so nothing is told');
  });

  it('shows an outage again that a message seemed to end', async () => {
    await start({ interval: '1' });
    await flow.next('out');
    // Polls read the list, messages ask the lock.
    flow.world.faults.next({ kind: 'reset-before', path: '/lockers', times: 1000 });
    await flow.next('caught');
    flow.send('lock', {});
    await flow.next('out', 2);
    const down = (): boolean => flow.badgesOf('lock').at(-1) === 'gateway offline';
    await flow.until(() => flow.badgesOf('lock').at(-1) === 'closed · 95 %' || down());
    await flow.until(down);
    assert.equal(flow.at('caught').length, 1, 'it is one outage');
  });

  it('keeps showing an outage of the lock it watches when a message reads another one', async () => {
    await flow.load(
      flow.whole(flow.gateway(), flow.gateway({ id: 'gw2', identifier: BACK.identifier }), status({ interval: '60' })),
      {
        gw: { code: FRONT.code },
        gw2: { code: BACK.code },
      },
    );
    await flow.next('out');
    flow.world.lock(FRONT.identifier).inSight = false;
    await flow.deploy(
      flow.whole(
        flow.gateway(),
        flow.gateway({ id: 'gw2', identifier: BACK.identifier }),
        status({ interval: '60', name: 'edited' }),
      ),
      'nodes',
    );
    await flow.next('caught');
    flow.send('lock', { identifier: BACK.identifier });
    await flow.next('out', 2);
    assert.deepEqual(flow.badgesOf('lock').slice(-2), ['reading…', 'lock out of range']);
  });

  it('tells a lock that is out of sight from a gateway that is gone', async () => {
    flow.world.lock(FRONT.identifier).inSight = false;
    await start({ interval: '1' });
    const { error } = await flow.next('caught');
    assert.equal(error?.code, 'LOCK_NOT_DETECTED');
    const badge = flow.badges.filter(({ id }) => id === 'lock').at(-1)?.badge;
    assert.deepEqual([badge?.text, badge?.shape], ['lock out of range', 'dot']);
  });

  it('polls once for many nodes', async () => {
    await flow.load(
      flow.whole(
        flow.gateway(),
        ...['lock', 'two', 'three'].map((id) => status({ id, interval: '60', emit: 'always' })),
      ),
    );
    await flow.next('out', 3);
    assert.equal(polls(), 1);
    assert.equal(flow.world.journal.paths.length, 2);
  });

  const changes = (id = 'out'): unknown[] =>
    flow.at(id).map(({ payload }) => {
      const { previous, state } = payload as { previous: string | null; state: string };
      return [previous, state];
    });

  it('tells a first reading from a change, over deploys and restarts too', async () => {
    await start({ interval: '1' });
    await flow.next('out');
    flow.world.lock(FRONT.identifier).turnByHand('open');
    await flow.next('out', 2);
    await flow.deploy(flow.whole(flow.gateway({ name: 'edited' }), status({ interval: '1', name: 'edited' })), 'full');
    await flow.next('out', 3);
    assert.deepEqual(changes(), [
      [null, 'closed'],
      ['closed', 'open'],
      ['open', 'open'],
    ]);
    await flow.again();
    flow.world.lock(FRONT.identifier).turnByHand('closed');
    await start();
    flow.send('lock', {});
    flow.send('lock', {});
    await flow.next('out', 2);
    assert.deepEqual(changes(), [
      ['open', 'closed'],
      ['closed', 'closed'],
    ]);
  });

  it('knows at once what another node has read of its lock, and says so in badge and message', async () => {
    const action = { ...status(), id: 'act', type: 'lock-action', action: 'open', confirm: true, wires: [[]] };
    const idle = status({ id: 'idle', wires: [[]] });
    const other = status({ id: 'other', identifier: BACK.identifier, wires: [[]] });
    await flow.load(flow.whole(flow.gateway(), status({ interval: '3600' }), action, idle, other));
    await flow.next('out');
    flow.send('act', {});
    await flow.next('out', 2);
    assert.deepEqual(changes(), [
      [null, 'closed'],
      ['closed', 'open'],
    ]);
    await flow.until(() => flow.badgesOf('act').at(-1)?.startsWith('open') === true);
    assert.equal(flow.badgesOf('lock').at(-1), 'open · 95 %');
    assert.match(flow.badgesOf('idle').at(-1) ?? '', /^open · \d\d:\d\d$/);
    assert.equal(flow.badgesOf('other').at(-1), '');
    await flow.quiet();
    assert.equal(flow.at('out').length, 2);
  });

  it('says a change once, where a message of its own has found it', async () => {
    await start({ interval: '3600' });
    await flow.next('out');
    flow.world.lock(FRONT.identifier).turnByHand('open');
    flow.send('lock', { ask: 1 });
    await flow.next('out', 2);
    await flow.quiet();
    assert.deepEqual(changes(), [
      [null, 'closed'],
      ['closed', 'open'],
    ]);
    assert.equal(flow.at('out')[1]?.ask, 1);
  });

  it('stops polling when it is closed, and begins anew when it is deployed', async () => {
    await start({ interval: '1' });
    await flow.next('out');
    await flow.deploy(flow.whole(flow.gateway()), 'full');
    const before = polls();
    await new Promise((resolve) => setTimeout(resolve, 1300));
    assert.equal(polls(), before);
    await flow.deploy(flow.whole(flow.gateway(), status({ interval: '1' })), 'full');
    await flow.next('out', 2);
  });

  it('leaves the battery out of a badge that is too small for it', async () => {
    const lock = flow.world.lock(FRONT.identifier);
    lock.batteryMillivolts = 8300;
    lock.reboot();
    await start();
    flow.send('lock', {});
    await flow.next('out');
    assert.equal(flow.badgesOf('lock').at(-1), 'state unknown');
  });

  it('says that its settings are wrong, to the Catch node and in the badge', async () => {
    for (const [more, badge] of [
      [{ interval: 'often' }, 'check settings'],
      [{ emit: 'sometimes' }, 'check settings'],
      [{ interval: '5', gateway: '' }, 'no gateway chosen'],
    ] as const) {
      await start(more);
      const { error } = await flow.next('caught');
      assert.equal(error?.code, 'INVALID_INPUT', JSON.stringify(more));
      assert.equal(flow.badgesOf('lock').at(-1), badge);
      await flow.again();
    }
    assert.deepEqual(flow.world.journal.requests, []);
  });
});
