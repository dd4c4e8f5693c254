// Pictures of every dialog of this package in every state that is worth a look (test/support/scenes.ts), of the help of every
// node, and of the canvas with palette and badges: in the light theme of Node-RED 4.1 and the dark one of Node-RED 5, in every language. For people
// to look at, one by one; nothing is judged here. What the dialogs talk to is simulated.
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Editor } from '../test/support/browser.ts';
import { NodeRed } from '../test/support/node-red.ts';
import { nodeRed5 } from '../test/support/node-red-5.ts';
import { idOf, isConfig, play, sceneFlow, scenes, startWorld } from '../test/support/scenes.ts';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const LANGUAGES = ['en-US', 'fr', 'ru', 'pl'];
const THEMES = {
  light: { dark: false, where: () => ({}) },
  dark: { dark: true, where: nodeRed5 },
};
/** Tall enough for the longest dialog, so that a picture shows all of it. */
const VIEWPORT = { width: 1280, height: 1700 };
/** Around what a picture is about, in pixels. */
const MARGIN = 16;

/** A tab with every node at work, so that its badges can be seen: good ones, and one that is not. */
function canvas() {
  const press = (id, y, to, payload) => ({
    id: `press-${id}`,
    z: 'canvas',
    type: 'inject',
    props: [{ p: 'payload' }],
    payload,
    payloadType: 'json',
    repeat: '',
    crontab: '',
    once: true,
    onceDelay: 0.1,
    x: 130,
    y,
    wires: [[to]],
  });
  const node = (id, type, y, values) => ({ id, z: 'canvas', type, name: '', x: 380, y, wires: [[]], ...values });
  return [
    { id: 'canvas', type: 'tab', label: 'Canvas' },
    press('open', 80, 'c-open', '1'),
    node('c-open', 'lock-action', 80, { gateway: 'gateway', action: 'open', confirm: true, deadline: '30' }),
    press('wrong', 150, 'c-wrong', '1'),
    node('c-wrong', 'lock-action', 150, { gateway: 'stranger', action: 'close', confirm: true, deadline: '30' }),
    node('c-status', 'lock-status', 220, { gateway: 'gate', interval: '60', emit: 'change' }),
    press('sync', 290, 'c-list', '1'),
    node('c-list', 'gateway-sync', 290, { gateway: 'gateway', operation: 'list' }),
    node('c-in', 'google-smarthome-in', 360, {
      account: 'google',
      deviceType: 'SECURITYSYSTEM',
      deviceName: '',
      pinFor: 'release',
      wires: [['c-out']],
    }),
    node('c-out', 'google-smarthome-out', 360, { account: 'google', device: '', x: 640, wires: [] }),
    press('models', 430, 'c-models', '[]'),
    node('c-models', 'sber-models', 430, { account: 'sber', operation: 'list' }),
    press('devices', 500, 'c-devices', '{"user_id":"demo-user"}'),
    node('c-devices', 'sber-devices', 500, { account: 'sber', operation: 'list', userId: 'demo-user' }),
  ];
}

/**
 * Takes all pictures into `folder`, and those whose names match `only` if it is given. Returns how many there are.
 * @param {import('playwright-core').Browser} browser
 */
export async function takeDialogs(
  browser,
  { folder, only = /./, themes = Object.keys(THEMES), languages = LANGUAGES },
) {
  await mkdir(folder, { recursive: true });
  const taken = [];
  for (const theme of themes) {
    for (const language of languages) {
      const world = await startWorld();
      try {
        taken.push(...(await takeOne(browser, world, { folder, only, theme, language })));
      } finally {
        await world.close();
      }
    }
  }
  await makeSheets(browser, folder, taken);
  return taken.length;
}

async function takeOne(browser, world, { folder, only, theme, language }) {
  const { dark, where } = THEMES[theme];
  const shown = scenes(world);
  const nodeRed = await NodeRed.start({
    ...(await where()),
    packages: { 'node-red-contrib-thekeys-gateway': root },
    settings: { lang: language, gatewayConfigCloud: world.vendor },
  });
  const taken = [];
  const keep = async (name, clip, page) => {
    const file = path.join(folder, `${name}.${theme}.${language}.png`);
    await page.screenshot({ path: file, clip });
    taken.push({ name, theme, language, file });
  };
  try {
    await nodeRed.deploy([...canvas(), ...sceneFlow(world, shown)]);
    const editor = await Editor.open(browser, nodeRed.url, { language, dark, ...VIEWPORT });
    const { page } = editor;
    try {
      if (only.test('canvas')) {
        await nodeRed.badge('c-devices', ({ fill }) => fill !== undefined && fill !== 'blue');
        await nodeRed.badge('c-wrong', ({ fill }) => fill === 'red');
        await nodeRed.badge('c-status', ({ text }) => text !== undefined);
        await openPalette(editor);
        await keep('canvas', { x: 0, y: 0, width: 900, height: 640 }, page);
      }
      for (const [name, { node, steps }] of Object.entries(shown)) {
        if (!only.test(name)) continue;
        try {
          await openDialog(editor, node.type, idOf(name));
          await play(page, steps);
          await keep(name, await stillClip(editor), page);
          await page.mouse.move(5, 5);
          await page.locator('.red-ui-tray').last().locator('#node-dialog-cancel, #node-config-dialog-cancel').click();
          await page.locator('.red-ui-tray').waitFor({ state: 'detached' });
        } catch (error) {
          await page.screenshot({ path: path.join(folder, 'failed.png') });
          throw new Error(`${name}, ${theme}, ${language}: ${error.message}`, { cause: error });
        }
      }
      const types = [...new Set(Object.values(shown).map(({ node }) => node.type))];
      for (const type of types.filter((each) => only.test(`help.${each}`))) {
        await keep(`help.${type}`, await showHelp(editor, type), page);
      }
    } finally {
      // Errors on the page are for the tests: Node-RED 5 has one of its own in its tips, in Russian.
      await page.context().close();
    }
  } finally {
    await nodeRed.stop();
  }
  return taken;
}

