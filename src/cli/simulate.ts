/**
 * `the-keys simulate`: the simulated gateway as a program. What it does and answers is the simulator's.
 */
import { SimulatedGateway, type SimulatedLockOptions, type SimulatedTimes } from '../../simulators/gateway/gateway';
import { serve } from '../../simulators/gateway/server';
import { ENOUGH } from '../../simulators/latest';
import { CodedError, systemCode } from '../common/errors';
import { foreignText } from '../common/foreign';
import type { Terminal } from './terminal';
import { UsageError, type Typed } from './usage';

/** One lock of either hardware family. The codes are made up, and shown. */
const DEMO_LOCKS: readonly SimulatedLockOptions[] = [
  { identifier: '45961123', code: 'demo-share-code-1', hardware: 'v2' },
  { identifier: '45961124', code: 'demo-share-code-2', hardware: 'v1' },
];

/**
 * As measured on a real gateway; long work is short here, and answered when it is done, so that verbs may follow one
 * another as quickly as they are typed.
 */
const TIMES: SimulatedTimes = { latencyMs: 130, bleMs: 3300, travelMs: 5000, synchronizeMs: 4000, updateMs: 8000 };

export async function simulate(options: Typed, terminal: Terminal): Promise<void> {
  const port = wholeNumber('port', options.port ?? '0', 65_535);
  const times: SimulatedTimes =
    options.latency === undefined ? { ...TIMES } : { latencyMs: wholeNumber('latency', options.latency) };
  if (options.work !== undefined) {
    const ms = wholeNumber('work', options.work);
    Object.assign(times, { synchronizeMs: ms, updateMs: ms, restartMs: Math.min(ms, 8000) });
  }
  const given = options.lock?.map(lockOf);
  if (given !== undefined && new Set(given.map(({ identifier }) => identifier)).size < given.length) {
    throw new UsageError('--lock names a lock twice', 'simulate');
  }
  const gateway = new SimulatedGateway({
    locks: given ?? DEMO_LOCKS,
    times,
    answerWork: options.work === undefined ? 'when-done' : 'at-once',
  });
  gateway.journal.most = ENOUGH;
  const stopped = new Promise<void>((resolve) => terminal.onStop(() => resolve()));
  const running = await serve(gateway, { port, host: options.host ?? '127.0.0.1' }).catch((error: unknown) => {
    const reason = systemCode(error) ?? 'unknown';
    throw new CodedError('CANNOT_LISTEN', `cannot listen at ${options.host ?? '127.0.0.1'}:${port} (${reason})`, {
      retriable: false,
      hint: 'Take another --port or --host, or leave them out.',
    });
  });
  terminal.out(`Simulated gateway at ${running.url}\n`);
  terminal.out(introduction(running.host, given === undefined ? DEMO_LOCKS : undefined, gateway));
  // Only for a person: a program that reads the first line and no more must not fill its pipe.
  const stopShowing = terminal.outIsTerminal ? show(gateway, terminal) : undefined;
  await stopped;
  stopShowing?.();
  await running.close();
}

function introduction(
  host: string,
  demo: readonly SimulatedLockOptions[] | undefined,
  gateway: SimulatedGateway,
): string {
  const codes = demo?.map(({ identifier, code }) => `${identifier} with the share code ${code}`);
  const locks = codes ?? [...gateway.locks.keys()];
  const [first] = demo ?? [];
  const example = first === undefined ? '-i ID -c CODE' : `-i ${first.identifier} -c ${first.code}`;
  return [`Locks: ${locks.join(', ')}`, `Try: the-keys --host ${host} ${example} open`, 'Ctrl-C ends it.', ''].join(
    '\n',
  );
}

/** Writes a line for every request that has ended. Gives the function that stops it. */
function show(gateway: SimulatedGateway, terminal: Terminal): () => void {
  let shown = 0;
  const timer = setInterval(() => {
    const { requests } = gateway.journal;
    for (; requests[shown]?.outcome !== undefined; shown += 1) {
      const { method, path, fields, outcome = '' } = requests[shown] ?? {};
      const lock = gateway.locks.get(fields?.identifier ?? '');
      const state = lock === undefined ? '' : ` (${lock.identifier} is ${lock.state})`;
      terminal.out(
        `${new Date().toLocaleTimeString()} ${foreignText(`${method ?? ''} ${path ?? ''}`)}: ${outcome}${state}\n`,
      );
    }
    // Long before the journal forgets what was not shown.
    if (shown > ENOUGH / 2) {
      gateway.journal.clear();
      shown = 0;
    }
  }, 200);
  return () => clearInterval(timer);
}

function wholeNumber(name: string, text: string, most = 86_400_000): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > most) {
    throw new UsageError(`--${name} takes a whole number from 0 to ${most}`, 'simulate');
  }
  return value;
}

function lockOf(text: string): SimulatedLockOptions {
  const [, identifier, code] = /^(\d{1,15}):([\x21-\x7e]+)$/.exec(text) ?? [];
  if (identifier === undefined || code === undefined) {
    throw new UsageError('--lock takes ID:CODE, the ID in digits and the code without spaces', 'simulate');
  }
  return { identifier, code };
}
