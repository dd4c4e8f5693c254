/** One configuration's part in a gateway: how its nodes reach the object that stands for it, and which code signs for a lock. */
import type { Log } from '../common/log';
import type { GatewayAddress } from './gateway-address';
import type { CommandOptions, Gateway } from './gateway';

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

export interface Member {
  readonly membership: Membership;
  readonly identifier: string;
  /** The object that stands for the gateway now. @throws CodedError INVALID_INPUT */
  gateway(): Promise<Gateway>;
  /** Runs a command. That its gateway has to be looked for counts for its deadline. @throws GatewayError, or the signal's reason */
  run<T, O extends CommandOptions>(options: O, command: (gateway: Gateway, options: O) => Promise<T>): Promise<T>;
  /** Calls `use` with the gateway, and again where another object takes its place, until the returned function is called. */
  attach(use: Use): () => void;
  /**
   * The code that signs for a lock: this configuration's, unless it is for another lock and a neighbour with the same
   * gateway is for this one. A code belongs to one lock and one gateway.
   */
  codeFor(identifier: string): string;
  /** What a person should know of where the gateway is, and whether it is still the same. */
  notice(): string | undefined;
  /** Waits for the disk, not for the gateway. */
  leave(): Promise<void>;
}
