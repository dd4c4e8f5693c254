/**
 * The package as users get it: packed by npm, and installed by npm from that tarball into a folder of its own. One tarball
 * serves all tests of a run; `THE_KEYS_TARBALL` names one that was packed before.
 */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const repository = path.resolve(__dirname, '..', '..');
export const PACKAGE = 'node-red-contrib-thekeys-gateway';

export interface Manifest {
  version: string;
  dependencies: Record<string, string>;
  bin: Record<string, string>;
  'node-red': { version: string; nodes: Record<string, string> };
}

export async function manifest(): Promise<Manifest> {
  return JSON.parse(await readFile(path.join(repository, 'package.json'), 'utf8')) as Manifest;
}

/** npm with the user's own configuration, but without the variables of an npm that runs these tests. */
export async function npm(folder: string, ...args: string[]): Promise<string> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_(lifecycle|package)_|INIT_CWD|NODE_OPTIONS)/.test(name)),
  );
  const { stdout } = await run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env,
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
  return stdout;
}

const temporary: string[] = [];

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'the-keys-package-'));
  temporary.push(folder);
  return folder;
}

/** Removes every folder that was made here. */
export async function removeTemporary(): Promise<void> {
  await Promise.all(temporary.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
}

let packed: Promise<string> | undefined;

/** The tarball's path. `dist` must be built. */
export function tarball(): Promise<string> {
  packed ??= (async () => {
    const given = process.env.THE_KEYS_TARBALL;
    if (given !== undefined && given !== '') return path.resolve(given);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'the-keys-tarball-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    await npm(repository, 'pack', '--ignore-scripts', '--pack-destination', folder);
    const [name] = await readdir(folder);
    if (name === undefined) throw new Error('npm pack made no file');
    return path.join(folder, name);
  })();
  return packed;
}

/** A user directory of Node-RED with the package installed the way its users install it, and others beside it. */
export async function installed(...others: string[]): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'package.json'), '{"name":"user-directory","private":true}');
  await npm(folder, 'install', await tarball(), ...others, '--prefer-offline');
  return folder;
}

/** Every file below a folder, relative, with slashes, sorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

export async function bytesBelow(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await filesBelow(folder)).map(async (file) => (await stat(path.join(folder, file))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
