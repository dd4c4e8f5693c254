/**
 * The verbs that talk to a gateway: from the words typed to a call of the library, and from its result to the line of
 * JSON, the same that the nodes send.
 */
import { abortable, lifetime, onAbort, type Lifetime } from '../common/abort';
import { systemClock } from '../common/clock';
import { CodedError } from '../common/errors';
import { foreignText } from '../common/foreign';
import { silent, type Log } from '../common/log';
import { MemoryState } from '../state/local';
import { SharedFolder } from '../state/shared-folder';
import { StateError, type Lease, type State } from '../state/state';
import { payloadOf } from '../thekeys/commands';
import { parseAddress } from '../thekeys/gateway-address';
import { gatewayError } from '../thekeys/gateway-errors';
import type { CommandOptions, Gateway, Progress, Timing, Work } from '../thekeys/gateway';
import { Gateways } from '../thekeys/gateways';
import { lookUp, lookupAll, type Lookup } from '../thekeys/names';
import { stateFolder } from './state-folder';
import { printError, printResult, ProgressLine, type Terminal } from './terminal';
import { DEFAULT_HOST, type GatewayVerb, type Typed } from './usage';

/** The defaults of the nodes. */
const DEADLINE_MS = 30_000;
const TIMEOUT_MS = 30_000;
/** How long what opens no door may wait for other calls of the command. */
const TURN_MS = 120_000;
/** A call that was killed, or stands still, is recognised by this where the system does not tell. */
const LEASE_MS = 5000;
/** A person sits at the keyboard, and most often has mistyped the address. */
const UNREACHABLE_MS = 4000;
const LOOK_UP_MS = 2000;

interface Order {
  readonly gateway: Gateway;
  readonly share: { identifier: string; code: string };
  readonly command: CommandOptions;
}

interface VerbCall {
  /** `asks`: ends at once and needs no timestamp, so that it waits for no other call. `works`: worth lines in a log. */
  kind: 'asks' | 'reads' | 'moves' | 'works';
  /** Gives what is printed. */
  run: (order: Order) => Promise<unknown>;
}

const VERBS: Readonly<Record<GatewayVerb, VerbCall>> = {
  open: moves('open'),
  close: moves('close'),
  calibrate: moves('calibrate'),
  locker_status: { kind: 'reads', run: ({ gateway, share, command }) => gateway.lockStatus(share, command) },
  search: { kind: 'asks', run: ({ gateway, command }) => gateway.list(command) },
  status: { kind: 'asks', run: ({ gateway, command }) => gateway.status(command) },
  synchronize: works('synchronize'),
  update: works('update'),
  synchronize_locker: works('synchronize-lock'),
  update_locker: works('update-lock'),
};

function moves(action: 'open' | 'close' | 'calibrate'): VerbCall {
  return {
    kind: 'moves',
    run: ({ gateway, share, command }) => gateway[action](share, { ...command, confirm: true }).then(payloadOf),
  };
}

function works(operation: Work): VerbCall {
  return {
    kind: 'works',
    run: async ({ gateway, share: { identifier }, command }) => {
      const isOfLock = operation === 'synchronize-lock' || operation === 'update-lock';
      const asked = isOfLock ? { operation, identifier } : { operation };
      await gateway.run(asked, command);
      return { ...asked, ok: true };
    },
  };
}

/** One run of the command. */
interface Call {
  readonly verb: GatewayVerb;
  readonly terminal: Terminal;
  readonly log: Log;
  readonly progress: ProgressLine;
  /** Whether anything is on its way to the gateway, or was carried out by it. */
  sent: boolean;
  readonly life: Lifetime;
  /** Until when it may wait for its turn, on the clock's `elapsed()`. */
  readonly expiresAt: number;
}

/** For tests, which have no time. */
type Timings = Partial<Timing> & { deadlineMs?: number };

