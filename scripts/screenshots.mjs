// Makes the pictures of the README and the documents anew, from the demo as `npm start` shows it. Run by
// `npm run screenshots`, which builds first; needs Chromium. Writes docs/images and nothing else; with `--all`, pictures of
// every dialog instead (see dialogs.mjs), into a folder that is named with `--out` or made.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Editor, openBrowser } from '../test/support/browser.ts';
import { Dialog } from '../test/support/dialog.ts';
import { takeDialogs } from './dialogs.mjs';

const { values: options } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    out: { type: 'string' },
    only: { type: 'string' },
    theme: { type: 'string', multiple: true },
    language: { type: 'string', multiple: true },
  },
});
if (options.all) {
  const folder = path.resolve(options.out ?? (await mkdtemp(path.join(os.tmpdir(), 'the-keys-dialogs-'))));
  const browser = await openBrowser();
  try {
    const count = await takeDialogs(browser, {
      folder,
      ...(options.only === undefined ? {} : { only: new RegExp(options.only) }),
      ...(options.theme === undefined ? {} : { themes: options.theme }),
      ...(options.language === undefined ? {} : { languages: options.language }),
    });
    console.log(`${count} pictures in ${folder}, sheets of all languages in ${path.join(folder, 'sheets')}`);
  } finally {
    await browser.close();
  }
  process.exit();
}

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const images = path.join(root, 'docs', 'images');
await mkdir(images, { recursive: true });

const demo = spawn(process.execPath, [path.join(root, 'scripts', 'start.mjs')], {
  cwd: root,
  env: { ...process.env, PORT: '0', NODE_OPTIONS: '' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const gone = once(demo, 'exit');
let said = '';
const browser = await openBrowser();
try {
  const url = await readyUrl();
  const editor = await Editor.open(browser, url, { width: 1280, height: 800 });
  const all = await (await fetch(new URL('flows', url))).json();
  const tab = all.find((node) => node.type === 'tab').id;
  const flows = all.filter((node) => node.z === tab || node.z === undefined);
  await google(editor.page.context(), path.join(images, 'google.png'));

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
  await editor.page.screenshot({ path: path.join(images, 'demo.png') });

  for (const [name, type] of [
    ['gateway', 'gateway-config'],
    ['lock-action', 'lock-action'],
    ['google-account', 'google-smarthome-config'],
    ['google-device', 'google-smarthome-in'],
    ['sber-models', 'sber-models'],
  ]) {
    const { id, z } = all.find((node) => node.type === type && (node.operation ?? 'sync') === 'sync');
    if (z !== undefined) await editor.evaluate(`RED.workspaces.show('${z}')`);
    const dialog = await Dialog.open(editor, id);
    await editor.page.mouse.move(0, 0);
    await editor.page
      .locator('.red-ui-tray')
      .last()
      .screenshot({ path: path.join(images, `${name}.png`) });
    await dialog.cancel();
  }
  await editor.close();
} finally {
  await browser.close();
  demo.kill('SIGTERM');
  await gone;
}

/** The dialogue of Google's guide, on the page of its stand-in. */
async function google(context, file) {
  const address = /speak to: (http:\S+)/.exec(said)[1];
  const page = await context.newPage();
  await page.setViewportSize({ width: 760, height: 700 });
  await page.goto(address);
  for (const phrase of ['Arm the alarm', 'PIN 1234', 'Yes, although the window is open']) {
    const headers = { 'Content-Type': 'application/json' };
    await fetch(new URL('say', address), { method: 'POST', headers, body: JSON.stringify({ phrase }) });
  }
  await page.getByText('OK, the alarm is armed.').waitFor();
  await page.screenshot({ path: file });
  await page.close();
}

function readyUrl() {
  return new Promise((resolve, reject) => {
    demo.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      const url = /ready: (http:\S+)/.exec(said)?.[1];
      if (url !== undefined && /speak to:/.test(said)) resolve(url);
    });
    demo.on('exit', () => reject(new Error(`the demo did not start:\n${said}`)));
  });
}

/** Waits until a node's badge, as drawn, reads as expected. */
function badge(editor, id, expected) {
  return editor.page.waitForFunction(
    `${expected}.test(document.querySelector('[id="${id}"] .red-ui-flow-node-status-label')?.textContent ?? '')`,
  );
}
