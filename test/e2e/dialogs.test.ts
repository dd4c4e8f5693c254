/** What holds for every dialog in each of its states: it changes nothing by itself, and says what an account still lacks. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { Editor, openBrowser } from '../support/browser';
import { Dialog } from '../support/dialog';
import { NodeRed } from '../support/node-red';
import { idOf, sceneFlow, scenes, startWorld, type World } from '../support/scenes';
import { Started } from '../support/started';

describe('every dialog of the package', function () {
  this.timeout(600_000);
  const started = new Started();
  let world: World;
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: Editor;

  before(async () => {
    world = await started.with(startWorld(), (each) => each.close());
    nodeRed = await started.with(NodeRed.start(), (each) => each.stop());
    browser = await started.with(openBrowser(), (each) => each.close());
    await nodeRed.deploy(sceneFlow(world, scenes(world)));
    editor = await Editor.open(browser, nodeRed.url);
  });
  after(async () => {
    await started.end();
  });

  const nodeOf = (id: string): Promise<string> =>
    editor.evaluate(
      `(({ changed, credentials, ...node }) => JSON.stringify([changed === true, credentials,
        Object.keys(node._def.defaults).map((key) => [key, node[key] === undefined ? 'none' : node[key]])]))(RED.nodes.node('${id}'))`,
    );

  it('changes nothing when it is opened and saved', async () => {
    for (const scene of Object.keys(scenes(world))) {
      const id = idOf(scene);
      const [, , before] = JSON.parse(await nodeOf(id)) as unknown[];
      const dialog = await Dialog.open(editor, id);
      await dialog.save();
      const [changed, , after] = JSON.parse(await nodeOf(id)) as unknown[];
      assert.deepEqual(after, before, scene);
      assert.equal(changed, false, scene);
    }
  });

  it('leaves a red triangle on an account without what it needs, that names it, and none on one that has it', async () => {
    const faults = (id: string): Promise<string[]> =>
      editor.evaluate(`(RED.editor.validateNode(RED.nodes.node('${id}')), RED.nodes.node('${id}').validationErrors)`);
    assert.deepEqual(await faults('sber-config-new'), ['Missing: Project key.']);
    assert.deepEqual(await faults('sber-config-query'), ['Give the name of the parameter as in Sber Studio.']);
    assert.deepEqual(await faults('google'), []);
    assert.match((await faults('google-smarthome-config-new')).join(), /Client ID, Client secret, Users/);
  });

  it('shows a secret that was just typed, and never a stored one', async () => {
    const { page } = editor;
    const dialog = await Dialog.open(editor, 'gateway-config-saved');
    const eye = page.getByRole('button', { name: 'Show what is typed' });
    assert.equal(await eye.filter({ visible: true }).count(), 0);
    await page.fill('#node-config-input-code', 'just-typed-2');
    await eye.first().click();
    assert.equal(await page.getAttribute('#node-config-input-code', 'type'), 'text');
    await dialog.cancel();
  });

  it('forgets a verdict when what it judged changes', async () => {
    const { page } = editor;
    const dialog = await Dialog.open(editor, 'gateway-config-saved');
    await page.locator('#thekeys-test button').first().click();
    const verdict = page.locator('#thekeys-test .thekeys-good');
    await verdict.waitFor();
    await page.fill('#node-config-input-identifier', '45961124');
    assert.equal(await verdict.count(), 0);
    await dialog.cancel();
  });
});
