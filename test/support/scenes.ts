/**
 * Every dialog of this package in every state that is worth a look, as data: a node, and what a person then does. For the
 * tests in a browser, and for the pictures that `scripts/dialogs.mjs` takes. What the dialogs talk to is simulated.
 */
import type { Page } from 'playwright-core';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve } from '../../simulators/gateway/server';
import { SimulatedKeysCloud } from '../../simulators/keys-cloud';
import { startSberCloud, type SberCloud } from '../../simulators/sber/cloud';
import type { FlowNode } from './node-red';

/** One thing that a person does. `press` is a button of the dialog by its icon, `see` waits until something is there. */
export type Step =
  | { press: string; last?: true }
  | { click: string; last?: true }
  | { fill: string; with: string }
  | { type: string }
  | { see: string }
  /** Over a field that is wrong, until the editor says why. */
  | { hover: string };

export interface Scene {
  node: Omit<FlowNode, 'id'>;
  steps: readonly Step[];
}

export interface World {
  host: string;
  vendor: string;
  sber: SberCloud;
  close: () => Promise<unknown>;
}

const FRONT_DOOR = {
  identifier: '45961123',
  code: 'demo-share-code-1',
  hardware: 'v2',
  rssi: -58,
  batteryMillivolts: 7900,
} as const;
const GARDEN_GATE = {
  identifier: '45961124',
  code: 'demo-share-code-2',
  hardware: 'v1',
  rssi: -91,
  batteryMillivolts: 3320,
} as const;
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
const TELEVISION = {
  ...LAMP,
  id: 'ACME-TV-1',
  model: 'Smart TV',
  category: 'tv',
  features: ['online', 'on_off', 'source', 'volume_int', 'own_function'],
  allowed_values: { volume_int: { type: 'INTEGER', integer_values: { min: '-5', max: '300', step: '1' } } },
};
const LEVELS = [
  { level_name: 'home', level_values: [{ lang: 'en', level_synonym: ['Home', 'Stay'] }] },
  {
    level_name: 'away',
    level_values: [
      { lang: 'en', level_synonym: ['Away'] },
      { lang: 'fr', level_synonym: ['Absent', 'Total'] },
    ],
  },
];

const CHOICES: Step = { see: '.thekeys-choice' };
const VERDICT: Step = { see: '.thekeys-result:is(.thekeys-good, .thekeys-bad):not(:empty)' };
const LOGIN: readonly Step[] = [
  { press: 'magic' },
  { fill: '#thekeys-share-account', with: ACCOUNT.username },
  { fill: '#thekeys-share-password', with: ACCOUNT.password },
];

type Values = Readonly<Record<string, unknown>>;

/** Scenes of one type: what all of them have, and by the name of each what it has besides and what happens in it. */
function scenesOf(
  type: string,
  common: Values,
  own: Readonly<Record<string, readonly [Values, ...(readonly Step[])]>>,
): Record<string, Scene> {
  return Object.fromEntries(
    Object.entries(own).map(([name, [values, ...steps]]) => [
      `${type}.${name}`,
      { node: { name: '', ...common, ...values, type }, steps },
    ]),
  );
}

const operations = (...words: string[]): Record<string, readonly [Values]> =>
  Object.fromEntries(words.map((operation) => [operation, [{ operation }]]));

function lockScenes(host: string): Record<string, Scene> {
  const credentials = { code: FRONT_DOOR.code };
  const door = { identifier: FRONT_DOOR.identifier, credentials };
  const wrong = {
    host: 'a b',
    identifier: 'front',
    timeout: '-1',
    credentials: { sharedState: 'redis://127.0.0.1:1' },
  };
  return {
    ...scenesOf(
      'gateway-config',
      { host, identifier: '', timeout: '30' },
      {
        new: [{ host: '' }],
        saved: [door],
        'wrong-settings': [wrong, { hover: '#node-config-input-host' }],
        find: [{}, { press: 'search' }, CHOICES],
        locks: [{}, { press: 'search', last: true }, CHOICES],
        'test-too-early': [{}, { press: 'check' }, VERDICT],
        'test-good': [door, { press: 'check' }, VERDICT],
        'test-bad': [door, { fill: '#node-config-input-code', with: 'wr0ng-c0de-lI' }, { press: 'check' }, VERDICT],
        'code-shown': [{}, { fill: '#node-config-input-code', with: 'just-typed-2' }, { press: 'eye' }],
        share: [{}, { press: 'magic' }],
        'share-refused': [{}, ...LOGIN, { fill: '#thekeys-share-password', with: 'wrong' }, { press: 'user' }, VERDICT],
        'share-pick': [{}, ...LOGIN, { press: 'user' }, CHOICES],
        'share-created': [
          {},
          ...LOGIN,
          { press: 'user' },
          CHOICES,
          { press: 'magic', last: true },
          { see: '#thekeys-share > .thekeys-good' },
        ],
        more: [{}, { click: '#thekeys-more summary' }],
      },
    ),
    ...scenesOf(
      'lock-action',
      { gateway: 'gateway', identifier: '', confirm: true, deadline: '30' },
      {
        message: [{ action: 'message' }],
        open: [{ action: 'open', name: 'Front door' }],
        calibrate: [{ action: 'calibrate' }],
        'no-confirm': [{ action: 'close', confirm: false }],
        typed: [{ action: 'open', identifier: 'lock', identifierType: 'flow', deadline: 'wait', deadlineType: 'msg' }],
        locks: [{ action: 'toggle' }, { press: 'search' }, CHOICES],
        'wrong-settings': [{ action: 'open', gateway: '', identifier: 'front', deadline: '0' }],
      },
    ),
    ...scenesOf(
      'lock-status',
      { gateway: 'gateway', identifier: '', interval: '60', emit: 'change' },
      {
        watch: [{}],
        'on-request': [{ interval: '0' }],
        'wrong-settings': [{ interval: '-1' }, { hover: '#node-input-interval' }],
      },
    ),
    ...scenesOf(
      'gateway-sync',
      { gateway: 'gateway', identifier: '' },
      operations('list', 'synchronize', 'synchronize-lock', 'update', 'update-lock', 'message'),
    ),
  };
}

