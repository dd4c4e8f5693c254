/**
 * A home whose hub is made of an older generation of matter.js. Arguments: its folder, its name, the folder with that
 * generation. Only what is used of it is described here: it has types of its own time.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Controller, LockStates, SeenEvent } from './controller';
import { serve } from './remote';

type Command = (fields: object, options?: object) => Promise<unknown>;
interface Cluster {
  attributes: Record<string, { get(): Promise<unknown> } | undefined>;
  commands: Record<string, Command>;
}
interface Endpoint {
  number: number;
  getClusterClientById(id: number): Cluster | undefined;
  getChildEndpoints(): Endpoint[];
}
interface Report {
  path: { attributeName?: string; eventName?: string };
  value: unknown;
  events: { data: object }[];
}
interface PairedNode {
  connect(): void;
  getRootEndpoint(): Endpoint | undefined;
  decommission(): Promise<void>;
  events: {
    initializedFromRemote: PromiseLike<unknown>;
    attributeChanged: { on(listener: (report: Report) => void): void };
    eventTriggered: { on(listener: (report: Report) => void): void };
  };
}
interface Hub {
  start(): Promise<void>;
  commissionNode(options: object): Promise<unknown>;
  getNode(id: unknown): Promise<PairedNode>;
}
interface Main {
  Environment: { default: { vars: { set(name: string, value: string): void } } };
  Logger: { level: number };
}

const DOOR_LOCK = 0x101;
const ABOUT = 0x39;
const POWER = 0x2f;
const TIMED = { asTimedRequest: true };

const [folder = '', name = 'older', older = ''] = process.argv.slice(2);
const load = createRequire(path.join(older, 'package.json'));
const { Environment, Logger } = load('@matter/main') as Main;
const { CommissioningController } = load('@project-chip/matter.js') as {
  CommissioningController: new (options: object) => Hub;
};
Logger.level = 4;
const environment = Environment.default;
environment.vars.set('storage.path', folder);

const reported: (number | null)[] = [];
const events: SeenEvent[] = [];
const hub = new CommissioningController({
  environment: { environment, id: name },
  autoConnect: false,
  adminFabricLabel: name,
});
let node: PairedNode | undefined;

function below(endpoint: Endpoint | undefined): Endpoint[] {
  return endpoint === undefined ? [] : [endpoint, ...endpoint.getChildEndpoints().flatMap(below)];
}

function locks(): Endpoint[] {
  return below(node?.getRootEndpoint()).filter((each) => each.getClusterClientById(DOOR_LOCK) !== undefined);
}

function command(of: string, fields: object): Promise<unknown> {
  const run = locks()[0]?.getClusterClientById(DOOR_LOCK)?.commands[of];
  if (run === undefined) throw new Error(`no lock with ${of} is to be seen`);
  return run(fields, TIMED);
}

async function get<T>(endpoint: Endpoint, cluster: number, attribute: string, otherwise: T): Promise<T> {
  return ((await endpoint.getClusterClientById(cluster)?.attributes[attribute]?.get()) as T | undefined) ?? otherwise;
}

const octets = (pin: string | undefined): object => (pin === undefined ? {} : { pinCode: Buffer.from(pin) });

const handlers: Controller = {
  pair: async ({ passcode, discriminator }) => {
    const id = await hub.commissionNode({
      commissioning: {},
      discovery: { identifierData: { longDiscriminator: discriminator }, discoveryCapabilities: {} },
      passcode,
    });
    node = await hub.getNode(id);
    node.events.attributeChanged.on(({ path: { attributeName }, value }) => {
      if (attributeName === 'lockState') reported.push(value as number | null);
    });
    node.events.eventTriggered.on(({ path: { eventName = '' }, events: all }) => {
      for (const { data } of all) events.push({ name: eventName, ...data });
    });
    const ready = node.events.initializedFromRemote;
    node.connect();
    await ready;
  },
  states: () =>
    Promise.all(
      locks().map(async (endpoint): Promise<LockStates> => ({
        endpoint: endpoint.number,
        lockState: await get<number | null>(endpoint, DOOR_LOCK, 'lockState', null),
        door: await get<number | null>(endpoint, DOOR_LOCK, 'doorState', null),
        reachable: await get(endpoint, ABOUT, 'reachable', false),
        name: await get(endpoint, ABOUT, 'nodeLabel', ''),
        serial: await get(endpoint, ABOUT, 'serialNumber', ''),
        firmware: await get(endpoint, ABOUT, 'softwareVersionString', ''),
        battery: await get<number | null>(endpoint, POWER, 'batPercentRemaining', null),
        batteryLevel: await get<number | null>(endpoint, POWER, 'batChargeLevel', null),
      })),
    ),
  open: (pin) => command('unlockDoor', octets(pin)).then(() => undefined),
  close: (pin) => command('lockDoor', octets(pin)).then(() => undefined),
  openFor: (timeout) => command('unlockWithTimeout', { timeout }).then(() => undefined),
  setCode: async (pin) =>
    (await command('setCredential', {
      operationType: 0,
      credential: { credentialType: 1, credentialIndex: 1 },
      credentialData: Buffer.from(pin),
      userIndex: null,
      userStatus: null,
      userType: null,
    })) as { status: number; userIndex: number | null },
  reported: () => reported,
  events: () => events,
  leave: async () => node?.decommission(),
};
void hub.start().then(() => serve(handlers));
