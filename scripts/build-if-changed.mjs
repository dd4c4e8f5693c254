// Builds dist/ unless it was made of exactly these sources. What it was made of is kept by each build as a digest in .tmp/,
// outside dist, because dist is what ships.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const SOURCES = [
  'src',
  'nodes',
  'editor',
  'simulators',
  'icons',
  'resources',
  'scripts/build.mjs',
  'scripts/matter.ts',
  'scripts/pages.ts',
  'package.json',
  'package-lock.json',
];
const stamp = path.join(root, '.tmp', 'built');

/** @param {(line: string) => void} say called before a build that takes a while */
export function buildIfChanged(say) {
  const isBuilt = existsSync(path.join(root, 'dist')) && existsSync(stamp);
  if (isBuilt && readFileSync(stamp, 'utf8') === digestOfSources()) return;
  say('Compiling, because something has changed: this takes a few seconds …');
  execFileSync(process.execPath, ['--import', 'tsx', path.join(root, 'scripts', 'build.mjs')], {
    stdio: 'inherit',
    env: { ...process.env, TSX_DISABLE_CACHE: '1' },
  });
}

/** Begins a build: until it has ended, dist is not made of anything. Call what is returned at its end. */
export function stampOfBuild() {
  const digest = digestOfSources();
  rmSync(stamp, { force: true });
  return () => {
    mkdirSync(path.dirname(stamp), { recursive: true });
    writeFileSync(stamp, digest);
  };
}

/** Of names, sizes and times: contents would take longer to read than they are worth. */
function digestOfSources() {
  const hash = createHash('sha256');
  const tsconfigs = readdirSync(root).filter((name) => /^tsconfig.*\.json$/.test(name));
  for (const source of [...SOURCES, ...tsconfigs]) {
    const from = path.join(root, source);
    if (!existsSync(from)) continue;
    const files = statSync(from).isDirectory()
      ? readdirSync(from, { recursive: true }).map((name) => path.join(from, String(name)))
      : [from];
    for (const file of files.sort()) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${path.relative(root, file)} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}
