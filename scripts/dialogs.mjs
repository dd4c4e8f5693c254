// Pictures of every dialog of this package in every state that is worth a look, of the help of every node, and of the canvas
// with palette and badges: in the light theme of Node-RED 4.1 and the dark one of Node-RED 5, in every language. For people
// to look at, one by one; nothing is judged here. What the dialogs talk to is simulated.
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SimulatedGateway } from '../simulators/gateway/gateway.ts';
import { serve } from '../simulators/gateway/server.ts';
import { SimulatedKeysCloud } from '../simulators/keys-cloud.ts';
import { startSberCloud } from '../simulators/sber/cloud.ts';
import { Editor } from '../test/support/browser.ts';
import { NodeRed } from '../test/support/node-red.ts';
import { nodeRed5 } from '../test/support/node-red-5.ts';

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

const FRONT_DOOR = {
  identifier: '45961123',
  code: 'demo-share-code-1',
  hardware: 'v2',
  rssi: -58,
  batteryMillivolts: 7900,
};
const GARDEN_GATE = {
  identifier: '45961124',
  code: 'demo-share-code-2',
  hardware: 'v1',
  rssi: -91,
  batteryMillivolts: 3320,
};
const ACCOUNT = { username: '+33600000000', password: 'demo-password' };
const LAMP = {
  id: 'ACME-LAMP-1',
  manufacturer: 'Acme',
  model: 'Smart Lamp 1',
  hw_version: '1.0',
  sw_version: '1.0',
  description: 'Lamp',
  category: 'light',
  features: ['online', 'on_off', 'light_brightness'],
};

const button = (page, name) =>
  page.locator('#dialog-form, #node-config-dialog-edit-form').last().locator(`button:has(.fa-${name})`);

