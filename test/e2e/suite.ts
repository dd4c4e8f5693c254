/**
 * What must hold in the editor of any Node-RED that the package supports. `node-red-4.test.ts` and `node-red-5.test.ts` run
 * it, each with its own Node.js, one browser and one Node-RED. Nothing in it names a node type: it grows with the package.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../simulators/gateway/server';
import { Editor, openBrowser, type EditorOptions } from '../support/browser';
import { Dialog, type Field } from '../support/dialog';
import { NodeRed, type FlowNode, type NodeRedOptions } from '../support/node-red';
import { filesBelow, installed, manifest, PACKAGE, removeTemporary, repository } from '../support/tarball';
import { Started } from '../support/started';

export interface SuiteOptions {
  /** Which Node-RED and which Node.js. */
  where: () => Promise<Pick<NodeRedOptions, 'node' | 'nodeRed'>>;
  /** How the editor is looked at. */
  look: EditorOptions;
  /** Languages in which every dialog is read, besides the one of `look`. */
  languages: readonly string[];
}

/** Core nodes whose dialogs are the measure for ours, a configuration node among them. */
const MEASURE: FlowNode[] = [
  { id: 'core-config', type: 'mqtt-broker', name: '', broker: 'localhost', port: '1883' },
  { id: 'core-request', type: 'http request', z: 'tab', x: 300, y: 40, wires: [[]] },
  { id: 'core-inject', type: 'inject', z: 'tab', x: 600, y: 40, props: [{ p: 'payload' }], wires: [[]] },
  { id: 'core-mqtt', type: 'mqtt in', z: 'tab', x: 900, y: 40, broker: 'core-config', topic: 'x', wires: [[]] },
];

/** Half a screen, as people have it who read a guide beside the editor. */
const SMALL = { width: 1000, height: 700 };

/** Made up; of use for the simulated locks of these tests only. */
const SHARES = { front: 'demo-share-code-1', gate: 'demo-share-code-2' };

interface Described {
  type: string;
  category: string;
  defaults: Record<string, { value?: unknown; type?: string }>;
}

