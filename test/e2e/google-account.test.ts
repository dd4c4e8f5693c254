/**
 * The dialog of the Google account in a real browser: people as rows, addresses to copy, and its tests, against a stand-in
 * for Home Graph.
 */
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { HomeGraphStandIn } from '../../simulators/google/home-graph';
import { fetchCode } from '../../simulators/google/link';
import { Editor, openBrowser } from '../support/browser';
import { Dialog } from '../support/dialog';
import { NodeRed } from '../support/node-red';
import { Started } from '../support/started';

const PROJECT = 'demo-home-project';

describe('the dialog of the Google account', function () {
  this.timeout(180_000);
  let graph: HomeGraphStandIn;
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: Editor;
  let page: Page;

  const started = new Started();
  before(async () => {
    graph = await started.with(new HomeGraphStandIn().start(), (each) => each.close());
    nodeRed = await started.with(NodeRed.start(), (each) => each.stop());
    await nodeRed.deploy([
      { id: 'tab', type: 'tab', label: 'Google' },
      {
        id: 'google',
        type: 'google-smarthome-config',
        name: '',
        path: '/home',
        projectId: PROJECT,
        homeGraphEndpoint: graph.endpoint,
        credentials: {
          clientId: 'demo-client',
          clientSecret: 'demo-client-secret',
          users: 'anna:correct horse\nben:battery staple',
          serviceAccountKey: graph.serviceAccountKey(),
        },
      },
      {
        id: 'door',
        z: 'tab',
        type: 'google-smarthome-in',
        account: 'google',
        deviceType: 'LOCK',
        deviceName: 'Door',
        x: 200,
        y: 80,
        wires: [[]],
      },
    ]);
    browser = await started.with(openBrowser(), (each) => each.close());
    editor = await Editor.open(browser, nodeRed.url);
    page = editor.page;
    await page.context().grantPermissions(['clipboard-read']);
  });
  after(() => started.end());

  const rows = () => page.locator('.thekeys-users > div');
  const names = (): Promise<string[]> =>
    editor.evaluate(`[...document.querySelectorAll('.thekeys-users input[type=text]')].map(({ value }) => value)`);
  /** Whether this login gives a code. */
  const canLogIn = (user: string, password: string): Promise<boolean> =>
    fetchCode(
      {
        authorizeUrl: `${nodeRed.url}/home/oauth/authorize`,
        tokenUrl: `${nodeRed.url}/home/oauth/token`,
        projectId: PROJECT,
        clientId: 'demo-client',
        clientSecret: 'demo-client-secret',
      },
      user,
      password,
    ).then(
      () => true,
      () => false,
    );

  it('shows people by name, adds one, gives one a new password and removes one, and nobody retypes the rest', async () => {
    const dialog = await Dialog.open(editor, 'google');
    await rows().nth(1).waitFor();
    assert.deepEqual(await names(), ['anna', 'ben']);
    await page.getByRole('button', { name: 'Add a person' }).click();
    await page.keyboard.type('zoe');
    await rows().nth(2).locator('input').nth(1).fill('new door');
    await rows().nth(1).getByRole('button', { name: 'Remove' }).click();
    const kept = page.waitForResponse((response) => response.url().endsWith('google/users'));
    await dialog.save();
    await (await kept).finished();
    await nodeRed.deployedBy(() => page.click('#red-ui-header-button-deploy'));
    assert.equal(await canLogIn('anna', 'correct horse'), true);
    assert.equal(await canLogIn('zoe', 'new door'), true);
    assert.equal(await canLogIn('ben', 'battery staple'), false);
    const again = await Dialog.open(editor, 'google');
    await rows().nth(1).waitFor();
    assert.deepEqual(await names(), ['anna', 'zoe']);
    await again.cancel();
  });

  it('keeps the people when it is opened and saved', async () => {
    const dialog = await Dialog.open(editor, 'google');
    await rows().nth(1).waitFor();
    await dialog.save();
    assert.equal(await editor.evaluate(`RED.nodes.node('google').changed === true`), false);
  });

  it('says what a row lacks when the cursor has left it', async () => {
    const dialog = await Dialog.open(editor, 'google');
    await rows().nth(1).waitFor();
    await page.getByRole('button', { name: 'Add a person' }).click();
    await page.keyboard.type('anna');
    assert.equal(await page.locator('.thekeys-beside > .thekeys-bad').innerText(), '');
    await page.locator('#node-config-input-name').focus();
    assert.match(await page.locator('.thekeys-beside > .thekeys-bad').innerText(), /name of their own/);
    // The editor's own traps for browsers that fill in passwords have no labels.
    const found = [...(await dialog.accessibility()).values()].flat();
    assert.deepEqual(
      found.filter((html) => !html.includes('red-ui-trap')),
      [],
    );
    assert.deepEqual(await dialog.cutOff(), []);
    await dialog.cancel();
  });

  it('completes the three addresses with the public one, and copies them', async () => {
    const dialog = await Dialog.open(editor, 'google');
    await page.fill('#node-config-input-publicAddress', 'home.example.com/');
    const address = page.locator('#thekeys-google-addresses > div').nth(2);
    assert.equal(await address.locator('code').innerText(), 'https://home.example.com/home/oauth/token');
    await address.getByRole('button', { name: 'Copy' }).click();
    await address.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await editor.evaluate('navigator.clipboard.readText()'), 'https://home.example.com/home/oauth/token');
    await dialog.cancel();
  });

  it('tests what Google would meet, sends Google all anew, and copies diagnostics', async () => {
    const dialog = await Dialog.open(editor, 'google');
    await page.fill('#node-config-input-publicAddress', nodeRed.url);
    const result = page.locator('#thekeys-test .thekeys-result');
    await page.getByRole('button', { name: 'Test' }).click();
    await result.getByText('The Home Graph API answers.').waitFor();
    assert.match(await result.innerText(), /token address answers.*clock.*right.*accepts.*No one has linked/s);
    await page.getByRole('button', { name: 'Send all to Google' }).click();
    await result.getByText(/^\s*No one has linked/).waitFor();
    await page.getByRole('button', { name: 'Diagnostics' }).click();
    await result.getByText(/^\s*Copied/).waitFor();
    const copied = JSON.parse(await editor.evaluate<string>('navigator.clipboard.readText()')) as { settings: object };
    assert.equal((copied.settings as { projectId: string }).projectId, PROJECT);
    assert.ok(!JSON.stringify(copied).includes('correct horse'));
    await dialog.cancel();
  });

  it('has one eye for a password that is typed and not deployed yet', async () => {
    const dialog = await Dialog.open(editor, 'google');
    await rows().nth(1).waitFor();
    while ((await rows().count()) > 0) await rows().first().getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('button', { name: 'Add a person' }).click();
    await page.keyboard.type('zoe');
    await rows().first().locator('input').nth(1).fill('new door');
    await dialog.save();
    const again = await Dialog.open(editor, 'google');
    assert.equal(await rows().first().locator('.fa-eye').count(), 1);
    await again.cancel();
  });
});
