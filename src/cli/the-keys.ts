#!/usr/bin/env node
/**
 * The command `the-keys`: reads what was typed, lets a verb do it, and ends with an honest exit status.
 */
import { CodedError, systemCode } from '../common/errors';
import { runOnGateway } from './gateway-verbs';
import { share } from './share';
import { simulate } from './simulate';
import { printError, type Terminal } from './terminal';
import { parse, UsageError, type Parsed } from './usage';

const EXIT = { fine: 0, failed: 1, usage: 2 } as const;

async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const parsed = parse(args, terminal.env.THE_KEYS_CODE);
    if (parsed.kind === 'help') terminal.out(`${parsed.text}\n`);
    else await run(parsed, terminal);
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

function run({ verb, options }: Extract<Parsed, { kind: 'run' }>, terminal: Terminal): Promise<void> {
  if (verb === 'share') return share(options, terminal);
  if (verb === 'simulate') return simulate(options, terminal);
  return runOnGateway(verb, options, terminal);
}

const terminal: Terminal = {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  outIsTerminal: process.stdout.isTTY,
  errIsTerminal: process.stderr.isTTY,
  onStop: (stop) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
  },
};

let unwritten = false;
process.stdout.on('error', (error) => {
  const reason = systemCode(error) ?? 'unknown';
  // Whoever read it has gone; there is nobody left to tell.
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
