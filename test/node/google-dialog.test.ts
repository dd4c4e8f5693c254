import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type { NodeInitializer } from 'node-red';
import helper from 'node-red-node-test-helper';
import { accountOf } from '../../nodes/shared/define-config';
import { HomeGraphStandIn } from '../../simulators/google/home-graph';
import { ACCOUNT, CREDENTIALS, GoogleFlow, type FlowItem } from '../support/google-nodes';
import { startProxy, type TestProxy } from '../support/proxy';

/** Node-RED's own. */
const httpProxy = createRequire(__filename)('@node-red/nodes/core/network/06-httpproxy.js') as NodeInitializer;

const LAMP = {
  id: 'lamp',
  type: 'google-smarthome-in',
  account: 'account',
  deviceType: 'LOCK',
  deviceName: 'Door',
  deviceId: 'door',
  pinFor: 'none',
  wires: [['out']],
};
const OUT = { id: 'out', type: 'google-smarthome-out', account: 'account', device: 'door' };
const CLOSED = { payload: { isLocked: true, isJammed: false } };

interface Answer {
  error?: { code: string; message: string; hint: string };
  findings?: { key: string; good?: boolean; values?: Record<string, unknown> }[];
  names?: string[];
  [key: string]: unknown;
}

const get = async (path: string): Promise<Answer> =>
  (await helper.request().get(`/thekeys-gateway/${path}`).expect(200)).body as Answer;
const post = async (path: string, body: object): Promise<Answer> =>
  (await helper.request().post(`/thekeys-gateway/${path}`).send(body).expect(200)).body as Answer;

