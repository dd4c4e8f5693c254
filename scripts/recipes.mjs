// Pictures for the cookbook: the flow of each recipe's example, cut to its nodes, and the page of the Dashboard example on a
// phone. The gateway behind them is simulated.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SimulatedGateway } from '../simulators/gateway/gateway.ts';
import { serve } from '../simulators/gateway/server.ts';
import { Editor } from '../test/support/browser.ts';
import { NodeRed } from '../test/support/node-red.ts';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const DASHBOARD = '@flowfuse/node-red-dashboard';
const LOCK = { identifier: '45961123', code: 'demo-share-code-1', rssi: -58, batteryMillivolts: 7900 };
const PHONE = { width: 400, height: 860 };
/** The end of the page's first card. */
const CARD = 386;
/** The picture of each recipe, and its example. */
const RECIPES = {
  'recipe-notify': '02 - Watch and notify',
  'recipe-close': '11 - Close by itself',
  'recipe-guest': '12 - Hours of a guest',
  'recipe-who': '13 - Who opened',
  'recipe-battery': '03 - Low battery',
  'recipe-night': '04 - Several locks',
  'recipe-watcher': '14 - Every lock of a house',
  'recipe-voice': '07 - Alarm locks the door',
  'recipe-mqtt': '15 - Home Assistant by MQTT',
  'recipe-page': 'Dashboard 2/Locks',
};
/** Around what a picture is about, in pixels. */
const MARGIN = 14;
/** Without the grid, and without badges, which only say that no broker and no Google is there. */
const CALM = '.red-ui-workspace-chart-grid, .red-ui-flow-node-status-group { display: none !important }';

/** @param {(name: string, png: Buffer) => Promise<void>} keep */
export async function takeRecipes(browser, only, keep) {
  const wanted = Object.entries(RECIPES).filter(([name]) => only.test(name));
  if (wanted.length === 0) return;
  await withExamples(async (nodeRed, gateway) => {
    for (const [name, example] of wanted) {
      await nodeRed.deploy(await flowOf(example, gateway));
      const editor = await Editor.open(browser, nodeRed.url, { width: 1600, height: 1300 });
      await editor.page.addStyleTag({ content: CALM });
      await keep(name, await editor.page.screenshot({ clip: await flowClip(editor) }));
      await editor.close();
    }
  });
}

/** The Dashboard page on a phone, after its lock was opened. */
export async function takeDashboard(browser, keep) {
  await withExamples(async (nodeRed, gateway) => {
    await nodeRed.deploy(await flowOf('Dashboard 2/Locks', gateway));
    const page = await browser.newPage({ viewport: PHONE, reducedMotion: 'reduce' });
    await page.goto(`${nodeRed.url}/dashboard/locks`);
    await page.getByText('Front door').first().waitFor();
    await page.getByRole('button', { name: /^close/i }).click();
    await page
      .getByText(/closed/i)
      .first()
      .waitFor();
    await page.getByRole('button', { name: /^open/i }).click();
    await page.locator('td, li', { hasText: /open/i }).first().waitFor();
    await page.waitForTimeout(1500);
    await keep('dashboard', await page.screenshot({ clip: { x: 0, y: 0, ...PHONE, height: CARD } }));
    await page.context().close();
  });
}

export async function withExamples(use) {
  const gateway = await serve(new SimulatedGateway({ locks: [LOCK], times: { bleMs: 100, travelMs: 300 } }));
  const userDir = await mkdtemp(path.join(os.tmpdir(), 'the-keys-recipes-'));
  try {
    // For this once: as a dependency it would be installed by all who only want to build.
    const install = ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', userDir, DASHBOARD];
    execFileSync('npm', install, { stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
    const nodeRed = await NodeRed.start({ userDir, packages: { 'node-red-contrib-thekeys-gateway': root } });
    try {
      return await use(nodeRed, gateway);
    } finally {
      await nodeRed.stop();
    }
  } finally {
    await gateway.close();
    await rm(userDir, { recursive: true, force: true });
  }
}

/** An example as it is after a person has set up its gateway and its account. */
export async function flowOf(example, gateway) {
  const nodes = JSON.parse(await readFile(path.join(root, 'examples', `${example}.json`), 'utf8'));
  const own = {
    'gateway-config': {
      name: 'Front door',
      host: gateway.host,
      identifier: LOCK.identifier,
      credentials: { code: LOCK.code },
    },
    'google-smarthome-config': {
      projectId: 'my-home-1234',
      credentials: { clientId: 'demo-client', clientSecret: 'demo-client-secret', users: 'anna:demo-password' },
    },
    'google-smarthome-in': { credentials: { pin: '1234' } },
  };
  return nodes.map((node) => ({ ...node, ...own[node.type] }));
}

/** Where the nodes of the tab are, without the comment that says what to do first. */
async function flowClip(editor) {
  await editor.page.waitForTimeout(500);
  const box = await editor.evaluate(`(() => {
    const nodes = [...document.querySelectorAll('.red-ui-flow-node-group, .red-ui-flow-link-line')]
      .filter((node) => RED.nodes.node(node.id)?.type !== 'comment')
      .map((node) => node.getBoundingClientRect());
    const edge = (pick, side) => pick(...nodes.map((each) => each[side]));
    const canvas = document.getElementById('red-ui-workspace-chart').getBoundingClientRect();
    const left = Math.max(edge(Math.min, 'left') - ${MARGIN}, canvas.left + 2);
    const top = edge(Math.min, 'top') - ${MARGIN};
    return { left, top, right: edge(Math.max, 'right') + ${MARGIN}, bottom: edge(Math.max, 'bottom') + ${MARGIN} };
  })()`);
  return { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
}
