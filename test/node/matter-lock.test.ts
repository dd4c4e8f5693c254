/** A lock for homes by Matter, in a Node-RED: what a home sees and gets done, with its gateway or with a flow behind it. */
import assert from 'node:assert/strict';
import { BACK, FRONT, type FlowItem } from '../support/lock-flow';
import { eachWithMatter, HOME, PIN, type MatterFlow } from '../support/matter-flow';
import { ORIGIN } from '../support/matter-worker';

const commandsAt = (flow: MatterFlow): string[] =>
  flow.world.journal.paths.filter((where) => where === '/open' || where === '/close');

describe('a Matter lock that its gateway drives', function () {
  this.timeout(30_000);
  let flow: MatterFlow;
  eachWithMatter((each) => (flow = each));
  const bolt = (): string | null | undefined => flow.worker.shown('lock')?.bolt;

  it('shows nothing before it was read, then what was read, with its battery, firmware and number', async () => {
    await flow.start(flow.byGateway());
    assert.equal(flow.worker.locks.get('lock')?.serial, FRONT.identifier);
    await flow.worker.until(() => bolt() === 'locked');
    const { reachable, batteryPercent, firmware } = flow.worker.shown('lock')!;
    assert.deepEqual({ reachable, batteryPercent, firmware }, { reachable: true, batteryPercent: 95, firmware: '81' });
    await flow.until(() => /^closed · \d\d:\d\d$/.test(flow.badgesOf('lock').at(-1) ?? ''));
  });

  it('opens with the PIN, and homes see it open when the lock says so', async () => {
    await flow.start(flow.byGateway());
    await flow.worker.until(() => bolt() === 'locked');
    assert.equal(await flow.worker.command('lock', 'open', PIN), undefined);
    await flow.worker.until(() => bolt() === 'unlocked');
    assert.equal(flow.world.lock(FRONT.identifier).state, 'open');
    await flow.worker.until(() => flow.worker.events.some(({ type }) => type === 'operation'));
    assert.deepEqual(flow.worker.events, [{ type: 'operation', action: 'open', origin: ORIGIN }]);
    await flow.until(() => flow.badgesOf('lock').at(-1)?.startsWith('open ·') === true);
    assert.match(flow.badgesOf('lock').join(), /opening….*open · \d\d:\d\d$/);
  });

  it('opens to no other PIN, closes without one, and sends nothing to the gateway in between', async () => {
    await flow.start(flow.byGateway());
    await flow.worker.until(() => bolt() === 'locked');
    assert.equal(await flow.worker.command('lock', 'open'), 'wrong PIN');
    assert.equal(await flow.worker.command('lock', 'open', '1234'), 'wrong PIN');
    assert.deepEqual(commandsAt(flow), []);
    assert.equal(flow.badgesOf('lock').at(-1), 'wrong PIN');
    assert.ok(flow.logged.some((line) => line.includes('refused, wrong PIN')));
    assert.ok(!flow.logged.some((line) => line.includes('1234')));
    assert.equal(await flow.worker.command('lock', 'close'), undefined);
    assert.deepEqual(commandsAt(flow), ['/close']);
  });

  it('looks at no PIN for a while after five wrong ones, the right one neither', async () => {
    await flow.start(flow.byGateway());
    await flow.worker.until(() => bolt() === 'locked');
    for (const pin of ['1111', '2222', '3333', '4444', '5555']) await flow.worker.command('lock', 'open', pin);
    assert.equal(await flow.worker.command('lock', 'open', PIN), 'locked out');
    assert.equal(flow.badgesOf('lock').at(-1), 'PIN locked');
    assert.deepEqual(commandsAt(flow), []);
  });

  it('shows a key that was turned, and whose work a movement was', async () => {
    const watch = { id: 'watch', type: 'lock-status', gateway: 'gw', interval: '1', wires: [[]] };
    await flow.start([...flow.byGateway(), watch]);
    await flow.worker.until(() => bolt() === 'locked');
    flow.world.lock(FRONT.identifier).turnByHand('open');
    await flow.worker.until(() => bolt() === 'unlocked' && flow.worker.events.length > 0);
    assert.deepEqual(flow.worker.events, [{ type: 'operation', action: 'open', origin: null }]);
  });

  it('is out of reach while its gateway is, with one error', async () => {
    flow.world.goAway();
    await flow.start(flow.byGateway());
    const { error } = await flow.next('caught');
    assert.equal(error?.code, 'GATEWAY_UNREACHABLE');
    await flow.until(() => flow.badgesOf('lock').at(-1) === 'gateway offline');
    assert.deepEqual([bolt(), flow.worker.shown('lock')?.reachable], [null, false]);
  });

  it('stays in the homes where its settings are wrong: a room that is forgotten is lost', async () => {
    await flow.start(flow.byGateway(), { gw: {} });
    const { error } = await flow.next('caught');
    assert.equal(error?.code, 'INVALID_INPUT');
    assert.deepEqual([bolt(), flow.worker.shown('lock')?.reachable], [null, false]);
    assert.equal(flow.badgesOf('lock').at(-1), 'no share code');
    assert.equal(await flow.worker.command('lock', 'open', PIN), 'failed');
    assert.deepEqual(commandsAt(flow), []);
  });

  it('stays in the homes with a PIN that no app can type, and opens to none', async () => {
    await flow.start(flow.byGateway(), { lock: { pin: 'abc' } });
    assert.equal((await flow.next('caught')).error?.code, 'INVALID_INPUT');
    assert.equal(flow.badgesOf('lock').at(-1), 'check the PIN');
    assert.equal(flow.worker.shown('lock')?.reachable, false);
    assert.notEqual(await flow.worker.command('lock', 'open', 'abc'), undefined);
    assert.deepEqual(commandsAt(flow), []);
  });

  it('says that the home’s command failed, to the home and to Catch nodes', async () => {
    await flow.start(flow.byGateway());
    await flow.worker.until(() => bolt() === 'locked');
    flow.world.lock(FRONT.identifier).code = 'another-code';
    assert.equal(await flow.worker.command('lock', 'open', PIN), 'failed');
    assert.equal((await flow.next('caught')).error?.code, 'INVALID_HMAC');
    await flow.worker.until(() => flow.worker.events.some(({ type }) => type === 'operationError'));
    assert.equal(bolt(), 'locked');
  });

  it('may be another lock than its gateway’s, by its own identifier', async () => {
    await flow.start(
      [...flow.byGateway({ identifier: BACK.identifier }), flow.gateway({ id: 'gw2', identifier: BACK.identifier })],
      { gw2: { code: BACK.code } },
    );
    await flow.worker.until(() => bolt() === 'locked');
    await flow.worker.command('lock', 'open', PIN);
    assert.deepEqual(
      [FRONT, BACK].map(({ identifier }) => flow.world.lock(identifier).state),
      ['closed', 'open'],
    );
  });

  it('learns of a jam and of its door from a flow, and of its state from nothing but the gateway', async () => {
    await flow.start(flow.byGateway({ door: true }));
    await flow.worker.until(() => bolt() === 'locked');
    flow.send('lock', { payload: { door: 'open' } });
    flow.send('lock', { payload: { isJammed: true } });
    await flow.worker.until(() => bolt() === 'jammed' && flow.worker.shown('lock')?.door === 'open');
    flow.send('lock', { payload: { state: 'open' } });
    assert.equal((await flow.next('caught')).error?.code, 'INVALID_INPUT');
    assert.equal(bolt(), 'jammed');
  });
});

