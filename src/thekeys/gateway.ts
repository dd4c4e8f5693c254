/**
 * One physical gateway and what can be asked of it. Each verb ends in a value that was read or confirmed, or in an error
 * of the contract; none ends in a guess. How calls travel and are retried is `line.ts`; watching is `watcher.ts`.
 */
import { pause, systemClock, type Clock } from '../common/clock';
import { invalidInput, systemCode } from '../common/errors';
import type { State } from '../state/state';
import type { GatewayAddress } from './address';
import type { GatewayStatus, ListedLock, LockReading, LockState } from './answers';
import {
  boltCall,
  listCall,
  lockStatusCall,
  lockSynchronizeCall,
  lockUpdateCall,
  statusCall,
  synchronizeCall,
  updateCall,
  type BoltAction,
  type Call,
  type Share,
} from './calls';
import { gatewayError, type GatewayErrorCode } from './errors';
import { Line, type Lost, type Request, type Result } from './line';
import type { Rank } from './queue';
import { cleanCode, faultOfCode } from './signature';
import { httpTransport, type Transport } from './transport';
import { silent } from '../common/log';
import { Readings } from './readings';
import { Watcher, type Watch, type WatchListener } from './watcher';

export interface GatewayOptions {
  address: GatewayAddress;
  /** Where the sequence of timestamps is kept, and what processes that share the gateway agree through. */
  state: State;
  /** Told what a person should know: a state file that cannot be written, say. */
  warn: (message: string) => void;
  clock?: Clock;
  transport?: Transport;
  timing?: Partial<Timing>;
  /** False where short-lived processes share the sequence of timestamps (the command line). Default true. */
  reserveAhead?: boolean;
  /** From 0 to 1, for the jitter of polls. */
  random?: () => number;
  /** Handed in where it must outlive this object: the lock does not know that another one stands for its gateway now. */
  restsAt?: BoltsAtRest;
}

/** When the bolt of each lock that was moved is at rest, on the clock's `elapsed()`. */
export type BoltsAtRest = Map<string, number>;

/** Milliseconds. */
export interface Timing {
  /** From a command to a bolt at rest; field reports say about 5 s. */
  boltTravel: number;
  /** Pauses between read-backs: each costs the lock a Bluetooth connection of 3 to 4 s. */
  readBackPauses: readonly number[];
  /** Between looks at the gateway's status while it works on something long. */
  workPause: number;
  /** How long a gateway that restarts with a new firmware may be away. */
  restartGrace: number;
  /** How long a gateway may work on something before others are let through again. */
  longestWork: number;
  /** What polls and read-backs leave the gateway to itself after its last answer. */
  breather: number;
}

export const TIMING: Timing = {
  boltTravel: 5000,
  readBackPauses: [3000, 5000, 8000],
  workPause: 2000,
  restartGrace: 180_000,
  longestWork: 600_000,
  breather: 400,
};

/** A read-back that begins later than this before the deadline would not end in time. */
const READ_MS = 4500;
const LEAST_PAUSE_MS = 2000;
/** Of the time until the deadline, what an action leaves for reading the lock in case its answer is lost. */
const SETTLE_MS = 8000;

/** How a command is going, for badges and terminals. */
export type Progress =
  | { step: 'waiting' }
  | { step: 'sending' }
  | { step: 'retrying'; code: GatewayErrorCode }
  | { step: 'confirming' }
  /** The gateway works; in its own words. */
  | { step: 'working'; status: string; forMs: number };

export interface CommandOptions {
  /** Milliseconds from now until which the command may be sent, and by which it has ended. */
  deadlineMs: number;
  /** Milliseconds for one answer. */
  timeoutMs: number;
  /** Gives up: what was not sent never is. Its reason is what the command then ends with. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Milliseconds after which a gateway that cannot be reached is tried no more. Absent: until the deadline. */
  unreachableMs?: number;
}

export interface ActionOptions extends CommandOptions {
  /** Read the lock back until it shows the result. */
  confirm: boolean;
}

export type LockAction = BoltAction | 'toggle';

export interface ActionResult {
  identifier: string;
  action: LockAction;
  /** What was read; null where nothing was asked to be read. */
  state: LockState | null;
  /** True only where the lock itself said so. */
  confirmed: boolean;
  /** The last reading, where there was one. */
  reading?: LockReading;
}

export type Work = 'synchronize' | 'update' | 'synchronize-lock' | 'update-lock';

