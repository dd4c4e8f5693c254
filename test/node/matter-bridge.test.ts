/** A Matter bridge in a Node-RED: its badges, what its dialog asks, and the code that must not get out or get lost. */
import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import { eachWithMatter, HOME, type MatterFlow } from '../support/matter-flow';

interface Overview {
  status: { state: string; reason?: string };
  pairing: { qrText: string; manualCode: string; openForMs: number | null } | null;
  homes: { index: number; label: string; vendor: string }[];
  findings: unknown[];
  error?: { code: string };
}

const ask = async (what: string, body: object = { id: 'bridge' }): Promise<Overview> =>
  (await helper.request().post(`/thekeys-gateway/matter/${what}`).send(body).expect(200)).body as Overview;

describe('a Matter bridge', function () {
  this.timeout(30_000);
  let flow: MatterFlow;
  eachWithMatter((each) => (flow = each));
  const lastBadge = (): string | undefined => flow.badgesOf('lock').at(-1);

  it('says in the badge of its locks that no home knows them yet, and how many do', async () => {
    flow.worker.homes = [];
    await flow.start(flow.byFlow());
    await flow.until(() => lastBadge() === 'scan the code');
    flow.worker.pair(HOME, { index: 2, label: '', vendor: 'Amazon' });
    await flow.until(() => lastBadge() === 'homes: 2');
  });

  it('says what keeps it from working, to Catch nodes once, and nothing ends', async () => {
    await flow.start(flow.byFlow());
    flow.worker.fail('portInUse', 'address in use');
    await flow.until(() => lastBadge() === 'port 5540 in use');
    const { error } = await flow.next('caught');
    assert.equal(error?.code, 'MATTER_UNAVAILABLE');
    assert.match(error.message, /Choose another port/);
    await flow.quiet();
    assert.equal(flow.at('caught').length, 1);
    assert.deepEqual((await ask('status')).status.state, 'failed');
  });

  it('shows a thread that ended, and that it is begun again', async () => {
    await flow.start(flow.byFlow());
    flow.worker.die('out of memory');
    await flow.until(() => lastBadge() === 'Matter restarting');
    assert.match((await flow.next('caught')).error?.message ?? '', /started again by itself/);
  });

  it('is refused by name where a setting cannot be', async () => {
    const items = flow.byFlow().map((item) => (item.id === 'bridge' ? { ...item, port: '70000' } : item));
    await flow.deployed(items);
    const { error } = await flow.next('caught');
    assert.equal(error?.code, 'INVALID_INPUT');
    assert.match(error.message, /port/);
    assert.equal(lastBadge(), 'check settings');
  });

  it('shows its code and its homes to the dialog, lets another home in, and removes one', async () => {
    await flow.start(flow.byFlow());
    const { pairing, homes, status } = await ask('status');
    assert.deepEqual([status.state, pairing?.openForMs, homes], ['paired', 0, [HOME]]);
    assert.match(pairing?.qrText ?? '', /^MT:/);
    const opened = await ask('pair');
    assert.ok((opened.pairing?.openForMs ?? 0) > 800_000);
    assert.deepEqual((await ask('remove', { id: 'bridge', index: 1 })).homes, []);
    assert.deepEqual((await ask('remove', { id: 'bridge', index: 'all' })).error?.code, 'INVALID_INPUT');
  });

  it('forgets all homes at a factory reset', async () => {
    await flow.start(flow.byFlow());
    const { homes, pairing } = await ask('reset');
    assert.deepEqual([homes, pairing?.openForMs], [[], null]);
  });

  it('says that it has to be deployed first', async () => {
    await flow.start(flow.byFlow());
    assert.equal((await ask('status', { id: 'another' })).error?.code, 'NOT_DEPLOYED');
    assert.equal((await ask('status', { id: 'gw' })).error?.code, 'NOT_DEPLOYED');
  });

  it('makes its code once: it is the same after a restart, and is kept as a credential', async () => {
    await flow.start(flow.byFlow());
    const { passcode, discriminator } = flow.worker.bridge!;
    assert.ok(passcode > 0 && discriminator >= 0);
    const kept = flow.RED.nodes.getCredentials('bridge');
    assert.deepEqual(kept, { passcode: String(passcode), discriminator: String(discriminator) });
    await flow.again();
    await flow.start(flow.byFlow());
    assert.deepEqual([flow.worker.bridge?.passcode, flow.worker.bridge?.discriminator], [passcode, discriminator]);
  });

  it('has the code of its credentials, where a person brought them along', async () => {
    await flow.start(flow.byFlow(), { bridge: { passcode: '20202021', discriminator: '3840' } });
    assert.deepEqual([flow.worker.bridge?.passcode, flow.worker.bridge?.discriminator], [20202021, 3840]);
  });

  it('shows no code where one may only read: not in diagnostics, and by no GET', async () => {
    await flow.start(flow.byFlow());
    const passcode = String(flow.worker.bridge?.passcode);
    const { text } = await helper.request().get('/thekeys-gateway/diagnostics/matter-bridge/bridge').expect(200);
    assert.ok(!text.includes(passcode) && !text.includes('MT:'), text);
    assert.match(text, /"passcode":true/);
    await helper.request().get('/thekeys-gateway/matter/status').expect(404);
  });
});
