// Runs the flow library's own scorecard (node-red-dev) on this folder and fails unless every line of it is green: the tool
// itself always exits with 0, and finds nothing to object to in nodes it could not parse. It is installed for this once: as a
// dependency it would bring four hundred packages, some of them long abandoned, to everybody who only wants to build.
import { execFileSync, execSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const TOOL = 'node-red-dev@0.1.6';
const [folder, tool] = ['scorecard-', 'scorecard-tool-'].map((name) => mkdtempSync(path.join(os.tmpdir(), name)));
process.on('exit', () => {
  for (const made of [folder, tool]) rmSync(made, { recursive: true, force: true });
});

const file = path.join(folder, 'score.json');
const registry = execSync('npm config get registry', {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
})
  .trim()
  .replace(/\/?$/, '/');
execFileSync('npm', ['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--prefix', tool, TOOL], {
  cwd: tool,
  stdio: ['ignore', 'ignore', 'inherit'],
  shell: process.platform === 'win32',
});
const output = await run();
const card = JSON.parse(readFileSync(file, 'utf8'));
// `package` only repeats name and version.
const lines = Object.entries(card).filter(([line]) => line !== 'package');
const problems = [];

for (const [line, result] of lines) {
  console.log(`${result.test ? 'ok  ' : 'FAIL'} ${line} ${JSON.stringify({ ...result, test: undefined })}`);
  if (!result.test) problems.push(`${line} is not green`);
}
for (const line of ['P01', 'P03', 'P04', 'P05', 'P06', 'P07', 'N01', 'N02', 'D01', 'D02', 'D03']) {
  if (card[line] === undefined) problems.push(`${line} was not checked`);
}
const expected = nodeTypes();
const found = [...(card.N02?.nodes ?? [])].sort();
if (expected.length === 0) problems.push('the package has no nodes');
if (expected.join() !== found.join()) {
  problems.push(`N02 looked at [${found.join(', ')}] and not at [${expected.join(', ')}]`);
}
if (/Unable to parse/.test(output)) problems.push('a node could not be parsed');

if (problems.length > 0) {
  console.error(`${output}\nThe scorecard is not green:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  process.exit(1);
}
console.log(`scorecard: all ${lines.length} lines green, ${found.length} nodes looked at`);

/** The types that the editor half of each node registers outside the configuration nodes. */
function nodeTypes() {
  return Object.keys(require('../package.json')['node-red'].nodes)
    .filter(
      (type) => !/category: *"config"/.test(readFileSync(path.join(root, 'dist', 'nodes', `${type}.html`), 'utf8')),
    )
    .sort();
}

function run() {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        '--require',
        path.join(root, 'scripts', 'scorecard-offline.cjs'),
        path.join(tool, 'node_modules', 'node-red-dev', 'bin', 'run'),
        ...['validate', '-p', root, '-o', file],
      ],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SCORECARD_REGISTRY: registry } },
    );
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', () => {
      if (readdirSync(folder).length === 0) reject(new Error(`node-red-dev made no scorecard:\n${text}`));
      else resolve(text);
    });
  });
}
