/**
 * The dialog of a Matter bridge in a real browser, with matter.js at work behind it: the code that a phone scans, and what is
 * asked before homes are forgotten. Pairing itself is the matter of test/matter.
 */
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { Editor, openBrowser } from '../support/browser';
import { Dialog } from '../support/dialog';
import { NodeRed, type FlowNode } from '../support/node-red';

const FLOW: FlowNode[] = [
  { id: 'tab', type: 'tab', label: 'Matter' },
  {
    id: 'bridge',
    type: 'matter-bridge',
    name: '',
    port: '5549',
    interface: '',
    vendorId: '0xFFF1',
    productId: '0x8000',
  },
  {
    id: 'lock',
    z: 'tab',
    type: 'matter-lock',
    name: '',
    bridge: 'bridge',
    lockName: 'Front door',
    drives: 'flow',
    gateway: '',
    identifier: '',
    pinFor: 'release',
    replyTimeout: '2000',
    battery: true,
    door: false,
    appCodes: false,
    x: 200,
    y: 80,
    wires: [[]],
    credentials: { pin: '4711' },
  },
];
const HOMES = [
  { index: 1, label: 'Our home', vendor: 'Apple Home' },
  { index: 2, label: '', vendor: 'Amazon' },
];

describe('the dialog of a Matter bridge', function () {
  this.timeout(180_000);
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: Editor;
  let page: Page;
  before(async () => {
    nodeRed = await NodeRed.start();
    await nodeRed.deploy(FLOW);
    browser = await openBrowser();
    editor = await Editor.open(browser, nodeRed.url);
    page = editor.page;
    await page.context().grantPermissions(['clipboard-read']);
  });
  after(async () => {
    await browser.close();
    await nodeRed.stop();
  });
  afterEach(() => assert.deepEqual(editor.errors.splice(0), []));

  const settingsOf = (id: string): Promise<string> =>
    editor.evaluate(`((node) => JSON.stringify(
      Object.fromEntries(Object.keys(node._def.defaults).map((key) => [key, node[key]])),
    ))(RED.nodes.node('${id}'))`);
  const press = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();

  it('shows the code to scan and its eleven digits, which can be copied, while no home is paired', async () => {
    const dialog = await Dialog.open(editor, 'bridge');
    const picture = page.getByRole('img', { name: 'QR code for your home’s app' });
    await picture.waitFor({ timeout: 60_000 });
    // Dark on white, in every theme: cameras read it like that.
    const ground = await picture.locator('rect').evaluate((rect) => getComputedStyle(rect).fill);
    assert.equal(ground, 'rgb(255, 255, 255)');
    assert.ok(((await picture.locator('path').getAttribute('d')) ?? '').length > 1000);
    const digits = await page.locator('.thekeys-matter-digits code').innerText();
    assert.match(digits, /^\d{4}-\d{3}-\d{4}$/);
    await press('Copy');
    assert.equal(await editor.evaluate('navigator.clipboard.readText()'), digits.replaceAll('-', ''));
    await page.getByText('No home is paired yet').waitFor();
    assert.deepEqual(await dialog.cutOff(), []);
    await dialog.cancel();
    await nodeRed.badge('lock', ({ text }) => text === 'scan the code');
  });

  it('changes nothing when it is opened and saved, and neither does that of a lock', async () => {
    for (const id of ['bridge', 'lock']) {
      const before = await settingsOf(id);
      const dialog = await Dialog.open(editor, id);
      await dialog.save();
      assert.equal(await settingsOf(id), before);
      assert.equal(await editor.evaluate(`RED.nodes.node('${id}').changed === true`), false, id);
    }
  });

  it('asks before it forgets all homes, and forgets none where a person thinks better of it', async () => {
    const dialog = await Dialog.open(editor, 'bridge');
    await press('Factory reset');
    await press('No, keep it');
    await press('Factory reset');
    await press('Yes, forget all homes');
    await page.getByText('All homes are forgotten').waitFor();
    await dialog.cancel();
  });

  it('lists homes by their vendors, and removes one after a question', async () => {
    let homes = HOMES;
    const asked: string[] = [];
    await page.route('**/thekeys-gateway/matter/*', async (route) => {
      const what = new URL(route.request().url()).pathname.split('/').at(-1) ?? '';
      if (what !== 'status') asked.push(`${what} ${route.request().postData() ?? ''}`);
      if (what === 'remove') homes = HOMES.slice(1);
      const pairing = { qrText: 'MT:Y.K9042C00KA0648G00', manualCode: '34970112332', openForMs: 0 };
      await route.fulfill({ json: { status: { state: 'paired', homes: 2 }, pairing, homes, findings: [] } });
    });
    const dialog = await Dialog.open(editor, 'bridge');
    await page.getByText('Apple Home · Our home').waitFor();
    assert.equal(await page.locator('.thekeys-qr').count(), 0, 'no code while it is off');
    await press('Remove Apple Home · Our home');
    await press('Yes, remove it');
    await page.getByText('Removed: Apple Home').waitFor();
    assert.deepEqual(asked, ['remove {"id":"bridge","index":1}']);
    assert.equal(await page.locator('.thekeys-matter-homes > div').count(), 1);
    const faults = [...(await dialog.accessibility()).values()].flat();
    assert.deepEqual(
      faults.filter((html) => !html.includes('red-ui-trap')),
      [],
    );
    await dialog.cancel();
    await page.unroute('**/thekeys-gateway/matter/*');
  });

  it('says what in the network keeps homes from finding it, in words', async () => {
    await page.route('**/thekeys-gateway/matter/status', (route) =>
      route.fulfill({
        json: {
          status: { state: 'failed', reason: 'portInUse', text: 'address in use', restartInMs: 5000 },
          pairing: null,
          homes: [],
          findings: [{ key: 'container', values: {} }],
        },
      }),
    );
    const dialog = await Dialog.open(editor, 'bridge');
    await page.getByText('The port of the Matter bridge is in use on this machine').waitFor();
    await page.getByText('network_mode: host').waitFor();
    await dialog.cancel();
    await page.unroute('**/thekeys-gateway/matter/status');
  });
});