/** The dialogs: a node, and what a person then does before the picture is taken. Names are `type.state`. */
function scenes({ host }) {
  const gateway = { type: 'gateway-config', name: '', host, identifier: '', timeout: '30' };
  const door = { ...gateway, identifier: FRONT_DOOR.identifier, credentials: { code: FRONT_DOOR.code } };
  const lock = { type: 'lock-action', gateway: 'gateway', identifier: '', confirm: true, deadline: '30' };
  const status = { type: 'lock-status', gateway: 'gateway', identifier: '', interval: '60', emit: 'change' };
  const sync = { type: 'gateway-sync', gateway: 'gateway', identifier: '' };
  const google = { type: 'google-smarthome-config', name: '', path: '/google-smarthome', projectId: '' };
  const device = {
    type: 'google-smarthome-in',
    account: 'google',
    deviceType: 'SECURITYSYSTEM',
    deviceName: 'Alarm',
    nicknames: [],
    levels: [],
    levelsOrdered: true,
    defaultLevel: '',
    customTraits: [],
    customAttributes: {},
    pinFor: 'release',
    onOpenSensors: 'flow',
    replyTimeout: '1500',
  };
  const levels = [
    { level_name: 'home', level_values: [{ lang: 'en', level_synonym: ['Home', 'Stay'] }] },
    {
      level_name: 'away',
      level_values: [
        { lang: 'en', level_synonym: ['Away'] },
        { lang: 'fr', level_synonym: ['Absent', 'Total'] },
      ],
    },
  ];
  const vendor = {
    type: 'sber-config',
    name: '',
    endpoint: '',
    keyIn: 'header',
    keyParameter: '',
    ca: '',
    timeout: '15',
  };
  const models = { type: 'sber-models', account: 'sber', modelId: '', deleteMissing: false, models: [] };
  const devices = { type: 'sber-devices', account: 'sber', userId: '' };

  const said = (page) => page.locator('.thekeys-result:is(.thekeys-good, .thekeys-bad):visible').last().waitFor();
  const shareForm = async (page) => {
    await button(page, 'magic').first().click();
    await page.fill('#thekeys-share-account', ACCOUNT.username);
    await page.fill('#thekeys-share-password', ACCOUNT.password);
  };
  return {
    'gateway-config.new': [{ ...gateway, host: '' }],
    'gateway-config.saved': [door],
    'gateway-config.wrong-settings': [
      {
        ...gateway,
        host: 'a b',
        identifier: 'front',
        timeout: '-1',
        credentials: { sharedState: 'redis://127.0.0.1:1' },
      },
      (page) => hoverFault(page, '#node-config-input-host'),
    ],
    'gateway-config.find': [
      gateway,
      async (page) => {
        await button(page, 'search').first().click();
        await page.locator('.thekeys-choice').first().waitFor();
      },
    ],
    'gateway-config.locks': [
      gateway,
      async (page) => {
        await button(page, 'search').last().click();
        await page.locator('.thekeys-choice').first().waitFor();
      },
    ],
    'gateway-config.test-too-early': [
      gateway,
      (page) =>
        button(page, 'check')
          .click()
          .then(() => said(page)),
    ],
    'gateway-config.test-good': [
      door,
      (page) =>
        button(page, 'check')
          .click()
          .then(() => said(page)),
    ],
    'gateway-config.test-bad': [
      { ...door, credentials: { code: 'wr0ng-c0de-lI' } },
      async (page) => {
        await page.fill('#node-config-input-code', 'wr0ng-c0de-lI');
        await button(page, 'check').click();
        await said(page);
      },
    ],
    'gateway-config.share': [gateway, (page) => button(page, 'magic').first().click()],
    'gateway-config.share-refused': [
      gateway,
      async (page) => {
        await shareForm(page);
        await page.fill('#thekeys-share-password', 'wrong');
        await button(page, 'user').click();
        await said(page);
      },
    ],
    'gateway-config.share-pick': [
      gateway,
      async (page) => {
        await shareForm(page);
        await button(page, 'user').click();
        await page.locator('#thekeys-share-pick').waitFor();
      },
    ],
    'gateway-config.share-created': [
      gateway,
      async (page) => {
        await shareForm(page);
        await button(page, 'user').click();
        await button(page, 'magic').last().click();
        await page.waitForFunction(`document.querySelector('#node-config-input-code').value !== ''`);
      },
    ],
    'gateway-config.more': [gateway, (page) => page.click('#thekeys-more summary')],

    'lock-action.message': [{ ...lock, action: 'message' }],
    'lock-action.open': [{ ...lock, action: 'open', name: 'Front door' }],
    'lock-action.calibrate': [{ ...lock, action: 'calibrate' }],
    'lock-action.no-confirm': [{ ...lock, action: 'close', confirm: false }],
    'lock-action.locks': [
      { ...lock, action: 'toggle' },
      async (page) => {
        await button(page, 'search').first().click();
        await page.locator('.thekeys-choice').first().waitFor();
      },
    ],
    'lock-action.wrong-settings': [
      { ...lock, action: 'open', gateway: '', identifier: 'front', deadline: '0' },
      (page) => hoverFault(page, '#node-input-deadline'),
    ],

    'lock-status.watch': [status],
    'lock-status.on-request': [{ ...status, interval: '0' }],
    'lock-status.wrong-settings': [{ ...status, interval: '-1' }, (page) => hoverFault(page, '#node-input-interval')],

    ...Object.fromEntries(
      ['list', 'synchronize', 'synchronize-lock', 'update', 'update-lock', 'message'].map((operation) => [
        `gateway-sync.${operation}`,
        [{ ...sync, operation }],
      ]),
    ),

    'google-smarthome-config.new': [google, (page) => hoverFault(page, '#node-config-input-projectId')],
    'google-smarthome-config.saved': [
      {
        ...google,
        projectId: 'my-home-1234',
        credentials: {
          clientId: 'demo-client',
          clientSecret: 'demo-client-secret',
          users: 'anna:demo-password',
          serviceAccountKey: '{}',
        },
      },
    ],
    'google-smarthome-config.invented': [
      { ...google, projectId: 'my-home' },
      (page) => page.click('#thekeys-google-invent'),
    ],

    'google-smarthome-in.panel': [device],
    'google-smarthome-in.levels': [
      { ...device, levels, defaultLevel: 'home', deviceId: 'alarm', roomHint: 'Hall', credentials: { pin: '1234' } },
    ],
    'google-smarthome-in.no-pin': [{ ...device, pinFor: 'none' }],
    'google-smarthome-in.lock': [{ ...device, deviceType: 'LOCK', deviceName: 'Front door', battery: true }],
    'google-smarthome-in.lock-odd-pin': [
      { ...device, deviceType: 'LOCK', deviceName: '', pinFor: 'always' },
      async (page) => {
        await page.fill('#node-input-pin', 'abc');
        await hoverFault(page, '#node-input-deviceName');
      },
    ],
    'google-smarthome-in.custom': [
      { ...device, deviceType: 'CUSTOM', customType: 'GARAGE', customTraits: ['OpenClose'], pinFor: 'none' },
    ],
    'google-smarthome-in.custom-wrong': [
      { ...device, deviceType: 'CUSTOM', customType: 'garage door', customAttributes: '{ "a": ' },
    ],

    'google-smarthome-out.answer': [{ type: 'google-smarthome-out', account: 'google', device: '' }],
    'google-smarthome-out.pick': [
      { type: 'google-smarthome-out', account: 'google', device: '' },
      async (page) => {
        await page.click('#node-input-device');
        await page.keyboard.press('ArrowDown');
        await page.locator('.red-ui-autoComplete-container:visible, .red-ui-menu:visible').last().waitFor();
      },
    ],

    'sber-config.new': [vendor],
    'sber-config.query': [{ ...vendor, keyIn: 'query', credentials: { token: 'demo-key' } }],
    'sber-config.wrong-settings': [
      { ...vendor, endpoint: 'http://sber.example', ca: '-----BEGIN CERTIFICATE-----\nMII', timeout: 'x' },
      (page) => hoverFault(page, '#node-config-input-endpoint'),
    ],

    'sber-models.list': [{ ...models, operation: 'list' }],
    'sber-models.get': [
      { ...models, operation: 'get' },
      async (page) => {
        await page.click('#node-input-modelId');
        await page.keyboard.type('a');
        await page.getByText('ACME-LAMP-1').last().waitFor();
      },
    ],
    'sber-models.delete': [{ ...models, operation: 'delete', modelId: 'ACME-LAMP-1' }],
    'sber-models.sync': [
      { ...models, operation: 'sync', deleteMissing: true },
      (page) => button(page, 'plus').waitFor(),
    ],
    'sber-models.added': [{ ...models, operation: 'create' }, (page) => button(page, 'plus').first().click()],
    'sber-models.model': [
      { ...models, operation: 'update', models: [LAMP] },
      (page) => page.locator('.thekeys-sber-body').waitFor(),
    ],
    'sber-models.limits': [
      {
        ...models,
        operation: 'message',
        models: [
          LAMP,
          {
            ...LAMP,
            id: 'ACME-TV-1',
            model: 'Smart TV',
            category: 'tv',
            features: ['online', 'on_off', 'source', 'volume_int', 'own_function'],
            allowed_values: { volume_int: { type: 'INTEGER', integer_values: { min: '-5', max: '300', step: '1' } } },
          },
        ],
      },
      async (page) => {
        await page.locator('.thekeys-sber-head').last().click();
        for (const name of ['source', 'volume_int']) await page.click(`[aria-controls$="-limits-${name}"]`);
        await page.locator('.thekeys-sber-preview summary').click();
      },
    ],
    'sber-models.taken-over': [
      { ...models, operation: 'sync' },
      async (page) => {
        await button(page, 'cloud-download').click();
        await page.locator('.thekeys-sber-head').first().waitFor();
      },
    ],

    ...Object.fromEntries(
      ['report', 'list', 'delete', 'unlink', 'message'].map((operation) => [
        `sber-devices.${operation}`,
        [{ ...devices, operation }],
      ]),
    ),
  };
}

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

