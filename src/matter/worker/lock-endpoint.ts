/** One lock on the bridge: which features it has, and how what is known of it reads in Matter's words. */
import { createHash } from 'node:crypto';
import { Endpoint } from '@matter/main';
import { BridgedDeviceBasicInformationServer } from '@matter/main/behaviors/bridged-device-basic-information';
import { PowerSourceServer } from '@matter/main/behaviors/power-source';
import { DoorLock, PowerSource } from '@matter/main/clusters';
import { DoorLockDevice } from '@matter/main/devices/door-lock';
import type { LockDescription, ShownLock } from '../port';
import { BridgedLockServer } from './lock-server';

/** Percent. Apple Home shows a battery only where it says that it is low. */
const LOW = 20;
const CRITICAL = 10;

/** How many users and codes homes may set, where they may. */
const MOST_CODES = 20;

const BatteryServer = PowerSourceServer.with('Battery');
const PlainLock = DoorLockDevice.with(BridgedLockServer, BridgedDeviceBasicInformationServer);
const Lock = PlainLock.with(BatteryServer);
export type LockEndpoint = Endpoint<typeof Lock>;

export function lockEndpoint(lock: LockDescription): LockEndpoint {
  const id = endpointId(lock.id);
  const { doorLock, bridgedDeviceBasicInformation, ...power } = statesOf(lock);
  return new Endpoint(typeOf(lock), {
    id,
    doorLock: {
      lockType: DoorLock.LockType.DeadBolt,
      actuatorEnabled: true,
      operatingMode: DoorLock.OperatingMode.Normal,
      ...(hasCodes(lock) ? codeSettings(lock) : {}),
      ...doorLock,
    },
    bridgedDeviceBasicInformation: {
      vendorName: 'The Keys',
      productName: 'Smart lock',
      productLabel: 'Smart lock',
      serialNumber: cut(lock.serial),
      uniqueId: id,
      ...bridgedDeviceBasicInformation,
    },
    ...power,
  });
}

/** What homes see of it now. */
export function show(endpoint: LockEndpoint, lock: LockDescription): Promise<void> {
  return endpoint.set(statesOf(lock));
}

interface ShownStates {
  doorLock: { lockState: DoorLock.LockState | null; doorState?: DoorLock.DoorState | null };
  bridgedDeviceBasicInformation: { reachable: boolean; nodeLabel: string; softwareVersionString: string };
  powerSource?: ReturnType<typeof batteryStates>;
}

/** matter.js offers an attribute only where the endpoint began with it: so each has a value from the beginning. */
function statesOf({ name, battery, door, shown }: LockDescription): ShownStates {
  return {
    doorLock: { lockState: lockState(shown), ...(door ? { doorState: doorState(shown) } : {}) },
    bridgedDeviceBasicInformation: {
      reachable: shown.reachable,
      nodeLabel: cut(name),
      softwareVersionString: cut(shown.firmware) || 'unknown',
    },
    ...(battery ? { powerSource: batteryStates(shown) } : {}),
  };
}

/** Whether a lock that is described anew has the same features: then its endpoint can stay. */
export function isAlike(one: LockDescription, other: LockDescription): boolean {
  return (
    one.battery === other.battery &&
    one.door === other.door &&
    one.serial === other.serial &&
    hasCodes(one) === hasCodes(other)
  );
}

/** A name of its own for the endpoint, which decides its number. */
export function endpointId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 16);
}

/** The features are known only here; to the compiler each lock has them all. */
function typeOf(lock: LockDescription): typeof Lock {
  const codes = hasCodes(lock) ? (['PinCredential', 'User', 'CredentialOverTheAirAccess'] as const) : [];
  const features = [...codes, ...(lock.door ? (['DoorPositionSensor'] as const) : [])];
  const type = lock.battery ? Lock : PlainLock;
  return type.with(BridgedLockServer.with(...features)) as unknown as typeof Lock;
}

function hasCodes({ needsPin, appCodes }: LockDescription): boolean {
  return needsPin || appCodes;
}

function codeSettings({ needsPin }: LockDescription): object {
  return {
    // Google's app unlocks nothing without. What needs a PIN and what does not, our thread decides.
    requirePinForRemoteOperation: needsPin,
    minPinCodeLength: 4,
    maxPinCodeLength: 8,
    numberOfTotalUsersSupported: MOST_CODES,
    numberOfPinUsersSupported: MOST_CODES,
    numberOfCredentialsSupportedPerUser: 5,
    credentialRulesSupport: { single: true },
    // As our thread counts them; its five minutes are more than the attribute can say.
    wrongCodeEntryLimit: 5,
    userCodeTemporaryDisableTime: 255,
  };
}

function lockState({ bolt }: ShownLock): DoorLock.LockState | null {
  if (bolt === null) return null;
  return DoorLock.LockState[bolt === 'locked' ? 'Locked' : bolt === 'unlocked' ? 'Unlocked' : 'NotFullyLocked'];
}

function doorState({ door }: ShownLock): DoorLock.DoorState | null {
  return door === null ? null : DoorLock.DoorState[door === 'open' ? 'DoorOpen' : 'DoorClosed'];
}

function batteryStates({ batteryPercent: percent }: ShownLock): {
  order: number;
  description: string;
  status: PowerSource.PowerSourceStatus;
  batPercentRemaining: number | null;
  batChargeLevel: PowerSource.BatChargeLevel;
} {
  const level = percent === null || percent > LOW ? 'Ok' : percent > CRITICAL ? 'Warning' : 'Critical';
  return {
    order: 1,
    description: 'Battery',
    status: PowerSource.PowerSourceStatus.Active,
    // In half percents.
    batPercentRemaining: percent === null ? null : Math.round(percent * 2),
    batChargeLevel: PowerSource.BatChargeLevel[level],
  };
}

/** As much of a text as Matter allows. */
export function cut(text: string): string {
  return Array.from(text).slice(0, 32).join('');
}
