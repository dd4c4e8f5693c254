// Builds dist/: TypeScript through tsc, then everything that Node-RED reads beside the node files.
import { execFileSync } from 'node:child_process';
import { chmod, cp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, 'dist');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

await rm(dist, { recursive: true, force: true });
execFileSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit' });
await cp(path.join(root, 'nodes'), path.join(dist, 'nodes'), {
  recursive: true,
  filter: (source) => !source.endsWith('.ts'),
});
await cp(path.join(root, 'icons'), path.join(dist, 'nodes', 'icons'), { recursive: true });
await chmod(path.join(dist, 'src', 'cli', 'the-keys.js'), 0o755).catch((error) => {
  if (error.code !== 'ENOENT') throw error;
});
