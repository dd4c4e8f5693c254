/**
 * What may be typed after `the-keys`, and the help for it: the verbs as a table, the options, and reading both. Carrying
 * a verb out is left to the other files of this folder.
 */
import { parseArgs } from 'node:util';

export const DEFAULT_HOST = 'thekeys.local';

interface Option {
  type: 'string' | 'boolean';
  short?: string;
  multiple?: boolean;
  value?: string;
  text: string;
}

const OPTIONS = {
  host: { type: 'string', value: 'H', text: `where the gateway is: host or host:port (default ${DEFAULT_HOST})` },
  identifier: { type: 'string', short: 'i', value: 'ID', text: 'the lock: its "ID serrure"' },
  code: {
    type: 'string',
    short: 'c',
    value: 'CODE',
    text: 'the share code; or set THE_KEYS_CODE, which no process list shows',
  },
  account: { type: 'string', value: 'PHONE', text: 'telephone number of the account, +33…' },
  lock: { type: 'string', multiple: true, value: 'ID', text: 'the lock: its "ID serrure"' },
  gateway: { type: 'string', value: 'ID', text: 'the gateway: its id_accessoire, printed in its manual' },
  name: { type: 'string', value: 'N', text: 'the name under which the share appears in the app' },
  list: { type: 'boolean', text: 'only show the locks and gateways of the account' },
  cloud: { type: 'string', value: 'URL', text: 'another address of the cloud, for tests' },
  port: { type: 'string', value: 'N', text: 'the port (default: any free one)' },
  latency: {
    type: 'string',
    value: 'MS',
    text: 'every answer takes so many milliseconds, instead of what a real gateway takes',
  },
  version: { type: 'boolean', text: 'the version of this package' },
  help: { type: 'boolean', short: 'h', text: 'this help' },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof OPTIONS;

interface VerbHelp {
  text: string;
  /** What the verb takes besides `--help`. */
  takes: readonly OptionName[];
  needs: readonly OptionName[];
  /** Replaces the help of an option where the verb means something else by it. */
  instead?: Partial<Record<OptionName, { value: string; text: string }>>;
  more?: string;
}

/** Scripts may give lock and code with every verb, also with those that need neither. */
const takes = ['host', 'identifier', 'code'] as const;
const SIGNED = { takes, needs: ['identifier', 'code'] } as const;
const LOCK = { takes, needs: ['identifier'] } as const;
const PLAIN = { takes, needs: [] } as const;

const VERBS = {
  open: { text: 'open (unlock) a lock, and read it back until it is open', ...SIGNED },
  close: { text: 'close (lock) a lock, and read it back until it is closed', ...SIGNED },
  locker_status: { text: 'ask a lock for its state, battery and signal', ...SIGNED },
  calibrate: {
    text: 'let a lock learn its end positions: it moves the bolt',
    ...SIGNED,
    more: 'The vendor does not document this one. Open the door first.',
  },
  search: { text: 'list the locks that the gateway sees', ...PLAIN },
  status: { text: 'show what the gateway is doing, and its version', ...PLAIN },
  synchronize: {
    text: 'let the gateway fetch its data from the vendor, and set its clock',
    ...PLAIN,
    more: 'Can take minutes. Locks are out of its reach meanwhile.',
  },
  update: {
    text: "update the gateway's firmware, even if it is current",
    ...PLAIN,
    more: 'Can take minutes. Do not cut its power meanwhile.',
  },
  synchronize_locker: { text: 'synchronize a lock with the vendor, for instance after a new share', ...LOCK },
  update_locker: { text: "update a lock's firmware", ...LOCK, more: 'Can take minutes.' },
  share: {
    text: "create a share in the vendor's cloud, and print its code",
    takes: ['account', 'lock', 'gateway', 'name', 'list', 'cloud'],
    needs: ['account'],
    more: [
      'A share lets a gateway work a lock; its code signs every command.',
      'The password of the account comes from the environment variable THE_KEYS_PASSWORD.',
      'With --list instead of --lock, --gateway and --name it shows what there is to choose from.',
    ].join('\n'),
  },
  simulate: {
    text: 'run a simulated gateway, to try everything without hardware',
    takes: ['port', 'host', 'lock', 'latency'],
    needs: [],
    instead: {
      host: { value: 'H', text: 'the address to listen at (default 127.0.0.1: this machine only)' },
      lock: { value: 'ID:CODE', text: 'a lock and its share code; may be repeated (default: two locks)' },
    },
    more: 'Ctrl-C ends it.',
  },
} as const satisfies Record<string, VerbHelp>;

export type Verb = keyof typeof VERBS;
export type GatewayVerb = Exclude<Verb, 'share' | 'simulate'>;

/** What was typed, by the name of the option. */
export type Typed = Omit<ReturnType<typeof split>['values'], 'help' | 'version'>;

/** Wrong usage: said in plain words, exit status 2. */
export class UsageError extends Error {
  constructor(
    message: string,
    readonly verb?: Verb,
  ) {
    super(message);
    this.name = 'UsageError';
  }
}

export type Parsed = { kind: 'help'; text: string } | { kind: 'version' } | { kind: 'run'; verb: Verb; options: Typed };

/**
 * Reads the words after the command's name. A share code that is not among them is taken from `code`.
 * @throws UsageError, whose text never repeats a value: it might be a secret.
 */
export function parse(args: readonly string[], code?: string): Parsed {
  const { values, positionals } = split(args);
  const [verb, ...rest] = positionals;
  const { help, version, ...typed } = values;
  if (version === true) return { kind: 'version' };
  if (verb === undefined) {
    if (help === true) return { kind: 'help', text: generalHelp() };
    throw new UsageError('which verb? For instance: the-keys search');
  }
  if (!isVerb(verb)) throw new UsageError('there is no such verb');
  if (help === true) return { kind: 'help', text: verbHelp(verb) };
  if (rest.length > 0) throw new UsageError('one verb at a time, and nothing after it but options', verb);
  const spec: VerbHelp = VERBS[verb];
  const strange = (Object.keys(typed) as OptionName[]).find((name) => !spec.takes.includes(name));
  if (strange !== undefined) throw new UsageError(`${verb} has no option --${strange}`, verb);
  const options: Typed = typed;
  if (spec.takes.includes('code') && !isGiven(options.code) && code !== undefined) options.code = code;
  demand(verb, options, spec.needs);
  return { kind: 'run', verb, options };
}

/** @throws UsageError for the first option of `needed` that was not given, or is blank. */
export function demand(verb: Verb, options: Typed, needed: readonly OptionName[]): void {
  for (const name of needed) {
    const given = options[name as keyof Typed];
    if ([given].flat().some(isGiven)) continue;
    const option: Option = OPTIONS[name];
    throw new UsageError(`${verb} needs ${dashes(name, option)} (${option.text})`, verb);
  }
}

function split(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    // Node names the option that it does not know, or that lacks its value; never a value.
    const [line = ''] = (error as Error).message.split(/\n|\. /, 1);
    throw new UsageError(line.charAt(0).toLowerCase() + line.slice(1));
  }
}

