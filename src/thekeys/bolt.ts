/**
 * Moving a bolt: the command is sent, at most once, then the lock is read until it shows what came of it. Nothing is
 * concluded that was not read.
 */
import type { Lifetime } from '../common/abort';
import { pause } from '../common/clock';
import type { LockReading, LockState } from './wire';
import { boltCall, lockStatusCall, type BoltAction, type Share } from './calls';
import { begin, read, runAction, type Channel } from './command';
import { gatewayError } from './gateway-errors';
import type { ActionOptions } from './options';
import { resultUnknown, type Done, type Lost } from './outcome';
import type { Turn, TurnRequest } from './queue';

export type LockAction = BoltAction | 'toggle';

export interface ActionResult {
  identifier: string;
  action: LockAction;
  /** What was read; null where nothing was asked to be read. */
  state: LockState | null;
  /** True only where the lock itself said so. */
  confirmed: boolean;
  reading?: LockReading;
}

/** When the bolt of each lock that was moved is at rest, on the clock's `elapsed()`: by `restKey`. */
export type BoltsAtRest = Map<string, number>;

interface Action {
  target: BoltAction;
  share: Share;
  options: ActionOptions;
  /** On the clock's `elapsed()`: until when it may be sent. */
  deadline: number;
  life: Lifetime;
}

/** One reading: a healthy one takes 3.5 s. */
const READ_ANSWER_MS = 10_000;
const READ_MS = 4500;
const LEAST_PAUSE_MS = 2000;

/** What a lock reads as after an action. A calibration has no state of its own. */
const WANTED: Readonly<Record<BoltAction, LockState | undefined>> = {
  open: 'open',
  close: 'closed',
  calibrate: undefined,
};

/** @throws GatewayError, or the reason of the caller's signal where nothing was sent */
export async function act(
  channel: Channel,
  verb: LockAction,
  share: Share,
  options: ActionOptions,
): Promise<ActionResult> {
  const { clock, queue, restsAt, timing } = channel;
  const { identifier } = share;
  const begun = begin(clock, options);
  const { life } = begun;
  const action: Action = {
    target: verb === 'toggle' ? 'open' : verb,
    share,
    options,
    deadline: begun.deadline(),
    life,
  };
  let turn: Turn | undefined;
  try {
    turn = await queue.turn({ rank: 'action', lock: identifier, light: false, life, commands: 1 });
    if (verb === 'toggle') await untilAtRest(channel, action, turn);
    const outcome = await runAction<null>(channel, turn, begun, options, async (send) => {
      if (verb === 'toggle') {
        const reading = await send(lockStatusCall(share, () => clock.now()));
        if (reading.kind !== 'done') return reading;
        action.target = opposite(reading.value.state);
      }
      return send(boltCall(action.target, share));
    });
    restsAt.set(restKey(channel, share), outcome.sentAt + timing.boltTravel);
    turn.hold('lock');
    if (outcome.kind === 'done' && !options.confirm) return { identifier, action: verb, state: null, confirmed: false };
    const reading = await readBack(channel, action, outcome);
    return conclude(verb, action, outcome, reading);
  } finally {
    turn?.end();
    life.end();
  }
}

/** A bolt on its way still reads as what it was, and would be sent the same way again. */
async function untilAtRest(channel: Channel, { share, options, deadline }: Action, turn: Turn): Promise<void> {
  const latest = deadline - options.deadlineMs / 2;
  const ms = Math.min(channel.restsAt.get(restKey(channel, share)) ?? 0, latest) - channel.clock.elapsed();
  if (ms > 0) await turn.stepAside(ms);
}

function restKey({ key }: Channel, { identifier }: Share): string {
  return `${key} ${identifier}`;
}

/**
 * Reads the lock until it shows what was asked for, the time is over, or another command wants to move this lock and it was
 * read after the bolt had time to travel: twice, for a slow one. Undefined where it could not be read.
 */
