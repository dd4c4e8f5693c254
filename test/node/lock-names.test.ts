/** Names instead of numbers, and badges of one lock that agree. */
import assert from 'node:assert/strict';
import { BACK, FRONT, LockFlow, type FlowItem } from '../support/lock-flow';

describe('a lock with a name', () => {
  const flow = new LockFlow();
  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  const back = (): FlowItem => ({ ...flow.gateway({ identifier: BACK.identifier, name: 'Flat 3' }), id: 'gw2' });
  const node = (id: string, type: string, more: object = {}): FlowItem => ({
    id,
    type,
    gateway: 'gw',
    wires: [['out']],
    ...more,
  });
  const start = (...items: FlowItem[]): Promise<void> =>
    flow.load(flow.whole(flow.gateway({ name: 'Front door' }), back(), ...items), {
      gw: { code: FRONT.code },
      gw2: { code: BACK.code },
    });
  const nextName = async (count: number): Promise<unknown> => {
    const { payload } = await flow.next('out', count);
    return (payload as { name?: unknown }).name;
  };

  it('is named in what every node sends', async () => {
    await start(
      node('action', 'lock-action', { action: 'open' }),
      node('status', 'lock-status', { interval: '0' }),
      node('sync', 'gateway-sync', { operation: 'message' }),
    );
    flow.send('action', {});
    assert.equal(await nextName(1), 'Front door');
    flow.send('status', { identifier: 'Flat 3' });
    assert.equal(await nextName(2), 'Flat 3');
    flow.send('sync', { payload: { operation: 'synchronize-lock', identifier: 'Flat 3' } });
    assert.equal(await nextName(3), 'Flat 3');
    flow.send('sync', { payload: 'list' });
    const { payload } = await flow.next('out', 4);
    const named = (payload as { identifier: string; name: string }[]).map(({ identifier, name }) => [identifier, name]);
    assert.deepEqual(named, [
      [FRONT.identifier, 'Front door'],
      [BACK.identifier, 'Flat 3'],
    ]);
  });

  it('is opened by its name, and nothing is sent for a text that names none', async () => {
    await start(node('action', 'lock-action', { action: 'open' }));
    flow.send('action', { identifier: 'Flat 3' });
    await flow.next('out');
    assert.deepEqual(
      flow.world.journal.actions.map(({ lock }) => lock),
      [BACK.identifier],
    );
    const before = flow.world.journal.requests.length;
    flow.send('action', { identifier: 'bad code' });
    assert.equal((await flow.next('caught')).error?.code, 'INVALID_INPUT');
    assert.equal(flow.world.journal.requests.length, before);
  });

  it('shows what one node has done in the badges of all others at once, not with their next poll', async () => {
    await start(
      node('action', 'lock-action', { action: 'open' }),
      node('watching', 'lock-status', { interval: '3600' }),
      node('other', 'lock-status', { gateway: 'gw2', identifier: FRONT.identifier, interval: '0' }),
    );
    await flow.until(() => flow.badgesOf('watching').at(-1)?.startsWith('closed') === true);
    flow.send('action', {});
    await flow.until(() =>
      ['action', 'watching', 'other'].every((id) => (flow.badgesOf(id).at(-1) ?? '').startsWith('open · ')),
    );
  });
});
