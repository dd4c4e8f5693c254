/** What is said with each command to a gateway, and how long things take there. */
import type { GatewayErrorCode } from './gateway-errors';

/** How a command is going, for badges and terminals. */
export type Progress =
  | { step: 'waiting' }
  | { step: 'sending' }
  | { step: 'retrying'; code: GatewayErrorCode }
  | { step: 'confirming' }
  /** The gateway works; in its own words. */
  | { step: 'working'; status: string; forMs: number };

export interface CommandOptions {
  /** Milliseconds from now: until when an action may be sent, or a reading must have come. */
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

/** Milliseconds. */
export interface Timing {
  /** From a command to a bolt at rest; field reports say about 5 s. */
  boltTravel: number;
  /** Pauses between read-backs: each costs the lock a Bluetooth connection of 3 to 4 s. */
  readBackPauses: readonly number[];
  /** For reading back, after the deadline until which an action may be sent. */
  readBack: number;
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
  readBack: 30_000,
  workPause: 2000,
  restartGrace: 180_000,
  longestWork: 600_000,
  breather: 400,
};
