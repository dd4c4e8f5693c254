/**
 * `the-keys simulate`: the simulated gateway as a program. What it does and answers is the simulator's.
 */
import { SimulatedGateway, type SimulatedLockOptions, type SimulatedTimes } from '../../simulators/gateway/gateway';
import { serve } from '../../simulators/gateway/server';
import { ENOUGH } from '../../simulators/latest';
import { CodedError, systemCode } from '../common/errors';
import type { Terminal } from './terminal';
import { UsageError, type Typed } from './usage';

/** One lock of either hardware family. The codes are made up, and shown. */
const DEMO_LOCKS = [
  { identifier: '45961123', code: 'demo-share-code-1', hardware: 'v2' },
  { identifier: '45961124', code: 'demo-share-code-2', hardware: 'v1' },
] as const;

/**
 * As measured on a real gateway; long work is short here, and answered when it is done, so that verbs may follow one
 * another as quickly as they are typed.
 */
const TIMES: SimulatedTimes = { latencyMs: 130, bleMs: 3300, travelMs: 5000, synchronizeMs: 4000, updateMs: 8000 };

export async function simulate(options: Typed, terminal: Terminal): Promise<void> {
  const { host = '127.0.0.1', latency } = options;
  const port = wholeNumber('port', options.port ?? '0', 65_535);
  const times = latency === undefined ? TIMES : { latencyMs: wholeNumber('latency', latency) };
  const given = options.lock?.map(lockOf);
  if (given !== undefined && new Set(given.map(({ identifier }) => identifier)).size < given.length) {
    throw new UsageError('--lock names a lock twice', 'simulate');
  }
  const gateway = new SimulatedGateway({ locks: given ?? DEMO_LOCKS, times, answerWork: 'when-done' });
  gateway.journal.most = ENOUGH;
  const stopped = new Promise<void>((resolve) => terminal.onStop(() => resolve()));
  const running = await serve(gateway, { port, host }).catch((error: unknown) => {
    const reason = systemCode(error) ?? 'unknown';
    throw new CodedError('CANNOT_LISTEN', `cannot listen at ${host}:${port} (${reason})`, {
      retriable: false,
      hint: 'Take another --port or --host, or leave them out.',
    });
  });
  // Codes that were given are not shown.
  const locks =
    given?.map(({ identifier }) => identifier) ??
    DEMO_LOCKS.map(({ identifier, code }) => `${identifier} with the share code ${code}`);
  const example = given === undefined ? `-i ${DEMO_LOCKS[0].identifier} -c ${DEMO_LOCKS[0].code}` : '-i ID -c CODE';
  terminal.out(`Simulated gateway at ${running.url}\n`);
  terminal.out(`Locks: ${locks.join(', ')}\nTry: the-keys --host ${running.host} ${example} open\nCtrl-C ends it.\n`);
  await stopped;
  await running.close();
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
