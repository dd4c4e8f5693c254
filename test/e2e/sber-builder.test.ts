/**
 * A maker registers a device model at Sber without writing JSON: dialog, deploy, button, cloud. In a real Node-RED with
 * a real browser, against the simulated cloud.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Browser, Locator } from 'playwright-core';
import { startSberCloud, type SberCloud } from '../../simulators/sber/cloud';
import { Editor, openBrowser } from '../support/browser';
import { NodeRed, type FlowNode } from '../support/node-red';
import { installed, removeTemporary } from '../support/tarball';
import { Started } from '../support/started';

const flow = (cloud: SberCloud): FlowNode[] => [
  { id: 'tab', type: 'tab', label: 'Sber' },
  {
    id: 'account',
    type: 'sber-config',
    name: 'Test cloud',
    endpoint: cloud.url,
    keyIn: 'header',
    keyParameter: '',
    ca: '',
    timeout: '15',
    credentials: { token: cloud.token },
  },
  {
    id: 'go',
    z: 'tab',
    type: 'inject',
    props: [{ p: 'payload' }],
    payload: '',
    payloadType: 'date',
    repeat: '',
    x: 100,
    y: 80,
    wires: [['models']],
  },
  {
    id: 'models',
    z: 'tab',
    type: 'sber-models',
    name: '',
    account: 'account',
    operation: 'sync',
    modelId: '',
    deleteMissing: false,
    models: [],
    x: 300,
    y: 80,
    wires: [['shown']],
  },
  {
    id: 'shown',
    z: 'tab',
    type: 'debug',
    active: true,
    tosidebar: true,
    complete: 'payload',
    targetType: 'msg',
    x: 500,
    y: 80,
    wires: [],
  },
];

describe('building models in the dialog of sber-models', function () {
  this.timeout(240_000);
  let cloud: SberCloud;
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: Editor;

  const started = new Started();

  before(async () => {
    cloud = await started.with(startSberCloud(), (each) => each.close());
    nodeRed = await started.with(NodeRed.start({ userDir: await installed() }), (each) => each.stop());
    browser = await started.with(openBrowser(), (each) => each.close());
  });
  after(async () => {
    await started.end();
    await removeTemporary();
  });
  beforeEach(async () => {
    await nodeRed.deploy(flow(cloud));
    editor = await Editor.open(browser, nodeRed.url);
  });
  afterEach(() => editor.close());

  const openDialog = async (): Promise<Locator> => {
    await editor.evaluate(`RED.editor.edit(RED.nodes.node('models'))`);
    const builder = editor.page.locator('#node-input-models-builder');
    await builder.getByRole('button', { name: 'Add a model' }).waitFor();
    // The editor puts the cursor into the dialog when it has slid in.
    await editor.page.waitForFunction(`document.activeElement.closest('.red-ui-tray') !== null`);
    return builder;
  };
  const done = async (): Promise<void> => {
    await editor.page.locator('#node-dialog-ok').click();
    await editor.page.locator('.red-ui-tray').waitFor({ state: 'detached' });
  };
  const deploy = (): Promise<void> =>
    nodeRed.deployedBy(async () => {
      await editor.page.locator('#red-ui-header-button-deploy').click();
      await editor.page.waitForFunction('!RED.nodes.dirty()');
    });

  it('makes a model by ticking, tells what is missing meanwhile, and brings it to the cloud', async () => {
    const builder = await openDialog();
    const remarks = builder.getByRole('status').locator('li');
    await builder.getByRole('button', { name: 'Add a model' }).click();
    assert.equal(await remarks.count(), 4);

    await editor.page.keyboard.type('ACME-AIR-1');
    await builder.getByLabel('Manufacturer').fill('Acme');
    await builder.getByLabel('Model', { exact: true }).fill('Air 1');
    await builder.getByLabel('Device type').selectOption({ label: 'Air quality sensor' });
    assert.deepEqual(await remarks.allTextContents(), [
      'Tick at least one function under “At least one of these”, or Sber is likely to refuse the model.',
    ]);
    assert.ok(await builder.getByRole('checkbox', { name: /^Online or offline/ }).isDisabled());

    await builder.getByRole('checkbox', { name: /^Temperature/ }).check();
    assert.equal(await remarks.count(), 0);
    // The panel opens with the cursor in its first field.
    await builder.getByRole('button', { name: 'Limit: Temperature' }).press('Enter');
    await editor.page.keyboard.type('-500');
    assert.deepEqual(await remarks.allTextContents(), [
      'Temperature: stay within -400 and 2000. A range may only be narrowed.',
    ]);
    await builder.getByRole('spinbutton', { name: 'from' }).fill('-200');
    assert.equal(await remarks.count(), 0);

    await done();
    await deploy();
    const from = nodeRed.debugged.length;
    await nodeRed.inject('go');
    const outcome = await nodeRed.debug('shown', from);
    assert.deepEqual(outcome, { created: ['ACME-AIR-1'], updated: [], deleted: [], unchanged: [], failed: [] });
    assert.deepEqual(cloud.models.get('ACME-AIR-1'), {
      id: 'ACME-AIR-1',
      manufacturer: 'Acme',
      model: 'Air 1',
      category: 'sensor_air',
      features: ['online', 'temperature'],
      allowed_values: { temperature: { type: 'INTEGER', integer_values: { min: '-200', max: '2000', step: '1' } } },
    });
  });

  it('shows saved models again, duplicates and removes them, all by keyboard', async () => {
    const saved = {
      id: 'B1',
      manufacturer: 'Acme',
      model: 'Button',
      category: 'scenario_button',
      features: ['online', 'button_event'],
      allowed_values: { button_event: { type: 'ENUM', enum_values: { values: ['click'] } } },
    };
    await nodeRed.deploy(flow(cloud).map((node) => (node.id === 'models' ? { ...node, models: [saved] } : node)));
    await editor.page.reload();
    await editor.ready();
    const builder = await openDialog();
    await builder.getByRole('button', { name: 'Duplicate Button' }).press('Enter');
    await editor.page.keyboard.press('ControlOrMeta+A');
    await editor.page.keyboard.type('B2');
    await builder.getByRole('button', { name: 'Remove Button' }).first().press('Enter');
    const told = await builder.locator('.thekeys-sber-json').textContent();
    assert.deepEqual(JSON.parse(told ?? ''), [{ ...saved, id: 'B2' }]);
    assert.match(await editor.evaluate('document.activeElement.textContent'), /Button/);
    await done();
    assert.deepEqual(await editor.evaluate(`RED.nodes.node('models').models`), [{ ...saved, id: 'B2' }]);
  });

  it('takes over the models that Sber has, and keeps what stands in the list', async () => {
    const known = { manufacturer: 'Acme', model: 'Hub', category: 'hub', features: ['online'] };
    for (const id of ['H1', 'H2', 'H3']) cloud.models.set(id, { ...known, id });
    const mine = { ...known, id: 'H2', model: 'Hub, second edition' };
    await nodeRed.deploy(flow(cloud).map((node) => (node.id === 'models' ? { ...node, models: [mine] } : node)));
    await editor.page.reload();
    await editor.ready();
    const others = [...cloud.models.values()].filter(({ id }) => id !== 'H2');

    const builder = await openDialog();
    await builder.getByRole('button', { name: 'Import Sber’s models' }).click();
    await builder.getByText(`Added: ${others.length}. Already here: 1.`).waitFor();
    await done();
    assert.deepEqual(await editor.evaluate(`RED.nodes.node('models').models`), [mine, ...others]);
  });

  it('shows and keeps a model whose words mean something to a page, to JavaScript or to a catalogue of words', async () => {
    const word = `<img src=x onerror="window.harmed = true"> A&B __name__ $t(a) a:b.c`;
    const functions = ['constructor', 'a:b', word];
    const model = {
      id: word,
      manufacturer: word,
      model: word,
      category: 'hub',
      features: ['online', ...functions],
    };
    await nodeRed.deploy(flow(cloud).map((node) => (node.id === 'models' ? { ...node, models: [model] } : node)));
    await editor.page.reload();
    await editor.ready();

    const builder = await openDialog();
    for (const name of functions) await builder.getByRole('checkbox', { name, exact: true }).waitFor();
    assert.equal(await builder.getByRole('button', { name: `Duplicate ${word}` }).count(), 1);
    await done();
    assert.deepEqual(await editor.evaluate(`RED.nodes.node('models').models`), [model]);
    assert.equal(await editor.evaluate('window.harmed === undefined'), true);
  });

  it('says why Sber gives no models', async () => {
    await nodeRed.deploy(
      flow(cloud).map((node) => (node.id === 'account' ? { ...node, credentials: { token: 'demo-wrong-key' } } : node)),
    );
    const builder = await openDialog();
    await builder.getByRole('button', { name: 'Import Sber’s models' }).click();

    await builder.getByText('Sber refuses this key for the project.').waitFor();
    assert.deepEqual(editor.errors, []);
  });

  it('marks the node, with a sentence, while a model cannot be sent', async () => {
    const builder = await openDialog();
    await builder.getByRole('button', { name: 'Add a model' }).click();
    await done();
    assert.equal(await editor.evaluate(`RED.nodes.node('models').valid`), false);
    assert.deepEqual(await editor.evaluate(`RED.nodes.node('models').validationErrors`), ['Model 1: give it an id.']);
  });

  it('has nothing in it that keeps people with assistive technology out', async () => {
    const builder = await openDialog();
    await builder.getByRole('button', { name: 'Add a model' }).click();
    await builder.getByLabel('Device type').selectOption('tv');
    await builder.getByRole('checkbox', { name: /^Input source/ }).check();
    await builder.getByRole('button', { name: 'Limit: Input source' }).click();
    await builder.locator('.thekeys-sber-preview summary').click();
    await editor.page.evaluate(await readFile(require.resolve('axe-core/axe.min.js'), 'utf8'));
    const found = await editor.evaluate<{ id: string; nodes: { html: string }[] }[]>(
      `axe.run('#node-input-models-builder').then((result) => result.violations)`,
    );
    assert.deepEqual(
      found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
      [],
    );
  });
});
