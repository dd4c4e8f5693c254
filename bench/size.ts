/** What an installation of the package puts on a disk: its own files, and its run-time dependencies with theirs. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Row } from './table';

interface LockFile {
  packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean; peer?: boolean }>;
}

export function run(): Promise<Row[]> {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [packed] = JSON.parse(output) as { size: number; unpackedSize: number; entryCount: number }[];
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as LockFile;
  const installed = Object.entries(packages)
    .filter(([folder, entry]) => folder !== '' && !entry.dev && !entry.devOptional && !entry.peer && !entry.optional)
    .map(([folder]) => folder);
  const own = packed?.unpackedSize ?? Number.NaN;
  const others = installed.reduce((sum, folder) => sum + bytesIn(folder), 0);
  return Promise.resolve([
    { name: 'the package: download', value: (packed?.size ?? Number.NaN) / 1e6, unit: 'MB' },
    { name: 'the package: on disk', value: own / 1e6, unit: 'MB' },
    { name: 'with what it needs: on disk', value: (own + others) / 1e6, unit: 'MB', goal: { atMost: 10 } },
    { name: 'with what it needs: packages', value: installed.length + 1, unit: '' },
  ]);
}

/** Without nested packages: those stand in the lock file by themselves. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    if (entry.name === 'node_modules') return sum;
    const file = path.join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(file) : statSync(file).size);
  }, 0);
}
