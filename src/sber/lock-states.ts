/**
 * A The Keys lock as Sber understands it today. Sber has no category for locks, so a lock becomes two devices: an
 * intercom, which can be commanded to unlock but has no state to show, and an opening sensor, which shows whether the lock is
 * open and how its battery is. Carrying out the command is left to the flow.
 */
import { isRecord } from '../common/json';
import type { PlainValue } from './values';

/** From here on down people should change the batteries. */
const LOW_PERCENT = 20;
/** Signal strength in dBm between lock and gateway, for Sber's three words: usual steps of a Bluetooth connection. */
const SIGNAL = [
  { above: -70, word: 'high' },
  { above: -85, word: 'medium' },
] as const;

/** Device ids of a lock with this identifier ("ID serrure"). */
export function lockDeviceIds(identifier: string): { unlock: string; sensor: string } {
  return { unlock: `thekeys-${identifier}-unlock`, sensor: `thekeys-${identifier}-sensor` };
}

/** What `lock-status` and `lock-action` send, as far as it matters here. */
export interface LockReading {
  identifier: string;
  state: 'open' | 'closed' | 'unknown' | null;
  batteryPercent?: number;
  rssi?: number;
}

export function isLockReading(payload: unknown): payload is LockReading {
  if (!isRecord(payload)) return false;
  const { identifier, state } = payload;
  return (
    typeof identifier === 'string' &&
    identifier !== '' &&
    (state === 'open' || state === 'closed' || state === 'unknown' || state === null)
  );
}

/** A reading as states of the lock's two devices. What was not read is left out, so that Sber keeps what it had. */
export function lockStates(reading: LockReading): Record<string, Record<string, PlainValue>> {
  const { identifier, state, batteryPercent, rssi } = reading;
  const ids = lockDeviceIds(identifier);
  const sensor = {
    online: true,
    ...(state === 'open' || state === 'closed' ? { doorcontact_state: state === 'open' } : {}),
    ...battery(batteryPercent),
    ...(typeof rssi === 'number' && rssi < 0 ? { signal_strength: signalWord(rssi) } : {}),
  };
  return { [ids.unlock]: { online: true }, [ids.sensor]: sensor };
}

function battery(reading: number | undefined): Record<string, PlainValue> {
  if (typeof reading !== 'number' || !Number.isFinite(reading)) return {};
  const percent = Math.min(100, Math.max(0, Math.round(reading)));
  return { battery_percentage: percent, battery_low_power: percent <= LOW_PERCENT };
}

function signalWord(rssi: number): string {
  return SIGNAL.find(({ above }) => rssi >= above)?.word ?? 'low';
}
