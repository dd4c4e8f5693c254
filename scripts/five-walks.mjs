// Five walks of a person through the editor, each counted in clicks and seconds, as docs/first-lock.md lists them. Run by
// `node --import tsx scripts/five-walks.mjs` after a build; needs Chromium, and a package registry for the Dashboard. The person takes a second
// before each click and types five characters a second; everything behind the pages is simulated.
import { Editor, openBrowser } from '../test/support/browser.ts';
import { NodeRed } from '../test/support/node-red.ts';
import { sceneFlow, startWorld } from '../test/support/scenes.ts';
import { authorizeAddress } from '../simulators/google/link.ts';
import { flowOf, root, withExamples } from './recipes.mjs';

const BEFORE_CLICK_MS = 1000;
const PER_KEY_MS = 200;
const PATH = '/canvas';
const LOCK = { identifier: '45961123', code: 'demo-share-code-1' };

class Person {
  clicks = 0;
  started = Date.now();

  constructor(page) {
    this.page = page;
  }

  async click(target) {
    const locator = typeof target === 'string' ? this.page.locator(target) : target;
    await this.page.waitForTimeout(BEFORE_CLICK_MS);
    await locator.first().click();
    this.clicks += 1;
  }

  press = (name) => this.click(this.page.getByRole('button', { name }).filter({ visible: true }));

  async doubleClick(target) {
    await this.page.waitForTimeout(BEFORE_CLICK_MS);
    await this.page.locator(target).first().dblclick();
    this.clicks += 2;
  }

  /** A list that opens, and a choice in it. */
  async choose(select, choice) {
    await this.page.waitForTimeout(2 * BEFORE_CLICK_MS);
    await select.selectOption(choice);
    this.clicks += 2;
  }

  type = (text) => this.page.keyboard.type(text, { delay: PER_KEY_MS });

  /** What was in a field is selected with the keyboard, and typed over. */
  async retype(field, text) {
    await this.click(field);
    await this.page.keyboard.press('ControlOrMeta+A');
    await this.type(text);
  }

  result = () => ({ clicks: this.clicks, seconds: Math.round((Date.now() - this.started) / 1000) });
}

const still = (page) => page.locator('.red-ui-tray #node-dialog-ok, .red-ui-tray #node-config-dialog-ok').last();
const slid = (page) => still(page).click({ trial: true });
const deploy = async (person) => {
  await person.click('#red-ui-header-button-deploy');
  await person.page.waitForFunction('!RED.nodes.dirty()');
};
const badge = (page, id, text) =>
  page.waitForFunction(
    `${text}.test(document.querySelector('[id="${id}"] .red-ui-flow-node-status-label')?.textContent ?? '')`,
  );

/** From the import menu to an open bolt, with Find, Locks and Test. */
async function firstLock({ page, editor, gateway }) {
  const person = new Person(page);
  await person.click('#red-ui-header-button-sidemenu');
  await person.click('#menu-item-import');
  await person.click(page.getByText('Examples', { exact: true }));
  await person.click(page.getByText('node-red-contrib-thekeys-gateway').filter({ visible: true }));
  await person.click(page.getByText('01 - Start here').filter({ visible: true }));
  await person.click('.ui-dialog-buttonset .primary:visible');
  await page.waitForFunction(`RED.nodes.filterNodes({ type: 'lock-action' }).length > 0`);
  const [open] = await editor.evaluate(
    `RED.nodes.filterNodes({ type: 'lock-action' }).filter(({ action }) => action === 'open').map(({ id }) => id)`,
  );
  await person.click(page.getByRole('link', { name: 'Start here' }));
  await person.doubleClick(`[id="${open}"] .red-ui-flow-node`);
  await slid(page);
  await person.click('#node-input-btn-gateway-edit');
  await slid(page);
  // The simulated gateway has no name in the network; where it has one, Find costs two clicks instead.
  await person.retype('#node-config-input-host', gateway);
  await person.press('Locks');
  await person.click(page.locator('.thekeys-choice'));
  await person.click('#node-config-input-code');
  await person.type(LOCK.code);
  await person.press('Test');
  await page.locator('#thekeys-test .thekeys-good').waitFor();
  await person.click(still(page));
  await slid(page);
  await person.click('#node-dialog-ok');
  await page.locator('.red-ui-tray').waitFor({ state: 'detached' });
  await deploy(person);
  const inject = await editor.evaluate(`RED.nodes.filterLinks({ target: RED.nodes.node('${open}') })[0].source.id`);
  await person.click(`[id="${inject}"] .red-ui-flow-node-button`);
  await badge(page, open, '/^open/');
  return person.result();
}

/** A mistyped share code, in French: until the dialog has named it and it is right. */
async function wrongCode({ page, editor }) {
  await editor.evaluate(`RED.editor.editConfig('', 'gateway-config', 'stranger')`);
  await slid(page);
  const person = new Person(page);
  await person.press('Tester');
  await page.getByText('Code de partage erroné').waitFor();
  await person.retype('#node-config-input-code', LOCK.code);
  await person.press('Tester');
  await page.getByText('Tout fonctionne').waitFor();
  return person.result();
}