/** States of the gateway, in its own words, in which it works on something long. Idle, it says "Scanning". */
const UPDATING = /updat|upgrad|download|flash|firmware|reboot|restart/i;
const WORKING = new RegExp(`synchroni[sz]|${UPDATING.source}`, 'i');
/** A gateway tells its status in 0.1 s; one that does not soon will not, and others wait meanwhile. */
const LOOK_MS = 5000;
/** A gateway, or a server in its place, that knows no such method. */
const METHOD_REFUSED = new Set([400, 404, 405, 501]);

export class Gateway {
  readonly line: Line;
  readonly address: GatewayAddress;
  /** What is known of its locks, whichever node asked. */
  readonly readings: Readings;
  private readonly watcher: Watcher;
  private readonly clock: Clock;
  private readonly timing: Timing;
  private readonly restsAt: BoltsAtRest;

  constructor(options: GatewayOptions) {
    this.address = options.address;
    this.clock = options.clock ?? systemClock;
    this.timing = { ...TIMING, ...options.timing };
    this.restsAt = options.restsAt ?? new Map<string, number>();
    this.line = new Line({
      key: options.address.key,
      transport: options.transport ?? httpTransport(options.address.base),
      state: options.state,
      clock: this.clock,
      warn: options.warn,
      breatherMs: this.timing.breather,
      reserveAhead: options.reserveAhead ?? true,
    });
    const shared = { state: options.state, key: options.address.key, log: { ...silent, warn: options.warn } };
    this.readings = new Readings(shared);
    this.watcher = new Watcher({
      ...shared,
      list: (poll) => this.list(poll, 'poll'),
      read: (share, poll) => this.lockStatus(share, poll, 'poll'),
      readings: this.readings,
      clock: this.clock,
      random: options.random ?? Math.random,
    });
  }

  open(share: Share, options: ActionOptions): Promise<ActionResult> {
    return this.act('open', share, options);
  }

  close(share: Share, options: ActionOptions): Promise<ActionResult> {
    return this.act('close', share, options);
  }

  /** Opens a closed lock and closes an open one. @throws STATE_UNKNOWN where the lock does not know its state */
  toggle(share: Share, options: ActionOptions): Promise<ActionResult> {
    return this.act('toggle', share, options);
  }

  /** Lets the lock learn its end positions: it moves the bolt. Undocumented by the vendor. */
  calibrate(share: Share, options: ActionOptions): Promise<ActionResult> {
    return this.act('calibrate', share, options);
  }

  /** Asks the lock itself, over Bluetooth. */
  async lockStatus(share: Share, options: CommandOptions, rank: 'read' | 'poll' = 'read'): Promise<LockReading> {
    const checked = checkShare(share);
    const call = lockStatusCall(checked, () => this.clock.now());
    const reading = await this.read(call, rank, options, `lock ${checked.identifier} ${checked.code}`);
    this.readings.add(reading);
    return reading;
  }

  /** The locks that the gateway sees, from its own memory. */
  list(options: CommandOptions, rank: 'read' | 'poll' = 'read'): Promise<ListedLock[]> {
    return this.read(listCall(), rank, options, 'list');
  }

  status(options: CommandOptions, rank: 'read' | 'poll' = 'read'): Promise<GatewayStatus> {
    return this.read(statusCall(), rank, options, 'status');
  }

  /** Makes the gateway fetch its data from the vendor, and set its clock. Ends when it is done. */
  synchronize(options: CommandOptions): Promise<void> {
    return this.work(synchronizeCall(), options);
  }

  /** Writes the gateway's firmware anew, even if it is current. Ends when the gateway is back. */
  async update(options: CommandOptions): Promise<void> {
    const expiresAt = this.clock.elapsed() + options.deadlineMs;
    const posted = await this.work(updateCall('POST'), options, expiresAt).then(
      () => true,
      (error: unknown) => {
        if (isMethodRefused(error)) return false;
        throw error;
      },
    );
    if (!posted) await this.work(updateCall('GET'), options, expiresAt);
  }

  async synchronizeLock(identifier: string, options: CommandOptions): Promise<void> {
    return this.work(lockSynchronizeCall(checkIdentifier(identifier)), options);
  }

  /** Writes the lock's firmware. Ends when the gateway has finished. */
  async updateLock(identifier: string, options: CommandOptions): Promise<void> {
    return this.work(lockUpdateCall(checkIdentifier(identifier)), options);
  }