export function editorSuite(title: string, options: SuiteOptions): void {
  describe(title, function () {
    this.timeout(240_000);
    let gateway: RunningGateway;
    let nodeRed: NodeRed;
    let browser: Browser;
    let editor: Editor;
    let described: Described[];
    const started = new Started();

    before(async () => {
      const locks = [
        { identifier: '4711', code: SHARES.front },
        { identifier: '4712', code: SHARES.gate },
      ];
      gateway = await started.with(
        serve(new SimulatedGateway({ locks, times: { latencyMs: 20, bleMs: 100, travelMs: 400 } })),
        (each) => each.close(),
      );
      nodeRed = await started.with(
        NodeRed.start({
          ...(await options.where()),
          userDir: await installed(),
          env: {
            THE_KEYS_HOST: gateway.host,
            THE_KEYS_LOCK: '4711',
            THE_KEYS_CODE: SHARES.front,
            THE_KEYS_HOST_2: gateway.host,
            THE_KEYS_LOCK_2: '4712',
            THE_KEYS_CODE_2: SHARES.gate,
          },
        }),
        (each) => each.stop(),
      );
      browser = await started.with(openBrowser(), (each) => each.close());
      editor = await Editor.open(browser, nodeRed.url, options.look);
      described = await editor.evaluate<Described[]>(`
        ${JSON.stringify(Object.keys((await manifest())['node-red'].nodes))}.map((type) => {
          const { category, defaults } = RED.nodes.getType(type);
          return { type, category, defaults: JSON.parse(JSON.stringify(defaults)) };
        })`);
    });
    after(async () => {
      await started.end();
      await removeTemporary();
    });
    afterEach(() => {
      const errors = editor.errors.splice(0);
      assert.deepEqual(errors, [], 'errors on the page');
    });

    const reopen = async (language = options.look.language): Promise<void> => {
      await editor.close();
      editor = await Editor.open(browser, nodeRed.url, {
        ...options.look,
        ...(language === undefined ? {} : { language }),
      });
    };

    it('has every node in one category of the palette, with a name that reads well', async () => {
      const palette = await editor.evaluate<{ type: string; label: string; category: string }[]>(`
        [...document.querySelectorAll('.red-ui-palette-node')].map((element) => ({
          type: element.dataset.paletteType,
          label: element.textContent.trim(),
          category: element.closest('.red-ui-palette-category').textContent.trim().split('\\n')[0].trim(),
        }))`);
      const ordinary = described.filter((node) => node.category !== 'config');
      assert.ok(ordinary.length > 0);
      const shown = ordinary.map(({ type }) => palette.find((entry) => entry.type === type));
      for (const [index, entry] of shown.entries()) {
        assert.ok(entry !== undefined, `${ordinary[index]!.type} is in the palette`);
        assertReadable([entry.label, entry.category], await keys());
      }
      assert.equal(new Set(ordinary.map((node) => node.category)).size, 1, 'one category');
    });

    it('opens the simulated lock at the press of a button in the demo, and the badge shows it', async () => {
      const flow = await demo();
      await nodeRed.deploy(flow);
      await reopen();
      const open = flow.find((node) => node.type === 'lock-action' && node.action === 'open')!;
      const button = flow.find((node) => ((node.wires ?? []) as string[][]).flat().includes(open.id))!;
      await editor.page.locator(`[id="${button.id}"] .red-ui-flow-node-button`).click();
      await nodeRed.badge(open.id, (badge) => badge.fill === 'green');
      await editor.page.waitForFunction(
        `/open/i.test(document.querySelector('[id="${open.id}"] .red-ui-flow-node-status-label')?.textContent ?? '')`,
      );
      assert.ok((await editor.badge(open.id)).length < 20);
      await screenshot(editor, title, 'demo');
    });

    describe('every dialog', () => {
      let baseline: Map<string, number>;

      before(async () => {
        await nodeRed.deploy([...specimens(described), ...MEASURE]);
        await reopen();
        baseline = new Map();
        for (const { id } of MEASURE) {
          const dialog = await Dialog.open(editor, id);
          for (const [rule, found] of await dialog.accessibility()) {
            baseline.set(rule, Math.max(baseline.get(rule) ?? 0, found.length));
          }
          await dialog.cancel();
        }
      });

      it('opens in a small window too, reads well, and is as accessible as those of the core nodes', async () => {
        await editor.page.setViewportSize(SMALL);
        for (const { type } of described) {
          const dialog = await Dialog.open(editor, specimenId(type));
          assertReadable(await dialog.words(), await keys());
          assert.deepEqual(await dialog.cutOff(), [], `${type} fits`);
          await screenshot(editor, title, type);
          for (const [rule, found] of await dialog.accessibility()) {
            const allowed = baseline.get(rule) ?? 0;
            assert.ok(found.length <= allowed, `${type} breaks "${rule}" ${found.length} times:\n${found.join('\n')}`);
          }
          await dialog.cancel();
        }
      });

      it('keeps what was filled in', async () => {
        for (const { type } of described) {
          const dialog = await Dialog.open(editor, specimenId(type));
          const filled = await dialog.fill();
          assert.ok(filled.length > 0, `${type} has fields`);
          await dialog.save();
          const again = await Dialog.open(editor, specimenId(type));
          assert.deepEqual(byId(await again.fields()), byId(filled), `${type} keeps what was filled in`);
          await again.cancel();
        }
      });

      for (const language of options.languages) {
        it(`reads well in ${language}`, async () => {
          await reopen(language);
          await editor.page.setViewportSize(SMALL);
          for (const { type } of described) {
            const dialog = await Dialog.open(editor, specimenId(type));
            assertReadable(await dialog.words(), await keys());
            assert.deepEqual(await dialog.cutOff(), [], `${type} fits`);
            await screenshot(editor, title, `${type}-${language}`);
            await dialog.cancel();
          }
          await reopen();
        });
      }

      it('changes nothing when it is opened and saved, also where settings are variables', async () => {
        const own = new Set(described.map((node) => node.type));
        const settingsOf = (type: string): Promise<string> =>
          editor.evaluate(`((node) => JSON.stringify(
            Object.fromEntries(Object.keys(node._def.defaults).map((key) => [key, node[key]])),
          ))(RED.nodes.node('${specimenId(type)}'))`);
        const withVariables = specimens(described).map((node) => {
          const defaults = described.find(({ type }) => type === node.type)?.defaults ?? {};
          const plain = Object.keys(defaults).filter((key) => !own.has(defaults[key]?.type ?? ''));
          return { ...node, ...Object.fromEntries(plain.map((key) => [key, '${THE_KEYS_LOCK}'])) };
        });
        for (const flow of [specimens(described), withVariables]) {
          await nodeRed.deploy(flow);
          await reopen();
          await editor.page.setViewportSize(SMALL);
          for (const { type } of described) {
            const before = await settingsOf(type);
            const dialog = await Dialog.open(editor, specimenId(type));
            assertReadable(await dialog.words(), await keys());
            assert.deepEqual(await dialog.cutOff(), [], `${type} fits`);
            await dialog.save();
            assert.equal(await settingsOf(type), before, type);
          }
        }
      });
    });

    it('imports and deploys every example', async () => {
      await nodeRed.deploy([{ id: 'empty', type: 'tab', label: 'Empty' }]);
      await reopen();
      const examples = (await filesBelow(path.join(repository, 'examples'))).filter((file) => !file.includes('/'));
      assert.ok(examples.length > 0);
      for (const file of examples) {
        const text = await readFile(path.join(repository, 'examples', file), 'utf8');
        await editor.evaluate(`RED.view.importNodes(${text}, { generateIds: true })`);
      }
      await deployByHand(editor);
      const flows = await nodeRed.json<FlowNode[]>('/flows');
      for (const { type } of described)
        assert.ok(
          flows.some((node) => node.type === type),
          `${type} was imported`,
        );
      assert.doesNotMatch(nodeRed.log, /missing types/);
      const badges = await editor.page.locator('.red-ui-flow-node-status-label').allTextContents();
      assertReadable(
        badges.map((badge) => badge.trim()).filter((badge) => badge !== ''),
        await keys(),
      );
      assert.ok(nodeRed.alive);
    });

    it('opens its admin routes to those who may, and to nobody else', async () => {
      const list = path.join(repository, 'test', 'support', 'route-list');
      const where = await options.where();
      const reader = { username: 'reader', password: ADMIN.passwordHash, permissions: 'read' };
      const admin = { username: ADMIN.username, password: ADMIN.passwordHash, permissions: '*' };
      const routes = async (packages: Record<string, string>, userDir?: string): Promise<NodeRed> =>
        NodeRed.start({
          ...where,
          ...(userDir === undefined ? {} : { userDir }),
          packages: { ...packages, 'node-red-contrib-route-list': list },
          admin: ADMIN,
          settings: { adminAuth: { type: 'credentials', users: [admin, reader] } },
        });
      const bare = await routes({});
      const core = new Set((await bare.json<Route[]>('/route-list')).map(nameOf));
      await bare.stop();
      const full = await routes({}, await installed());
      try {
        const ours = (await full.json<Route[]>('/route-list')).filter((route) => !core.has(nameOf(route)));
        assert.ok(ours.length > 0, 'the package has admin routes');
        const login = async (username: string, scope: string): Promise<Record<string, string>> => {
          const body = {
            client_id: 'node-red-admin',
            grant_type: 'password',
            scope,
            username,
            password: ADMIN.password,
          };
          const headers = { 'Content-Type': 'application/json' };
          const answer = await fetch(`${full.url}/auth/token`, { method: 'POST', headers, body: JSON.stringify(body) });
          const { access_token: token } = (await answer.json()) as { access_token: string };
          return { ...headers, Authorization: `Bearer ${token}` };
        };
        const forged = { 'Content-Type': 'application/json', Authorization: 'Bearer of-nobody' };
        const readers = await login('reader', 'read');
        const admins = await login(ADMIN.username, '*');
        const letIn = async ({ method, path: pathname }: Route, headers: Record<string, string>): Promise<boolean> => {
          const body = method === 'GET' ? {} : { body: '{}' };
          const answer = await fetch(full.url + pathname.replace(/:\w+[?*]?/g, 'x'), { method, headers, ...body });
          await answer.text();
          assert.ok(answer.status < 500, `${method} ${pathname}: ${answer.status}`);
          return answer.status !== 401;
        };
        for (const route of ours) {
          const told = [{}, forged, readers, admins].map((headers) => letIn(route, headers));
          // What reads is for readers, and what asks gateways or clouds in somebody's name for those who may change flows.
          assert.deepEqual(await Promise.all(told), [false, false, route.method === 'GET', true], nameOf(route));
        }
      } finally {
        await full.stop();
      }
    });
  });
}

