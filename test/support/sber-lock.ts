/** The two models and the two devices that stand for a The Keys lock at Sber, as the documentation advises to make them. */
import { lockDeviceIds } from '../../src/sber/lock-states';
import type { Device, Model } from '../../src/sber/shapes';

const MODEL_IDS = { unlock: 'thekeys-unlock', sensor: 'thekeys-sensor' } as const;

export function lockModels(): Model[] {
  return [
    {
      id: MODEL_IDS.unlock,
      manufacturer: 'The Keys',
      model: 'Smart lock (unlock)',
      category: 'intercom',
      features: ['online', 'unlock'],
    },
    {
      id: MODEL_IDS.sensor,
      manufacturer: 'The Keys',
      model: 'Smart lock (state)',
      category: 'sensor_door',
      features: ['online', 'doorcontact_state', 'battery_percentage', 'battery_low_power', 'signal_strength'],
    },
  ];
}

export function lockDevices(identifier: string, name: string): Device[] {
  const ids = lockDeviceIds(identifier);
  return (['unlock', 'sensor'] as const).map((part) => ({
    id: ids[part],
    name,
    default_name: name,
    model_id: MODEL_IDS[part],
  }));
}
