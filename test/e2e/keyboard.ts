/**
 * The dialogs' own widgets without a mouse: rows of arm levels, lists of what was found, the model builder. Every stop of the
 * Tab key has a name and is seen, and the cursor never falls out of the dialog. Run for each Node-RED by `node-red-*.test.ts`.
 */
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../simulators/gateway/server';
import { Editor, openBrowser } from '../support/browser';
import { Dialog } from '../support/dialog';
import { NodeRed, type FlowNode } from '../support/node-red';
import { Started } from '../support/started';
import type { SuiteOptions } from './suite';

const LOCK = { identifier: '45961123', code: 'demo-share-code-1' };

const flow = (host: string): FlowNode[] => [
  { id: 'tab', type: 'tab', label: 'Without a mouse' },
  { id: 'gateway', type: 'gateway-config', name: '', host, identifier: '', timeout: '10' },
  { id: 'google', type: 'google-smarthome-config', name: '', path: '/home', projectId: 'demo-home' },
  { id: 'sber', type: 'sber-config', name: '', endpoint: '', keyIn: 'header', timeout: '15' },
  {
    id: 'alarm',
    z: 'tab',
    type: 'google-smarthome-in',
    account: 'google',
    deviceType: 'SECURITYSYSTEM',
    deviceName: 'Alarm',
    deviceId: 'alarm-1',
    levels: [{ level_name: 'home', level_values: [{ lang: 'en', level_synonym: ['Home'] }] }],
    levelsOrdered: true,
    pinFor: 'release',
    replyTimeout: '1500',
    x: 300,
    y: 100,
    wires: [[]],
  },
  {
    id: 'answer',
    z: 'tab',
    type: 'google-smarthome-out',
    account: 'google',
    device: '',
    x: 300,
    y: 300,
    wires: [],
  },
  {
    id: 'models',
    z: 'tab',
    type: 'sber-models',
    account: 'sber',
    operation: 'sync',
    models: [{ id: 'ACME-1', manufacturer: 'Acme', model: 'Lamp', category: 'light', features: ['online', 'on_off'] }],
    x: 300,
    y: 200,
    wires: [[]],
  },
];

