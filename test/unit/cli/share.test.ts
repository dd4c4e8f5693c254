import assert from 'node:assert/strict';
import { SimulatedKeysCloud } from '../../../simulators/keys-cloud';
import { run } from './command';

const PASSWORD = 'made up & password%';

describe('the-keys share', function () {
  this.timeout(60_000);
  let cloud: SimulatedKeysCloud;
  let url: string;

  before(async () => {
    const accessories = [{ id: 11, idAccessoire: 'demoGw01', name: 'Hall', type: 1 }];
    const locks = [{ id: 1756, identifier: '45961123', name: 'Front door', accessories }];
    cloud = new SimulatedKeysCloud({ accounts: [{ username: '+33600000000', password: PASSWORD, locks }] });
    url = await cloud.start();
  });
  after(() => cloud.close());

  const share = (args: string[], password = PASSWORD): ReturnType<typeof run> =>
    run(['share', '--account', '+33600000000', '--cloud', url, ...args], { THE_KEYS_PASSWORD: password });
  const WANTED = ['--lock', '45961123', '--gateway', 'demoGw01', '--name', 'Node-RED'];

  it('creates a share and prints its code', async () => {
    const { status, stdout, stderr } = await share(WANTED);
    assert.deepEqual([status, stderr], [0, '']);
    assert.deepEqual(JSON.parse(stdout), { code: cloud.shares[0]?.code });
    assert.equal(cloud.shares[0]?.lockId, 1756);
  });

  it('shows what there is to choose from', async () => {
    const { status, stdout } = await share(['--list']);
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(stdout), [
      { lock: '45961123', name: 'Front door', gateways: [{ gateway: 'demoGw01', name: 'Hall' }] },
    ]);
  });

  it('tells refusals as one line of JSON, without the password', async () => {
    for (const [args, password, words] of [
      [WANTED, 'wrong & password', /account and password/],
      [['--lock', '1756', ...WANTED.slice(2)], PASSWORD, /its ID serrure is 45961123/],
    ] as const) {
      const { status, stdout, stderr } = await share([...args], password);
      assert.deepEqual([status, stdout], [1, '']);
      const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
      assert.deepEqual(Object.keys(error), ['code', 'message']);
      assert.equal(error.code, 'CLOUD_REFUSED');
      assert.match(error.message, words);
      assert.ok(!stderr.includes(password));
    }
  });

  it('is wrong usage without a password, or without saying what to share', async () => {
    const missing = await Promise.all([
      run(['share', '--account', '+33600000000', '--cloud', url, ...WANTED]),
      share(WANTED.slice(2)),
      share(WANTED.slice(0, 4)),
      run(['share', ...WANTED], { THE_KEYS_PASSWORD: PASSWORD }),
    ]);
    assert.deepEqual(
      missing.map(({ status }) => status),
      [2, 2, 2, 2],
    );
    assert.match(missing[0].stderr, /THE_KEYS_PASSWORD/);
  });
});
