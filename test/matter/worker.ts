/** The worker as it ships, built once for all tests of a run. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { buildWorker } from '../../scripts/matter';
import { repository } from '../support/tarball';

let building: Promise<string> | undefined;

export function builtWorker(): Promise<string> {
  building ??= build();
  return building;
}

async function build(): Promise<string> {
  const folder = path.join(repository, '.tmp', 'matter');
  await mkdir(folder, { recursive: true });
  await buildWorker(repository, folder);
  return path.join(folder, 'worker.cjs');
}
