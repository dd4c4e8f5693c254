/**
 * The long run: `npm run soak -- --hours 0.5`. A real Node-RED with polls, commands and now and then a partial deploy or
 * a gateway that goes away, and a look at what it holds: memory, handles, timers, listeners. Flat means that the last
 * third of the looks is no higher than the second one, beyond a margin; and every command that a node took ends once.
 * Exit code 1 where that is not so.
 */
import { parseArgs } from 'node:util';
import { NodeRed, type FlowNode } from '../test/support/node-red';
import { ProbeLink } from '../test/support/probe-link';
import type { ProbeUsage } from '../test/support/probe/protocol';
import { median } from '../bench/table';
import { flowOf } from './flows';
import { World } from './world';

interface Look {
  minutes: number;
  usage: ProbeUsage;
}

const GATEWAYS = 10;
const COMMAND_MS = 250;
const DEPLOY_MS = 30_000;
const ABSENCE_MS = 47_000;
/** How long the last commands may take to end: their deadline, and a busy machine. */
const LAST_WORD_MS = 15_000;

/** What is watched, and by how much the last third may exceed the second: garbage and the allocator breathe. */
const WATCHED: [string, (usage: ProbeUsage) => number, { share: number; plus: number }][] = [
  ['heap, MB', ({ heapBytes }) => heapBytes / 1e6, { share: 0.03, plus: 1 }],
  ['resident memory, MB', ({ rssBytes }) => rssBytes / 1e6, { share: 0.05, plus: 5 }],
  ['sockets', ({ resources }) => resources.TCPSocketWrap ?? 0, { share: 0, plus: 5 }],
  ['timers', ({ resources }) => resources.Timeout ?? 0, { share: 0, plus: 5 }],
  ['all handles', ({ resources }) => sum(Object.values(resources)), { share: 0, plus: 10 }],
  ['listeners on the process', ({ listeners }) => listeners, { share: 0, plus: 0 }],
];

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { hours: { type: 'string', default: '0.34' } } });
  const totalMs = Number(values.hours) * 3_600_000;
  const world = await World.start(GATEWAYS, 1);
  const flow = flowOf('package', world.sites);
  const probe = await ProbeLink.start();
  const nodeRed = await NodeRed.start({
    packages: { 'node-red-contrib-thekeys-gateway': process.cwd(), probe: probe.folder },
    env: { ...probe.env, NODE_OPTIONS: '--expose-gc' },
  });
  const books = new Books();
  probe.onEvent = (event) => {
    if (event.event === 'sent') books.handed(event.id, event.taken);
    else if (event.event === 'complete' && flow.actionNodes?.has(event.node)) books.ended(event.id);
  };
  try {
    await nodeRed.deploy(flow.nodes);
    await probe.connected();
    await probe.ask({ do: 'watch' });
    const nodes = flow.nodes.map(
      (node) => Object.fromEntries(Object.entries(node).filter(([key]) => key !== 'credentials')) as FlowNode,
    );
    const began = performance.now();
    const every = (ms: number, run: (count: number) => Promise<void> | void): NodeJS.Timeout => {
      let count = 0;
      return setInterval(() => void Promise.resolve(run((count += 1))).catch(tell), ms);
    };
    const timers = [
      every(COMMAND_MS, (count) => {
        const gateway = count % GATEWAYS;
        books.command(count);
        const payload = count % 20 < 10 ? 'open' : 'close';
        probe.send(flow.entry(gateway, count % 3 === 0), { probe: count, payload });
      }),
      every(DEPLOY_MS, async (count) => {
        const touched = flow.touchable[count % flow.touchable.length];
        const changed = nodes.map((node) => (node.id === touched ? { ...node, name: `touched ${count}` } : node));
        await nodeRed.deploy(changed, 'nodes');
      }),
      every(ABSENCE_MS, (count) => world.site(count % GATEWAYS).gateway.goAway(5000)),
      // What the gateways remember is the campaign's own, and not to fill this process.
      every(60_000, () => {
        for (const { gateway } of world.sites) gateway.journal.clear();
      }),
    ];
    const looks: Look[] = [];
    const lookMs = Math.max(5000, totalMs / 60);
    while (performance.now() - began < totalMs) {
      await new Promise((resolve) => setTimeout(resolve, lookMs));
      const usage = await probe.usage({ collect: true, reset: true });
      looks.push({ minutes: (performance.now() - began) / 60_000, usage });
      tell(lineOf(looks.at(-1)));
    }
    for (const timer of timers) clearInterval(timer);
    // What is under way ends by its deadline, which is a few seconds.
    const until = performance.now() + LAST_WORD_MS;
    while (books.open.length > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 100));
    report(looks, books);
  } finally {
    await nodeRed.stop();
    await probe.stop();
    await world.stop();
  }
}

/** What became of each command. */
class Books {
  private readonly under = new Set<number>();
  commands = 0;
  /** Given while the node was being deployed anew: Node-RED lets such messages fall. */
  fallen = 0;
  twice = 0;

  command(id: number): void {
    this.commands += 1;
    this.under.add(id);
  }

  handed(id: number, taken: boolean): void {
    if (!taken && this.under.delete(id)) this.fallen += 1;
  }

  ended(id: number): void {
    if (!this.under.delete(id)) this.twice += 1;
  }

  /** Those that have not ended. */
  get open(): number[] {
    return [...this.under];
  }
}

function report(looks: readonly Look[], books: Books): void {
  const third = Math.floor(looks.length / 3);
  const second = looks.slice(third, 2 * third);
  const last = looks.slice(2 * third);
  const minutes = Math.round(looks.at(-1)?.minutes ?? 0);
  const { commands, fallen, open, twice } = books;
  console.log(
    `${minutes} minutes, ${commands} commands: ${commands - fallen - open.length} ended, ${fallen} fell between two deploys, ` +
      `${open.length} never ended${open.length === 0 ? '' : ` (${open.join(', ')})`}, ${twice} ended twice; ${looks.length} looks`,
  );
  if (open.length + twice > 0) process.exitCode = 1;
  for (const [name, of, margin] of WATCHED) {
    const before = median(second.map(({ usage }) => of(usage)));
    const after = median(last.map(({ usage }) => of(usage)));
    const flat = after <= before * (1 + margin.share) + margin.plus;
    console.log(
      `${name.padEnd(26)} ${before.toFixed(1).padStart(8)} -> ${after.toFixed(1).padStart(8)}  ${flat ? 'flat' : 'GROWS'}`,
    );
    if (!flat) process.exitCode = 1;
  }
}

function lineOf(look: Look | undefined): string {
  if (look === undefined) return '';
  const figures = WATCHED.map(([name, of]) => `${name} ${of(look.usage).toFixed(1)}`);
  return `${look.minutes.toFixed(1)} min: ${figures.join(', ')}, loop delay ${look.usage.delayP99Ms.toFixed(0)} ms`;
}

function tell(what: unknown): void {
  process.stderr.write(`${what instanceof Error ? what.message : String(what)}\n`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

void main();
