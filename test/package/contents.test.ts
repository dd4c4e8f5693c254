/** What the published tarball holds: all that users need, and nothing else. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  filesBelow,
  installed,
  manifest,
  npm,
  PACKAGE,
  removeTemporary,
  repository,
  tarball,
  bytesBelow,
} from '../support/tarball';

const MEGABYTE = 1024 * 1024;

describe('the packed package', function () {
  this.timeout(180_000);
  let folder: string;
  let files: string[];

  before(async () => {
    const userDir = await installed();
    folder = path.join(userDir, 'node_modules', PACKAGE);
    files = await filesBelow(folder);
  });
  after(removeTemporary);

  it('holds exactly what the sources say', async () => {
    const compiled = async (part: string): Promise<string[]> =>
      (await filesBelow(path.join(repository, part)))
        .filter((file) => file.endsWith('.ts'))
        .map((file) => `dist/${part}/${file.replace(/\.ts$/, '.js')}`);
    const copied = async (part: string, to: string, keep: (file: string) => boolean): Promise<string[]> =>
      (await filesBelow(path.join(repository, part))).filter(keep).map((file) => `${to}/${file}`);
    const expected = [
      ...['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'],
      ...(await compiled('src')).filter((file) => !file.startsWith('dist/src/matter/worker/')),
      // That folder and matter.js are one file.
      ...['worker.cjs', 'packages.json', 'LICENSES.txt'].map((file) => `dist/matter/${file}`),
      ...(await compiled('nodes')),
      // Of the simulators the gateway's alone, for `the-keys simulate`.
      ...(await compiled('simulators/gateway')),
      'dist/simulators/latest.js',
      'dist/simulators/random.js',
      ...(await copied('nodes', 'dist/nodes', (file) => !file.endsWith('.ts') && !file.includes('/parts/'))),
      ...(await copied('icons', 'dist/nodes/icons', () => true)),
      ...(await copied('examples', 'examples', () => true)),
      ...(await copied('resources', 'resources', () => true)),
    ];
    assert.deepEqual(files, expected.sort());
  });

  it('holds the halves of every node, its labels and its help in each language', async () => {
    const { 'node-red': nodeRed } = await manifest();
    const types = Object.entries(nodeRed.nodes);
    assert.ok(types.length > 0, 'the package has nodes');
    for (const [type, file] of types) {
      assert.equal(file, `dist/nodes/${type}.js`);
      for (const language of ['en-US', 'fr', 'ru', 'pl']) {
        for (const kind of ['json', 'html']) {
          assert.ok(files.includes(`dist/nodes/locales/${language}/${type}.${kind}`), `${language}/${type}.${kind}`);
        }
      }
      assert.ok(files.includes(`dist/nodes/${type}.html`), `${type}.html`);
    }
  });

  it('holds no key, no address of this machine and no registry', async () => {
    const suspicious = [
      /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{40}/,
      /"private_key"\s*:\s*"-----BEGIN/,
      /\/(home|root|work)\/[a-z]+\//,
      /registry\.npmjs|_authToken/,
    ];
    for (const file of files) {
      const text = await readFile(path.join(folder, file), 'utf8');
      for (const pattern of suspicious) assert.doesNotMatch(text, pattern, file);
      assert.ok(!text.includes(repository), `${file} names this folder`);
    }
  });

  it('is small: under 10 MB installed with everything it needs, of at most six dependencies', async () => {
    const bytes = await bytesBelow(path.dirname(folder));
    assert.ok(bytes < 10 * MEGABYTE, `${(bytes / MEGABYTE).toFixed(1)} MB`);
    assert.ok(Object.keys((await manifest()).dependencies).length <= 6);
  });

  it('satisfies publint', async () => {
    const { publint } = await import('publint');
    const { messages } = await publint({ pkgDir: folder, strict: true, pack: false });
    assert.deepEqual(messages, []);
  });

  it('packs the same files wherever it is packed', async () => {
    const listed = JSON.parse(await npm(repository, 'pack', '--dry-run', '--ignore-scripts', '--json')) as
      { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>;
    const [pack] = Object.values(listed);
    assert.deepEqual(pack?.files.map((file) => file.path).sort(), files);
    assert.match(await tarball(), /\.tgz$/);
  });
});
