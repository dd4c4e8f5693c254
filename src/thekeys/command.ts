/**
 * A command, from its turn to its end: send, look at what came of it, try again where that is safe. Read it from top to
 * bottom. Whose turn it is is decided in `queue.ts`, what follows from an answer in `retry.ts`.
 */
import { abortable, lifetime, type Lifetime } from '../common/abort';
import type { Clock } from '../common/clock';
import type { Log } from '../common/log';
import { StateError, type Lease, type State } from '../state/state';
import type { BoltsAtRest } from './bolt';
import { formOf, statusCall, synchronizeCall, type Call } from './calls';
import { gatewayError, type GatewayError, type GatewayErrorCode } from './gateway-errors';
import { ExchangeFailure, LEAST_ANSWER_MS, type exchange } from './exchange';
import type { CommandOptions, Timing } from './options';
import { answered, failed, sharedStateLost, type Done, type Lost, type Outcome, type Request } from './outcome';
import type { Queue, Turn, TurnRequest } from './queue';
import type { Readings } from './readings';
import { next, synchronizingError, type Facts, type Policy, type Tries } from './retry';
import type { Timestamps } from './timestamps';

export interface Channel {
  /** `host:port`: names the sequence of timestamps and, where processes share the gateway, the right to send. */
  readonly key: string;
  readonly base: URL;
  readonly exchange: typeof exchange;
  readonly queue: Queue;
  readonly timestamps: Timestamps;
  /** What is known of its locks, whichever node asked. */
  readonly readings: Readings;
  readonly restsAt: BoltsAtRest;
  readonly timing: Timing;
  readonly state: State;
  readonly clock: Clock;
  readonly log: Log;
  /** When the gateway was last synchronized because of its clock, and whether it has accepted a signature since. */
  synchronized: { at: number; helped: boolean };
}

export type Send = <T>(call: Call<T>) => Promise<Outcome<T>>;

export interface Command<T> extends Begun {
  channel: Channel;
  turn: Turn;
  policy: Policy;
  /** One request; or two, of which the first decides about the second, so that nothing comes between them. */
  attempt: (send: Send) => Promise<Outcome<T>>;
  /** Milliseconds for one request and its answer. */
  answerMs: () => number;
  onSend?: () => void;
  onRetry?: (code: GatewayErrorCode) => void;
}

export interface Course {
  /** Its request is on its way. */
  sent: boolean;
  /** Why the last try came to nothing. */
  obstacle?: GatewayError;
}

/** What a command ends with when its deadline has passed. */
export function tooLate({ sent, obstacle }: Course): GatewayError {
  if (sent) return gatewayError('GATEWAY_TIMEOUT');
  return obstacle ?? gatewayError('EXPIRED');
}

export interface Begun {
  life: Lifetime;
  course: Course;
  /** On the clock's `elapsed()`: nothing is sent from then on. */
  deadline: () => number;
}

/** Begins a command. Call its life's `end()` in a `finally`. */
export function begin(
  clock: Clock,
  { deadlineMs, signal }: Pick<CommandOptions, 'deadlineMs' | 'signal'>,
  course: Course = { sent: false },
): Begun {
  const deadline = clock.elapsed() + deadlineMs;
  const life = lifetime({ clock, deadline, late: () => tooLate(course), caller: signal });
  return { life, course, deadline: () => deadline };
}

/** Sends what acts, patiently, until its deadline. */
export function runAction<T>(
  channel: Channel,
  turn: Turn,
  begun: Begun,
  { timeoutMs, unreachableMs, onProgress }: CommandOptions,
  attempt: Command<T>['attempt'],
): Promise<Done<T> | Lost> {
  return run({
    ...begun,
    ...{ channel, turn, attempt },
    policy: { patient: true, isAction: true, unreachableMs },
    answerMs: () => timeoutMs,
    onSend: () => onProgress?.({ step: 'sending' }),
    onRetry: (code) => onProgress?.({ step: 'retrying', code }),
  });
}

/** How long other processes wait for one that died while it had the right to send. */
const LEASE_MS = 8000;
/** A gateway answers with its list and its status in 0.1 s; one that does not soon will not, and others wait meanwhile. */
export const LIGHT_ANSWER_MS = 5000;
/**
 * A gateway that was too slow to be waited for may be at work still. It is left alone for a while: what overlaps is dropped
 * by some gateways, or leaves them with wrong answers afterwards (field reports).
 */
const AFTER_SILENCE_MS = 1000;
/** So long it may be busy with a lock, counted from when it was asked: it reads one in 3.5 s, and moves a bolt in 5. */
const BLUETOOTH_MS = 3800;
const ACTION_MS = 5000;
/** A synchronization makes all locks unreachable for minutes, and where it did not help, another one soon after will not. */
const BETWEEN_SYNCHRONIZATIONS_MS = 600_000;

/**
 * Runs a command in its turn, to its end. `lost`: an action may have reached the gateway, and no usable answer came.
 * @throws GatewayError, or the reason of the command's signal
 */