async function readBack(
  channel: Channel,
  action: Action,
  outcome: Done<null> | Lost,
): Promise<LockReading | undefined> {
  const { clock, queue, timing } = channel;
  const { options, deadline, life, share } = action;
  const wanted = WANTED[action.target];
  const isLost = outcome.kind === 'lost';
  // No reading can show whether a calibration took place.
  if (isLost && wanted === undefined) return undefined;
  options.onProgress?.({ step: 'confirming' });
  const until = Math.max(clock.elapsed(), deadline) + timing.readBack;
  life.setDeadline(until);
  let last: LockReading | undefined;
  let wait = Math.max(0, outcome.sentAt + timing.boltTravel - clock.elapsed());
  try {
    for (let tries = 0; ; tries++) {
      await pause(clock, wait, life.signal);
      last = (await readOnce(channel, action, until)) ?? last;
      const isShown = wanted === undefined ? last !== undefined && last.state !== 'unknown' : last?.state === wanted;
      if (isShown) return last;
      const isWanted = queue.isWanted(share.identifier);
      // What the gateway has accepted may be on its way still; whether a lost command ever was, waiting does not show.
      if (isWanted && (tries > 0 || isLost || last === undefined)) return last;
      const pauses = isWanted ? [Math.min(...timing.readBackPauses)] : timing.readBackPauses;
      // A lock that reads as the other state is read until the deadline, twice at least; one that cannot be read, longer.
      const end = last !== undefined && tries > 0 ? deadline : until;
      const remaining = end - clock.elapsed();
      wait = Math.min(pauses[Math.min(tries, pauses.length - 1)] ?? 0, Math.max(LEAST_PAUSE_MS, remaining - READ_MS));
      if (wait >= remaining) return last;
    }
  } catch (error) {
    if (options.signal?.aborted) throw interrupted(outcome);
    if (life.signal.aborted) return last;
    throw error;
  }
}

/** Undefined where it could not be read: whatever kept it from that may pass. @throws where the time is over */
async function readOnce(
  channel: Channel,
  { share, options, life }: Action,
  until: number,
): Promise<LockReading | undefined> {
  const { clock } = channel;
  try {
    const call = lockStatusCall(share, () => clock.now());
    const request: TurnRequest = { rank: 'settle', light: false, life, commands: 0 };
    const reading = await read(channel, call, request, {
      course: { sent: false },
      policy: { patient: true, isAction: false },
      deadline: () => until,
      answerMs: () => Math.min(options.timeoutMs, READ_ANSWER_MS, until - clock.elapsed()),
    });
    channel.readings.add(reading);
    return reading;
  } catch (error) {
    if (life.signal.aborted) throw error;
    return undefined;
  }
}

function conclude(
  verb: LockAction,
  { target, share }: Action,
  outcome: Done<null> | Lost,
  reading: LockReading | undefined,
): ActionResult {
  const wanted = WANTED[target];
  const state = reading?.state ?? 'unknown';
  const confirmed = wanted === undefined ? state !== 'unknown' && outcome.kind === 'done' : state === wanted;
  if (outcome.kind === 'lost' && !confirmed) throw unsettled(outcome, reading);
  return { identifier: share.identifier, action: verb, state, confirmed, ...(reading && { reading }) };
}

function unsettled(lost: Lost, reading?: LockReading): Error {
  const read = reading === undefined ? 'the lock could not be read' : `the lock reads as ${reading.state}`;
  return resultUnknown(lost, `${lost.why}, and ${read}`);
}

/** What a command ends with that was given up after it was sent. */
function interrupted(outcome: Done<null> | Lost): Error {
  if (outcome.kind === 'lost') return unsettled(outcome);
  return gatewayError('RESULT_UNKNOWN', {
    message: 'the gateway accepted the command, but it was given up before the lock could be read',
  });
}

function opposite(state: LockState): 'open' | 'close' {
  if (state === 'unknown') throw gatewayError('STATE_UNKNOWN');
  return state === 'open' ? 'close' : 'open';
}
