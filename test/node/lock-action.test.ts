import assert from 'node:assert/strict';
import { BACK, FRONT, LockFlow, type FlowItem } from '../support/lock-flow';

describe('lock-action', () => {
  const flow = new LockFlow();
  const action = (more: Record<string, unknown> = {}): FlowItem => ({
    id: 'lock',
    type: 'lock-action',
    gateway: 'gw',
    identifier: '',
    action: 'open',
    confirm: true,
    deadline: '8',
    wires: [['out']],
    ...more,
  });
  const start = (more: Record<string, unknown> = {}, gateway: Record<string, unknown> = {}): Promise<void> =>
    flow.load(flow.whole(flow.gateway(gateway), action(more)));

  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  it('opens the lock and sends on what the lock then said', async () => {
    await start();
    flow.send('lock', { payload: 1, other: { kept: true } });
    const message = await flow.next('out');
    const { at, ...payload } = message.payload as Record<string, unknown>;
    assert.deepEqual(payload, {
      identifier: FRONT.identifier,
      action: 'open',
      state: 'open',
      confirmed: true,
      batteryPercent: payload.batteryPercent,
      batteryMillivolts: payload.batteryMillivolts,
      code: 50,
      rssi: payload.rssi,
      position: 20,
      version: 81,
    });
    assert.equal(new Date(String(at)).toISOString(), at);
    assert.equal(message.topic, FRONT.identifier);
    assert.deepEqual(message.other, { kept: true });
    assert.equal(flow.world.lock(FRONT.identifier).state, 'open');
  });

  it('calls done once, so that a Complete node fires once', async () => {
    await start();
    flow.send('lock', {});
    await flow.next('completed');
    await flow.next('out');
    await flow.quiet();
    assert.deepEqual([flow.at('completed').length, flow.at('caught').length], [1, 0]);
  });

  it('takes the word from the message', async () => {
    await start({ action: 'message' });
    for (const [payload, word, state] of [
      ['unlock', 'open', 'open'],
      [' Close ', 'close', 'closed'],
      [{ action: 'toggle' }, 'toggle', 'open'],
      [{ action: 'lock', identifier: FRONT.identifier }, 'close', 'closed'],
    ] as const) {
      flow.send('lock', { payload });
      await flow.until(() => flow.at('out').length > 0 || flow.at('caught').length > 0);
      const { payload: result } = flow.at('out').pop() as { payload: Record<string, unknown> };
      assert.deepEqual([result.action, result.state], [word, state]);
    }
  });

  it('opens nothing for a boolean, a number, or a word it does not know', async () => {
    await start({ action: 'message' });
    for (const payload of [true, 1, 'please', null, [], { action: true }, { action: 'explode' }, {}]) {
      flow.send('lock', { payload });
      await flow.until(() => flow.at('caught').length > 0);
      const { error } = flow.at('caught').pop()!;
      assert.equal(error?.code, 'INVALID_INPUT', JSON.stringify(payload));
      assert.equal(error.cause.retriable, false);
    }
    assert.deepEqual(flow.world.journal.requests, []);
  });

  it('finds the code for another lock in the configuration that names it', async () => {
    await flow.load(
      flow.whole(
        flow.gateway(),
        { ...flow.gateway(), id: 'gw2', identifier: BACK.identifier },
        action({ action: 'message' }),
      ),
      { gw: { code: FRONT.code }, gw2: { code: BACK.code } },
    );
    flow.send('lock', { payload: 'open', identifier: Number(BACK.identifier) });
    const { payload } = await flow.next('out');
    assert.equal((payload as { identifier: string }).identifier, BACK.identifier);
    assert.equal(flow.world.lock(BACK.identifier).state, 'open');
    assert.equal(flow.world.lock(FRONT.identifier).state, 'closed');
  });

  it('tells the Catch node which refusal it was', async () => {
    await flow.load(flow.whole(flow.gateway(), action()), { gw: { code: 'not-the-demo-code' } });
    flow.send('lock', {});
    const { error } = await flow.next('caught');
    assert.equal(error?.code, 'INVALID_HMAC');
    assert.equal(error.cause.gatewayCode, 33);
    assert.equal(error.source.id, 'lock');
    await flow.until(() => flow.badgesOf('lock').includes('wrong share code'));
  });

  it('says with every message that no gateway is chosen', async () => {
    await start({ gateway: '' });
    flow.send('lock', {});
    const { error } = await flow.next('caught');
    assert.equal(error?.code, 'INVALID_INPUT');
    assert.match(error.cause.hint, /choose a gateway/);
    assert.deepEqual(flow.badgesOf('lock'), ['no gateway chosen', 'no gateway chosen']);
  });

  it('tells what is wrong with the configuration, rather than that it names no lock', async () => {
    for (const [gateway, told] of [
      [{ host: '' }, /no address/],
      [{ host: 'http://a b' }, /address/],
      [{ timeout: 'soon' }, /time limit/],
    ] as const) {
      await start({}, gateway);
      flow.send('lock', {});
      const { error } = await flow.next('caught');
      assert.equal(error?.code, 'INVALID_INPUT');
      assert.match(error.message, told);
      await flow.again();
    }
  });

  it('shows how it goes and then what it read, never what it hopes', async () => {
    await start();
    flow.send('lock', {});
    await flow.next('out');
    const badges = flow.badgesOf('lock');
    assert.deepEqual(badges.slice(0, -1), ['', 'opening…', 'confirming…']);
    assert.match(badges.at(-1)!, /^open · \d\d:\d\d$/, 'a result says when it was so');
    flow.badges.length = 0;
    await flow.deploy(flow.whole(flow.gateway(), action({ confirm: false, action: 'close' })), 'nodes');
    flow.send('lock', {});
    await flow.next('out', 2);
    assert.equal(flow.badgesOf('lock').at(-1), 'sent');
  });

  it('says that a command waits while another has its turn', async () => {
    await start({ confirm: false });
    flow.world.times.latencyMs = 50;
    flow.send('lock', {});
    flow.send('lock', {});
    await flow.next('out', 2);
    assert.ok(flow.badgesOf('lock').includes('waiting…'), flow.badgesOf('lock').join(', '));
  });

  it('settles a lost answer by reading the lock, also without confirmation', async () => {
    await start({ confirm: false });
    flow.world.faults.next({ kind: 'reset-after', path: '/open' });
    flow.send('lock', {});
    const { payload } = await flow.next('out');
    const { state, confirmed } = payload as Record<string, unknown>;
    assert.deepEqual([state, confirmed], ['open', true]);
    assert.equal(flow.world.journal.actions.length, 1);
  });

  it('says that nobody knows, where reading the lock does not settle it', async () => {
    await start({ deadline: '1' });
    flow.world.faults.next({ kind: 'reset-before', path: '/open' });
    flow.send('lock', {});
    const { error } = await flow.next('caught');
    assert.deepEqual([error?.code, error?.cause.retriable], ['RESULT_UNKNOWN', false]);
    assert.equal(flow.badges.at(-1)?.badge.text, 'result unknown');
    assert.equal(flow.world.journal.paths.filter((path) => path === '/open').length, 1);
  });

  it('says what it read of a bolt that did not move', async () => {
    flow.world.lock(FRONT.identifier).jammed = true;
    await start({ deadline: '1' });
    flow.send('lock', {});
    const { payload } = await flow.next('out');
    const { action: word, state, confirmed } = payload as Record<string, unknown>;
    assert.deepEqual([word, state, confirmed], ['open', 'closed', false]);
    const { text, ...picture } = flow.badges.at(-1)!.badge as { text: string };
    assert.deepEqual(picture, { fill: 'yellow', shape: 'dot' });
    assert.match(text, /^closed · \d\d:\d\d$/);
  });

  it('tells nothing that nobody read', async () => {
    await start({ confirm: false });
    flow.send('lock', { topic: 'door' });
    const { payload, topic } = await flow.next('out');
    assert.deepEqual(payload, { identifier: FRONT.identifier, action: 'open', state: null, confirmed: false });
    assert.equal(topic, 'door');
  });

  it('refuses to toggle a lock that does not know its state', async () => {
    flow.world.lock(FRONT.identifier).reboot();
    await start({ action: 'toggle' });
    flow.send('lock', {});
    assert.equal((await flow.next('caught')).error?.code, 'STATE_UNKNOWN');
    assert.deepEqual(flow.world.journal.actions, []);
  });

  it('calibrates', async () => {
    await start({ action: 'calibrate' });
    flow.send('lock', {});
    const { payload } = await flow.next('out');
    assert.equal((payload as { action: string }).action, 'calibrate');
    assert.deepEqual(
      flow.world.journal.actions.map(({ action: word }) => word),
      ['calibrate'],
    );
  });

  it('tells its badge to Status nodes', async () => {
    const items = flow.whole(flow.gateway(), action());
    const place = { x: 100, y: 100, z: 'tab' };
    await flow.load([...items, { ...place, id: 'status', type: 'status', scope: null, wires: [['out']] }]);
    flow.send('lock', {});
    await flow.until(() => flow.at('out').some(({ status }) => status?.text?.startsWith('open · ') === true));
  });

  it('leaves no timer and no listener behind, however often it is deployed', async () => {
    const items = (name: string): FlowItem[] =>
      flow.whole(flow.gateway(), action({ name }), {
        id: 'watch',
        type: 'lock-status',
        name,
        gateway: 'gw',
        interval: '60',
        wires: [['out']],
      });
    const counts = (): number[] => [
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
      flow.RED.events.eventNames().reduce((sum, name) => sum + flow.RED.events.listenerCount(name), 0),
    ];
    await flow.load(items('0'));
    await flow.next('out');
    const before = counts();
    for (let round = 1; round <= 10; round++) {
      await flow.deploy(items(String(round)), round % 2 === 0 ? 'nodes' : 'flows');
      await flow.next('out', round + 1);
    }
    const after = counts();
    assert.ok(after[0]! <= before[0]! + 1, `${after[0]} timers after ${before[0]}`);
    assert.equal(after[1], before[1]);
  });
});