async function run<T>(command: Command<T>): Promise<Done<T> | Lost> {
  const { channel, turn, life, policy, course } = command;
  const { clock, log, key, timestamps } = channel;
  const tries: Tries = { unsent: 0, busy: 0, signature: 0, clock: 0, synchronizing: 0 };
  let unreachableSince: number | undefined;
  for (;;) {
    const outcome = await attempt(command);
    if (outcome.kind === 'refused' || outcome.kind === 'unsent') life.setDeadline(command.deadline());
    unreachableSince = outcome.kind === 'unsent' ? (unreachableSince ?? clock.elapsed()) : undefined;
    const facts = await explain(command, outcome, unreachableSince);
    const step = next(outcome, facts, tries, policy);
    if (step.kind === 'end') return step.outcome;
    if (step.kind === 'fail') throw step.error;

    log.trace(`${key}: again in ${step.afterMs} ms (${step.error.code}, ${step.first ?? step.because})`);
    course.obstacle = step.error;
    command.onRetry?.(step.error.code);
    tries[step.because] += 1;
    if (step.first === 'synchronize') await synchronize(command);
    if (step.first === 'restart-timestamps' && outcome.kind === 'refused' && outcome.timestamp !== undefined) {
      // The clock is believed rather than the sequence of timestamps, where that is possible.
      const advice = await timestamps.refused(outcome.timestamp);
      if (advice.kind !== 'restarted') throw step.error;
    }
    await turn.stepAside(step.afterMs);
    if (step.first !== 'synchronize' && step.first !== 'await-synchronized') continue;
    const explained = await untilSynchronized(command);
    if (!explained && !policy.isAction) throw step.error;
  }
}

/** Reads something in a turn of its own, until a deadline. @throws GatewayError, or the reason of the request's signal */
export async function read<T>(
  channel: Channel,
  call: Call<T>,
  request: TurnRequest,
  reading: Omit<Command<T>, 'channel' | 'turn' | 'life' | 'attempt'>,
): Promise<T> {
  const turn = await channel.queue.turn(request);
  try {
    const outcome = await run<T>({ ...reading, channel, turn, life: request.life, attempt: (send) => send(call) });
    if (outcome.kind === 'lost') throw outcome.error;
    return outcome.value;
  } finally {
    turn.end();
  }
}

/** One try. Where processes share the gateway, none of the others sends anything meanwhile. */
async function attempt<T>(command: Command<T>): Promise<Outcome<T>> {
  const { state, key } = command.channel;
  const { signal } = command.life;
  let lease: Lease | undefined;
  try {
    lease = state.shared ? await state.lease(`gateway/${key}`, { ttlMs: LEASE_MS, signal }) : undefined;
    return await command.attempt((call) => request(command, call, lease));
  } catch (error) {
    if (error instanceof StateError) return { kind: 'unsent', error: sharedStateLost(error) };
    throw error;
  } finally {
    await lease?.release().catch(() => undefined);
  }
}

/** One request and its answer. @throws the reason of the command's signal, where nothing was sent or a read was given up */
async function request<T>(command: Command<unknown>, call: Call<T>, lease: Lease | undefined): Promise<Outcome<T>> {
  const { channel, life, course } = command;
  const { clock, log, timestamps } = channel;
  const began = clock.elapsed();
  const note = (what: string): void =>
    log.trace(`${channel.key}: ${call.method} ${call.path}: ${what}, ${Math.round(clock.elapsed() - began)} ms`);
  const sent: Request<T> = { call, timestamp: undefined, sentAt: 0 };
  try {
    life.setDeadline(command.deadline());
    if (call.code !== undefined) await abortable(timestamps.reserve(), life.signal);
    const timeoutMs = command.answerMs();
    if (timeoutMs < LEAST_ANSWER_MS) life.abort(tooLate(course));
    life.signal.throwIfAborted();
    command.onSend?.();
    const answer = await channel.exchange({
      method: call.method,
      url: new URL(call.path, channel.base),
      timeoutMs,
      signal: life.signal,
      clock,
      // Called when the connection stands. What it throws is thrown before the first byte.
      body: () => {
        if (clock.elapsed() >= command.deadline()) life.abort(tooLate(course));
        life.signal.throwIfAborted();
        // A process that was stopped for a while may have lost its right to another one.
        lease?.lost.throwIfAborted();
        if (call.code !== undefined) sent.timestamp = timestamps.next();
        sent.sentAt = clock.elapsed();
        course.sent = true;
        if (command.policy.isAction) life.setDeadline(undefined);
        return formOf(call, sent.timestamp);
      },
    });
    const outcome = answered(answer, sent, { now: clock.now(), otherOwner: channel.state.otherOwner });
    note(outcome.kind === 'done' ? 'done' : outcome.error.code);
    if (sent.timestamp !== undefined) accepted(channel, sent.timestamp, outcome);
    return outcome;
  } catch (error) {
    if (!(error instanceof ExchangeFailure)) throw error;
    note(`${error.kind}, ${error.sent ? 'sent' : 'not sent'} (${error.reason})`);
    if (error.sent && (error.kind === 'timeout' || error.kind === 'aborted')) {
      const busyUntil = call.light ? 0 : sent.sentAt + (call.acts ? ACTION_MS : BLUETOOTH_MS);
      channel.queue.backOff(Math.max(AFTER_SILENCE_MS, busyUntil - clock.elapsed()));
    }
    // Nothing came of it, so the command ends as its signal says. What acts has an end of its own.
    if (life.signal.aborted && !(error.sent && call.acts)) throw life.signal.reason;
    return failed(error, sent);
  } finally {
    course.sent = false;
  }
}

