/** The tarball in a real Node-RED 4.1: every node is there, with icon, labels and help in each language; every example runs. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { NodeRed, type FlowNode } from '../support/node-red';
import { filesBelow, installed, manifest, PACKAGE, removeTemporary, repository } from '../support/tarball';

interface NodeSet {
  module: string;
  types: string[];
  enabled: boolean;
  err?: string;
}

/** A folder of the import menu: folders are names, files objects. */
type Menu = (string | { fn: string })[];

/** Types of other packages stand only in a folder of that package's name. */
const FOREIGN = { 'Dashboard 2/': /^ui-/, 'Telegram/': /^telegram / };
const LANGUAGES = ['en-US', 'fr', 'ru', 'pl'];

describe('installed in Node-RED', function () {
  this.timeout(240_000);
  let nodeRed: NodeRed | undefined;
  const running = (): NodeRed => nodeRed!;
  let types: string[];

  before(async () => {
    const userDir = await installed('@flowfuse/node-red-dashboard', 'node-red-contrib-telegrambot');
    nodeRed = await NodeRed.start({ userDir });
    types = Object.keys((await manifest())['node-red'].nodes).sort();
  });
  after(async () => {
    await nodeRed?.stop();
    await removeTemporary();
  });

  it('has every node, and each works', async () => {
    const sets = (await running().json<NodeSet[]>('/nodes')).filter((set) => set.module === PACKAGE);
    assert.deepEqual(sets.flatMap((set) => set.types).sort(), types);
    for (const set of sets) {
      assert.ok(set.enabled, set.types.join());
      assert.equal(set.err, undefined);
    }
  });

  it('serves its icons and what its dialogs load', async () => {
    const icons = await filesBelow(path.join(repository, 'icons'));
    assert.ok(icons.length > 0);
    for (const icon of icons) {
      const answer = await running().request(`/icons/${PACKAGE}/${icon}`);
      assert.equal(answer.status, 200, icon);
      assert.match(answer.headers.get('content-type') ?? '', /svg/, icon);
    }
    for (const file of await filesBelow(path.join(repository, 'resources'))) {
      assert.equal((await running().request(`/resources/${PACKAGE}/${file}`)).status, 200, file);
    }
    const { [PACKAGE]: listed = [] } = await running().json<Record<string, string[]>>('/icons');
    for (const type of types) {
      const html = await readFile(path.join(repository, 'dist', 'nodes', `${type}.html`), 'utf8');
      const icon = /registerType\([^]*?icon: *["']([^"']+)["']/.exec(html)?.[1];
      if (/category: *["']config["']/.test(html)) continue;
      assert.ok(icon !== undefined && listed.includes(icon), `${type} has an icon of this package, not ${icon}`);
    }
  });

  for (const language of LANGUAGES) {
    it(`speaks ${language}`, async () => {
      const headers = { Accept: 'text/html', 'Accept-Language': language };
      const page = await (await running().request('/nodes', { headers })).text();
      const catalogue = await running().json<Record<string, unknown>>(`/nodes/messages?lng=${language}`);
      for (const type of types) {
        const help = new RegExp(`data-help-name="${type}"[^>]*>([^]*?)</script>`).exec(page)?.[1] ?? '';
        const own = await readFile(path.join(repository, 'dist', 'nodes', 'locales', language, `${type}.html`), 'utf8');
        const expected = /<script[^>]*>([^]*?)<\/script>/.exec(own)?.[1] ?? own;
        assert.equal(help.trim(), expected.trim(), `help of ${type} in ${language}`);
        const labels = path.join(repository, 'nodes', 'locales', language, `${type}.json`);
        const served = catalogue[`${PACKAGE}/${type}`];
        assert.deepEqual(served, JSON.parse(await readFile(labels, 'utf8')), `labels of ${type} in ${language}`);
      }
    });
  }

  it('offers every example of the import menu, and each can be deployed', async () => {
    const names = (await menu(running())).sort();
    const files = await filesBelow(path.join(repository, 'examples'));
    assert.deepEqual(names, files.map((file) => file.replace(/\.json$/, '')).sort());
    const known = new Set((await running().json<NodeSet[]>('/nodes')).flatMap((set) => set.types));
    for (const name of names) {
      const where = name.split('/').map(encodeURIComponent).join('/');
      const answer = await running().request(`/library/examples/flows/${PACKAGE}/${where}`);
      assert.equal(answer.status, 200, name);
      const flow = (await answer.json()) as FlowNode[];
      checkExample(name, flow, known, types);
      await running().deploy(flow);
      assert.ok(running().alive, name);
    }
    assert.doesNotMatch(running().log, /missing types|Uncaught|TypeError/);
    const used = new Set(await exampleTypes(files));
    for (const type of types) assert.ok(used.has(type), `some example uses ${type}`);
  });
});

/** A newcomer imports one file and nothing else: it must explain itself, stand alone, and bring no secret. */
function checkExample(name: string, flow: FlowNode[], known: Set<string>, own: string[]): void {
  const ids = new Set(flow.map((node) => node.id));
  assert.equal(ids.size, flow.length, `${name}: an id occurs twice`);
  assert.ok(
    flow.some((node) => node.type === 'comment'),
    `${name} has a comment`,
  );
  for (const node of flow) {
    const type = node.type;
    const builtIn = type === 'tab' || type === 'group' || type.startsWith('subflow');
    assert.ok(builtIn || known.has(type), `${name}: unknown type ${type}`);
    const [folder] = Object.entries(FOREIGN).find(([, types]) => types.test(type)) ?? ['', undefined];
    assert.ok(builtIn || name.startsWith(folder), `${name}: foreign type ${type}`);
    assert.equal(node.credentials, undefined, `${name}: ${type} brings credentials`);
    for (const target of ((node.wires ?? []) as string[][]).flat()) {
      assert.ok(ids.has(target), `${name}: a wire of ${type} leads nowhere`);
    }
    for (const reference of [node.z, node.g, own.includes(type) ? (node.gateway ?? node.account) : undefined]) {
      if (typeof reference === 'string' && reference !== '') {
        assert.ok(ids.has(reference), `${name}: ${type} refers to ${reference}, which is missing`);
      }
    }
  }
}

async function exampleTypes(files: string[]): Promise<string[]> {
  const flows = await Promise.all(
    files.map(
      async (file) => JSON.parse(await readFile(path.join(repository, 'examples', file), 'utf8')) as FlowNode[],
    ),
  );
  return flows.flat().map((node) => node.type);
}

async function menu(nodeRed: NodeRed, folder = ''): Promise<string[]> {
  const where = [
    '',
    PACKAGE,
    ...folder
      .split('/')
      .filter((part) => part !== '')
      .map(encodeURIComponent),
  ].join('/');
  const entries = await nodeRed.json<Menu>(`/library/examples/flows${where}/`);
  const names = entries.map((entry) =>
    typeof entry === 'string' ? menu(nodeRed, `${folder}${entry}/`) : Promise.resolve([folder + entry.fn]),
  );
  return (await Promise.all(names)).flat();
}
