import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import { socket } from '../support/sber-examples';
import { useSber } from '../support/sber-flow';
import { lockDevices, lockModels } from '../support/sber-lock';

const USER = 'AB12345';
const device = (id: string): Record<string, unknown> => ({
  id,
  name: 'Розетка',
  default_name: 'Socket',
  model_id: 'A',
});

describe('sber-devices', () => {
  const suite = useSber('sber-devices', { models: [socket('A'), ...lockModels()] });
  const flow: typeof suite.flow = (node, options) => suite.flow({ userId: USER, ...node }, options);

  it('adds, lists, changes and deletes a user’s devices', async () => {
    const { send } = await flow({ operation: 'message' });
    assert.deepEqual((await send({ payload: { operation: 'add', devices: [device('D'), device('E')] } })).payload, {
      applied: ['D', 'E'],
      failed: [],
    });
    assert.deepEqual((suite.cloud.journal[0]?.body as { user_id: string }).user_id, USER);
    const changed = { ...device('D'), room: 'Кухня' };
    await send({ payload: { operation: 'update', devices: changed } });
    assert.deepEqual(suite.cloud.journal[1]?.body, { devices: [changed] });
    const listed = await send({ payload: { operation: 'list' } });
    assert.deepEqual(listed.payload, [changed, device('E')]);
    assert.equal(listed.sber?.httpStatus, 200);
    assert.deepEqual((await send({ payload: { operation: 'list', device_ids: ['E'] } })).payload, [device('E')]);
    await send({ payload: { operation: 'delete', device_ids: ['E'] } });
    assert.deepEqual((await send({ payload: { operation: 'list' } })).payload, [changed]);
  });

  it('reports plain values and reads them back, zeros left out or not', async () => {
    for (const omitDefaults of [false, true]) {
      const { send } = await flow({ operation: 'message' }, { devices: { [USER]: [device('D')] }, omitDefaults });
      const values = { on_off: false, temperature: 215, power: 0, light_colour: { h: 0, s: 0, v: 100 } };
      const report = await send({ payload: { operation: 'report', devices: { D: values } } });
      assert.deepEqual(report.payload, { applied: ['D'], failed: [] });
      assert.deepEqual((await send({ payload: { operation: 'state' } })).payload, { D: values });
      await suite.end();
    }
  });

  it('shows at Sber what lock-status sends', async () => {
    const devices = lockDevices('3718', 'Дверь');
    const { send } = await flow({ operation: 'report' }, { devices: { [USER]: devices } });
    const payload = { identifier: '3718', state: 'open', code: 2, batteryPercent: 12, rssi: -90, at: 'now' };
    assert.deepEqual((await send({ payload })).payload, {
      applied: ['thekeys-3718-unlock', 'thekeys-3718-sensor'],
      failed: [],
    });
    assert.deepEqual(suite.cloud.states.get('thekeys-3718-sensor')?.get('doorcontact_state'), {
      type: 'BOOL',
      bool_value: true,
    });
  });

  it('tells which devices failed, and what the catalogue doubts', async () => {
    const { send, badges } = await flow({ operation: 'report' }, { devices: { [USER]: [device('D')] } });
    const { payload, sber } = await send({ payload: { D: { on_off: true, humidity: 200 }, Z: { on_off: true } } });
    assert.deepEqual(payload, { applied: ['D'], failed: [{ id: 'Z', code: 400, message: 'not found' }] });
    assert.deepEqual(
      sber?.warnings.map(({ deviceId, path }) => [deviceId, path]),
      [['D', 'humidity']],
    );
    assert.equal(badges.at(-1)?.fill, 'yellow');
  });

  it('says NOT_FOUND for a device that the user has not', async () => {
    const { failing } = await flow({ operation: 'state' }, { devices: { [USER]: [device('D')] } });
    for (const payload of ['Z', ['D', 'Z']]) assert.equal((await failing({ payload })).error.code, 'NOT_FOUND');
  });

  it('finds several devices even where the cloud understands only one id', async () => {
    const { send } = await flow({ operation: 'list' }, { devices: { [USER]: [device('D'), device('E')] } });
    suite.cloud.strike({ kind: 'raw', body: JSON.stringify({ devices: [device('D')] }) });
    assert.deepEqual((await send({ payload: ['E', 'D'] })).payload, [device('E'), device('D')]);
  });

  it('unlinks the user that the message names', async () => {
    const { send, failing } = await flow({ operation: 'unlink', userId: '' });
    assert.deepEqual((await send({ payload: 'CD6789' })).payload, { applied: ['CD6789'], failed: [] });
    assert.deepEqual(suite.cloud.unlinked, ['CD6789']);
    suite.cloud.strike({ kind: 'error', code: 400, message: 'Invalid argument' });
    assert.equal((await failing({ payload: 'CD6789' })).error.code, 'SBER_VALIDATION');
    assert.equal((await failing({ payload: 5 })).error.code, 'INVALID_INPUT');
    assert.equal(suite.cloud.unlinked.length, 1);
  });

  it('changes nothing on a dry run', async () => {
    const { send } = await flow({ operation: 'message' }, { devices: { [USER]: [device('D')] } });
    const payloads = [
      { operation: 'add', devices: device('E') },
      { operation: 'update', devices: device('D') },
      { operation: 'delete', device_ids: 'D' },
      { operation: 'report', devices: { D: { on_off: true } } },
      { operation: 'unlink' },
    ];
    for (const payload of payloads) {
      const { applied } = (await send({ payload, dryRun: true })).payload as { applied: string[] };
      assert.equal(applied.length, 1);
    }
    assert.equal(suite.cloud.journal.length, 0);
  });

  it('reports in the order in which the messages came', async () => {
    const { node } = await flow({ operation: 'report' }, { devices: { [USER]: [device('D')] } });
    suite.cloud.strike({ kind: 'slow', ms: 50 });
    const done = new Promise<void>((resolve) => {
      let left = 3;
      helper.getNode('out').on('input', () => {
        left -= 1;
        if (left === 0) resolve();
      });
    });
    for (const power of [1, 2, 3]) node.receive({ payload: { D: { power } } });
    await done;
    assert.deepEqual(suite.cloud.states.get('D')?.get('power'), { type: 'INTEGER', integer_value: '3' });
    assert.equal(suite.cloud.journal.length, 3);
  });

  it('unlinks no user of a name that was meant as a variable', async () => {
    const { failing } = await flow({ operation: 'unlink', userId: '${SBER_TEST_UNSET}' });
    assert.equal((await failing({ payload: '' })).error.code, 'INVALID_INPUT');
    assert.deepEqual(suite.cloud.unlinked, []);
  });

  it('takes the user from where the node says', async () => {
    const { send } = await flow(
      { operation: 'list', userId: 'who', userIdType: 'msg' },
      { devices: { [USER]: [device('D')] } },
    );
    assert.deepEqual((await send({ who: USER })).payload, [device('D')]);
  });

  it('shows a door that it does not understand as unknown, not as closed', async () => {
    const { send, failing } = await flow({ operation: 'message' }, { devices: { [USER]: [device('D')] } });
    const states = [{ key: 'doorcontact_state', value: { type: 'SWITCH', on: 1 } }];
    suite.cloud.strike({ kind: 'raw', body: JSON.stringify({ devices: { D: { states } } }) });
    const { payload, sber } = await send({ payload: { operation: 'state' } });
    assert.deepEqual(payload, { D: { doorcontact_state: null } });
    assert.deepEqual(
      sber?.warnings.map(({ deviceId, path }) => [deviceId, path]),
      [['D', 'doorcontact_state']],
    );
    const { error } = await failing({ payload: { operation: 'report', devices: payload } });
    assert.match(error.message, /devices\.D\.doorcontact_state/);
  });
});