  /** Polls a lock from now on, until the returned function is called. */
  watch(watch: Watch, listener: WatchListener): () => void {
    return this.watcher.watch({ ...watch, share: checkShare(watch.share) }, listener);
  }

  /** Writes down where the timestamps stand. Does not wait for what is under way. */
  async settle(): Promise<void> {
    await Promise.all([this.line.timestamps.settle(), this.readings.saved()]);
  }

  /** True while a request is under way. */
  get busy(): boolean {
    return this.line.queue.busy;
  }

  private async act(action: LockAction, given: Share, options: ActionOptions): Promise<ActionResult> {
    const share = checkShare(given);
    const expiresAt = this.clock.elapsed() + options.deadlineMs;
    let target: BoltAction = action === 'toggle' ? 'open' : action;
    let release: (() => void) | undefined;
    let sentAt = 0;
    const moved = (): void => void this.restsAt.set(share.identifier, sentAt + this.timing.boltTravel);
    this.mayHaveToWait(options);
    try {
      const result = await this.line.request<null>({
        call: boltCall(target, share),
        rank: 'action',
        moves: share.identifier,
        expiresAt,
        answerMs: (remaining) => Math.min(options.timeoutMs, remaining - Math.min(SETTLE_MS, remaining / 3)),
        signal: options.signal,
        unreachableMs: options.unreachableMs,
        patient: true,
        ...(action === 'toggle'
          ? {
              first: {
                call: lockStatusCall(share, () => this.clock.now()),
                // A bolt on its way still reads as what it was, and would be sent the same way again.
                tooEarlyMs: () => {
                  const rests = this.restsAt.get(share.identifier) ?? 0;
                  return Math.min(rests, expiresAt - options.deadlineMs / 2) - this.clock.elapsed();
                },
                decide: (reading: unknown): Call<null> => {
                  target = opposite((reading as LockReading).state);
                  return boltCall(target, share);
                },
              },
            }
          : {}),
        onSend: () => {
          sentAt = this.clock.elapsed();
          options.onProgress?.({ step: 'sending' });
        },
        onRetry: (code) => options.onProgress?.({ step: 'retrying', code }),
        // From the moment of its answer: before that the next action cannot be taken up anyway.
        onAnswer: () => {
          release = this.line.queue.hold(share.identifier);
          moved();
        },
      });
      if (result.kind === 'ok' && !options.confirm) {
        return { identifier: share.identifier, action, state: null, confirmed: false };
      }
      const reading = await this.readBack(target, share, result, expiresAt, options);
      return conclude(action, target, share.identifier, result, reading);
    } catch (error) {
      // Given up before its answer, it turns the bolt all the same.
      if (systemCode(error) === 'RESULT_UNKNOWN') moved();
      throw error;
    } finally {
      release?.();
    }
  }

  /**
   * Reads the lock until it shows what was asked for, the deadline comes, or somebody else wants to move this lock and it
   * was read after the bolt had time to travel: twice, for a slow one. Undefined where it could not be read.
   */
  private async readBack(
    target: BoltAction,
    share: Share,
    result: Result<null>,
    expiresAt: number,
    options: ActionOptions,
  ): Promise<LockReading | undefined> {
    const wanted = WANTED[target];
    // No reading can tell whether a calibration took place.
    if (result.kind === 'lost' && wanted === undefined) return undefined;
    options.onProgress?.({ step: 'confirming' });
    let last: LockReading | undefined;
    const travelled = result.sentAt + this.timing.boltTravel - this.clock.elapsed();
    let wait = Math.max(0, Math.min(travelled, (expiresAt - this.clock.elapsed()) / 2));
    for (let tries = 0; ; tries++) {
      await this.rest(wait, options.signal, result);
      const deadlineMs = expiresAt - this.clock.elapsed();
      if (deadlineMs <= 0) return last;
      last = await this.readOnce(share, expiresAt, options, result, last);
      if (last !== undefined && (wanted === undefined ? last.state !== 'unknown' : last.state === wanted)) return last;
      const isWanted = this.line.queue.isWanted(share.identifier);
      // What the gateway has accepted may be on its way still; whether a lost command ever was, waiting does not tell.
      if (isWanted && (tries > 0 || result.kind === 'lost' || last === undefined)) return last;
      const remaining = expiresAt - this.clock.elapsed();
      const pauses = isWanted ? [Math.min(...this.timing.readBackPauses)] : this.timing.readBackPauses;
      wait = Math.min(pauses[Math.min(tries, pauses.length - 1)] ?? 0, Math.max(LEAST_PAUSE_MS, remaining - READ_MS));
      if (wait >= remaining) return last;
    }
  }

