/** What a simulated gateway can be told when it is made. */
import type { Clock } from '../../src/common/clock';
import type { SimulatedLockOptions } from './lock';
import type { WireOptions } from './wire';
import type { BackgroundRound } from './work';

/** Durations in milliseconds. All default to 0: no test has to wait for what it is not about. */
export interface SimulatedTimes {
  /** Added to every answer. */
  latencyMs?: number;
  /** A radio round trip to a lock, before the lock acts or reads. */
  bleMs?: number;
  /** The bolt's way from one end to the other. */
  travelMs?: number;
  /** How long a synchronization (of the gateway, or of a lock) lasts. */
  synchronizeMs?: number;
  /** How long an update (of the gateway, or of a lock) lasts, without the restart. */
  updateMs?: number;
  /** How long the gateway is gone after its own update. */
  restartMs?: number;
}

/** Measured on a gateway in the field, rounded; synchronizations and updates there may take minutes. */
export const REALISTIC_TIMES = {
  latencyMs: 130,
  bleMs: 3300,
  travelMs: 5000,
  synchronizeMs: 60_000,
  updateMs: 45_000,
  restartMs: 8000,
} as const satisfies SimulatedTimes;

export interface SimulatedGatewayOptions extends WireOptions {
  locks: readonly SimulatedLockOptions[];
  clock?: Clock;
  /** For signal noise. Default: a generator with a fixed seed. */
  random?: () => number;
  times?: SimulatedTimes;
  /** Whether open, close and calibrate are answered before or after the bolt's way. Default `after`. */
  answerMoves?: 'before' | 'after';
  /** Whether synchronizations and updates are answered at once, going on behind, or when done. Default `when-done`. */
  answerWork?: 'at-once' | 'when-done';
  /** What `/update` takes; the sources disagree, so both by default. */
  updateMethods?: readonly ('GET' | 'POST')[];
  /** Firmware version of the gateway. Default 65. */
  version?: number;
  /** Seconds that a timestamp may be away from the gateway's clock. Default: any. */
  clockTolerance?: number;
  /** Code for a timestamp out of tolerance. Default 33. */
  clockRefusal?: 33 | 38;
  /** What meets a request that comes while another is worked on. Default `busy`. */
  overlap?: 'busy' | 'drop';
  /** True: `/status`, `/` and `/lockers` are answered all the same then. Default false. */
  overlappingReads?: boolean;
  /** The gateway's background round. Default: none, it only scans. */
  background?: BackgroundRound;
}
