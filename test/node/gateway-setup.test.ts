import assert from 'node:assert/strict';
import fc from 'fast-check';
import helper from 'node-red-node-test-helper';
import { SimulatedKeysCloud } from '../../simulators/keys-cloud';
import { BACK, FRONT, LockFlow } from '../support/lock-flow';

interface Answer {
  error?: { code: string; message: string; hint: string };
  locks?: Record<string, unknown>[];
  gateways?: { host: string; version: number | null }[];
  state?: string;
  batteryPercent?: number;
  code?: string;
}

describe('what the dialog of a gateway asks', () => {
  const flow = new LockFlow();
  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  const post = async (path: string, body: object): Promise<Answer> => {
    const response = await helper.request().post(`/thekeys-gateway/${path}`).send(body).expect(200);
    assert.equal(response.headers['cache-control'], 'no-store');
    return response.body as Answer;
  };
  const test = (more: object = {}): Promise<Answer> =>
    post('test', { host: flow.running.host, identifier: FRONT.identifier, code: FRONT.code, ...more });

  it('which locks a gateway sees, before anything is deployed', async () => {
    await flow.load(flow.whole());
    const { locks } = await post('locks', { host: flow.running.host });
    assert.deepEqual(
      locks?.map(({ identifier }) => identifier),
      [FRONT.identifier, BACK.identifier],
    );
    assert.deepEqual(Object.keys(locks[0]!).sort(), [
      'batteryMillivolts',
      'batteryPercent',
      'identifier',
      'lastLog',
      'rssi',
    ]);
  });

  it('which locks a deployed gateway sees, by the id of its configuration alone', async () => {
    await flow.load(flow.whole(flow.gateway()));
    const locksOf = async (id: string): Promise<Answer> => {
      const response = await helper.request().get(`/thekeys-gateway/gateways/${id}/locks`).expect(200);
      return response.body as Answer;
    };
    assert.equal((await locksOf('gw')).locks?.length, 2);
    assert.equal((await locksOf('catch')).error?.code, 'NOT_DEPLOYED');
  });

  it('whether a share works, with the code as typed', async () => {
    await flow.load(flow.whole());
    assert.deepEqual(await test(), { state: 'closed', batteryPercent: 95 });
    assert.equal((await test({ code: 'not-the-demo-code' })).error?.code, 'INVALID_HMAC');
    assert.equal((await test({ identifier: '1' })).error?.code, 'NOT_SHARED');
    flow.world.lock(FRONT.identifier).inSight = false;
    assert.equal((await test()).error?.code, 'LOCK_NOT_DETECTED');
    assert.equal((await test({ code: '' })).error?.code, 'INVALID_INPUT');
    assert.equal((await test({ identifier: '' })).error?.code, 'INVALID_INPUT');
    assert.deepEqual(flow.world.journal.refusedTimestamps, []);
  });

  it('whether a share works, with the code that is stored and that the browser never sees', async () => {
    await flow.load(flow.whole(flow.gateway()));
    const stored = await test({ id: 'gw', code: '__PWRD__' });
    assert.equal(stored.state, 'closed');
    assert.equal((await test({ id: 'other', code: '__PWRD__' })).error?.code, 'INVALID_INPUT');
    assert.ok(!JSON.stringify([stored, flow.logged]).includes(FRONT.code));
  });

  it('takes its turn in the queue of the gateway', async () => {
    flow.world.times.latencyMs = 20;
    const action = { id: 'lock', type: 'lock-action', gateway: 'gw', action: 'open', confirm: false, wires: [['out']] };
    await flow.load(flow.whole(flow.gateway(), action));
    for (let index = 0; index < 3; index++) flow.send('lock', {});
    await Promise.all([test(), post('locks', { host: flow.running.host }), flow.next('out', 3)]);
    assert.equal(flow.world.journal.maxInFlight, 1);
    assert.deepEqual(flow.world.journal.refusedTimestamps, []);
  });

  it('says no for addresses that are not in the local network', async () => {
    await flow.load(flow.whole());
    assert.equal((await post('locks', { host: '93.184.216.34' })).error?.code, 'NOT_LOCAL');
    assert.equal((await test({ host: 'http://8.8.8.8:80' })).error?.code, 'NOT_LOCAL');
    assert.equal((await post('locks', { host: 'https://127.0.0.1' })).error?.code, 'INVALID_INPUT');
    assert.equal((await post('locks', {})).error?.code, 'INVALID_INPUT');
  });

  it('takes JSON alone, which no form of a foreign page can send', async () => {
    await flow.load(flow.whole());
    await helper.request().post('/thekeys-gateway/locks').type('form').send({ host: flow.running.host }).expect(415);
    assert.deepEqual(flow.world.journal.requests, []);
  });

  it('finds the gateways that are configured already', async () => {
    await flow.load(flow.whole(flow.gateway()));
    const { gateways } = await post('find', {});
    assert.deepEqual(gateways, [{ host: flow.running.host, version: 65 }]);
  });

  it('takes a host from the environment', async () => {
    await flow.load(flow.whole());
    process.env.TEST_SETUP_HOST = flow.running.host;
    try {
      assert.equal((await post('locks', { host: '${TEST_SETUP_HOST}' })).locks?.length, 2);
    } finally {
      delete process.env.TEST_SETUP_HOST;
    }
  });

  describe('to create a share', () => {
    const account = { account: '+33600000000', password: 'demo-password' };
    let cloud: SimulatedKeysCloud;
    beforeEach(async () => {
      const gateway = { id: 8, idAccessoire: 'GW-1', name: 'Hall', type: 1 };
      const front = { id: 9, identifier: FRONT.identifier, name: 'Front door', accessories: [gateway] };
      cloud = new SimulatedKeysCloud({
        accounts: [{ username: account.account, password: account.password, locks: [front] }],
      });
      const url = await cloud.start();
      await flow.load(flow.whole());
      (flow.RED.settings as { gatewayConfigCloud?: string }).gatewayConfigCloud = url;
    });
    afterEach(() => cloud.close());

    it('shows the locks of the account, and gives the code of the new share', async () => {
      const { locks } = await post('account', account);
      const [lock] = locks as unknown as { identifier: string; accessories: { accessoryId: string; kind: string }[] }[];
      const gateway = lock?.accessories.find(({ kind }) => kind === 'gateway')?.accessoryId;
      const { code } = await post('share', { ...account, lock: lock?.identifier, gateway, name: '' });
      assert.equal(code, cloud.shares[0]?.code);
      assert.equal(cloud.shares[0]?.name, 'Node-RED');
      assert.ok(!JSON.stringify(flow.logged).includes(account.password));
    });

    it('passes the refusal on, without the password', async () => {
      const answer = await post('account', { ...account, password: 'wrong-demo-password' });
      assert.equal(answer.error?.code, 'CLOUD_REFUSED');
      assert.ok(!JSON.stringify(answer).includes('wrong-demo-password'));
      assert.equal((await post('share', { ...account, lock: '1', gateway: '1' })).error?.code, 'CLOUD_REFUSED');
    });
  });

  it('nothing that it cannot answer, whatever is posted', async () => {
    await flow.load(flow.whole(flow.gateway()));
    const field = fc.oneof(
      fc.constantFrom<unknown>(
        FRONT.identifier,
        FRONT.code,
        '__PWRD__',
        '${NOT_SET}',
        '',
        null,
        true,
        -1,
        'gw',
        [],
        {},
      ),
      fc.jsonValue(),
    );
    // No other machine is asked anything.
    const host = fc.oneof(
      fc.constantFrom<unknown>(flow.running.host, '', '${NOT_SET}', 'http://', ':', 'a b', null),
      fc.object(),
    );
    const fields = {
      host,
      identifier: field,
      code: field,
      id: field,
      account: fc.constant(''),
      name: field,
      lock: field,
    };
    const body = fc.record({ ...fields, password: field }, { requiredKeys: ['host', 'account'] });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('locks', 'test', 'account', 'share'), body, async (path, content) => {
        const answer = await post(path, JSON.parse(JSON.stringify(content)) as object);
        const text = JSON.stringify(answer);
        assert.ok(!text.includes(FRONT.code) || JSON.stringify(content).includes(FRONT.code), text);
        if (answer.error !== undefined) {
          assert.match(answer.error.code, /^(?!INTERNAL)[A-Z_]+$/, text);
          assert.ok(answer.error.message.length < 500, text);
        }
      }),
      { numRuns: 80 },
    );
    assert.deepEqual(flow.world.journal.actions, []);
  }).timeout(60_000);
});