function flowOf({ host, sber }, shown) {
  const gateway = { type: 'gateway-config', name: '', host, timeout: '30' };
  return [
    { id: 'canvas', type: 'tab', label: 'Canvas' },
    { id: 'dialogs', type: 'tab', label: 'Dialogs' },
    { ...gateway, id: 'gateway', identifier: FRONT_DOOR.identifier, credentials: { code: FRONT_DOOR.code } },
    { ...gateway, id: 'gate', identifier: GARDEN_GATE.identifier, credentials: { code: GARDEN_GATE.code } },
    { ...gateway, id: 'stranger', identifier: FRONT_DOOR.identifier, credentials: { code: 'demo-wrong-code' } },
    {
      id: 'google',
      type: 'google-smarthome-config',
      name: '',
      path: '/canvas',
      projectId: 'my-home-1234',
      credentials: { clientId: 'demo-client', clientSecret: 'demo-client-secret', users: 'anna:demo-password' },
    },
    {
      id: 'sber',
      type: 'sber-config',
      name: '',
      endpoint: sber.url,
      keyIn: 'header',
      timeout: '15',
      credentials: { token: sber.token },
    },
    ...canvas(),
    ...Object.entries(shown).map(([name, [values]], index) => {
      const place = values.type.endsWith('-config')
        ? {}
        : { z: 'dialogs', x: 200 + 300 * (index % 4), y: 60 + 60 * Math.floor(index / 4), wires: [[]] };
      return { name: '', ...values, id: idOf(name), ...place };
    }),
  ];
}