export function keyboardSuite(title: string, options: SuiteOptions): void {
  describe(`without a mouse ${title}`, function () {
    this.timeout(240_000);
    let gateway: RunningGateway;
    let nodeRed: NodeRed;
    let browser: Browser;
    let editor: Editor;
    let page: Page;
    const started = new Started();

    before(async () => {
      gateway = await started.with(serve(new SimulatedGateway({ locks: [LOCK] })), (each) => each.close());
      nodeRed = await started.with(NodeRed.start(await options.where()), (each) => each.stop());
      browser = await started.with(openBrowser(), (each) => each.close());
      await nodeRed.deploy(flow(gateway.host));
    });
    beforeEach(async () => {
      editor = await Editor.open(browser, nodeRed.url, options.look);
      page = editor.page;
    });
    afterEach(() => editor.close());
    after(async () => {
      await started.end();
    });

    const focused = <T>(expression: string): Promise<T> =>
      editor.evaluate<T>(`((element) => ${expression})(document.activeElement)`);

    it('has a name and is seen wherever the Tab key stops', async () => {
      for (const id of ['gateway', 'google', 'sber', 'alarm', 'models']) {
        const dialog = await Dialog.open(editor, id);
        if (id === 'models') await page.locator('.thekeys-sber-body').waitFor();
        const stops = await dialog.walk();
        assert.ok(stops.length >= 4, `${id}: ${stops.length} stops`);
        // Of the editor: the buttons beside a configuration node, and traps for browsers that fill in passwords.
        const own = stops.filter(({ html }) => !/id="(node-input-(btn|lookup)-|red-ui-trap-)/.test(html));
        for (const { html, name, seen } of own) {
          assert.notEqual(name, '', `no name: ${html}`);
          assert.ok(seen, `${id}: nobody sees where the cursor is: ${html}`);
        }
        await dialog.cancel();
      }
    });

    it('chooses a lock from those found', async () => {
      const dialog = await Dialog.open(editor, 'gateway');
      const find = page.locator('#node-config-dialog-edit-form').getByRole('button', { name: 'Locks', exact: true });
      const places = page.locator('#node-config-dialog-edit-form [role="status"]');
      const before = await places.evaluateAll(
        (elements) => elements.filter((element) => element.checkVisibility()).length,
      );
      await find.press('Enter');
      await page.locator('.thekeys-choice').waitFor();
      const after = await places.evaluateAll(
        (elements) => elements.filter((element) => element.checkVisibility()).length,
      );
      assert.equal(after, before, 'what is read aloud was there before it was filled');
      await page.keyboard.press('Tab');
      assert.match(await focused<string>('element.textContent'), new RegExp(LOCK.identifier));
      await page.keyboard.press('Enter');
      assert.equal(await focused<string>('element.id'), 'node-config-input-identifier');
      assert.equal(await focused<string>('element.value'), LOCK.identifier);
      await dialog.cancel();
    });

    it('takes what was typed as the device, not what is offered for it, unless the arrow keys choose that', async () => {
      for (const [keys, expected] of [
        [['a', 'l', 'a', 'r', 'm'], 'alarm'],
        [['a', 'l', 'Backspace', 'Backspace'], ''],
        [['a', 'l', 'ArrowDown', 'ArrowDown', 'Enter'], 'alarm-1'],
      ] as const) {
        const dialog = await Dialog.open(editor, 'answer');
        await page.locator('#dialog-form .red-ui-typedInput-input').focus();
        for (const key of keys) await page.keyboard.press(key);
        if (!keys.includes('Enter' as never)) {
          await page.locator('.red-ui-autoComplete-container').waitFor();
          await page.keyboard.press('Tab');
        }
        assert.equal(await page.locator('#node-input-device').inputValue(), expected);
        await dialog.cancel();
      }
    });

    it('keeps the words of a level that has no name yet, and asks for the name', async () => {
      const dialog = await Dialog.open(editor, 'alarm');
      await page.getByLabel('Name of the level in messages').first().fill('');
      await dialog.save();
      assert.deepEqual(await editor.evaluate(`RED.nodes.node('alarm').levels`), [
        { level_name: '', level_values: [{ level_synonym: ['Home'], lang: 'en' }] },
      ]);
      assert.equal(await editor.evaluate(`RED.nodes.node('alarm').valid`), false);
    });

    it('gives up half-typed attributes with the kind of device that they belong to', async () => {
      const attributes = page.locator('#node-input-customAttributes-json');
      const saved = (): Promise<unknown> => editor.evaluate(`RED.nodes.node('alarm').customAttributes`);
      let dialog = await Dialog.open(editor, 'alarm');
      await page.locator('#node-input-deviceType').selectOption('CUSTOM');
      await attributes.fill('{ "a":');
      await dialog.save();
      assert.equal(await saved(), '{ "a":', 'nothing that is seen is lost');
      dialog = await Dialog.open(editor, 'alarm');
      await page.locator('#node-input-deviceType').selectOption('SECURITYSYSTEM');
      await page.getByLabel('Name of the level in messages').first().fill('home');
      await dialog.save();
      assert.deepEqual(await saved(), {});
      const faults = await editor.evaluate<string[]>(`RED.nodes.node('alarm').validationErrors ?? []`);
      assert.deepEqual(
        faults.filter((fault) => fault.includes('ttributes')),
        [],
      );
    });

    it('says what is wrong with a credential when the cursor leaves it, and no longer than it is', async () => {
      const dialog = await Dialog.open(editor, 'google');
      const said = page.locator('#node-config-dialog-edit-form .thekeys-bad:not(:empty)');
      await page.getByRole('button', { name: 'Add a person' }).press('Enter');
      await page.keyboard.type('bert');
      await page.keyboard.press('Tab');
      assert.equal(await said.count(), 0, 'nobody is told off while typing');
      await page.locator('#node-config-input-name').focus();
      assert.match((await said.textContent()) ?? '', /password/);
      await page.locator('.thekeys-users').getByPlaceholder('password').fill('another one');
      assert.equal(await said.count(), 0);
      await page.locator('#thekeys-more summary').click();
      for (const [address, faults] of [
        ['redis.lan:6379', 1],
        ['rediss://redis.lan', 0],
        ['${REDIS_URL}', 0],
      ] as const) {
        await page.locator('#node-config-input-sharedState').fill(address);
        await page.keyboard.press('Tab');
        assert.equal(await said.count(), faults, address);
      }
      await dialog.cancel();
    });

    it('adds an arm level with words in a second language, and removes one', async () => {
      const dialog = await Dialog.open(editor, 'alarm');
      await page.getByRole('button', { name: 'Add a level' }).press('Enter');
      await page.waitForFunction(`document.activeElement.classList.contains('thekeys-device-name')`);
      await page.keyboard.type('away');
      await page.getByRole('button', { name: 'Add a language' }).last().press('Enter');
      assert.equal(await focused<string>('element.getAttribute("aria-label")'), 'Language');
      await page.keyboard.type('fr');
      await page.keyboard.press('Tab');
      await page.keyboard.type('Absent, Total');
      await page.getByRole('link', { name: 'Remove this level' }).first().press('Enter');
      await page.waitForFunction(`document.activeElement.classList.contains('red-ui-editableList-addButton')`);
      await dialog.save();
      assert.deepEqual(await editor.evaluate(`RED.nodes.node('alarm').levels`), [
        { level_name: 'away', level_values: [{ level_synonym: ['Absent', 'Total'], lang: 'fr' }] },
      ]);
    });
  });
}
