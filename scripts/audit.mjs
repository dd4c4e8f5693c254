/**
 * Asks the npm registry for known weaknesses of what this package brings: its dependencies, and what is bundled into it, which
 * `npm audit` of an installation cannot see. Ends with 1 where one is high or critical. A registry that answers no audits is
 * named and passes: that is a fact about the registry.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Bundled at build time, so that they are development dependencies. */
const BUNDLED = ['@matter/main', 'qrcode-generator'];

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const names = [...Object.keys(dependencies), ...BUNDLED];
const exact = Object.fromEntries(names.map((name) => [name, packages[`node_modules/${name}`].version]));

const folder = mkdtempSync(path.join(os.tmpdir(), 'the-keys-audit-'));
try {
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: exact }));
  execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit'], { cwd: folder });
  const audit = spawnSync('npm', ['audit', '--audit-level=high'], { cwd: folder, encoding: 'utf8' });
  const versions = names.map((name) => `${name} ${exact[name]}`).join(', ');
  if (audit.status === 0) console.log(`${versions}: ${audit.stdout.trim()}`);
  else if (/audit endpoint returned an error/.test(audit.stderr))
    console.log(`${versions}: this registry answers no audits`);
  else {
    console.log(`${audit.stdout}${audit.stderr}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
