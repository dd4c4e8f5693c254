/**
 * What takes a gateway minutes: synchronizations and firmware updates. It is sent like an action, then the gateway's own
 * words are followed until it has finished; meanwhile only light requests reach it.
 */
import { pause } from '../common/clock';
import type { GatewayStatus } from './wire';
import { statusCall, updateCall, type Call } from './calls';
import { begin, LIGHT_ANSWER_MS, read, runAction, type Channel } from './command';
import { gatewayError, type GatewayError } from './gateway-errors';
import type { CommandOptions } from './options';
import { resultUnknown } from './outcome';
import type { Turn } from './queue';

/** States of the gateway, in its own words, in which it works on something long. Idle, it says "Scanning". */
const UPDATING = /updat|upgrad|download|flash|firmware|reboot|restart/i;
const WORKING = new RegExp(`synchroni[sz]|${UPDATING.source}`, 'i');
/** A gateway, or a server in its place, that knows no such method. */
const METHOD_REFUSED = new Set([400, 404, 405, 501]);

/** Writes the gateway's firmware: with POST, or where a gateway does not know that, with GET. */
export async function update(channel: Channel, options: CommandOptions): Promise<void> {
  const { clock } = channel;
  const deadline = clock.elapsed() + options.deadlineMs;
  try {
    await work(channel, updateCall('POST'), options);
  } catch (error) {
    if (!isMethodRefused(error as GatewayError)) throw error;
    await work(channel, updateCall('GET'), { ...options, deadlineMs: deadline - clock.elapsed() });
  }
}

export async function work(channel: Channel, call: Call<null>, options: CommandOptions): Promise<void> {
  const begun = begin(channel.clock, options);
  const { life } = begun;
  let turn: Turn | undefined;
  try {
    turn = await channel.queue.turn({ rank: 'action', light: false, life, commands: 1 });
    try {
      const outcome = await runAction(channel, turn, begun, options, (send) => send(call));
      if (outcome.kind === 'lost') throw resultUnknown(outcome, `and ${outcome.why}`);
    } catch (error) {
      // Where no answer came, the gateway is asked whether it is at it.
      if (options.signal?.aborted || !isUnanswered(error as GatewayError)) throw error;
      turn.hold('gateway');
      if (!(await isAt(channel, call, options))) throw error;
    }
    turn.hold('gateway');
    await follow(channel, call.acts, options);
  } finally {
    turn?.end();
    life.end();
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
async function follow(channel: Channel, mayRestart: boolean, options: CommandOptions): Promise<void> {
  const { clock, timing } = channel;
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

async function look(channel: Channel, forMs: number, options: CommandOptions): Promise<GatewayStatus> {
  const { clock } = channel;
  const { signal } = options;
  const begun = begin(clock, { deadlineMs: forMs, ...(signal && { signal }) });
  const { life, deadline } = begun;
  try {
    return await read(
      channel,
      statusCall,
      { rank: 'settle', light: true, life, commands: 0 },
      {
        ...begun,
        policy: { patient: false, isAction: false },
        answerMs: () => Math.min(LIGHT_ANSWER_MS, deadline() - clock.elapsed()),
      },
    );
  } finally {
    life.end();
  }
}

function isUnanswered({ code, cause }: GatewayError): boolean {
  return (code === 'GATEWAY_TIMEOUT' || code === 'RESULT_UNKNOWN') && cause.httpStatus === undefined;
}

function isMethodRefused({ code, cause }: Partial<GatewayError>): boolean {
  if (code === 'GATEWAY_BUSY' || code === 'MISSING_PARAMETER') return false;
  return METHOD_REFUSED.has(cause?.gatewayCode ?? cause?.httpStatus ?? 0);
}
