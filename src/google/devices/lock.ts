/** Locking and unlocking, and the battery of a lock. Google's pages on the traits LockUnlock and EnergyStorage. */
import { isRecord } from '../../common/json';
import type { JsonObject, States } from '../types';
import { publishedStates } from './published';
import type { Trait } from './trait';

/**
 * Whether a jammed lock is locked is not known (the published schema), so `isJammed: true` stands alone. A lock that was read
 * and is in no known state is kept as `isLocked: null`.
 */
export const LOCK_UNLOCK: Trait = {
  commands: ['LockUnlock'],
  states: ['isLocked', 'isJammed'],
  understand: (name, params) => {
    const { lock } = params;
    if (typeof lock !== 'boolean') return { why: 'lock must be true or false' };
    const [action, failure] = lock ? (['close', 'lockFailure'] as const) : (['open', 'unlockFailure'] as const);
    return { name, params, action, releases: !lock, followUpTrait: 'LockUnlock', failure };
  },
  fault: (state, value) =>
    typeof value === 'boolean' || (value === null && state === 'isLocked')
      ? undefined
      : `${state} must be true or false`,
  next: (kept, { said, command, stopped }) => {
    if (said.isJammed === true) return { isJammed: true };
    if (said.isLocked === null) return { isLocked: null };
    const wanted = stopped ? undefined : command?.action;
    const isLocked = said.isLocked ?? (wanted === undefined ? kept.isLocked : wanted === 'close');
    if (typeof isLocked === 'boolean') return { isJammed: false, isLocked };
    // Of a lock that was never read nothing is said: half a trait would pass for the whole of it.
    return isLocked === null ? { isLocked } : {};
  },
  shown: (kept) => (kept.isLocked === null ? {} : kept),
};

/** Google's words for how full a battery is, from which percentage on. Google leaves the thresholds to the integrator. */
const WORDS = [
  [95, 'FULL'],
  [60, 'HIGH'],
  [25, 'MEDIUM'],
  [10, 'LOW'],
  [0, 'CRITICALLY_LOW'],
] as const;
/** Per cent: below it a lock warns. */
const LOW_PERCENT = 20;

/** @param attributes those of a custom device; a lock's battery can be asked, not charged */
export function energyStorage(attributes: JsonObject = { queryOnlyEnergyStorage: true, isRechargeable: false }): Trait {
  return {
    commands: attributes.queryOnlyEnergyStorage === true ? [] : ['Charge'],
    states: ['batteryPercent', ...(publishedStates('EnergyStorage') ?? [])],
    attributes,
    fault: (state, value) =>
      state !== 'batteryPercent' || (typeof value === 'number' && value >= 0 && value <= 100)
        ? undefined
        : 'batteryPercent must be a number from 0 to 100',
    next: (kept, { said, command, stopped }) => {
      const { batteryPercent: percent, ...plain } = said;
      const { charge } = stopped ? {} : (command?.params ?? {});
      const wanted: States = typeof charge === 'boolean' ? { isCharging: charge } : {};
      if (typeof percent !== 'number') return { ...kept, ...wanted, ...plain };
      return {
        ...kept,
        ...wanted,
        descriptiveCapacityRemaining: WORDS.find(([from]) => percent >= from)?.[1] ?? 'CRITICALLY_LOW',
        capacityRemaining: [{ rawValue: Math.round(percent), unit: 'PERCENTAGE' }],
        ...plain,
      };
    },
  };
}

/** Whether the battery of these states is low. */
export function isBatteryLow({ capacityRemaining: parts }: Readonly<States>): boolean {
  return (Array.isArray(parts) ? parts : []).some(
    (part) =>
      isRecord(part) && part.unit === 'PERCENTAGE' && typeof part.rawValue === 'number' && part.rawValue < LOW_PERCENT,
  );
}
