// Bundles matter.js with our worker into one file: as an ordinary dependency it would bring 27,000 files and 140 MB to
// everybody, for the few who have a bridge. Beside it: which packages are in it, in which version, and their licences.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

/** The package's folder of a file of one. */
const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

/** Writes `worker.cjs`, `packages.json` and `LICENSES.txt` into `folder`. */
export async function buildWorker(root: string, folder: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: [path.join(root, 'src', 'matter', 'worker', 'main.ts')],
    outfile: path.join(folder, 'worker.cjs'),
    absWorkingDir: root,
    bundle: true,
    minify: true,
    // matter.js looks at names of functions: without them it finds no format for its log, and ends.
    keepNames: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    legalComments: 'none',
    // matter.js would load it where it runs in Bun.
    external: ['bun:sqlite'],
    preserveSymlinks: true,
    logLevel: 'error',
    metafile: true,
  });
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  const folders = [...new Set(used.flatMap(([file]) => PACKAGE.exec(file)?.[0] ?? []))];
  const packages = await Promise.all(folders.map((each) => describe(path.resolve(root, each))));
  packages.sort((left, right) => (left.name < right.name ? -1 : 1));
  await mkdir(folder, { recursive: true });
  const versions = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
  await writeFile(path.join(folder, 'packages.json'), `${JSON.stringify(versions, null, 2)}\n`);
  await writeFile(path.join(folder, 'LICENSES.txt'), licences(packages));
}

interface Bundled {
  name: string;
  version: string;
  license: string;
  /** Of its licence, and of its notice where it has one. */
  text: string;
}

async function describe(folder: string): Promise<Bundled> {
  const manifest = await readFile(path.join(folder, 'package.json'), 'utf8');
  const { name, version, license } = JSON.parse(manifest) as Omit<Bundled, 'text'>;
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
  if (files.length === 0) throw new Error(`${name} comes without its licence`);
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  return { name, version, license, text: texts.map((text) => text.trim()).join('\n\n') };
}

/** Each text once, below the packages that come under it. */
function licences(packages: readonly Bundled[]): string {
  const parts = [...new Set(packages.map(({ text }) => text))].map((text) => {
    const those = packages.filter((each) => each.text === text);
    const heads = those.map(({ name, version, license }) => `${name} ${version} (${license})`);
    return `${heads.join('\n')}\n\n${text}\n`;
  });
  return `worker.cjs contains:\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
