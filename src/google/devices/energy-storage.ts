/** The battery of a lock, for asking only. Google's page on the trait EnergyStorage. */
import { isRecord } from '../../common/json';
import type { JsonObject, States } from '../types';
import { plainCommand } from './plain';
import { publishedStates } from './published';
import { trait, type Trait } from './trait';

/** Google's words for how full it is, from which percentage on. Google leaves the thresholds to the integrator. */
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
  return trait({
    name: 'EnergyStorage',
    commands: ['Charge'],
    states: ['batteryPercent', ...(publishedStates('EnergyStorage') ?? [])],
    attributes,
    understand: (name, params) =>
      attributes.queryOnlyEnergyStorage === true ? undefined : plainCommand('', name, params),
    fault: (state, value) => {
      if (state !== 'batteryPercent') return undefined;
      return typeof value === 'number' && value >= 0 && value <= 100
        ? undefined
        : 'batteryPercent must be a number from 0 to 100';
    },
    next: (kept, { said, command, stopped }) => {
      const { batteryPercent, ...plain } = said;
      const wanted: States =
        command?.name === 'Charge' && !stopped && typeof command.params.charge === 'boolean'
          ? { isCharging: command.params.charge }
          : {};
      if (typeof batteryPercent !== 'number') return { ...kept, ...wanted, ...plain };
      const word = WORDS.find(([from]) => batteryPercent >= from)?.[1] ?? 'CRITICALLY_LOW';
      return {
        ...kept,
        ...wanted,
        descriptiveCapacityRemaining: word,
        capacityRemaining: [{ rawValue: Math.round(batteryPercent), unit: 'PERCENTAGE' }],
        ...plain,
      };
    },
  });
}

/** Whether the battery of these states is low. */
export function isBatteryLow({ capacityRemaining }: Readonly<States>): boolean {
  return (
    Array.isArray(capacityRemaining) &&
    capacityRemaining.some(
      (part) =>
        isRecord(part) &&
        part.unit === 'PERCENTAGE' &&
        typeof part.rawValue === 'number' &&
        part.rawValue < LOW_PERCENT,
    )
  );
}