interface Route {
  method: string;
  path: string;
}
const nameOf = ({ method, path: pathname }: Route): string => `${method} ${pathname}`;

/** bcrypt of the made-up password beside it. */
const ADMIN = {
  username: 'admin',
  password: 'demo-password-1',
  passwordHash: '$2b$04$nAeUfXV/1SDgYpYs/wOm4ulxDa1vAm1S3Tyux/MKZovi4Z65.Q/J6',
};

const specimenId = (type: string): string => `specimen-${type}`;

/** A node of each type with its defaults, configuration nodes wired in. */
function specimens(described: readonly Described[]): FlowNode[] {
  const own = new Set(described.map((node) => node.type));
  return [
    { id: 'tab', type: 'tab', label: 'Every node' },
    ...described.map(({ type, category, defaults }, index): FlowNode => {
      const values = Object.entries(defaults).map(([key, { value, type: other }]): [string, unknown] => [
        key,
        other !== undefined && own.has(other) ? specimenId(other) : (value ?? ''),
      ]);
      const place = category === 'config' ? {} : { z: 'tab', x: 300, y: 120 + 60 * index, wires: [[]] };
      return { ...Object.fromEntries(values), id: specimenId(type), type, ...place };
    }),
  ];
}

/** The demo's first tab, and what it needs. */
async function demo(): Promise<FlowNode[]> {
  const read = async <T>(file: string): Promise<T> =>
    JSON.parse(await readFile(path.join(repository, 'demo', file), 'utf8')) as T;
  const credentials = await read<Record<string, Record<string, string>>>('credentials.json');
  const flows = await read<FlowNode[]>('flows.json');
  const first = flows.find((node) => node.type === 'tab')!.id;
  const wanted = flows.filter((node) => node.id === first || node.z === first || node.type === 'gateway-config');
  return wanted.map((node) =>
    credentials[node.id] === undefined ? node : { ...node, credentials: credentials[node.id] },
  );
}