const idOf = (scene) => scene.replaceAll('.', '-');

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

async function startWorld() {
  const world = new SimulatedGateway({ locks: [FRONT_DOOR, GARDEN_GATE] });
  const gateway = await serve(world);
  const cloud = new SimulatedKeysCloud({
    accounts: [
      {
        ...ACCOUNT,
        locks: [
          {
            id: 9,
            identifier: FRONT_DOOR.identifier,
            name: 'Front door',
            accessories: [{ id: 8, idAccessoire: 'GW-1', name: 'Hall', type: 1 }],
          },
        ],
      },
    ],
  });
  const vendor = await cloud.start();
  const sber = await startSberCloud({ models: [LAMP, { ...LAMP, id: 'ACME-LAMP-2', model: 'Smart Lamp 2' }] });
  return {
    host: gateway.host,
    vendor,
    sber,
    close: () => Promise.all([gateway.close(), cloud.close(), sber.close()]),
  };
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
    await nodeRed.deploy(flowOf(world, shown));
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
      for (const [name, [values, act = async () => undefined]] of Object.entries(shown)) {
        if (!only.test(name)) continue;
        try {
          await openDialog(editor, values.type, idOf(name));
          await act(page);
          await keep(name, await stillClip(editor), page);
          await page.mouse.move(5, 5);
          await page.locator('.red-ui-tray').last().locator('#node-dialog-cancel, #node-config-dialog-cancel').click();
          await page.locator('.red-ui-tray').waitFor({ state: 'detached' });
        } catch (error) {
          await page.screenshot({ path: path.join(folder, 'failed.png') });
          throw new Error(`${name}, ${theme}, ${language}`, { cause: error });
        }
      }
      const types = [...new Set(Object.values(shown).map(([{ type }]) => type))];
      for (const type of types.filter((each) => only.test(`help.${each}`))) {
        await keep(`help.${type}`, await showHelp(editor, type), page);
      }
    } finally {
      await editor.close();
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
  const config = type.endsWith('-config');
  await editor.evaluate(
    config ? `RED.editor.editConfig('', '${type}', '${id}')` : `RED.editor.edit(RED.nodes.node('${id}'))`,
  );
  // The tray slides in; what is looked at before it stands still is not what a person sees.
  await editor.page.locator(config ? '#node-config-dialog-ok' : '#node-dialog-ok').click({ trial: true });
  await editor.page.mouse.move(5, 5);
}

/** Holds the pointer over a field that is wrong, until the editor says why. */
async function hoverFault(page, field) {
  await page.hover(field);
  await page.locator('.red-ui-popover').last().waitFor();
}

/** Where the dialog is when it has stopped sliding and growing. */
async function stillClip(editor, before = '') {
  await editor.page.waitForTimeout(150);
  const clip = await dialogClip(editor);
  const now = JSON.stringify(clip);
  return now === before ? clip : stillClip(editor, now);
}

/** The dialog with what hangs below it, without the empty part. */
async function dialogClip(editor) {
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
