/**
 * States of many devices between plain JavaScript, `{ "<device id>": { on_off: true } }`, and what `GET` and
 * `POST /v1/state` carry. Single values are left to `values`.
 */
import type { Breath } from './breath';
import type { States } from './client';
import { isObject, type Remark, type Warning } from './shapes';
import { plainStates, refuse, statesOf, type PlainValue } from './values';

/**
 * States to send, typed through the catalogue. A device's values are plain (`{ on_off: true }`) or already Sber's
 * (`{ states: [{ key, value }] }`).
 * @throws INVALID_INPUT naming device and function
 */
export async function checkStates(devices: unknown, breath: Breath): Promise<{ states: States; warnings: Warning[] }> {
  if (!isObject(devices)) refuse('devices', 'must be an object with device ids as keys');
  const warnings: Warning[] = [];
  const checked: [string, States[string]][] = [];
  for (const [deviceId, values] of Object.entries(devices)) {
    const place = `devices.${deviceId}`;
    if (deviceId === '') refuse('devices', 'has a device without an id');
    if (!isObject(values)) refuse(place, 'must be an object with function names as keys, such as { "on_off": true }');
    const states = statesOf(asPlain(values, place), place, (remark: Remark) => warnings.push({ deviceId, ...remark }));
    if (states.length === 0) refuse(place, 'has no value to report');
    checked.push([deviceId, { states }]);
    if (breath.due()) await breath.take();
  }
  return { states: Object.fromEntries(checked), warnings };
}

/** Plain values by device id. */
export function plainDevices(devices: ReadonlyMap<string, unknown>): Record<string, Record<string, PlainValue>> {
  return Object.fromEntries([...devices].map(([id, states]) => [id, plainStates(states)]));
}

/** Sber's list of states as a map by function; what is a map already stays. */
function asPlain(values: Record<string, unknown>, place: string): Record<string, unknown> {
  const { states } = values;
  if (!Array.isArray(states)) return values;
  return Object.fromEntries(
    states.map((state: unknown, index): [string, unknown] => {
      const { key, value } = isObject(state) ? state : {};
      if (typeof key !== 'string' || key === '')
        refuse(`${place}.states[${index}].key`, 'must be the name of a function');
      return [key, value];
    }),
  );
}