  private async readOnce(
    share: Share,
    expiresAt: number,
    options: ActionOptions,
    result: Result<null>,
    last: LockReading | undefined,
  ): Promise<LockReading | undefined> {
    try {
      const read = await this.line.request({
        call: lockStatusCall(share, () => this.clock.now()),
        rank: 'settle',
        expiresAt,
        answerMs: (remaining) => Math.min(options.timeoutMs, remaining),
        signal: options.signal,
        patient: true,
      });
      if (read.kind !== 'ok') return last;
      this.readings.add(read.value);
      return read.value;
    } catch {
      if (options.signal?.aborted) throw interrupted(result);
      // Whatever kept it from being read may pass before the deadline does.
      return last;
    }
  }

  private async rest(ms: number, signal: AbortSignal | undefined, result: Result<null>): Promise<void> {
    try {
      await pause(this.clock, ms, signal);
    } catch (error) {
      throw signal?.aborted ? interrupted(result) : error;
    }
  }

  private async read<T>(call: Call<T>, rank: Rank, options: CommandOptions, mergeKey: string): Promise<T> {
    this.mayHaveToWait(options);
    const result = await this.line.request<T>({
      call,
      rank,
      mergeKey,
      patient: rank !== 'poll',
      ...this.commandOf(options),
    });
    return valueOf(result);
  }

  /** Sends it, then follows the gateway's own words until it has finished. */
  private async work(
    call: Call<null>,
    options: CommandOptions,
    expiresAt = this.clock.elapsed() + options.deadlineMs,
  ): Promise<void> {
    let free: (() => void) | undefined;
    this.mayHaveToWait(options);
    try {
      const sent = this.line.request<null>({
        call,
        rank: 'action',
        patient: true,
        ...this.commandOf(options),
        expiresAt,
        // Some gateways answer when they have finished. The deadline is for getting a turn; the answer has its own time.
        answerMs: () => options.timeoutMs,
        onAnswer: () => {
          free = this.line.queue.occupy();
        },
      });
      await sent.then(valueOf).catch(async (error: unknown) => {
        if (options.signal?.aborted || !isUnanswered(error)) throw error;
        free ??= this.line.queue.occupy();
        if (!(await this.isAt(call, options))) throw error;
      });
      await this.follow(call.acts, options).catch((error: unknown) => {
        if (!options.signal?.aborted) throw error;
        throw gatewayError('RESULT_UNKNOWN', {
          message: 'the gateway has begun, but was given up before it said that it had finished',
        });
      });
    } finally {
      free?.();
    }
  }

  /** Whether the gateway says that it does what no answer came to. Its synchronizations, which it also begins itself, are no update. */
  private async isAt(call: Call<null>, options: CommandOptions): Promise<boolean> {
    try {
      const { currentStatus } = await this.look(Math.min(options.timeoutMs, LOOK_MS), options);
      return (call.acts ? UPDATING : WORKING).test(currentStatus);
    } catch {
      return false;
    }
  }

  /**
   * Looks at the gateway's status until it works no more. Silence while a firmware is written is a restart; in other
   * work, and beyond the grace, it is a gateway that is gone.
   */
  private async follow(mayRestart: boolean, options: CommandOptions): Promise<void> {
    const began = this.clock.elapsed();
    let heardAt = began;
    let status = '';
    for (;;) {
      options.onProgress?.({ step: 'working', status, forMs: this.clock.elapsed() - began });
      await pause(this.clock, status === '' ? this.timing.workPause / 2 : this.timing.workPause, options.signal);
      const now = this.clock.elapsed();
      if (now - began > this.timing.longestWork) {
        throw gatewayError('GATEWAY_BUSY', { message: `the gateway still says "${status.slice(0, 40)}"` });
      }
      try {
        status = (await this.look(options.timeoutMs, options)).currentStatus;
        heardAt = this.clock.elapsed();
        if (!WORKING.test(status)) return;
      } catch (error) {
        if (options.signal?.aborted) throw error;
        const { code } = error as { code?: unknown };
        // Firmware before version 17 has no status to look at.
        if (code === 'BAD_RESPONSE') return;
        if (code === 'GATEWAY_BUSY') heardAt = this.clock.elapsed();
        else if (this.clock.elapsed() - heardAt > (mayRestart ? this.timing.restartGrace : options.timeoutMs))
          throw error;
      }
    }
  }

