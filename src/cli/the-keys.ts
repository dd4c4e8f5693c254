#!/usr/bin/env node
/**
 * The command `the-keys`: reads what was typed, lets a verb do it, and ends with an honest exit status.
 */
import { CodedError, systemCode } from '../common/errors';
import { packageVersion } from '../common/package';
import { runOnGateway } from './gateway-verbs';
import { share } from './share';
import { simulate } from './simulate';
import { printError, type Terminal } from './terminal';
import { parse, UsageError, type Parsed } from './usage';

/** That of a signal is 128 and its number, as shells have it. */
const EXIT = { fine: 0, failed: 1, usage: 2, signal: 128 } as const;
const SIGNALS = [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const;

async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const parsed = parse(args, terminal.env.THE_KEYS_CODE);
    if (parsed.kind === 'run') return await run(parsed, terminal);
    terminal.out(`${parsed.kind === 'help' ? parsed.text : packageVersion()}\n`);
    return EXIT.fine;
  } catch (error) {
    if (!(error instanceof UsageError)) {
      printError(terminal, error);
      return EXIT.failed;
    }
    const help = error.verb === undefined ? 'the-keys --help' : `the-keys ${error.verb} --help`;
    terminal.err(`the-keys: ${error.message}\nMore: ${help}\n`);
    return EXIT.usage;
  }
}

async function run({ verb, options }: Extract<Parsed, { kind: 'run' }>, terminal: Terminal): Promise<number> {
  if (verb !== 'share' && verb !== 'simulate') return runOnGateway(verb, options, terminal);
  await (verb === 'share' ? share : simulate)(options, terminal);
  return EXIT.fine;
}

const terminal: Terminal = {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  errIsTerminal: process.stderr.isTTY,
  onStop: (stop) => {
    for (const [signal, number] of SIGNALS) process.once(signal, () => stop(EXIT.signal + number));
  },
};

let unwritten = false;
process.stdout.on('error', (error) => {
  const reason = systemCode(error) ?? 'unknown';
  // Its reader has gone.
  if (reason === 'EPIPE' || unwritten) return;
  unwritten = true;
  process.exitCode = EXIT.failed;
  printError(
    terminal,
    new CodedError('CANNOT_WRITE', `what came of it could not be written (${reason})`, {
      retriable: false,
      hint: 'The command itself was carried out. Is the disk full?',
    }),
  );
});
process.stderr.on('error', () => undefined);

void main(process.argv.slice(2), terminal).then((status) => {
  process.exitCode = unwritten ? EXIT.failed : status;
});
