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
    assert.deepEqual(flow.badgesOf('lock'), ['no gateway chosen', 'no gateway chosen']);
  });

  it('shows how it goes and then what it read, never what it hopes', async () => {
    await start();
    flow.send('lock', {});
    await flow.next('out');
    assert.deepEqual(flow.badgesOf('lock'), ['', 'waiting…', 'opening…', 'confirming…', 'open · 95 %']);
    flow.badges.length = 0;
    await flow.deploy(flow.whole(flow.gateway(), action({ confirm: false, action: 'close' })), 'nodes');
    flow.send('lock', {});
    await flow.next('out', 2);
    assert.equal(flow.badgesOf('lock').at(-1), 'sent');
  });
});