  /** At the gateway's status, between others. */
  private async look(forMs: number, { signal }: CommandOptions): Promise<GatewayStatus> {
    const result = await this.line.request({
      call: statusCall(),
      rank: 'settle',
      expiresAt: this.clock.elapsed() + forMs,
      answerMs: (remaining) => remaining,
      signal,
      patient: false,
    });
    return valueOf(result);
  }

  /** Told only where something else has its turn: else the command is on its way in the same moment. */
  private mayHaveToWait(options: CommandOptions): void {
    if (this.busy) options.onProgress?.({ step: 'waiting' });
  }

  private commandOf(
    options: CommandOptions,
  ): Pick<Request<unknown>, 'expiresAt' | 'answerMs' | 'signal' | 'unreachableMs' | 'onSend' | 'onRetry'> {
    return {
      unreachableMs: options.unreachableMs,
      expiresAt: this.clock.elapsed() + options.deadlineMs,
      answerMs: (remaining) => Math.min(options.timeoutMs, remaining),
      signal: options.signal,
      onSend: () => options.onProgress?.({ step: 'sending' }),
      onRetry: (code) => options.onProgress?.({ step: 'retrying', code }),
    };
  }
}

/** What a lock reads as after an action. A calibration has no state of its own. */
const WANTED: Readonly<Record<BoltAction, LockState | undefined>> = {
  open: 'open',
  close: 'closed',
  calibrate: undefined,
};

function conclude(
  action: LockAction,
  target: BoltAction,
  identifier: string,
  result: Result<null>,
  reading: LockReading | undefined,
): ActionResult {
  const wanted = WANTED[target];
  const state = reading?.state ?? 'unknown';
  const confirmed = wanted === undefined ? state !== 'unknown' && result.kind === 'ok' : state === wanted;
  if (result.kind === 'lost' && !confirmed) throw resultUnknown(result, reading);
  return { identifier, action, state, confirmed, ...(reading === undefined ? {} : { reading }) };
}

function resultUnknown(lost: Lost, reading?: LockReading): Error {
  const read = reading === undefined ? 'the lock could not be read' : `the lock reads as ${reading.state}`;
  return gatewayError('RESULT_UNKNOWN', {
    message: `the command was sent, ${lost.why}, and ${read}`,
    httpStatus: lost.httpStatus,
  });
}

/** A value, or the error for a call that acts without any way to read back what it did. */
function valueOf<T>(result: Result<T>): T {
  if (result.kind === 'ok') return result.value;
  throw gatewayError('RESULT_UNKNOWN', {
    message: `the command was sent, and ${result.why}`,
    httpStatus: result.httpStatus,
  });
}

/** What a command ends with that was given up after it was sent. */
function interrupted(result: Result<null>): Error {
  return result.kind === 'lost'
    ? resultUnknown(result)
    : gatewayError('RESULT_UNKNOWN', {
        message: 'the gateway accepted the command, but it was given up before the lock could be read',
      });
}

function opposite(state: LockState): 'open' | 'close' {
  if (state === 'unknown') throw gatewayError('STATE_UNKNOWN');
  return state === 'open' ? 'close' : 'open';
}

/** It was sent, and nothing came back. */
function isUnanswered(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: { httpStatus?: number } };
  return (code === 'GATEWAY_TIMEOUT' || code === 'RESULT_UNKNOWN') && cause?.httpStatus === undefined;
}

function isMethodRefused(error: unknown): boolean {
  const { cause } = error as { cause?: { httpStatus?: number; gatewayCode?: number } };
  if (cause?.gatewayCode !== undefined) return cause.gatewayCode !== 400 && METHOD_REFUSED.has(cause.gatewayCode);
  return cause?.httpStatus !== undefined && METHOD_REFUSED.has(cause.httpStatus);
}

/** @throws CodedError INVALID_INPUT */
export function checkIdentifier(identifier: string): string {
  const trimmed = identifier.trim();
  if (trimmed === '') {
    throw invalidInput(
      'no lock is named',
      'Set the lock\'s identifier (the "ID serrure") in the gateway configuration, in the node or in msg.identifier.',
    );
  }
  return trimmed;
}

function checkShare(share: Share): Share {
  const identifier = checkIdentifier(share.identifier);
  const fault = faultOfCode(share.code);
  if (fault !== undefined) {
    throw invalidInput(fault, 'Type the share code that the app of The Keys shows for the share with this gateway.');
  }
  return { identifier, code: cleanCode(share.code) };
}
