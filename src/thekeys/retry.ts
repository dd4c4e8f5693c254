/**
 * What a command does after each request: end, or try again, when, and after what. A pure table: it sends nothing, waits
 * for nothing and reads no clock.
 */
import { gatewayError, type GatewayError, type GatewayErrorCode } from './gateway-errors';
import type { Done, Lost, Outcome, Refused } from './outcome';
import type { Advice } from './timestamps';

/** Milliseconds before the next try. A gateway that is busy moves a bolt for about 5 s, or a lock is being read. */
export const PAUSES = {
  unsent: [250, 500, 1000, 2000],
  busy: [1000, 1500, 2000, 3000],
  signature: [1000],
  clock: [500],
  synchronizing: [5000],
} as const;

export interface Policy {
  /** False: the first obstacle ends it (polls). */
  patient: boolean;
  /**
   * Its deadline is for sending: the answer has time of its own. A refused signature is followed by another one; not with
   * a read, as an impostor in the gateway's place could collect signatures that open the door: there something else must
   * explain the refusal.
   */
  isAction: boolean;
  /** Milliseconds after which a gateway that cannot be reached is tried no more. Absent: until the deadline. */
  unreachableMs?: number | undefined;
}

/** How often it has tried again, by reason. */
export type Tries = Record<keyof typeof PAUSES, number>;

export interface Facts {
  /** The gateway says that it synchronizes: meanwhile it sees no lock, and its clock may be wrong. */
  synchronizing?: boolean;
  /** What our own sequence of timestamps says to a refused one. */
  advice?: Advice;
  /** How likely this machine's clock is the cause of a refusal that blames the gateway's. */
  doubt?: 'none' | 'some' | 'strong';
  /** False where the gateway has been synchronized lately, and that did not help. */
  maySynchronize?: boolean;
  unreachableForMs: number;
  remainingMs: number;
}

export type Step<T> = { kind: 'end'; outcome: Done<T> | Lost } | { kind: 'fail'; error: GatewayError } | Again;

interface Again {
  kind: 'again';
  because: keyof Tries;
  afterMs: number;
  error: GatewayError;
  /** What to do first: synchronize the gateway, wait until it has done so, or let the timestamps start anew. */
  first?: 'synchronize' | 'await-synchronized' | 'restart-timestamps';
}

export function next<T>(outcome: Outcome<T>, facts: Facts, tries: Tries, policy: Policy): Step<T> {
  switch (outcome.kind) {
    case 'done':
      return { kind: 'end', outcome };
    case 'lost':
      // What may have moved a bolt is never sent again; a lost read ends as well, so that nothing piles up.
      return outcome.acts ? { kind: 'end', outcome } : { kind: 'fail', error: outcome.error };
    case 'unsent': {
      const isGone = policy.unreachableMs !== undefined && facts.unreachableForMs >= policy.unreachableMs;
      return isGone ? { kind: 'fail', error: outcome.error } : patiently('unsent', outcome.error, tries, policy);
    }
    case 'refused':
      return afterRefusal(outcome, facts, tries, policy);
  }
}

function afterRefusal<T>({ error, timestamp }: Refused, facts: Facts, tries: Tries, policy: Policy): Step<T> {
  const fail: Step<T> = { kind: 'fail', error };
  if (error.code === 'GATEWAY_BUSY') return patiently('busy', error, tries, policy);
  if (timestamp === undefined) return fail;
  switch (error.code) {
    case 'LOCK_NOT_DETECTED':
      return facts.synchronizing === true ? whileSynchronizing(error, policy) : fail;
    case 'INVALID_HMAC': {
      // Either the share code is wrong, for good, or the timestamp was: one more try decides.
      if (tries.signature > 0) return fail;
      if (facts.synchronizing === true) return whileSynchronizing(error, policy);
      const isOurs = facts.advice !== undefined && facts.advice.kind !== 'retry';
      if (!policy.isAction && !isOurs) return fail;
      const waitMs = facts.advice?.kind === 'wait' ? facts.advice.ms : 0;
      return again('signature', error, tries, waitMs < facts.remainingMs ? waitMs : 0);
    }
    case 'GATEWAY_CLOCK':
      if (facts.synchronizing === true) return whileSynchronizing(error, policy);
      if (facts.doubt !== 'strong' && tries.clock < 2 && facts.maySynchronize === true) {
        return { ...again('clock', error, tries), first: 'synchronize' };
      }
      // Timestamps are not rewound lightly.
      if (facts.doubt === 'some' && tries.clock < 2) return again('clock', error, tries);
      return tries.signature > 0 ? fail : { ...again('signature', error, tries), first: 'restart-timestamps' };
    default:
      return fail;
  }
}

function again(because: keyof Tries, error: GatewayError, tries: Tries, atLeastMs = 0): Again {
  const pauses = PAUSES[because];
  const pause = pauses[Math.min(tries[because], pauses.length - 1)] ?? 0;
  return { kind: 'again', because, afterMs: Math.max(atLeastMs, pause), error };
}

function patiently(because: keyof Tries, error: GatewayError, tries: Tries, policy: Policy): Step<never> {
  return policy.patient ? again(because, error, tries) : { kind: 'fail', error };
}

function whileSynchronizing({ code }: GatewayError, policy: Policy): Step<never> {
  if (!policy.patient) return { kind: 'fail', error: synchronizingError('GATEWAY_BUSY') };
  const afterMs = PAUSES.synchronizing[0];
  const error = synchronizingError(code);
  return { kind: 'again', because: 'synchronizing', afterMs, error, first: 'await-synchronized' };
}

/** What a command ends with that met a gateway which synchronizes. */
export function synchronizingError(code: GatewayErrorCode): GatewayError {
  return gatewayError(code, {
    message: 'the gateway is synchronizing itself, and sees no lock meanwhile',
    hint: 'That takes it some minutes. Try again then, or allow a longer deadline.',
    badge: 'gatewaySynchronizing',
  });
}
