/** What the package adds to an empty Node-RED when it starts: time, processor time and memory. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { NodeRed } from '../test/support/node-red';
import type { OtherNodeRed } from '../test/support/node-red-5';
import { median, type Row } from './table';

const ROUNDS = 11;
const OWN = { 'node-red-contrib-thekeys-gateway': process.cwd() };
/** Linux counts processor time in hundredths of a second (USER_HZ). */
const TICK_MS = 10;

interface Boot {
  ms: number;
  cpuMs: number;
  rssMb: number;
}

export async function run(): Promise<Row[]> {
  const boots: Record<'empty' | 'own', Boot[]> = { empty: [], own: [] };
  await bootOf({});
  for (let round = 0; round < ROUNDS; round += 1) {
    // Now one first, now the other.
    if (round % 2 === 0) boots.empty.push(await bootOf({}));
    boots.own.push(await bootOf(OWN));
    if (round % 2 === 1) boots.empty.push(await bootOf({}));
  }
  const loading = Array.from({ length: ROUNDS }, () => loadingAlone());
  // Neighbouring boots are compared, so that a busy spell of the machine meets both.
  const added = (of: (boot: Boot) => number): number =>
    median(boots.own.map((own, round) => of(own) - of(boots.empty[round] ?? own)));
  const empty = (of: (boot: Boot) => number): number => median(boots.empty.map(of));
  return [
    { name: 'empty Node-RED: start', value: empty(({ ms }) => ms), unit: 'ms' },
    { name: 'added by the package: start', value: added(({ ms }) => ms), unit: 'ms', goal: { atMost: 60 } },
    { name: 'loading the modules of all nodes, in a Node.js of their own', value: median(loading), unit: 'ms' },
    { name: 'added by the package: processor time', value: added(({ cpuMs }) => cpuMs), unit: 'ms' },
    { name: 'empty Node-RED: memory', value: empty(({ rssMb }) => rssMb), unit: 'MB' },
    { name: 'added by the package: memory', value: added(({ rssMb }) => rssMb), unit: 'MB', goal: { atMost: 15 } },
  ];
}

export async function bootOf(packages: Record<string, string>, other: Partial<OtherNodeRed> = {}): Promise<Boot> {
  const began = performance.now();
  const nodeRed = await NodeRed.start({ packages, ...other });
  const ms = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, 300));
  const stat = await readFile(`/proc/${nodeRed.pid}/stat`, 'utf8');
  // After the name in brackets: state is the 3rd field of all, utime the 14th, stime the 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  const status = await readFile(`/proc/${nodeRed.pid}/status`, 'utf8');
  const rssMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000;
  await nodeRed.stop();
  return { ms, cpuMs, rssMb };
}

/** Milliseconds for loading every node file, without the rest of Node-RED to share the time with. */
function loadingAlone(): number {
  const script = [
    "const { nodes } = require('./package.json')['node-red'];",
    'const began = performance.now();',
    "for (const file of Object.values(nodes)) require('./' + file);",
    'console.log(performance.now() - began);',
  ];
  return Number(execFileSync(process.execPath, ['-e', script.join('\n')], { encoding: 'utf8' }));
}
