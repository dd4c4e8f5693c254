/** A home whose hub is made of the generation of matter.js that the bridge is made of. Argument: its folder, its name. */
import '../../src/matter/worker/environment';
import { performance } from 'node:perf_hooks';
import { Environment, Logger, LogLevel, ServerNode, type ClientNode, type Endpoint } from '@matter/main';
import { BridgedDeviceBasicInformationClient } from '@matter/main/behaviors/bridged-device-basic-information';
import { DoorLockClient } from '@matter/main/behaviors/door-lock';
import { PowerSourceClient } from '@matter/main/behaviors/power-source';
import { ControllerBehavior } from '@matter/main/node';
import { DoorLock } from '@matter/main/clusters';
import type { CurrentController, LockStates, SeenEvent } from './controller';
import { serve } from './remote';

const [folder = '', name = 'home'] = process.argv.slice(2);
Logger.level = LogLevel.ERROR;
Environment.default.vars.set('storage.path', folder);

const reported: (number | null)[] = [];
const events: SeenEvent[] = [];
let home: ServerNode;
let peer: ClientNode | undefined;

async function begin(): Promise<void> {
  home = await ServerNode.create(ServerNode.RootEndpoint.with(ControllerBehavior), {
    id: name,
    controller: { adminFabricLabel: name },
    network: { port: 0 },
  });
  await home.start();
}

function locks(): Endpoint[] {
  if (peer === undefined) throw new Error('not paired');
  return [...peer.endpoints].filter((endpoint) => endpoint.behaviors.has(DoorLockClient));
}

function lock(): Endpoint {
  const [first] = locks();
  if (first === undefined) throw new Error('no lock is to be seen');
  return first;
}

const octets = (pin: string | undefined): object => (pin === undefined ? {} : { pinCode: Buffer.from(pin) });

const handlers: CurrentController = {
  pair: async ({ passcode, discriminator }) => {
    peer = await home.peers.commission({ passcode, discriminator, timeout: 30_000 as never });
    const events_ = lock().eventsOf(DoorLockClient);
    events_.lockState$Changed.on((state: number | null) => void reported.push(state));
    for (const each of ['lockOperation', 'lockOperationError', 'doorLockAlarm'] as const) {
      events_[each].on((event: object) => void events.push({ name: each, ...event }));
    }
  },
  states: async () =>
    locks().map((endpoint): LockStates => {
      const { lockState, doorState } = endpoint.stateOf(DoorLockClient);
      const about = endpoint.stateOf(BridgedDeviceBasicInformationClient);
      const power = endpoint.maybeStateOf(PowerSourceClient);
      return {
        lockState,
        door: doorState ?? null,
        reachable: about.reachable,
        battery: power?.batPercentRemaining ?? null,
        batteryLevel: power?.batChargeLevel ?? null,
        name: about.nodeLabel ?? '',
        serial: about.serialNumber ?? '',
        firmware: about.softwareVersionString ?? '',
        endpoint: endpoint.number,
      };
    }),
  open: (pin) => lock().commandsOf(DoorLockClient).unlockDoor(octets(pin)),
  close: (pin) => lock().commandsOf(DoorLockClient).lockDoor(octets(pin)),
  openFor: (timeout) => lock().commandsOf(DoorLockClient).unlockWithTimeout({ timeout }),
  setCode: async (pin) => {
    const { status, userIndex } = await lock()
      .commandsOf(DoorLockClient)
      .setCredential({
        operationType: DoorLock.DataOperationType.Add,
        credential: { credentialType: DoorLock.CredentialType.Pin, credentialIndex: 1 },
        credentialData: Buffer.from(pin),
        userIndex: null,
        userStatus: null,
        userType: null,
      });
    return { status, userIndex };
  },
  many: async (commands) => {
    for (let count = 0; count < commands; count += 1) {
      const { unlockDoor, lockDoor } = lock().commandsOf(DoorLockClient);
      await (count % 2 === 0 ? unlockDoor : lockDoor)({});
    }
  },
  timedOpen: async () => {
    const at = performance.timeOrigin + performance.now();
    await lock().commandsOf(DoorLockClient).unlockDoor({});
    return at;
  },
  needNoPin: () => lock().setStateOf(DoorLockClient, { requirePinForRemoteOperation: false }),
  reported: () => reported,
  events: () => events,
  leave: async () => {
    await peer?.decommission();
  },
};
void begin().then(() => serve(handlers));
