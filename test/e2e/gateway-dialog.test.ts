/**
 * From an empty canvas to an open lock: the dialog of a gateway finds, lists, tests and creates what it needs, in a real
 * Node-RED with a real browser, against a simulated gateway and a simulated cloud. And who may not edit may not ask.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../simulators/gateway/server';
import { SimulatedKeysCloud } from '../../simulators/keys-cloud';
import { Editor, openBrowser } from '../support/browser';
import { Dialog } from '../support/dialog';
import { NodeRed, type FlowNode } from '../support/node-red';

const LOCK = { identifier: '45961123', code: 'not-known-yet' };
const ACCOUNT = { username: '+33600000000', password: 'demo-password' };

/** The hash of exactly this password, with bcrypt. */
const ADMIN = {
  username: 'admin',
  password: 'demo-password',
  passwordHash: '$2b$04$49TtIuw6GLA.nFKAbguUSOu7.oAPxH2l9JqGYwZxRLywLph6BtV/q',
};

const flow: FlowNode[] = [
  { id: 'tab', type: 'tab', label: 'The lock' },
  { id: 'gw', type: 'gateway-config', name: '', host: '', identifier: '', timeout: '30' },
  { id: 'go', z: 'tab', type: 'inject', props: [], repeat: '', x: 120, y: 80, wires: [['lock']] },
  {
    id: 'lock',
    z: 'tab',
    type: 'lock-action',
    gateway: 'gw',
    identifier: '',
    action: 'open',
    confirm: true,
    deadline: '30',
    x: 320,
    y: 80,
    wires: [[]],
  },
];

describe('the dialog of a gateway', () => {
  let world: SimulatedGateway;
  let running: RunningGateway;
  let cloud: SimulatedKeysCloud;
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: Editor;
  let page: Page;

  const press = (name: string): Promise<void> =>
    page.locator('#node-config-dialog-edit-form').getByRole('button', { name, exact: true }).click();

  before(async () => {
    world = new SimulatedGateway({ locks: [LOCK] });
    running = await serve(world);
    const gateway = { id: 8, idAccessoire: 'GW-1', name: 'Hall', type: 1 };
    cloud = new SimulatedKeysCloud({
      accounts: [
        { ...ACCOUNT, locks: [{ id: 9, identifier: LOCK.identifier, name: 'Front door', accessories: [gateway] }] },
      ],
      onShare: ({ code }) => {
        Object.assign(world.lock(LOCK.identifier), { code, shareKnown: false });
      },
    });
    const gatewayConfigCloud = await cloud.start();
    nodeRed = await NodeRed.start({ settings: { gatewayConfigCloud } });
    browser = await openBrowser();
    await nodeRed.deploy(flow);
    editor = await Editor.open(browser, `${nodeRed.url}/`);
    page = editor.page;
  });
  after(async () => {
    await editor.close();
    await browser.close();
    await nodeRed.stop();
    await cloud.close();
    await running.close();
  });

  /** A second Node-RED needs no second share. */
  const takesOverWhatExists = async (): Promise<void> => {
    await page.fill('#node-config-input-code', 'mistyped');
    await page.fill('#thekeys-share-password', ACCOUNT.password);
    await press('Show my locks');
    await page.getByRole('button', { name: 'share “Node-RED” with Hall' }).click();
    await page.getByText('The share exists').waitFor();
    assert.equal(await page.inputValue('#node-config-input-code'), cloud.shares[0]?.code);
    assert.equal(cloud.shares.length, 1);
  };

  it('takes a newcomer to a share that works, and the lock opens', async () => {
    const dialog = await Dialog.open(editor, 'gw');
    await press('Test');
    await page.getByText('Type the gateway’s address first').waitFor();

    await page.fill('#node-config-input-host', running.host);
    await press('Locks');
    await page.getByRole('button', { name: LOCK.identifier }).click();
    assert.equal(await page.inputValue('#node-config-input-identifier'), LOCK.identifier);

    await press('Create…');
    await page.fill('#thekeys-share-account', ACCOUNT.username);
    await page.fill('#thekeys-share-password', ACCOUNT.password);
    await press('Show my locks');
    await page.getByRole('button', { name: 'new share with Hall' }).click();
    await page.getByText('The share exists').waitFor();
    assert.equal(await page.inputValue('#node-config-input-code'), cloud.shares[0]?.code);
    assert.equal(await page.inputValue('#node-config-input-name'), 'Front door');
    assert.equal(await page.inputValue('#thekeys-share-password'), '');

    await press('Test');
    await page.getByRole('button', { name: 'Synchronize' }).click();
    await page.getByText('It works. State of the lock: closed').waitFor();
    await takesOverWhatExists();
    await dialog.save();
    await page.locator('#red-ui-header-button-deploy').click();
    // The badge of a configuration that was incomplete goes with the deploy.
    await nodeRed.badge('lock', ({ text }) => text === undefined || text === '');
    await nodeRed.inject('go');
    await nodeRed.badge('lock', ({ text }) => /^open · \d\d:\d\d$/.test(text ?? ''));
    assert.equal(world.lock(LOCK.identifier).state, 'open');
    assert.deepEqual(world.journal.refusedTimestamps, []);
  });

  it('never shows the code again, and keeps it and the account out of the flow and the log', async () => {
    const code = cloud.shares[0]?.code ?? 'none';
    const dialog = await Dialog.open(editor, 'gw');
    assert.equal(await page.inputValue('#node-config-input-code'), '__PWRD__');
    await press('Test');
    await page.getByText('It works. State of the lock: open').waitFor();
    await dialog.cancel();
    const seen = [
      await readFile(path.join(nodeRed.userDir, 'flows.json'), 'utf8'),
      await (await nodeRed.request('/flows')).text(),
      await (await nodeRed.request('/credentials/gateway-config/gw')).text(),
      nodeRed.log,
    ].join('\n');
    for (const secret of [code, ACCOUNT.password]) assert.ok(!seen.includes(secret));
  });
});

describe('what the dialog of a gateway may ask, where people log in', () => {
  let nodeRed: NodeRed;
  before(async () => {
    nodeRed = await NodeRed.start({ admin: ADMIN });
  });
  after(() => nodeRed.stop());

  it('is nothing for strangers', async () => {
    const paths = ['find', 'locks', 'test', 'synchronize', 'account', 'share'].map((each) => ['POST', each]);
    for (const [method = '', name = ''] of [...paths, ['GET', 'gateways/gw/locks']]) {
      const init = { method, headers: { 'Content-Type': 'application/json' } };
      const url = `${nodeRed.url}/thekeys-gateway/${name}`;
      const stranger = await fetch(url, method === 'POST' ? { ...init, body: '{}' } : init);
      assert.equal(stranger.status, 401, name);
    }
    const admin = await nodeRed.request('/thekeys-gateway/locks', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
    });
    assert.equal(admin.status, 200);
  });
});
