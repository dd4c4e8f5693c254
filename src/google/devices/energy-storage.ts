/** The battery of a lock, for asking only. Google's page on the trait EnergyStorage. */
import type { JsonObject } from '../json';
import type { Trait } from './trait';

/** Google's words for how full it is, from which percentage on. Google leaves the thresholds to the integrator. */
const WORDS = [
  [95, 'FULL'],
  [60, 'HIGH'],
  [25, 'MEDIUM'],
  [10, 'LOW'],
  [0, 'CRITICALLY_LOW'],
] as const;

/** @param attributes those of a custom device; a lock's battery can be asked, not charged */
export function energyStorage(attributes: JsonObject = { queryOnlyEnergyStorage: true, isRechargeable: false }): Trait {
  return {
    name: 'EnergyStorage',
    commands: ['Charge'],
    words: [
      'batteryPercent',
      'descriptiveCapacityRemaining',
      'capacityRemaining',
      'capacityUntilFull',
      'isCharging',
      'isPluggedIn',
    ],
    attributes,
    understand: (name, params) => {
      const { queryOnlyEnergyStorage } = attributes;
      if (queryOnlyEnergyStorage === true) return undefined;
      return { name, params, action: undefined, releases: false, followUpTrait: undefined, failure: 'hardError' };
    },
    fault: (word, value) => {
      if (word !== 'batteryPercent' || value === null) return undefined;
      return typeof value === 'number' && value >= 0 && value <= 100
        ? undefined
        : 'batteryPercent must be a number from 0 to 100';
    },
    next: (kept, { said }) => {
      const { batteryPercent, ...plain } = said;
      if (typeof batteryPercent !== 'number') return { ...kept, ...plain };
      const word = WORDS.find(([from]) => batteryPercent >= from)?.[1] ?? 'CRITICALLY_LOW';
      return {
        ...kept,
        descriptiveCapacityRemaining: word,
        capacityRemaining: [{ rawValue: Math.round(batteryPercent), unit: 'PERCENTAGE' }],
        ...plain,
      };
    },
    shown: (kept) => ({ ...kept }),
  };
}
