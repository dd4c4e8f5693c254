/** What the lock nodes see of their `gateway-config`: the gateway, the lock that its share opens, and the code for it. */
import type { NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import { logWith } from '../../src/common/log';
import { textSetting } from '../../src/common/settings';
import { faultOfCode, type Share } from '../../src/thekeys/calls';
import type { Identifiers } from '../../src/thekeys/commands';
import type { CommandOptions, Gateway, Timing } from '../../src/thekeys/gateway';
import { Gateways } from '../../src/thekeys/gateways';
import type { Member } from '../../src/thekeys/member';
import { lookupAll } from '../../src/thekeys/names';
import type { WatchListener } from '../../src/thekeys/watcher';
import { stateFor } from './runtime';

/** By the user directory: two runtimes in one process have two, and then nothing in common. */
const runtimes = new Map<unknown, Gateways>();

export function gatewaysOf(RED: NodeAPI): Gateways {
  // Durations of a gateway can be set in settings.js, for tests, whose bolts travel faster.
  const { userDir, gatewayConfigTiming: timing } = RED.settings as {
    userDir?: unknown;
    gatewayConfigTiming?: Partial<Timing>;
  };
  const known = runtimes.get(userDir);
  if (known !== undefined) return known;
  const gateways = new Gateways({
    stateFor: (url, log) => stateFor(RED, url, log),
    lookup: lookupAll,
    log: logWith((level, text) => RED.log[level](`[gateway-config] ${text}`)),
    timing,
  });
  runtimes.set(userDir, gateways);
  return gateways;
}

export type GatewayAccess = ReturnType<typeof accessTo>;

/** @param timeoutMs for one answer */
export function accessTo(member: Member, gateways: Gateways, timeoutMs: number) {
  /** A lock with the code that signs for it. @throws CodedError INVALID_INPUT where no usable code is known */
  const share = (identifier: string): Share => ({ identifier, code: checkedCode(member.codeFor(identifier)) });
  return {
    ...member,
    share,
    /** Runs a command on the gateway. @throws GatewayError, CodedError INVALID_INPUT, or the signal's reason */
    run: <T, O extends Omit<CommandOptions, 'timeoutMs'>>(
      options: O,
      command: (gateway: Gateway, options: O & { timeoutMs: number }) => Promise<T>,
    ): Promise<T> => member.run({ timeoutMs, ...options }, command),
    /** Polls a lock, until the returned function is called. @throws CodedError INVALID_INPUT */
    watch: (lock: string, intervalMs: number, listener: WatchListener): (() => void) => {
      const watch = { share: share(lock), intervalMs, timeoutMs };
      return member.attach((gateway) => gateway.watch(watch, listener));
    },
    /** What is known of a lock from before, whichever node asked. */
    known: async (lock: string) => (await member.gateway()).readings.known(lock),
    /** Where a command of a node finds its lock, besides the message. */
    identifiers: (node: unknown): Identifiers => {
      return { node, gateway: member.identifier, named: (name) => gateways.identifierNamed(name) };
    },
    /** The name of the configuration that is for this lock; empty where none has one. */
    nameOf: (lock: string): string => gateways.nameOf(lock),
  };
}

/** @throws CodedError INVALID_INPUT where it cannot be a share code */
export function checkedCode(typed: string): string {
  // The text of a variable that does not exist would sign, with a code that everyone can read in the flow.
  const code = textSetting(typed, 'the share code');
  const isPart = /\$\{\w+\}/.test(code);
  const fault = isPart ? 'Node-RED fills in a variable only where it is the whole share code' : faultOfCode(code);
  if (fault === undefined) return code;
  const hint = 'Type the share code that the app of The Keys shows for the share with this gateway.';
  throw invalidInput(fault, hint, 'noCode');
}