const badgeOf = async (id: string, text: string): Promise<void> => {
  const node = helper.getNode(id) as unknown as { status: { args: [{ text: string }][] } };
  for (let tries = 0; node.status.args.at(-1)?.[0].text !== text && tries < 500; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(node.status.args.at(-1)?.[0].text, text);
};

describe('the badges of a Google account that lacks something', function () {
  this.timeout(20_000);
  let flow: GoogleFlow;
  afterEach(() => flow.stop());

  it('say that nobody has linked, then that the device is ready, and a report is never green before Google gets it', async () => {
    flow = await GoogleFlow.start([ACCOUNT, LAMP, OUT]);
    await badgeOf('lamp', 'not linked yet');
    assert.deepEqual(await flow.receive('out', CLOSED), { fill: 'grey', shape: 'ring', text: 'not linked yet' });
    await flow.link();
    await badgeOf('lamp', 'ready');
    assert.deepEqual(await flow.receive('out', CLOSED), { fill: 'grey', shape: 'ring', text: 'no service account' });
  });

  it('name the setting that is missing', async () => {
    flow = await GoogleFlow.start([ACCOUNT, LAMP, OUT], { account: { ...CREDENTIALS, clientSecret: '' } });
    await badgeOf('lamp', 'no client secret');
    assert.equal((await flow.receive('out', CLOSED)).text, 'no client secret');
  });

  it('name the path that cannot be used', async () => {
    flow = await GoogleFlow.start([{ ...ACCOUNT, path: '/a b' }, LAMP]);
    await badgeOf('lamp', 'check the path');
  });

  const panel = { ...LAMP, deviceType: 'SECURITYSYSTEM' };
  const custom = { ...LAMP, deviceType: 'CUSTOM', customType: 'LIGHT', customTraits: ['OnOff'] };
  const wrong: [badge: string, device: typeof LAMP & Record<string, unknown>][] = [
    ['check type & traits', { ...custom, customTraits: [] }],
    ['check attributes', { ...custom, customAttributes: '[]' }],
    ['check the levels', { ...panel, levels: '{' }],
    ['check default level', { ...panel, levels: [{ level_name: 'home' }], defaultLevel: 'away' }],
    ['check reply time', { ...panel, replyTimeout: 'soon' }],
    ['check the device ID', { ...panel, deviceId: 'door-${NO_SUCH}' }],
  ];
  for (const [badge, device] of wrong) {
    it(`name the setting of a device that cannot work: ${badge}`, async () => {
      flow = await GoogleFlow.start([ACCOUNT, device]);
      await badgeOf('lamp', badge);
    });
  }
});

describe('a Google account behind a proxy', function () {
  this.timeout(20_000);
  let flow: GoogleFlow;
  let graph: HomeGraphStandIn;
  let proxy: TestProxy;
  beforeEach(async () => {
    graph = await new HomeGraphStandIn().start();
  });
  afterEach(async () => {
    delete process.env.HTTP_PROXY;
    await flow.stop();
    await proxy.close();
    await graph.close();
  });
  const start = async (account: object, ...more: FlowItem[]): Promise<Answer> => {
    flow = await GoogleFlow.start(
      [...more, { ...ACCOUNT, homeGraphEndpoint: graph.endpoint, ...account }],
      { account: { ...CREDENTIALS, serviceAccountKey: graph.serviceAccountKey() } },
      { modules: [httpProxy] },
    );
    return post('google/test', { id: 'account' });
  };

  it('of the environment asks Google through it', async () => {
    proxy = await startProxy();
    process.env.HTTP_PROXY = proxy.url;
    const { findings } = await start({});
    assert.ok(findings?.some(({ key }) => key === 'homeGraph'));
    assert.deepEqual(
      proxy.asked.map((line) => new URL(line.slice('POST '.length)).pathname),
      ['/token', '/v1/devices:requestSync'],
    );
  });

  it('that it picks asks Google through that one', async () => {
    proxy = await startProxy();
    process.env.HTTP_PROXY = 'http://127.0.0.1:9';
    const { findings } = await start(
      { proxy: 'proxy' },
      { id: 'proxy', type: 'http proxy', url: proxy.url, noproxy: [] },
    );
    assert.ok(findings?.some(({ key }) => key === 'homeGraph'));
    assert.equal(proxy.asked.length, 2);
  });
});

describe('what the dialog of the Google account asks', function () {
  this.timeout(20_000);
  let flow: GoogleFlow;
  let graph: HomeGraphStandIn;
  beforeEach(async () => {
    graph = await new HomeGraphStandIn().start();
  });
  afterEach(async () => {
    await flow.stop();
    await graph.close();
  });
  const start = async (more: object = {}): Promise<void> => {
    flow = await GoogleFlow.start([{ ...ACCOUNT, homeGraphEndpoint: graph.endpoint }, LAMP, OUT], {
      account: { ...CREDENTIALS, serviceAccountKey: graph.serviceAccountKey(), ...more },
    });
  };
  const usersOf = (): unknown => (flow.RED.nodes.getCredentials('account') as { users?: unknown }).users;

  it('who is on the list, by name alone', async () => {
    await start();
    const answer = await get('google/account/users');
    assert.deepEqual(answer, { names: ['anna', 'ben'] });
    assert.deepEqual(await get('google/lamp/users'), { names: [] });
  });

  it('to keep the passwords of those who stay, whatever the browser knows', async () => {
    await start();
    const users = [{ name: 'anna' }, { name: 'zoé', password: 'a: b ' }];
    assert.deepEqual(await post('google/users', { id: 'account', users }), {});
    assert.equal(usersOf(), 'anna:correct horse\nzoé:a: b ');
    assert.deepEqual((await get('google/account/users')).names, ['anna', 'zoé']);
    const { clientSecret } = flow.RED.nodes.getCredentials('account') as { clientSecret: string };
    assert.equal(clientSecret, CREDENTIALS.clientSecret);
  });

  it('and refuses a list that leaves somebody without a password, or two people with one name', async () => {
    await start();
    for (const users of [
      [{ name: 'nobody' }],
      [{ name: 'anna' }, { name: ' anna', password: 'x' }],
      [{ name: 'a\nb', password: 'x' }],
      [{ name: 'anna', password: '' }],
      [],
      'anna',
    ]) {
      const { error } = await post('google/users', { id: 'account', users });
      assert.equal(error?.code, 'INVALID_INPUT', JSON.stringify(users));
      assert.ok(!JSON.stringify(error).includes('correct horse'));
    }
    assert.equal((await post('google/users', { id: 'lamp', users: [{ name: 'anna' }] })).error?.code, 'INVALID_INPUT');
    assert.equal(usersOf(), CREDENTIALS.users);
  });

  const keysOf = ({ findings = [] }: Answer): string[] =>
    findings.map(({ key, good }) => `${key}${good === undefined ? '' : good ? ' +' : ' -'}`);

  it('whether Google can work with it: the address, the clock, the key, the API, the links, the last request', async () => {
    await start();
    const token = `${flow.base}/google-smarthome/oauth/token`;
    const before = await post('google/test', { id: 'account', token });
    assert.deepEqual(keysOf(before), ['reach +', 'clock +', 'key +', 'homeGraph +', 'noLinks', 'noRequest']);
    const voice = await flow.link();
    await voice.sync();
    const after = await post('google/test', { id: 'account', token: `${flow.base}/elsewhere` });
    assert.deepEqual(keysOf(after), ['otherAnswer -', 'clock +', 'key +', 'homeGraph +', 'links +', 'lastRequest +']);
    const text = JSON.stringify([before, after]);
    for (const secret of [CREDENTIALS.clientSecret, 'correct horse', 'PRIVATE KEY']) assert.ok(!text.includes(secret));
  });

  it('and says which of it is wrong', async () => {
    await start({ clientId: '' });
    graph.mishaps.push({ at: 'token', status: 400 });
    const refused = await post('google/test', { id: 'account', token: 'http://home.example.com/token' });
    assert.deepEqual(keysOf(refused), ['lack -', 'noHttps -', 'clock +', 'keyRefused -', 'noLinks', 'noRequest']);
    graph.mishaps.push({ at: 'requestSync', status: 403 });
    const off = await post('google/test', { id: 'account', token: 'http://127.0.0.1:1/token' });
    assert.deepEqual(keysOf(off).slice(1), [
      'unreached -',
      'clock +',
      'key +',
      'homeGraphOff -',
      'noLinks',
      'noRequest',
    ]);
    assert.equal((await post('google/test', { id: 'other' })).error?.code, 'NOT_DEPLOYED');
  });

  it('to send Google the list of devices and their states once more', async () => {
    await start();
    const voice = await flow.link();
    await voice.sync();
    const [agentUserId = ''] = await accountOf(flow.RED, 'google-smarthome-config', 'account').accounts.linkedUsers();
    graph.learn(agentUserId, [{ id: 'door', traits: ['action.devices.traits.LockUnlock'] }]);
    await flow.receive('out', CLOSED);
    await graph.until(() => graph.taken('reportStateAndNotification').length > 0);
    const known = graph.taken('reportStateAndNotification').length;
    const answer = await post('google/sync', { id: 'account' });
    assert.deepEqual(answer, { links: 1, enabled: true, asked: true, devices: 1 });
    await graph.until(() => graph.taken('reportStateAndNotification').length > known);
    assert.ok(graph.taken('requestSync').some((entry) => entry.agentUserId === agentUserId));
  });

  it('for diagnostics: versions, settings and the last commands, and no secret', async () => {
    await start();
    const voice = await flow.link();
    await voice.sync();
    const answer = await get('diagnostics/google-smarthome-config/account');
    assert.deepEqual(answer.credentials, {
      clientId: true,
      clientSecret: true,
      users: true,
      serviceAccountKey: true,
      sharedState: false,
    });
    assert.equal((answer.settings as { projectId: string }).projectId, 'demo-home-project');
    assert.equal((answer.versions as { node: string }).node, process.version);
    assert.ok((answer.log as string[]).some((line) => line.includes('account linking')));
    const text = JSON.stringify(answer);
    for (const secret of [CREDENTIALS.clientSecret, 'correct horse', 'PRIVATE KEY']) assert.ok(!text.includes(secret));
    assert.equal((await get('diagnostics/google-smarthome-config/lamp')).deployed, false);
  });
});
