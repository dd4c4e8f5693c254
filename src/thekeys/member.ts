/** One configuration's part in a gateway: how its nodes reach the object that stands for it, and which code signs for a lock. */
import { abortable } from '../common/abort';
import type { Clock } from '../common/clock';
import type { Log } from '../common/log';
import type { GatewayAddress } from './gateway-address';
import { begin } from './command';
import type { CommandOptions, Gateway } from './gateway';
import { plainIdentifier } from './wire';

/** What a configuration brings along. */
export interface Membership {
  address: GatewayAddress;
  /** Address of a Redis; empty for the user directory. */
  sharedState: string;
  /** The lock that its share opens; empty where it names none. */
  identifier: string;
  /** The share code. */
  code: string;
  /** As a message may call the lock. */
  name: string;
  log: Log;
  /** A dialog that only asks something, and is no configuration. */
  guest?: boolean;
}

/** What follows a gateway: called with its object, and with another one that takes its place. Gives what ends that. */
export type Use = (gateway: Gateway) => () => void;

/** What the registry of gateways does for a configuration. */
export interface Registered {
  /** The object that stands for the gateway now. @throws CodedError INVALID_INPUT */
  gateway(): Promise<Gateway>;
  /** Calls `use` with the gateway, and again where another object takes its place, until the returned function is called. */
  attach(use: Use): () => void;
  /** What a person should know of where the gateway is, and whether it is still the same. */
  notice(): string | undefined;
  /** Waits for the disk, not for the gateway. */
  leave(): Promise<void>;
}

/** One configuration's part in a gateway. */
export interface Member extends Registered {
  readonly membership: Membership;
  readonly identifier: string;
  /** Runs a command. That its gateway has to be looked for counts for its deadline. @throws GatewayError, or the signal's reason */
  run<T, O extends CommandOptions>(options: O, command: (gateway: Gateway, options: O) => Promise<T>): Promise<T>;
  /**
   * The code that signs for a lock: this configuration's, unless it is for another lock and a neighbour with the same
   * gateway is for this one. A code belongs to one lock and one gateway.
   */
  codeFor(identifier: string): string;
}

/** @param neighbours all that have the same gateway */
export function memberOf(
  membership: Membership,
  registered: Registered,
  clock: Clock,
  neighbours: () => Member[],
): Member {
  const own = plainIdentifier(membership.identifier) ?? '';
  return {
    ...registered,
    membership,
    identifier: own,
    run: async (options, command) => {
      const { life, deadline } = begin(clock, options);
      const gateway = await abortable(registered.gateway(), life.signal).finally(() => life.end());
      return command(gateway, { ...options, deadlineMs: deadline() - clock.elapsed() });
    },
    codeFor: (identifier) => {
      const { code } = membership;
      if (own === '' || own === identifier) return code;
      return neighbours().find((member) => member.identifier === identifier)?.membership.code ?? code;
    },
  };
}