describe('a Matter lock that a flow drives', function () {
  this.timeout(30_000);
  let flow: MatterFlow;
  eachWithMatter((each) => (flow = each));
  const bolt = (): string | null | undefined => flow.worker.shown('lock')?.bolt;

  it('sends one message for each command, with a handle and without the PIN', async () => {
    await flow.start(flow.byFlow());
    const answered = flow.worker.command('lock', 'open', PIN);
    const message = await flow.next('out');
    assert.deepEqual(message.payload, {
      command: 'UnlockDoor',
      action: 'open',
      lockId: 'lock',
      controller: { index: 1, label: HOME.label },
    });
    assert.equal(typeof message.matter, 'string');
    assert.ok(!JSON.stringify(message.payload).includes(PIN));
    assert.equal(flow.badgesOf('lock').at(-1), 'opening…');
    flow.send('lock', { ...message, payload: { state: 'open' } });
    assert.equal(await answered, undefined);
    await flow.worker.until(() => bolt() === 'unlocked');
  });

  it('is a whole lock with lock-action and a Catch node behind it', async () => {
    const action: FlowItem = { id: 'action', type: 'lock-action', gateway: 'gw', action: 'message', wires: [['lock']] };
    await flow.start([...flow.byFlow({ wires: [['action']] }), action], {}, 'lock');
    assert.equal(await flow.worker.command('lock', 'open', PIN), undefined);
    await flow.worker.until(() => bolt() === 'unlocked');
    assert.equal(flow.world.lock(FRONT.identifier).state, 'open');
    flow.world.lock(FRONT.identifier).code = 'another-code';
    assert.equal(await flow.worker.command('lock', 'close'), 'failed');
    assert.equal(flow.badgesOf('lock').at(-1), 'wrong share code');
    assert.equal(bolt(), 'unlocked');
  });

  it('answers "accepted" where the flow is late, and its failure becomes an event then', async () => {
    await flow.start(flow.byFlow({ replyTimeout: '50' }));
    assert.equal(await flow.worker.command('lock', 'close'), undefined);
    const message = await flow.next('out');
    assert.deepEqual(flow.worker.events, []);
    flow.send('lock', { ...message, error: { code: 'LOCK_ERROR', message: 'no contact' } });
    await flow.worker.until(() => flow.worker.events.length > 0);
    const [event] = flow.worker.events;
    assert.deepEqual(event, { type: 'operationError', action: 'close', origin: ORIGIN, refusal: 'failed' });
    assert.equal(bolt(), null);
  });

  it('counts another state than the one asked for as the failure that it is', async () => {
    await flow.start(flow.byFlow());
    const answered = flow.worker.command('lock', 'close');
    flow.send('lock', { ...(await flow.next('out')), payload: { state: 'open', confirmed: false } });
    assert.equal(await answered, 'failed');
    await flow.worker.until(() => bolt() === 'unlocked');
  });

  it('shows no state that was not read: not the command’s, not that from before an unknown result', async () => {
    await flow.start(flow.byFlow());
    flow.send('lock', { payload: { state: 'closed' } });
    await flow.worker.until(() => bolt() === 'locked');
    const answered = flow.worker.command('lock', 'open', PIN);
    flow.send('lock', { ...(await flow.next('out')), payload: { action: 'open', state: null, confirmed: false } });
    assert.equal(await answered, undefined);
    assert.equal(bolt(), 'locked');
    const second = flow.worker.command('lock', 'open', PIN);
    const unknown = { code: 'RESULT_UNKNOWN', message: 'no usable answer' };
    flow.send('lock', { ...(await flow.next('out', 2)), error: unknown });
    assert.equal(await second, 'failed');
    await flow.worker.until(() => bolt() === null);
  });

  it('is out of reach where a Catch node without a handle says so, until there is a state', async () => {
    await flow.start(flow.byFlow());
    flow.send('lock', { payload: { state: 'closed', batteryPercent: 50 } });
    await flow.worker.until(() => bolt() === 'locked');
    flow.send('lock', { error: { code: 'GATEWAY_UNREACHABLE', message: 'away' } });
    await flow.worker.until(() => flow.worker.shown('lock')?.reachable === false && bolt() === null);
    assert.equal(flow.badgesOf('lock').at(-1), 'gateway offline');
    flow.send('lock', { payload: { state: 'open' } });
    await flow.worker.until(() => bolt() === 'unlocked' && flow.worker.shown('lock')?.reachable === true);
  });

  it('refuses what it does not understand, and the command with it', async () => {
    await flow.start(flow.byFlow());
    const answered = flow.worker.command('lock', 'open', PIN);
    flow.send('lock', { ...(await flow.next('out')), payload: true });
    assert.equal((await flow.next('caught')).error?.code, 'INVALID_INPUT');
    assert.equal(await answered, 'failed');
    assert.equal(bolt(), null);
  });

  it('ends what is under way when it is deployed anew, and homes keep the lock', async () => {
    const items = flow.byFlow();
    await flow.start(items);
    flow.send('lock', { payload: { state: 'closed' } });
    await flow.worker.until(() => bolt() === 'locked');
    const answered = flow.worker.command('lock', 'open', PIN);
    await flow.next('out');
    await flow.deploy(
      flow.whole(...items.map((item) => (item.id === 'lock' ? { ...item, lockName: 'Back door' } : item))),
      'nodes',
    );
    assert.notEqual(await answered, undefined);
    await flow.worker.until(() => flow.worker.locks.get('lock')?.name === 'Back door');
    assert.equal(bolt(), 'locked');
    assert.equal(flow.worker.starts, 1);
  });
});
