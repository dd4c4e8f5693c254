import assert from 'node:assert/strict';
import { CodedError } from '../../../src/common/errors';
import { parseSettings } from '../../../src/common/settings';
import * as operations from '../../../src/sber/operations';
import { accountSettings } from '../../../src/sber/endpoint';

const token = 'demo-sber-key';

describe('Settings of a Sber account', () => {
  it('are the documented ones where the fields are empty', () => {
    const settings = accountSettings({ endpoint: '', keyIn: '', keyParameter: '', ca: ' ', timeout: '', token });
    assert.equal(settings.base.href, 'https://partners.iot.sberdevices.ru/');
    assert.deepEqual(settings.key, { place: 'header', token });
    assert.equal(settings.timeoutMs, 15_000);
    assert.equal(settings.ca, undefined);
  });

  it('take what people paste', () => {
    const { base, key, timeoutMs } = accountSettings({
      endpoint: ' partners.example/v1 ',
      token: ' Bearer demo-sber-key\n',
      timeout: ' 2.5 ',
      keyIn: 'query',
      keyParameter: ' auth ',
    });
    assert.equal(base.href, 'https://partners.example/');
    assert.deepEqual(key, { place: 'query', token, parameter: 'auth' });
    assert.equal(timeoutMs, 2500);
  });

  it('allow plain http for a cloud on this machine alone', () => {
    for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.9.8.7:1880', '[::1]:80']) {
      assert.equal(accountSettings({ endpoint: `http://${host}`, token }).base.protocol, 'http:');
    }
    for (const host of ['192.168.1.5', 'localhost.example', '127.0.0.1.example', '[::2]', 'example']) {
      assert.throws(() => accountSettings({ endpoint: `http://${host}`, token }), { code: 'INVALID_INPUT' });
    }
  });

  it('count a time of days as the longest that makes sense', () => {
    for (const timeout of [99_999, '99999', 3600])
      assert.equal(accountSettings({ token, timeout }).timeoutMs, 3_600_000);
  });

  const wrong: [string, Record<string, unknown>][] = [
    ['no key', { token: '' }],
    ['a key from a variable that is not set', { token: '${SBER_KEY}' }],
    ['an endpoint from one', { endpoint: '${SBER_ENDPOINT}' }],
    ['a certificate from one', { ca: '${SBER_CA}' }],
    ['a key in two lines', { token: 'demo\nkey' }],
    ['a key with letters that no header takes', { token: 'ключ' }],
    ['a key in neither place', { keyIn: 'body' }],
    ['a query without a name', { keyIn: 'query' }],
    ['an endpoint that is none', { endpoint: 'https://' }],
    ['another protocol', { endpoint: 'ftp://127.0.0.1' }],
    ['an endpoint with a password', { endpoint: 'https://a:b@example' }],
    ['an endpoint with a query', { endpoint: 'https://example/?key=1' }],
    ['no time at all', { timeout: 0 }],
    ['a time that is a word', { timeout: 'soon' }],
    ['a variable in the middle of an endpoint', { endpoint: 'https://${HOST}/' }],
  ];
  for (const [name, fields] of wrong) {
    it(`refuse ${name}, without showing the key`, () => {
      assert.throws(
        () => accountSettings({ token, ...fields }),
        (error: unknown) => {
          assert.ok(error instanceof CodedError);
          assert.equal(error.code, 'INVALID_INPUT');
          assert.ok(!JSON.stringify([error.message, error.cause]).includes('demo'));
          return true;
        },
      );
    });
  }
});