/** With the package's category alone open and at its top. */
async function openPalette(editor) {
  await editor.evaluate(`(() => {
    document.querySelectorAll('.red-ui-palette-category').forEach((category) => {
      if (category.querySelector('[data-palette-type="lock-action"]') === null) category.style.display = 'none';
    });
  })()`);
  await editor.page.waitForTimeout(300);
}

async function openDialog(editor, type, id) {
  const config = isConfig(type);
  await editor.evaluate(
    config ? `RED.editor.editConfig('', '${type}', '${id}')` : `RED.editor.edit(RED.nodes.node('${id}'))`,
  );
  // The tray slides in; what is looked at before it stands still is not what a person sees.
  await editor.page.locator(config ? '#node-config-dialog-ok' : '#node-dialog-ok').click({ trial: true });
  await editor.page.mouse.move(5, 5);
}

/** Where the dialog is when it has stopped sliding and growing. */
async function stillClip(editor, before = '') {
  await editor.page.waitForTimeout(150);
  const clip = await dialogClip(editor);
  const now = JSON.stringify(clip);
  return now === before ? clip : stillClip(editor, now);
}

/** The dialog with what hangs below it, without the empty part. */
export async function dialogClip(editor) {
  const box = await editor.evaluate(`(() => {
    const tray = [...document.querySelectorAll('.red-ui-tray')].at(-1);
    const form = tray.querySelector('#dialog-form, #node-config-dialog-edit-form');
    const more = [...document.querySelectorAll('.red-ui-popover, .red-ui-autoComplete-container, .red-ui-menu-dropdown')];
    const bottoms = [...form.querySelectorAll('*'), ...more]
      .filter((each) => each.checkVisibility({ contentVisibilityAuto: true }) && each.clientHeight + each.clientWidth > 0)
      .map((each) => each.getBoundingClientRect().bottom);
    const { left, top, width } = tray.getBoundingClientRect();
    return { x: left, y: top, width, bottom: Math.max(top + 200, ...bottoms) };
  })()`);
  const right = Math.min(box.x + box.width, VIEWPORT.width);
  const height = Math.min(box.bottom + MARGIN, VIEWPORT.height) - box.y;
  return { x: Math.max(box.x, 0), y: box.y, width: right - Math.max(box.x, 0), height };
}

/** The help as the sidebar shows it, on a place of its own where all of it can be seen. */
async function showHelp(editor, type) {
  await editor.evaluate(`RED.sidebar.help.show('${type}')`);
  await editor.page.waitForTimeout(300);
  return editor.evaluate(`(() => {
    document.getElementById('whole-help')?.remove();
    const help = [...document.querySelectorAll('.red-ui-help')].find((each) => each.getClientRects().length > 0);
    const place = document.createElement('div');
    place.id = 'whole-help';
    place.className = help.parentElement.className;
    place.style.cssText = 'position:fixed;inset:0 auto auto 0;width:430px;height:auto;overflow:visible;z-index:9999;' +
      'background:var(--red-ui-secondary-background)';
    const copy = help.cloneNode(true);
    copy.style.cssText = 'position:static;height:auto;overflow:visible';
    place.append(copy);
    document.body.append(place);
    const { width, height } = place.getBoundingClientRect();
    return { x: 0, y: 0, width, height: Math.min(height, ${VIEWPORT.height}) };
  })()`);
}

/** One sheet per dialog and theme: its languages side by side at full size, those of an earlier run too. */
async function makeSheets(browser, folder, taken) {
  const page = await browser.newPage();
  const sheets = path.join(folder, 'sheets');
  await mkdir(sheets, { recursive: true });
  for (const sheet of new Set(taken.map(({ name, theme }) => `${name}.${theme}`))) {
    const files = LANGUAGES.map((language) => path.join(folder, `${sheet}.${language}.png`)).filter(existsSync);
    const images = await Promise.all(
      files.map(async (file) => `<img src="data:image/png;base64,${await readFile(file, 'base64')}">`),
    );
    await page.setContent(
      `<div style="display: inline-grid; grid-template-columns: auto auto; gap: 6px; align-items: start; background: gray">
        ${images.join('')}
      </div>`,
    );
    await page.locator('div').screenshot({ path: path.join(sheets, `${sheet}.png`) });
  }
  await page.context().close();
}
