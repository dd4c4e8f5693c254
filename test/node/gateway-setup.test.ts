import assert from 'node:assert/strict';
import fc from 'fast-check';
import helper from 'node-red-node-test-helper';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve } from '../../simulators/gateway/server';
import { SimulatedKeysCloud } from '../../simulators/keys-cloud';
import { BACK, FRONT, LockFlow } from '../support/lock-flow';

interface Answer {
  error?: { code: string; about?: string; message: string; hint: string };
  locks?: Record<string, unknown>[];
  gateways?: { host: string; version: number | null }[];
  state?: string;
  batteryPercent?: number;
  code?: string;
  host?: string;
}

interface AccountLock {
  id: number;
  identifier: string;
  accessories: { id: number; accessoryId: string; kind: string }[];
  shares: { id: number; name: string; active: boolean; gateway: { id: number; name: string } }[];
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
    assert.equal((await test({ id: 'other', code: '__PWRD__' })).error?.code, 'OTHER_ADDRESS');
    assert.ok(!JSON.stringify([stored, flow.logged]).includes(FRONT.code));
  });

  it('nothing signed with the stored code at an address that is not deployed', async () => {
    const stranger = new SimulatedGateway({ locks: [FRONT] });
    const elsewhere = await serve(stranger);
    try {
      await flow.load(flow.whole(flow.gateway(), { id: 'gw2', type: 'gateway-config', host: elsewhere.host }));
      const { error } = await test({ id: 'gw', host: elsewhere.host, code: '__PWRD__' });
      assert.equal(error?.code, 'OTHER_ADDRESS');
      assert.deepEqual(stranger.journal.requests, []);
      assert.equal((await test({ host: elsewhere.host })).state, 'closed');
    } finally {
      await elsewhere.close();
    }
  });

  it('what is wrong with an address: https, a path, a name that is not known', async () => {
    await flow.load(flow.whole());
    const about = async (host: string): Promise<string | undefined> => (await test({ host })).error?.about;
    assert.equal(await about('https://127.0.0.1'), 'notHttp');
    assert.equal(await about(`${flow.running.host}/status`), 'notHost');
    assert.equal(await about('no-such-gateway.invalid'), 'unknownName');
    assert.deepEqual(flow.world.journal.requests, []);
  });

  it('a gateway to learn of a new share', async () => {
    await flow.load(flow.whole());
    flow.world.lock(FRONT.identifier).shareKnown = false;
    assert.equal((await test()).error?.code, 'NOT_SHARED');
    assert.deepEqual(await post('synchronize', { host: flow.running.host }), {});
    assert.equal((await test()).state, 'closed');
    assert.equal((await post('synchronize', { host: '93.184.216.34' })).error?.code, 'NOT_LOCAL');
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
    const ownLock = async (): Promise<AccountLock> => {
      const [lock] = (await post('account', account)).locks as unknown as AccountLock[];
      assert.ok(lock !== undefined);
      return lock;
    };

    it('shows the locks of the account, and gives the code of the new share', async () => {
      const lock = await ownLock();
      const [gateway] = lock.accessories;
      assert.equal(gateway?.kind, 'gateway');
      const chosen = { lock: lock.identifier, gateway: gateway.accessoryId };
      const { code, host } = await post('share', { ...account, ...chosen, gatewayId: gateway.id });
      assert.equal(code, cloud.shares[0]?.code);
      assert.equal(cloud.shares[0]?.name, 'Node-RED');
      assert.equal(host, '192.0.2.7');
      assert.ok(!JSON.stringify(flow.logged).includes(account.password));
      const unknown = await post('share', { ...account, ...chosen });
      assert.deepEqual(unknown, { code: cloud.shares[1]?.code });
    });

    it('takes over a share that exists, and shows the code of no other', async () => {
      const chosen = { lock: FRONT.identifier, gateway: 'GW-1' };
      await post('share', { ...account, ...chosen });
      await post('share', { ...account, ...chosen });
      const codes = cloud.shares.map(({ code }) => code);
      const lock = await ownLock();
      assert.ok(!codes.some((code) => JSON.stringify(lock).includes(code)));
      assert.deepEqual(
        lock.shares.map(({ name, active, gateway }) => [name, active, gateway.name]),
        [
          ['Node-RED', true, 'Hall'],
          ['Node-RED', true, 'Hall'],
        ],
      );
      const [, second] = lock.shares;
      const ask = { ...account, lockId: lock.id, share: second?.id, gatewayId: second?.gateway.id };
      assert.deepEqual(await post('share', ask), { code: codes[1], host: '192.0.2.7' });
      assert.equal(cloud.shares.length, 2);
      assert.equal((await post('share', { ...ask, share: 1 })).error?.code, 'CLOUD_REFUSED');
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
      share: field,
    };
    const body = fc.record({ ...fields, password: field }, { requiredKeys: ['host', 'account'] });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('locks', 'test', 'synchronize', 'account', 'share'),
        body,
        async (path, content) => {
          const answer = await post(path, JSON.parse(JSON.stringify(content)) as object);
          const text = JSON.stringify(answer);
          assert.ok(!text.includes(FRONT.code) || JSON.stringify(content).includes(FRONT.code), text);
          if (answer.error !== undefined) {
            assert.match(answer.error.code, /^(?!INTERNAL)[A-Z_]+$/, text);
            assert.ok(answer.error.message.length < 500, text);
          }
        },
      ),
      { numRuns: 80 },
    );
    assert.deepEqual(flow.world.journal.actions, []);
  }).timeout(60_000);
});