/** Whatever a gateway says but that signature or time are wrong, it has accepted the timestamp. */
function accepted(channel: Channel, timestamp: number, outcome: Outcome<unknown>): void {
  if (outcome.kind === 'lost') return;
  const code = outcome.kind === 'done' ? undefined : outcome.error.code;
  if (code === 'INVALID_HMAC' || code === 'GATEWAY_CLOCK' || code === 'GATEWAY_BUSY') return;
  channel.timestamps.confirm(timestamp);
  channel.synchronized.helped = true;
}

/** What else must be known of a refusal before it is decided what follows. */
async function explain(
  command: Command<unknown>,
  outcome: Outcome<unknown>,
  unreachableSince: number | undefined,
): Promise<Facts> {
  const { clock, timestamps, synchronized } = command.channel;
  const now = clock.elapsed();
  const facts: Facts = {
    unreachableForMs: unreachableSince === undefined ? 0 : now - unreachableSince,
    remainingMs: command.deadline() - now,
  };
  if (outcome.kind !== 'refused' || outcome.timestamp === undefined) return facts;
  const { error, timestamp } = outcome;
  try {
    switch (error.code) {
      case 'LOCK_NOT_DETECTED':
        return { ...facts, synchronizing: await isSynchronizing(command) };
      case 'INVALID_HMAC': {
        const advice = await timestamps.refused(timestamp);
        const ask = advice.kind === 'retry' && !command.policy.isAction;
        return { ...facts, advice, synchronizing: ask && (await isSynchronizing(command)) };
      }
      case 'GATEWAY_CLOCK': {
        timestamps.spare(timestamp);
        const isRecent = now - synchronized.at < BETWEEN_SYNCHRONIZATIONS_MS;
        // Some gateways answer `/synchronize` at once, and take minutes for it.
        if (isRecent && (await isSynchronizing(command))) return { ...facts, synchronizing: true };
        const doubt = timestamps.doubt(timestamp);
        // Before the sequence of timestamps is doubted, the gateway has its chance again.
        return { ...facts, doubt, maySynchronize: !isRecent || synchronized.helped || doubt === 'some' };
      }
      default:
        return facts;
    }
  } catch (reason) {
    // Given up meanwhile: it ends with the refusal, for that much is known.
    if (command.life.signal.aborted) throw error;
    throw reason;
  }
}

async function isSynchronizing(command: Command<unknown>, what = /./): Promise<boolean> {
  const outcome = await aside(command, statusCall, LIGHT_ANSWER_MS);
  return outcome.kind === 'done' && outcome.value.synchronizing && what.test(outcome.value.currentStatus);
}

/** Waits while the gateway says that it synchronizes. False where it does not say so. */
async function untilSynchronized(command: Command<unknown>): Promise<boolean> {
  for (let explained = false; ; explained = true) {
    if (!(await isSynchronizing(command))) return explained;
    if (!command.policy.patient) throw synchronizingError('GATEWAY_BUSY');
    await command.turn.stepAside(5000);
  }
}

/** `/synchronize` sets a gateway's clock (code 38; field reports). */
async function synchronize(command: Command<unknown>): Promise<void> {
  const { channel } = command;
  for (;;) {
    const outcome = await aside(command, synchronizeCall, command.answerMs());
    const isBusy = outcome.kind === 'refused' && outcome.error.code === 'GATEWAY_BUSY';
    if (outcome.kind !== 'unsent' && !isBusy) {
      // Where its answer was lost, its status says whether it has begun: a lock's synchronization is another one.
      const begun = outcome.kind !== 'lost' || (await isSynchronizing(command, /gw|gateway/i));
      if (begun) channel.synchronized = { at: channel.clock.elapsed(), helped: false };
      return;
    }
    if (!command.policy.patient) throw outcome.error;
    await command.turn.stepAside(1000);
  }
}

/** Another request in the turn of the command, which says nothing of how far the command itself has come. */
function aside<T>(command: Command<unknown>, call: Call<T>, answerMs: number): Promise<Outcome<T>> {
  const { channel, turn, life, policy, deadline, course } = command;
  return attempt({
    ...{ channel, turn, life, deadline },
    policy: { ...policy, isAction: false },
    course: { ...course, sent: false },
    attempt: (send) => send(call),
    answerMs: () => answerMs,
  });
}
