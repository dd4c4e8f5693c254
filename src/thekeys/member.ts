/** One configuration's part in a gateway: how its nodes reach the object that stands for it, and which code signs for a lock. */
import { abortable, lifetime } from '../common/abort';
import type { Clock } from '../common/clock';
import type { Log } from '../common/log';
import type { GatewayAddress } from './gateway-address';
import { gatewayError } from './gateway-errors';
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

/** What the registry does for a configuration. */
export interface Registry {
  gateway: () => Promise<Gateway>;
  attach: (use: Use) => () => void;
  notice: () => string | undefined;
  neighbours: () => Member[];
  leave: () => Promise<void>;
}

/** One configuration's part in a gateway. */
export class Member {
  readonly identifier: string;

  constructor(
    readonly membership: Membership,
    private readonly clock: Clock,
    private readonly registry: Registry,
  ) {
    this.identifier = plainIdentifier(membership.identifier) ?? '';
  }

  /** The object that stands for the gateway now. @throws CodedError INVALID_INPUT */
  gateway(): Promise<Gateway> {
    return this.registry.gateway();
  }

  /** Runs a command. That its gateway has to be looked for counts for its deadline. @throws GatewayError, or the signal's reason */
  async run<T, O extends CommandOptions>(
    options: O,
    command: (gateway: Gateway, options: O) => Promise<T>,
  ): Promise<T> {
    const { clock } = this;
    const began = clock.elapsed();
    const late = (): Error => gatewayError('EXPIRED');
    const life = lifetime({ clock, deadline: began + options.deadlineMs, late, caller: options.signal });
    const found = abortable(this.gateway(), life.signal).finally(() => life.end());
    const gateway = await found;
    return command(gateway, { ...options, deadlineMs: options.deadlineMs - (clock.elapsed() - began) });
  }

  /** Calls `use` with the gateway, and again where another object takes its place, until the returned function is called. */
  attach(use: Use): () => void {
    return this.registry.attach(use);
  }

  /** Waits for the disk, not for the gateway. */
  leave(): Promise<void> {
    return this.registry.leave();
  }

  /** What a person should know of where the gateway is, and whether it is still the same. */
  get notice(): string | undefined {
    return this.registry.notice();
  }

  /**
   * The code that signs for a lock: this configuration's, unless it is for another lock and a neighbour with the same
   * gateway is for this one. A code belongs to one lock and one gateway.
   */
  codeFor(identifier: string): string {
    const { code } = this.membership;
    if (this.identifier === '' || this.identifier === identifier) return code;
    return this.registry.neighbours().find((member) => member.identifier === identifier)?.membership.code ?? code;
  }
}