/** Resolves to the exit status. */
export async function runOnGateway(
  verb: GatewayVerb,
  options: Typed,
  terminal: Terminal,
  timing: Timings = {},
): Promise<number> {
  const call: Call = {
    verb,
    terminal,
    log: { ...silent, warn: (text) => terminal.err(`the-keys: ${foreignText(text, 1000)}\n`) },
    progress: new ProgressLine(terminal, VERBS[verb].kind === 'works'),
    sent: false,
    life: lifetime({ clock: systemClock, late: noTurn }),
    expiresAt: systemClock.elapsed() + (verb === 'open' || verb === 'calibrate' ? DEADLINE_MS : TURN_MS),
  };
  let interruptedWith: number | undefined;
  terminal.onStop((exitStatus) => {
    interruptedWith = exitStatus;
    call.life.abort(interruption(call));
  });
  try {
    const result = await carryOut(call, options, timing);
    printResult(terminal, result);
    // The lock was read and is not as asked.
    return (result as { confirmed?: unknown } | null)?.confirmed === false ? 1 : 0;
  } catch (error) {
    if (interruptedWith === undefined) throw error;
    printError(terminal, error);
    return interruptedWith;
  }
}

async function carryOut(
  call: Call,
  options: Typed,
  { deadlineMs = DEADLINE_MS, ...timing }: Timings,
): Promise<unknown> {
  const { verb, log, progress, life, expiresAt } = call;
  const began = systemClock.elapsed();
  const share = { identifier: (options.identifier ?? '').trim(), code: options.code ?? '' };
  const address = parseAddress(options.host ?? DEFAULT_HOST);
  const state = stateFor(call);
  const gateways = new Gateways({ stateFor: () => state, lookup, log, timing });
  const member = gateways.join({ ...share, address, sharedState: '', name: '', log });
  let turn: Lease | undefined;
  let forget: (() => void) | undefined;
  try {
    const gateway = await abortable(member.gateway(), life.signal);
    turn = await turnFor(call, state, gateway.address.key);
    forget = turn && onAbort(turn.lost, () => life.abort(interruption(call)));
    const now = systemClock.elapsed();
    const command: CommandOptions = {
      deadlineMs: Math.min(expiresAt - now, deadlineMs),
      timeoutMs: TIMEOUT_MS,
      unreachableMs: UNREACHABLE_MS - Math.min(now - began, LOOK_UP_MS),
      signal: life.signal,
      onProgress: (step) => {
        if (step.step !== 'waiting') call.sent = step.step !== 'retrying';
        progress.say(wordsFor(step));
      },
    };
    return await abortable(VERBS[verb].run({ gateway, share, command }), life.signal);
  } finally {
    progress.end();
    await member.leave();
    await gateways.closed();
    forget?.();
    await turn?.release();
  }
}

const lookup: Lookup = (name) => lookUp({ lookup: lookupAll, clock: systemClock }, name, LOOK_UP_MS);

/** Where timestamps are kept. */
function stateFor({ verb, terminal, log }: Call): State {
  if (VERBS[verb].kind === 'asks') return new MemoryState();
  const folder = stateFolder(terminal.env, process.platform);
  if (folder !== undefined) return new SharedFolder({ folder, log });
  log.warn('there is no folder to keep timestamps in: set HOME or XDG_STATE_HOME. Two calls in a row may be refused');
  return new MemoryState();
}

/** The right to talk to a gateway, among the calls of the command. Where nothing can be written down, a door opens all the same. */
async function turnFor({ expiresAt, life }: Call, state: State, key: string): Promise<Lease | undefined> {
  life.setDeadline(expiresAt);
  try {
    return await state.lease(`gateway ${key}`, { ttlMs: LEASE_MS, signal: life.signal });
  } catch (error) {
    if (error instanceof StateError) return undefined;
    throw error;
  } finally {
    life.setDeadline(undefined);
  }
}

function noTurn(): CodedError {
  return gatewayError('EXPIRED', {
    message: 'other calls of the-keys have used this gateway all the time, so nothing was sent',
    hint: 'Try again when they have ended.',
  });
}

function interruption({ verb, sent }: Call): CodedError {
  const { kind } = VERBS[verb];
  const isRead = kind === 'asks' || kind === 'reads';
  if (isRead || !sent) {
    return new CodedError('INTERRUPTED', isRead ? 'interrupted' : 'interrupted before anything was sent', {
      retriable: true,
      hint: isRead ? 'Nothing was changed.' : 'Nothing has moved or begun.',
    });
  }
  return gatewayError('RESULT_UNKNOWN', {
    message: 'interrupted after the command was sent, so what became of it is not known',
    hint:
      kind === 'moves'
        ? 'Look at the door, or run the-keys locker_status.'
        : 'Run the-keys status to see whether the gateway works on it.',
  });
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
      return progress.status === '' ? 'the gateway works' : `the gateway says: ${foreignText(progress.status, 80)}`;
  }
}
