// Makes the pictures of the README and the documents anew: the demo as `npm start` shows it, the flows of the cookbook and
// the Dashboard page. Run by `npm run screenshots`, which builds first; needs Chromium, and a package registry for the
// Dashboard. Writes docs/images and nothing else; `--only 'recipe.*'` makes some. With `--all`, pictures of every dialog
// instead (see dialogs.mjs), into a folder that is named with `--out` or made.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Editor, openBrowser } from '../test/support/browser.ts';
import { Dialog } from '../test/support/dialog.ts';
import { dialogClip, takeDialogs } from './dialogs.mjs';
import { takeDashboard, takeRecipes } from './recipes.mjs';
import { smallPng } from './small-png.mjs';

const { values: options } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    out: { type: 'string' },
    only: { type: 'string', default: '' },
    theme: { type: 'string', multiple: true },
    language: { type: 'string', multiple: true },
  },
});
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const images = path.join(root, 'docs', 'images');
const only = new RegExp(options.only);
const keep = async (name, png) => {
  await mkdir(images, { recursive: true });
  await writeFile(path.join(images, `${name}.png`), smallPng(png));
};

/** What stands in the dialogs instead of the demo's variables: what a reader would type. */
const TYPED = {
  'gateway-config': { host: '192.168.1.20', identifier: '45961123' },
  'google-smarthome-config': { publicAddress: 'https://home.example.org', homeGraphEndpoint: '' },
};
/** The dialogs that the guides show, by the language of the guide. */
const guides = (suffix) => ({
  [`gateway${suffix}`]: 'gateway-config',
  [`lock-action${suffix}`]: 'lock-action',
  [`google-account${suffix}`]: 'google-smarthome-config',
  [`google-device${suffix}`]: 'google-smarthome-in',
});
const DIALOGS = {
  'en-US': { ...guides(''), 'sber-models': 'sber-models' },
  fr: guides('.fr'),
  ru: guides('.ru'),
};

const browser = await openBrowser();
try {
  if (options.all) await everyDialog();
  else {
    if (only.test('demo')) await takeDemo();
    await takeRecipes(browser, only, keep);
    if (only.test('dashboard')) await takeDashboard(browser, keep);
  }
} finally {
  await browser.close();
}

async function everyDialog() {
  const folder = path.resolve(options.out ?? (await mkdtemp(path.join(os.tmpdir(), 'the-keys-dialogs-'))));
  const count = await takeDialogs(browser, {
    folder,
    only,
    ...(options.theme === undefined ? {} : { themes: options.theme }),
    ...(options.language === undefined ? {} : { languages: options.language }),
  });
  console.log(`${count} pictures in ${folder}, sheets of all languages in ${path.join(folder, 'sheets')}`);
}

async function takeDemo() {
  const demo = spawn(process.execPath, [path.join(root, 'scripts', 'start.mjs')], {
    cwd: root,
    env: { ...process.env, PORT: '0', NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(demo, 'exit');
  try {
    const { url, google } = await addressesOf(demo);
    const all = await (await fetch(new URL('flows', url))).json();
    const editor = await Editor.open(browser, url, { width: 1280, height: 800 });
    await keep('google', await dialogue(editor.page.context(), google));
    await keep('demo', await pressed(editor, all));
    await editor.close();
    for (const [language, names] of Object.entries(DIALOGS)) {
      const tall = await Editor.open(browser, url, { language, width: 1280, height: 1400 });
      await takeDialogsOf(tall, all, names);
      await tall.close();
    }
  } finally {
    demo.kill('SIGTERM');
    await gone;
  }
}

/** The demo's first tab, after its buttons were pressed. */
async function pressed(editor, all) {
  const tab = all.find((node) => node.type === 'tab').id;
  const flows = all.filter((node) => node.z === tab);
  await editor.evaluate(`RED.sidebar.show('debug')`);
  const press = async (name) => {
    const { id } = flows.find((node) => node.type === 'inject' && node.name === name);
    await editor.page.locator(`[id="${id}"] .red-ui-flow-node-button`).first().click();
  };
  const shown = (type, expected, choose = () => true) =>
    badge(editor, flows.find((node) => node.type === type && choose(node)).id, expected);
  await press('Open');
  await press('"open"');
  await shown('lock-action', /^open( |$)/, (node) => node.action === 'open');
  await shown('lock-action', /^open( |$)/, (node) => node.action === 'message');
  await press('Ask now');
  await press('Which locks are there?');
  await shown('lock-status', /^open( |$)/);
  await shown('gateway-sync', /\d/, (node) => node.operation === 'list');
  await editor.page.waitForFunction(`document.querySelector('.red-ui-notification') === null`);
  return editor.page.screenshot();
}

async function takeDialogsOf(editor, all, names) {
  await editor.evaluate(`RED.nodes.eachConfig((node) => Object.assign(node, ${JSON.stringify(TYPED)}[node.type]))`);
  for (const [name, type] of Object.entries(names)) {
    const { id, z } = all.find((node) => node.type === type && (node.operation ?? 'sync') === 'sync');
    if (z !== undefined) await editor.evaluate(`RED.workspaces.show('${z}')`);
    const dialog = await Dialog.open(editor, id);
    await editor.page.mouse.move(0, 0);
    await keep(name, await editor.page.screenshot({ clip: await dialogClip(editor) }));
    await dialog.cancel();
  }
}

/** The dialogue of Google's guide, on the page of its stand-in. */
async function dialogue(context, address) {
  const page = await context.newPage();
  await page.setViewportSize({ width: 760, height: 700 });
  await page.goto(address);
  for (const phrase of ['Arm the alarm', 'PIN 1234', 'Yes, although the window is open']) {
    const headers = { 'Content-Type': 'application/json' };
    await fetch(new URL('say', address), { method: 'POST', headers, body: JSON.stringify({ phrase }) });
  }
  await page.getByText('OK, the alarm is armed.').waitFor();
  const picture = await page.screenshot();
  await page.close();
  return picture;
}

/** Where the demo and its stand-in for Google answer, when they do. */
function addressesOf(demo) {
  return new Promise((resolve, reject) => {
    let output = '';
    demo.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      const [url, google] = [/ready: (http:\S+)/, /speak to: (http:\S+)/].map((line) => line.exec(output)?.[1]);
      if (url !== undefined && google !== undefined) resolve({ url, google });
    });
    demo.on('exit', () => reject(new Error(`the demo did not start:\n${output}`)));
  });
}

/** Waits until a node's badge, as drawn, reads as expected. */
function badge(editor, id, expected) {
  return editor.page.waitForFunction(
    `${expected}.test(document.querySelector('[id="${id}"] .red-ui-flow-node-status-label')?.textContent ?? '')`,
  );
}
