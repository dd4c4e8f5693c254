/** Settings of a device from what a dialog holds, as its node makes them. */
import { parseSettings } from '../../src/common/settings';
import { DEVICE_FIELDS, deviceSettings, type DeviceSettings } from '../../src/google/device-settings';

export function parseDevice(
  values: Readonly<Record<string, unknown>>,
  pin: unknown,
  fallbackId: string,
): DeviceSettings {
  return deviceSettings(parseSettings(DEVICE_FIELDS, values), pin, fallbackId);
}