/** Presses Deploy, and agrees where Node-RED asks whether half-configured nodes are meant. */
async function deployByHand(editor: Editor): Promise<void> {
  await editor.page.locator('#red-ui-header-button-deploy').click();
  const confirm = editor.page.locator('.red-ui-notification button.primary');
  await editor.page.waitForFunction(
    `!RED.nodes.dirty() || document.querySelector('.red-ui-notification button.primary') !== null`,
  );
  if (await confirm.first().isVisible()) await confirm.first().click();
  await editor.page.waitForFunction('!RED.nodes.dirty()');
}

let allKeys: Promise<Set<string>> | undefined;

/** Every label key of the package. What people read must never be one of them. */
function keys(): Promise<Set<string>> {
  allKeys ??= (async () => {
    const folder = path.join(repository, 'nodes', 'locales', 'en-US');
    const found = new Set<string>();
    const walk = (tree: unknown, prefix: string): void => {
      if (typeof tree !== 'object' || tree === null) {
        if (prefix.includes('.')) found.add(prefix);
        return;
      }
      for (const [name, branch] of Object.entries(tree)) walk(branch, prefix === '' ? name : `${prefix}.${name}`);
    };
    for (const file of (await filesBelow(folder)).filter((name) => name.endsWith('.json'))) {
      walk(JSON.parse(await readFile(path.join(folder, file), 'utf8')), '');
    }
    return found;
  })();
  return allKeys;
}

function assertReadable(words: readonly string[], keySet: Set<string>): void {
  for (const word of words) {
    assert.ok(!keySet.has(word) && !word.includes(`${PACKAGE}/`), `a key instead of words: "${word}"`);
    assert.doesNotMatch(word, /__\w+__|\[object Object\]|undefined/, 'a value is missing');
  }
}

const byId = (fields: readonly Field[]): Record<string, Field['value']> =>
  Object.fromEntries(fields.map(({ id, value }) => [id, value]));

/** For people: `E2E_SCREENSHOTS` names a folder for pictures of everything that was looked at. */
async function screenshot(editor: Editor, title: string, name: string): Promise<void> {
  const folder = process.env.E2E_SCREENSHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await editor.page.screenshot({ path: path.join(folder, `${title.replace(/\W+/g, '-')}-${name}.png`) });
}
