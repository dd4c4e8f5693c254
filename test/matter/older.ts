/**
 * matter.js of an older generation, from npm, for a home whose hub is not of our age. Installed once into a folder below the
 * system's temporary one and used again from there.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { npm } from '../support/tarball';

const VERSION = '0.13.0';

/** The folder whose `node_modules` has it. */
export async function olderMatter(): Promise<string> {
  const kept = path.join(os.tmpdir(), `the-keys-cache-matter-${VERSION}`);
  if (existsSync(path.join(kept, 'node_modules'))) return kept;
  // Made beside and renamed, so that an installation that was interrupted is never taken for a whole one.
  const fresh = await mkdtemp(`${kept}-`);
  await writeFile(path.join(fresh, 'package.json'), '{"name":"older-matter","private":true}');
  const packages = [`@matter/main@${VERSION}`, `@project-chip/matter.js@${VERSION}`];
  await npm(fresh, 'install', ...packages, '--prefer-offline', '--engine-strict=false');
  await rename(fresh, kept).catch(() => rm(fresh, { recursive: true, force: true }));
  return kept;
}