function isGiven(value: string | boolean | undefined): boolean {
  return typeof value === 'string' ? value.trim() !== '' : value === true;
}

function isVerb(word: string): word is Verb {
  return Object.hasOwn(VERBS, word);
}

function dashes(name: string, option: { short?: string; value?: string }): string {
  const short = option.short === undefined ? '' : `-${option.short}, `;
  return `${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}

function row(name: OptionName, option: Option, more = ''): readonly [string, string] {
  return [dashes(name, option), `${option.text}${more}`];
}

function generalHelp(): string {
  const verbs = Object.entries(VERBS).map(([name, { text }]) => [name, text] as const);
  const common = [...takes, 'version' as const, 'help' as const];
  return [
    'The Keys smart locks from the command line.',
    '',
    'Usage: the-keys [--host H] [-i ID] [-c CODE] VERB',
    '',
    'Verbs:',
    table(verbs),
    '',
    'Options (the-keys VERB --help tells which a verb takes):',
    table(common.map((name) => row(name, OPTIONS[name]))),
    '',
    'The result is one line of JSON on standard output, and the exit status 0, or 1 where the lock was',
    'read and is not as asked. A failure is {"error":{"code","message"}} on standard error, and 1; wrong',
    'usage is 2; an interruption is 128 and the number of the signal.',
    '',
    'Without a gateway: run "the-keys simulate" in another terminal and follow what it prints.',
  ].join('\n');
}

export function verbHelp(verb: Verb): string {
  const spec: VerbHelp = VERBS[verb];
  const rows = [...spec.takes, 'help' as const].map((name) => {
    const needed = spec.needs.includes(name) ? ' (needed)' : '';
    return row(name, { ...OPTIONS[name], ...spec.instead?.[name] }, needed);
  });
  const usage = verb === 'share' ? 'share --account PHONE --lock ID --gateway ID --name N' : `[options] ${verb}`;
  const more = spec.more === undefined ? [] : ['', spec.more];
  return [`the-keys ${verb}: ${spec.text}`, '', `Usage: the-keys ${usage}`, '', table(rows), ...more].join('\n');
}
