/**
 * Node-RED 5 and the Node.js 22 that it needs, both from npm, whatever Node.js runs the tests. Installed once into a folder
 * below the system's temporary one and used again from there.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { npm } from './tarball';

const WANTED = ['node@22', 'node-red@5'];

export interface OtherNodeRed {
  node: string;
  nodeRed: string;
}

export async function nodeRed5(): Promise<OtherNodeRed> {
  const kept = path.join(os.tmpdir(), `the-keys-cache-${WANTED.join('-')}`);
  const modules = path.join(kept, 'node_modules');
  if (!existsSync(modules)) {
    // Made beside and renamed, so that an installation that was interrupted is never taken for a whole one.
    await mkdir(os.tmpdir(), { recursive: true });
    const fresh = await mkdtemp(`${kept}-`);
    await writeFile(path.join(fresh, 'package.json'), '{"name":"node-red-5","private":true}');
    await npm(fresh, 'install', ...WANTED, '--prefer-offline', '--engine-strict=false');
    await rename(fresh, kept).catch(() => rm(fresh, { recursive: true, force: true }));
  }
  return { node: path.join(modules, 'node', 'bin', 'node'), nodeRed: path.join(modules, 'node-red') };
}
