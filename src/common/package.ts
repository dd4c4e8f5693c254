/** The package in which this file lies, built or not. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseJson } from './json';

export function packageFolder(): string {
  let folder = __dirname;
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}

export function packageVersion(): string {
  const manifest = readFileSync(path.join(packageFolder(), 'package.json'), 'utf8');
  return String((parseJson(manifest) as { version?: unknown }).version);
}
