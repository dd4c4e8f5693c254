/**
 * The verbs that talk to a gateway: from the words typed to a call of the library, and from its result to the line of
 * JSON, the same that the nodes send.
 */
import { silent } from '../common/log';
import { FileState } from '../state/file';
import { parseAddress } from '../thekeys/address';
import { Gateway, type CommandOptions, type Progress, type Timing } from '../thekeys/gateway';
import { payloadOf } from '../thekeys/payload';
import { stateFolder } from './state-folder';
import { printResult, ProgressLine, type Terminal } from './terminal';
import { DEFAULT_HOST, type GatewayVerb, type Typed } from './usage';

/** The defaults of the nodes. */
const DEADLINE_MS = 30_000;
const TIMEOUT_MS = 30_000;
/** A call that was killed is recognised by this where the system does not tell. */
const LEASE_MS = 8000;
/** Somebody sits at the keyboard, and most often has mistyped the address. */
const UNREACHABLE_MS = 4000;

interface Order {
  readonly gateway: Gateway;
  readonly identifier: string;
  readonly share: { identifier: string; code: string };
  readonly command: CommandOptions;
}

/** Each verb as a call, and its result as what is printed. */
const RUN: Readonly<Record<GatewayVerb, (order: Order) => Promise<unknown>>> = {
  open: ({ gateway, share, command }) => gateway.open(share, { ...command, confirm: true }).then(payloadOf),
  close: ({ gateway, share, command }) => gateway.close(share, { ...command, confirm: true }).then(payloadOf),
  calibrate: ({ gateway, share, command }) => gateway.calibrate(share, { ...command, confirm: true }).then(payloadOf),
  locker_status: ({ gateway, share, command }) => gateway.lockStatus(share, command),
  search: ({ gateway, command }) => gateway.list(command),
  status: ({ gateway, command }) => gateway.status(command),
  synchronize: async ({ gateway, command }) => {
    await gateway.synchronize(command);
    return { operation: 'synchronize', ok: true };
  },
  update: async ({ gateway, command }) => {
    await gateway.update(command);
    return { operation: 'update', ok: true };
  },
  synchronize_locker: async ({ gateway, identifier, command }) => {
    await gateway.synchronizeLock(identifier, command);
    return { operation: 'synchronize-lock', identifier, ok: true };
  },
  update_locker: async ({ gateway, identifier, command }) => {
    await gateway.updateLock(identifier, command);
    return { operation: 'update-lock', identifier, ok: true };
  },
};

/** Verbs whose progress is worth lines in a log. */
const LONG: readonly GatewayVerb[] = ['synchronize', 'update', 'synchronize_locker', 'update_locker'];

export async function runOnGateway(
  verb: GatewayVerb,
  options: Typed,
  terminal: Terminal,
  timing: Partial<Timing> = {},
): Promise<void> {
  const warn = (message: string): void => terminal.err(`the-keys: ${message}\n`);
  const state = new FileState({ folder: stateFolder(terminal.env, process.platform), warn, crossProcess: true });
  const gateway = new Gateway({
    address: parseAddress(options.host ?? DEFAULT_HOST),
    state,
    log: { ...silent, warn },
    timing,
  });
  const progress = new ProgressLine(terminal, LONG.includes(verb));
  const identifier = (options.identifier ?? '').trim();
  // One call at a time: each takes its timestamps from the same sequence. A folder that cannot be written keeps no door shut.
  const lease = await state.lease(`gateway/${gateway.address.key}`, { ttlMs: LEASE_MS }).catch(() => undefined);
  try {
    const result = await RUN[verb]({
      gateway,
      identifier,
      share: { identifier, code: options.code ?? '' },
      command: {
        deadlineMs: DEADLINE_MS,
        timeoutMs: TIMEOUT_MS,
        unreachableMs: UNREACHABLE_MS,
        onProgress: (step) => progress.say(wordsFor(step)),
      },
    });
    progress.end();
    printResult(terminal, result);
  } finally {
    progress.end();
    await gateway.settle();
    await lease?.release();
    await state.close();
  }
}

function wordsFor(progress: Progress): string {
  switch (progress.step) {
    case 'waiting':
      return 'waiting for the gateway';
    case 'sending':
      return 'sent, waiting for the answer';
    case 'retrying':
      return `trying again (${progress.code})`;
    case 'confirming':
      return 'reading the lock back';
    case 'working':
      return progress.status === '' ? 'the gateway works' : `the gateway says: ${progress.status}`;
  }
}