describe('What a message asks of the Sber nodes', () => {
  type Fields = Record<string, unknown>;
  const modelsCommand = (node: Fields, payload: unknown): operations.ModelsCommand =>
    operations.modelsCommand(parseSettings(operations.MODELS_SETTINGS, node), payload);
  const devicesCommand = (node: Fields, message: Fields): operations.DevicesCommand =>
    operations.devicesCommand(parseSettings(operations.DEVICES_SETTINGS, node), message);

  it('may name models in every documented form', () => {
    const model = { id: 'A' };
    for (const payload of [model, [model], { models: [model] }, { models: model }]) {
      assert.deepEqual(modelsCommand({ operation: 'create' }, payload), { operation: 'create', items: [model] });
    }
    for (const payload of ['A', ['A'], { model_ids: ['A'] }, { model_ids: 'A' }]) {
      assert.deepEqual(modelsCommand({ operation: 'delete', modelId: 'B' }, payload), {
        operation: 'delete',
        ids: ['A'],
      });
    }
  });

  it('falls back on the node only where the message is empty-handed', () => {
    for (const payload of [undefined, null, '', {}]) {
      assert.deepEqual(modelsCommand({ operation: 'delete', modelId: ' B ' }, payload), {
        operation: 'delete',
        ids: ['B'],
      });
    }
    for (const payload of [5, true, { id: 'A' }, ['']]) {
      assert.throws(() => modelsCommand({ operation: 'delete', modelId: 'B' }, payload), { code: 'INVALID_INPUT' });
    }
    assert.throws(() => modelsCommand({ operation: 'message', modelId: 'B' }, { operation: 'delete', model_id: 'A' }), {
      code: 'INVALID_INPUT',
    });
    assert.throws(() => modelsCommand({ operation: 'get' }, undefined), { code: 'INVALID_INPUT' });
  });

  it('refuses an id from a variable that is not set, which would name another user or model', () => {
    for (const id of ['${USER}', 'U-${USER}']) {
      assert.throws(() => devicesCommand({ operation: 'unlink', userId: id }, {}), { code: 'INVALID_INPUT' });
      assert.throws(() => modelsCommand({ operation: 'delete', modelId: id }, ''), { code: 'INVALID_INPUT' });
    }
  });

  it('uses the models saved in the node for a message that brings none', () => {
    const models = [{ id: 'A' }];
    for (const payload of [undefined, null, '', {}, 1_700_000_000_000, true]) {
      assert.deepEqual(modelsCommand({ operation: 'sync', models }, payload), { operation: 'sync', items: models });
    }
    const saved = JSON.stringify(models);
    assert.deepEqual(modelsCommand({ operation: 'message', models: saved }, { operation: 'sync' }), {
      operation: 'sync',
      items: models,
    });
    assert.deepEqual(modelsCommand({ operation: 'sync', models }, []), { operation: 'sync', items: [] });
    assert.throws(() => modelsCommand({ operation: 'sync', models }, 'A'), { code: 'INVALID_INPUT' });
    assert.throws(() => modelsCommand({ operation: 'sync', models: '[' }, ''), { code: 'INVALID_INPUT' });
    assert.throws(() => modelsCommand({ operation: 'sync', models: [] }, 5), { code: 'INVALID_INPUT' });
  });

  it('may name the user in the payload, beside it, or in the node, in this order', () => {
    const node = { operation: 'list', userId: 'node' };
    assert.deepEqual(devicesCommand(node, { payload: { user_id: 'p' }, userId: 'm' }), {
      operation: 'list',
      userId: 'p',
      ids: [],
    });
    assert.deepEqual(devicesCommand(node, { payload: ['D'], userId: 'm' }), {
      operation: 'list',
      userId: 'm',
      ids: ['D'],
    });
    assert.deepEqual(devicesCommand(node, { payload: 5 }), { operation: 'list', userId: 'node', ids: [] });
    assert.throws(() => devicesCommand({ operation: 'list', userId: '' }, {}), { code: 'INVALID_INPUT' });
    assert.throws(() => devicesCommand(node, { userId: 5 }), { code: 'INVALID_INPUT' });
    assert.deepEqual(devicesCommand(node, { userId: ' ' }), { operation: 'list', userId: 'node', ids: [] });
    assert.throws(() => devicesCommand({ operation: 'list', userId: ' ' }, { payload: { user_id: '\t' } }), {
      code: 'INVALID_INPUT',
    });
  });

  it('unlinks nobody else where the payload was meant as a user and names none', () => {
    const node = { operation: 'unlink', userId: 'node' };
    const unlinked = (message: { payload?: unknown; userId?: unknown }, of = node): string =>
      (devicesCommand(of, message) as { userId: string }).userId;
    for (const payload of [5, true, ' ', ['U'], { id: 'U' }, { user: 'U' }, { user_id: '' }, { user_id: null }]) {
      assert.throws(() => unlinked({ payload }), { code: 'INVALID_INPUT' }, JSON.stringify(payload));
      assert.equal(unlinked({ payload, userId: 'message' }), 'message');
    }
    for (const payload of [undefined, null, '', {}]) assert.equal(unlinked({ payload }), 'node');
    assert.equal(unlinked({ payload: 'U\n', userId: 'message' }), 'U');
    assert.equal(unlinked({ payload: { operation: 'unlink' } }, { ...node, operation: 'message' }), 'node');
  });

  it('knows every operation of devices', () => {
    const message = (payload: unknown): unknown => devicesCommand({ operation: 'message', userId: 'u' }, { payload });
    const devices = [{ id: 'D' }];
    assert.deepEqual(message({ operation: 'add', devices }), { operation: 'add', userId: 'u', items: devices });
    assert.deepEqual(devicesCommand({ operation: 'add' }, { payload: { id: 'D', user_id: 'v' } }), {
      operation: 'add',
      userId: 'v',
      items: devices,
    });
    assert.deepEqual(message({ operation: 'update', devices }), { operation: 'update', items: devices });
    assert.deepEqual(message({ operation: 'delete', device_ids: 'D' }), { operation: 'delete', ids: ['D'] });
    assert.deepEqual(message({ operation: 'state', device_ids: ['D'] }), {
      operation: 'state',
      userId: 'u',
      ids: ['D'],
    });
    const states = { D: { on_off: true } };
    assert.deepEqual(message({ operation: 'report', devices: states }), { operation: 'report', states });
    assert.deepEqual(message({ operation: 'unlink', user_id: 'v' }), { operation: 'unlink', userId: 'v' });
    assert.deepEqual(devicesCommand({ operation: 'report' }, { payload: states }), { operation: 'report', states });
    assert.deepEqual(devicesCommand({ operation: 'unlink', userId: 'u' }, { payload: 'v' }), {
      operation: 'unlink',
      userId: 'v',
    });
    for (const payload of [undefined, 5, {}, { operation: 'delete' }, { operation: 'report' }, { operation: 'add' }]) {
      assert.throws(() => message(payload), { code: 'INVALID_INPUT' });
    }
    assert.throws(() => devicesCommand({ operation: 'report' }, { payload: 'on' }), { code: 'INVALID_INPUT' });
    assert.throws(() => devicesCommand({ operation: 'drop' }, {}), { code: 'INVALID_INPUT' });
  });
});
