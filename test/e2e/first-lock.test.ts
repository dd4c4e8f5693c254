/**
 * A newcomer's walk: from an empty canvas to an open lock, with the mouse and the keyboard, every click counted. The same
 * steps stand in docs/first-lock.md.
 */
import assert from 'node:assert/strict';
import type { Browser, Locator } from 'playwright-core';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../simulators/gateway/server';
import { Editor, openBrowser } from '../support/browser';
import { NodeRed, type FlowNode } from '../support/node-red';
import { installed, removeTemporary } from '../support/tarball';
import { Started } from '../support/started';

const MOST_CLICKS = 12;
const LOCK = { identifier: '4711', code: 'demo-share-code-1' };

describe('from an empty canvas to an open lock', function () {
  this.timeout(180_000);
  const started = new Started();
  let gateway: RunningGateway;
  let nodeRed: NodeRed;
  let browser: Browser;

  before(async () => {
    gateway = await started.with(
      serve(new SimulatedGateway({ locks: [LOCK], times: { bleMs: 100, travelMs: 300 } })),
      (each) => each.close(),
    );
    nodeRed = await started.with(NodeRed.start({ userDir: await installed() }), (each) => each.stop());
    browser = await started.with(openBrowser(), (each) => each.close());
  });
  after(async () => {
    await started.end();
    await removeTemporary();
  });

  it(`takes at most ${MOST_CLICKS} clicks`, async () => {
    const editor = await Editor.open(browser, nodeRed.url);
    const { page } = editor;
    let clicks = 0;
    const click = async (target: Locator): Promise<void> => {
      await target.click();
      clicks += 1;
    };
    /** Pressing, moving and letting go is what a person counts as one. */
    const drag = async (from: Locator, x: number, y: number): Promise<void> => {
      await from.scrollIntoViewIfNeeded();
      await from.hover();
      await page.mouse.down();
      await page.mouse.move(x - 20, y, { steps: 5 });
      await page.mouse.move(x, y, { steps: 5 });
      await page.mouse.up();
      clicks += 1;
    };
    const palette = (type: string): Locator => page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
    const placed = (type: string): Promise<string> =>
      editor.evaluate<string>(`RED.nodes.filterNodes({ type: '${type}' })[0].id`);

    await drag(palette('lock-action'), 620, 300);
    const lock = await placed('lock-action');
    await page.locator(`[id="${lock}"] .red-ui-flow-node`).first().dblclick();
    clicks += 2;
    // The dialog slides in. Nobody clicks before it stands still, and the editor may not take such a click.
    await page.locator('#node-dialog-ok').click({ trial: true });
    const add = page.locator('#node-input-btn-gateway-add');
    await click(add);
    const taken = page.locator('#node-config-dialog-ok').waitFor({ timeout: 8000 });
    await taken.catch(() => add.click());
    // Sliding in, the dialog takes the focus for itself. Nobody types that early.
    await page.locator('#node-config-dialog-ok').click({ trial: true });
    await page.waitForFunction(
      `[...document.querySelectorAll('.red-ui-tray')].at(-1).contains(document.activeElement)`,
    );
    // From here to the end of the dialog a person types, with the tab key between the fields.
    await page.locator('#node-config-input-host').focus();
    await page.keyboard.type(gateway.host);
    await page.locator('#node-config-input-identifier').focus();
    await page.keyboard.type(LOCK.identifier);
    await page.locator('#node-config-input-code').focus();
    await page.keyboard.type(LOCK.code);
    await click(page.locator('#node-config-dialog-ok'));
    // A list that opens, and a choice in it.
    await page.locator('#node-input-action').selectOption('open');
    clicks += 2;
    await click(page.locator('#node-dialog-ok'));
    await page.locator('.red-ui-tray').waitFor({ state: 'detached' });

    await drag(palette('inject'), 380, 300);
    const inject = await placed('inject');
    const input = (await page.locator(`[id="${lock}"] .red-ui-flow-port-input`).boundingBox())!;
    await drag(
      page.locator(`[id="${inject}"] .red-ui-flow-port-output .red-ui-flow-port`),
      input.x + input.width / 2,
      input.y + input.height / 2,
    );
    await click(page.locator('#red-ui-header-button-deploy'));
    await page.waitForFunction('!RED.nodes.dirty()');
    await click(page.locator(`[id="${inject}"] .red-ui-flow-node-button`));

    await nodeRed.badge(lock, (badge) => badge.fill === 'green' && /^open/i.test(badge.text ?? ''));
    assert.ok(clicks <= MOST_CLICKS, `${clicks} clicks`);
    const saved = JSON.stringify(await nodeRed.json<FlowNode[]>('/flows'));
    assert.ok(!saved.includes(LOCK.code), 'the share code is not in the flow');
    await editor.close();
  });
});