/** A second person: a row in the account, then the page on their phone. */
async function secondPerson({ page, editor, url }) {
  await editor.evaluate(`RED.editor.editConfig('', 'google-smarthome-config', 'google')`);
  await slid(page);
  const person = new Person(page);
  await person.press('Add a person');
  await person.type('ben');
  await page.keyboard.press('Tab');
  await person.type('battery staple');
  await person.click(still(page));
  await page.locator('.red-ui-tray').waitFor({ state: 'detached' });
  await deploy(person);
  const settings = {
    authorizeUrl: `${url}${PATH}/oauth/authorize`,
    tokenUrl: `${url}${PATH}/oauth/token`,
    projectId: 'my-home-1234',
    clientId: 'demo-client',
    clientSecret: 'demo-client-secret',
  };
  await page.goto(authorizeAddress(settings).href);
  await page.locator('input[name="username"]').focus();
  await person.type('ben');
  await page.keyboard.press('Tab');
  await person.type('battery staple');
  const linked = page.waitForRequest((request) => request.url().startsWith('https://oauth-redirect.'));
  await person.press('Agree and link');
  if (!new URL((await linked).url()).searchParams.has('code')) throw new Error('the second person was not let in');
  return person.result();
}

/** A model at Sber, from the builder to the cloud. */
async function sberModel({ page, editor, sber }) {
  await editor.evaluate(`RED.workspaces.show('dialogs')`);
  await editor.evaluate(`RED.view.reveal('sber-walk', false)`);
  const person = new Person(page);
  await person.doubleClick('[id="sber-walk"] .red-ui-flow-node');
  await slid(page);
  const builder = page.locator('#node-input-models-builder');
  await person.press('Add a model');
  await person.type('ACME-AIR-1');
  await page.keyboard.press('Tab');
  await person.type('Acme');
  await page.keyboard.press('Tab');
  await person.type('Air 1');
  await person.choose(builder.getByLabel('Device type'), { label: 'Air quality sensor' });
  await person.click(builder.getByRole('checkbox', { name: /^Temperature/ }));
  await person.click('#node-dialog-ok');
  await page.locator('.red-ui-tray').waitFor({ state: 'detached' });
  await deploy(person);
  await person.click('[id="sber-press"] .red-ui-flow-node-button');
  await badge(page, 'sber-walk', '/done|\\d/');
  if (!sber.models.has('ACME-AIR-1')) throw new Error('the model is not at Sber');
  return person.result();
}

/** The Dashboard page on a phone: until there is a sign of life, and until the door is closed. */
async function phone({ browser, nodeRed }) {
  const page = await browser.newPage({ viewport: { width: 400, height: 860 } });
  await page.goto(`${nodeRed.url}/dashboard/locks`);
  await page.getByText('Front door').first().waitFor();
  const person = new Person(page);
  await person.press(/^open/i);
  await page.getByText('open', { exact: true }).first().waitFor();
  const result = person.result();
  await page.context().close();
  return result;
}

/** One walk in a Node-RED of its own, so that none meets what another has left. */
async function inEditor(browser, walk, { language = 'en-US', flows = () => [] } = {}) {
  const world = await startWorld();
  try {
    const packages = { 'node-red-contrib-thekeys-gateway': root };
    const nodeRed = await NodeRed.start({ packages, settings: { lang: language, gatewayConfigCloud: world.vendor } });
    try {
      await nodeRed.deploy(flows(world));
      const editor = await Editor.open(browser, nodeRed.url, { language, width: 1280, height: 900 });
      const result = await walk({ page: editor.page, editor, url: nodeRed.url, gateway: world.host, sber: world.sber });
      await editor.page.context().close();
      return result;
    } finally {
      await nodeRed.stop();
    }
  } finally {
    await world.close();
  }
}

const sberWalk = (world) => [
  ...sceneFlow(world, {}),
  {
    id: 'sber-press',
    z: 'dialogs',
    type: 'inject',
    props: [{ p: 'payload' }],
    payload: '',
    payloadType: 'date',
    repeat: '',
    x: 120,
    y: 120,
    wires: [['sber-walk']],
  },
  {
    id: 'sber-walk',
    z: 'dialogs',
    type: 'sber-models',
    account: 'sber',
    operation: 'sync',
    models: [],
    x: 400,
    y: 120,
    wires: [[]],
  },
];

const browser = await openBrowser();
try {
  const walks = {
    'from the import menu to an open bolt': () =>
      inEditor(browser, firstLock, { flows: () => [{ id: 'empty', type: 'tab', label: 'Flow 1' }] }),
    'a wrong share code, in French': () =>
      inEditor(browser, wrongCode, { language: 'fr', flows: (world) => sceneFlow(world, {}) }),
    'a second person is linked': () => inEditor(browser, secondPerson, { flows: (world) => sceneFlow(world, {}) }),
    'the page on a phone': () =>
      withExamples(async (nodeRed, gateway) => {
        await nodeRed.deploy(await flowOf('Dashboard 2/Locks', gateway));
        return phone({ browser, nodeRed });
      }),
    'a model is registered at Sber': () => inEditor(browser, sberModel, { flows: sberWalk }),
  };
  for (const [name, walk] of Object.entries(walks)) {
    if (process.argv[2] !== undefined && !new RegExp(process.argv[2]).test(name)) continue;
    const { clicks, seconds } = await walk();
    console.log(`${name}: ${clicks} clicks, ${seconds} s`);
  }
} finally {
  await browser.close();
}
