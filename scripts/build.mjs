// Builds dist/: TypeScript file by file through esbuild (`npm run types` is what checks it), the editor's pages (see pages.ts),
// then everything that Node-RED reads beside them.
import { chmod, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { stampOfBuild } from './build-if-changed.mjs';
import { buildWorker } from './matter.ts';
import { dialogPage, helpPage } from './pages.ts';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, 'dist');

const keepStamp = stampOfBuild();
await rm(dist, { recursive: true, force: true });
// Of the simulators only the gateway's ships, for `the-keys simulate`. The Matter worker becomes one file, with matter.js.
const sources = [
  // Each folder by its name: a pattern of esbuild has no star in its midst.
  ...(await readdir(path.join(root, 'src'))).map((folder) => `src/${folder}/*.ts`),
  'src/google/devices/*.ts',
  'nodes/**/*.ts',
  'simulators/gateway/*.ts',
  'simulators/latest.ts',
  'simulators/random.ts',
];
const { outputFiles } = await build({
  entryPoints: sources.map((pattern) => path.join(root, pattern)),
  outbase: root,
  outdir: dist,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  write: false,
});
for (const { path: file, text } of outputFiles) {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, lazily(text));
}
await buildWorker(root, path.join(dist, 'matter'));
const nodes = path.join(root, 'nodes');
for (const type of await pagesIn(nodes)) {
  await writeFile(path.join(dist, 'nodes', `${type}.html`), dialogPage(type));
}
for (const language of await readdir(path.join(nodes, 'locales'))) {
  const [from, to] = [path.join(nodes, 'locales', language), path.join(dist, 'nodes', 'locales', language)];
  await mkdir(to, { recursive: true });
  for (const type of await pagesIn(from)) await writeFile(path.join(to, `${type}.html`), helpPage(type, language));
  for (const file of (await readdir(from)).filter((name) => name.endsWith('.json'))) {
    await cp(path.join(from, file), path.join(to, file));
  }
}
await cp(path.join(root, 'icons'), path.join(dist, 'nodes', 'icons'), { recursive: true });
await chmod(path.join(dist, 'src', 'cli', 'the-keys.js'), 0o755).catch((error) => {
  if (error.code !== 'ENOENT') throw error;
});
keepStamp();

/**
 * Lets a module load those that it imports when it first uses them: Node-RED loads every node at its start, whether a flow
 * has one or not, and most of this package is needed only by those that are drawn.
 */
function lazily(text) {
  const imports = [...text.matchAll(/^var (import_\w+) = require\(("\.[^"]+")\);$/gm)];
  return imports.reduce(
    (code, [line, name, file]) =>
      code.replace(line, `var ${name};`).replace(new RegExp(`\\b${name}\\.`, 'g'), `(${name} ??= require(${file})).`),
    text,
  );
}

/** The node types that have a page in a folder. */
async function pagesIn(folder) {
  const files = await readdir(folder);
  return files.filter((file) => file.endsWith('.html')).map((file) => file.slice(0, -'.html'.length));
}