function googleScenes(): Record<string, Scene> {
  const device = {
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
  const credentials = {
    clientId: 'demo-client',
    clientSecret: 'demo-client-secret',
    users: 'anna:demo-password',
    serviceAccountKey: '{}',
  };
  return {
    ...scenesOf(
      'google-smarthome-config',
      { path: '/google-smarthome', projectId: '' },
      {
        new: [{}, { hover: '#node-config-input-projectId' }],
        saved: [{ projectId: 'my-home-1234', credentials }],
        people: [
          { path: '/people', projectId: 'my-home-1234', publicAddress: 'https://home.example.com', credentials },
          { press: 'plus' },
          { press: 'check' },
          VERDICT,
        ],
        invented: [{ projectId: 'my-home' }, { click: '#thekeys-google-invent' }],
      },
    ),
    ...scenesOf('google-smarthome-in', device, {
      panel: [{}],
      levels: [
        { levels: LEVELS, defaultLevel: 'home', deviceId: 'alarm', roomHint: 'Hall', credentials: { pin: '1234' } },
      ],
      'no-pin': [{ pinFor: 'none' }],
      lock: [{ deviceType: 'LOCK', deviceName: 'Front door', battery: true }],
      'lock-by-hand': [{ deviceType: 'LOCK', deviceName: 'Front door', battery: 'yes', levelsOrdered: 'no' }],
      'lock-odd-pin': [
        { deviceType: 'LOCK', deviceName: '', pinFor: 'always' },
        { fill: '#node-input-pin', with: 'abc' },
        { hover: '#node-input-deviceName' },
      ],
      custom: [{ deviceType: 'CUSTOM', customType: 'GARAGE', customTraits: ['OpenClose'] }],
      'custom-open': [{ deviceType: 'CUSTOM', customType: 'GARAGE', customTraits: ['OpenClose'], pinFor: 'none' }],
      'custom-wrong': [{ deviceType: 'CUSTOM', customType: 'garage door', customAttributes: '{ "a": ' }],
    }),
    ...scenesOf(
      'google-smarthome-out',
      { account: 'google', device: '' },
      {
        answer: [{}],
        pick: [{}, { click: '.red-ui-typedInput-input' }, { type: 'a' }, { see: '.red-ui-autoComplete-container' }],
      },
    ),
  };
}

function sberScenes(): Record<string, Scene> {
  const wrong = { endpoint: 'http://sber.example', ca: '-----BEGIN CERTIFICATE-----\nMII', timeout: 'x' };
  return {
    ...scenesOf(
      'sber-config',
      { endpoint: '', keyIn: 'header', keyParameter: '', ca: '', timeout: '15' },
      {
        new: [{}],
        query: [{ keyIn: 'query', credentials: { token: 'demo-key' } }],
        'test-bad': [
          { endpoint: 'http://127.0.0.1:1', credentials: { token: 'demo-key' } },
          { press: 'check' },
          VERDICT,
        ],
        'wrong-settings': [wrong, { hover: '#node-config-input-endpoint' }],
      },
    ),
    ...scenesOf(
      'sber-models',
      { account: 'sber', modelId: '', deleteMissing: false, models: [] },
      {
        list: [{ operation: 'list' }],
        get: [
          { operation: 'get' },
          { click: '#node-input-modelId' },
          { type: 'a' },
          { see: '.red-ui-autoComplete-container >> text=ACME-LAMP-1' },
        ],
        delete: [{ operation: 'delete', modelId: 'ACME-LAMP-1' }],
        sync: [{ operation: 'sync', deleteMissing: true }],
        'by-hand': [{ operation: 'sync', models: undefined, deleteMissing: undefined, modelId: undefined }],
        added: [{ operation: 'create' }, { press: 'plus' }],
        model: [{ operation: 'update', models: [LAMP] }],
        limits: [
          { operation: 'message', models: [LAMP, TELEVISION] },
          { click: '.thekeys-sber-head', last: true },
          { click: '[aria-controls$="-limits-source"]' },
          { click: '[aria-controls$="-limits-volume_int"]' },
          { click: '.thekeys-sber-preview summary' },
        ],
        'taken-over': [{ operation: 'sync' }, { press: 'cloud-download' }, { see: '.thekeys-sber-head' }],
      },
    ),
    ...scenesOf(
      'sber-devices',
      { account: 'sber', userId: '' },
      operations('report', 'list', 'delete', 'unlink', 'message'),
    ),
  };
}

function matterScenes(): Record<string, Scene> {
  const lock = {
    bridge: idOf('matter-bridge.code'),
    gateway: 'gateway',
    identifier: '',
    replyTimeout: '2000',
    lockName: 'Front door',
  };
  const bridge = { port: '5549', interface: '', vendorId: '0xFFF1', productId: '0x8000' };
  return {
    ...scenesOf('matter-bridge', bridge, {
      code: [{}, { see: '.thekeys-qr' }, { press: 'undo' }, CHOICES],
      'wrong-interface': [{ port: '5548', interface: 'eth9' }, { see: '#thekeys-matter .thekeys-bad' }],
    }),
    ...scenesOf('matter-lock', lock, {
      gateway: [{ drives: 'gateway', pinFor: 'release' }],
      flow: [{ drives: 'flow', pinFor: 'none', gateway: '' }, { click: '#thekeys-more summary' }],
      'odd-pin': [
        { drives: 'gateway', pinFor: 'always' },
        { fill: '#node-input-pin', with: 'abc' },
      ],
    }),
  };
}

/** All of them, by `type.state`. */
export function scenes({ host }: Pick<World, 'host'>): Record<string, Scene> {
  return { ...lockScenes(host), ...googleScenes(), ...matterScenes(), ...sberScenes() };
}

export const idOf = (scene: string): string => scene.replaceAll('.', '-');

/** Configurations stand on no tab. */
export const isConfig = (type: string): boolean => type.endsWith('-config') || type === 'matter-bridge';

export async function play(page: Page, steps: readonly Step[]): Promise<void> {
  const dialog = page.locator('#dialog-form, #node-config-dialog-edit-form').last();
  const one = (selector: string, last?: true) =>
    last ? dialog.locator(selector).last() : dialog.locator(selector).first();
  for (const step of steps) {
    if ('press' in step) await one(`button:has(.fa-${step.press}):visible`, step.last).click();
    else if ('click' in step) await one(step.click, step.last).click();
    else if ('fill' in step) await page.fill(step.fill, step.with);
    else if ('type' in step) await page.keyboard.type(step.type);
    else if ('see' in step) await page.locator(step.see).first().waitFor();
    else {
      await page.hover(step.hover);
      await page.locator('.red-ui-popover').last().waitFor();
    }
  }
}

/** A gateway with two locks, the cloud of its vendor, and Sber's. */
export async function startWorld(): Promise<World> {
  const gateway = await serve(new SimulatedGateway({ locks: [FRONT_DOOR, GARDEN_GATE] }));
  const accessories = [{ id: 8, idAccessoire: 'GW-1', name: 'Hall', type: 1 }];
  const locks = [{ id: 9, identifier: FRONT_DOOR.identifier, name: 'Front door', accessories }];
  const cloud = new SimulatedKeysCloud({ accounts: [{ ...ACCOUNT, locks }] });
  const vendor = await cloud.start();
  const sber = await startSberCloud({ models: [LAMP, { ...LAMP, id: 'ACME-LAMP-2', model: 'Smart Lamp 2' }] });
  return {
    host: gateway.host,
    vendor,
    sber,
    close: () => Promise.all([gateway.close(), cloud.close(), sber.close()]),
  };
}

/** The configurations that the scenes use, and the scenes themselves on a tab of their own. */
export function sceneFlow({ host, sber }: World, shown: Record<string, Scene>): FlowNode[] {
  const gateway = { type: 'gateway-config', name: '', host, timeout: '30' };
  const credentials = { clientId: 'demo-client', clientSecret: 'demo-client-secret', users: 'anna:demo-password' };
  return [
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
      credentials,
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
    ...Object.entries(shown).map(([name, { node }], index): FlowNode => {
      const place = { z: 'dialogs', x: 200 + 300 * (index % 4), y: 60 + 60 * Math.floor(index / 4), wires: [[]] };
      return {
        ...node,
        id: idOf(name),
        type: String(node.type),
        ...(isConfig(String(node.type)) ? {} : place),
      };
    }),
  ];
}
