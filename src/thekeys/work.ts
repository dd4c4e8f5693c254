/**
 * What takes a gateway minutes: synchronizations and firmware updates. It is sent like an action, then the gateway's own
 * words are followed until it has finished; meanwhile only light requests reach it.
 */
import { lifetime, type Lifetime } from '../common/abort';
import { pause } from '../common/clock';
import type { GatewayStatus } from './wire';
import { statusCall, updateCall, type Call } from './calls';
import { LIGHT_ANSWER_MS, read, run, tooLate, type Channel, type Course } from './command';
import { gatewayError, type GatewayError } from './gateway-errors';
import type { CommandOptions, Timing } from './options';
import type { Turn } from './queue';

export interface Workshop {
  channel: Channel;
  timing: Timing;
}

/** States of the gateway, in its own words, in which it works on something long. Idle, it says "Scanning". */
const UPDATING = /updat|upgrad|download|flash|firmware|reboot|restart/i;
const WORKING = new RegExp(`synchroni[sz]|${UPDATING.source}`, 'i');
/** A gateway, or a server in its place, that knows no such method. */
const METHOD_REFUSED = new Set([400, 404, 405, 501]);

/** Writes the gateway's firmware: with POST, or where a gateway does not know that, with GET. */
export async function update(workshop: Workshop, options: CommandOptions): Promise<void> {
  const deadline = workshop.channel.clock.elapsed() + options.deadlineMs;
  try {
    await work(workshop, updateCall('POST'), options, deadline);
  } catch (error) {
    if (!isMethodRefused(error as GatewayError)) throw error;
    await work(workshop, updateCall('GET'), options, deadline);
  }
}

/** @param deadline on the clock's `elapsed()`: until when it may be sent */
export async function work(
  { channel, timing }: Workshop,
  call: Call<null>,
  options: CommandOptions,
  deadline = channel.clock.elapsed() + options.deadlineMs,
): Promise<void> {
  const course: Course = { sent: false };
  const life = lifetime({ clock: channel.clock, deadline, late: () => tooLate(course), caller: options.signal });
  let turn: Turn | undefined;
  try {
    turn = await channel.queue.turn({ rank: 'action', light: false, life, commands: 1 });
    await start(channel, call, options, { turn, life, course, deadline });
    turn.hold('gateway');
    await follow({ channel, timing }, call.acts, options);
  } finally {
    turn?.end();
    life.end();
  }
}

interface Started {
  turn: Turn;
  life: Lifetime;
  course: Course;
  deadline: number;
}

/** Sends it. Where no answer came, the gateway is asked whether it is at it. */
async function start(channel: Channel, call: Call<null>, options: CommandOptions, begun: Started): Promise<void> {
  try {
    const outcome = await run(channel, {
      turn: begun.turn,
      life: begun.life,
      course: begun.course,
      policy: { patient: true, signsAgain: true, unreachableMs: options.unreachableMs },
      attempt: (send) => send(call),
      deadline: () => begun.deadline,
      deadlineIsForSending: true,
      answerMs: () => options.timeoutMs,
      onSend: () => options.onProgress?.({ step: 'sending' }),
      onRetry: (code) => options.onProgress?.({ step: 'retrying', code }),
    });
    if (outcome.kind === 'done') return;
    throw gatewayError('RESULT_UNKNOWN', {
      message: `the command was sent, and ${outcome.why}`,
      httpStatus: outcome.error.cause.httpStatus,
    });
  } catch (error) {
    if (options.signal?.aborted || !isUnanswered(error as GatewayError)) throw error;
    begun.turn.hold('gateway');
    if (!(await isAt(channel, call, options))) throw error;
  }
}

/** Whether the gateway says that it does what no answer came to. Its synchronizations, which it also begins itself, are no update. */
async function isAt(channel: Channel, call: Call<null>, options: CommandOptions): Promise<boolean> {
  try {
    const { currentStatus } = await look(channel, Math.min(options.timeoutMs, LIGHT_ANSWER_MS), options);
    return (call.acts ? UPDATING : WORKING).test(currentStatus);
  } catch {
    return false;
  }
}

/**
 * Looks at the gateway's status until it works no more. Silence while a firmware is written is a restart; in other work,
 * and beyond the grace, it is a gateway that is gone.
 */
async function follow({ channel, timing }: Workshop, mayRestart: boolean, options: CommandOptions): Promise<void> {
  const { clock } = channel;
  const began = clock.elapsed();
  let answeredAt = began;
  let status = '';
  for (;;) {
    options.onProgress?.({ step: 'working', status, forMs: clock.elapsed() - began });
    try {
      await pause(clock, status === '' ? timing.workPause / 2 : timing.workPause, options.signal);
      if (clock.elapsed() - began > timing.longestWork) {
        throw gatewayError('GATEWAY_BUSY', { message: `the gateway still says "${status.slice(0, 40)}"` });
      }
      status = (await look(channel, options.timeoutMs, options)).currentStatus;
      answeredAt = clock.elapsed();
      if (!WORKING.test(status)) return;
    } catch (error) {
      if (options.signal?.aborted) {
        throw gatewayError('RESULT_UNKNOWN', {
          message: 'the gateway has begun, but was given up before it said that it had finished',
        });
      }
      const { code } = error as GatewayError;
      const now = clock.elapsed();
      // Firmware before version 17 has no status to look at.
      if (code === 'BAD_RESPONSE') return;
      if (now - began > timing.longestWork) throw error;
      if (code === 'GATEWAY_BUSY') answeredAt = now;
      else if (now - answeredAt > (mayRestart ? timing.restartGrace : options.timeoutMs)) throw error;
    }
  }
}

/** At the gateway's status, between others. */
async function look(channel: Channel, forMs: number, options: CommandOptions): Promise<GatewayStatus> {
  const { clock } = channel;
  const course: Course = { sent: false };
  const deadline = clock.elapsed() + forMs;
  const life = lifetime({ clock, deadline, late: () => tooLate(course), caller: options.signal });
  try {
    return await read(
      channel,
      statusCall(),
      { rank: 'settle', light: true, life, commands: 0 },
      {
        course,
        policy: { patient: false, signsAgain: false },
        deadline: () => deadline,
        answerMs: () => Math.min(LIGHT_ANSWER_MS, deadline - clock.elapsed()),
      },
    );
  } finally {
    life.end();
  }
}

/** It was sent, and nothing came back. */
function isUnanswered({ code, cause }: GatewayError): boolean {
  return (code === 'GATEWAY_TIMEOUT' || code === 'RESULT_UNKNOWN') && cause.httpStatus === undefined;
}

function isMethodRefused({ code, cause }: Partial<GatewayError>): boolean {
  if (code === 'GATEWAY_BUSY' || code === 'MISSING_PARAMETER') return false;
  return METHOD_REFUSED.has(cause?.gatewayCode ?? cause?.httpStatus ?? 0);
}
