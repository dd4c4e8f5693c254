/**
 * The fault campaign: `npm run faults`, with `-- --seed N --commands N --gateways N --short --stalls --only package|core`.
 * Prints what was counted for this package and for the simplest flow of core nodes, under the same disturbances.
 * Exit code 1 where this package did what must never happen.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign';
import type { FlowKind } from './flows';
import type { Tally } from './ledger';

/** What must be 0, in words. */
const NEVER = {
  executedTwice: 'executed twice',
  executedLate: 'asked for after their deadline',
  leftLate: 'left a healthy gateway waiting for over 5 s',
  timestampsReused: 'timestamps reused',
  overlapping: 'requests overlapping',
  doneMissing: 'commands that never ended',
  doneTwice: 'commands that ended twice',
  statesInvented: 'states told that the lock never had',
  outcomesWrong: 'outcomes told that were not so',
  processDeaths: 'deaths of the process by itself',
} as const satisfies Partial<Record<keyof Tally, string>>;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      commands: { type: 'string' },
      gateways: { type: 'string', default: '12' },
      short: { type: 'boolean', default: false },
      stalls: { type: 'boolean', default: false },
      only: { type: 'string' },
      evidence: { type: 'string', default: '20' },
    },
  });
  const commands = Number(values.commands ?? (values.short ? 400 : 4000));
  const kinds: FlowKind[] = values.only === 'core' || values.only === 'package' ? [values.only] : ['package', 'core'];
  const tallies = new Map<FlowKind, Tally>();
  for (const kind of kinds) {
    const began = performance.now();
    const progress = (text: string): void => void process.stderr.write(`${kind}: ${text}\n`);
    tallies.set(
      kind,
      await runCampaign({
        kind,
        seed: Number(values.seed),
        commands,
        gateways: Number(values.gateways),
        stalls: values.stalls,
        progress,
      }),
    );
    progress(`${Math.round((performance.now() - began) / 1000)} s`);
  }
  console.log(
    `seed ${values.seed}, ${commands} commands, ${values.gateways} gateways, ${os.cpus().length} cores, Node.js ${process.version}`,
  );
  console.log(table(tallies));
  const own = tallies.get('package');
  if (own === undefined) return;
  for (const line of own.evidence.slice(0, Number(values.evidence))) console.log(line);
  if (Object.keys(NEVER).some((what) => own[what as keyof typeof NEVER] > 0)) process.exitCode = 1;
}

function table(tallies: ReadonlyMap<FlowKind, Tally>): string {
  const all = [...tallies.values()];
  const codes = [...new Set(all.flatMap(({ outcomes }) => Object.keys(outcomes)))].sort();
  const rows: [string, ...(string | number)[]][] = [
    ['', ...[...tallies.keys()].map((kind) => (kind === 'package' ? 'this package' : 'core nodes'))],
    ['commands', ...all.map(({ commands }) => commands)],
    ...codes.map((code): [string, ...number[]] => [`  ${code}`, ...all.map(({ outcomes }) => outcomes[code] ?? 0)]),
    ['requests that the gateways saw', ...all.map(({ requests }) => requests)],
    ['commands executed by a lock', ...all.map(({ executed }) => executed)],
    ['timestamps tried again that a clock refused', ...all.map(({ timestampsTriedAgain }) => timestampsTriedAgain)],
    ...Object.entries(NEVER).map(([what, words]): [string, ...number[]] => [
      `${words} (0)`,
      ...all.map((tally) => tally[what as keyof typeof NEVER]),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => String(row[column]).length))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? String(cell).padEnd(widths[column] ?? 0) : String(cell).padStart(widths[column] ?? 0),
        )
        .join('   '),
    )
    .join('\n');
}

void main();
