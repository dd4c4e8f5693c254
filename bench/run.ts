/**
 * Runs the benchmarks and prints one table: `npm run bench`, or `npm run bench -- lock-action startup` for some of them.
 * Exit code 1 when a goal was missed that is within reach. `--json FILE` keeps the rows as data.
 */
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { run as google } from './google';
import { run as lockAction } from './lock-action';
import { run as matter } from './matter';
import { run as peers } from './peers';
import { run as polling } from './polling';
import { run as sber } from './sber';
import { run as size } from './size';
import { run as startup } from './startup';
import { keeps, tableOf, type Row } from './table';

/** Only when asked for: it installs other packages. */
const EXTRA = ['peers'];
const BENCHES: Record<string, () => Promise<Row[]>> = {
  'lock-action': lockAction,
  google,
  sber,
  polling,
  matter,
  startup,
  size,
  peers,
};

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const json = words.includes('--json') ? words.splice(words.indexOf('--json'), 2)[1] : undefined;
  const unknown = words.filter((word) => !(word in BENCHES));
  if (unknown.length > 0) {
    console.error(`no such benchmark: ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const { model = 'unknown processor' } = os.cpus()[0] ?? {};
  console.log(`${os.cpus().length} x ${model}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node.js ${process.version}`);
  const rows: Row[] = [];
  for (const [name, run] of Object.entries(BENCHES)) {
    if (words.length > 0 ? !words.includes(name) : EXTRA.includes(name)) continue;
    const began = performance.now();
    process.stderr.write(`${name} ... `);
    rows.push(...(await run()));
    process.stderr.write(`${Math.round((performance.now() - began) / 1000)} s\n`);
  }
  console.log(tableOf(rows));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(rows, null, 2)}\n`);
  if (rows.some((row) => keeps(row) === false && row.goal?.outOfReach !== true)) process.exitCode = 1;
}

void main();
