/** The bridge as a Matter node: its locks, the homes that it is paired with, and how it gets paired. */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { Endpoint, Environment, FabricIndex, ServerNode, VendorId } from '@matter/main';
import { AggregatorEndpoint } from '@matter/main/endpoints/aggregator';
import { DeviceCommissioner, FabricManager } from '@matter/main/protocol';
import type { BridgeDescription, FailureReason, Home, LockDescription, LockEvent, Pairing, ShownLock } from '../port';
import { cut, endpointId, isAlike, lockEndpoint, show, type LockEndpoint } from './lock-endpoint';

/** For how long another home can be paired: as long as the specification allows. */
const OPEN_MS = 15 * 60_000;
const NODE = 'bridge';
/** Who pairs, from the ledger that the Connectivity Standards Alliance publishes. */
const VENDORS: Readonly<Record<number, string>> = {
  0x100b: 'Philips Hue',
  0x110a: 'SmartThings',
  0x115f: 'Aqara',
  0x117c: 'IKEA',
  0x1217: 'Amazon Alexa',
  0x125d: 'Tuya',
  0x1349: 'Apple Home',
  0x134b: 'Home Assistant',
  0x1384: 'Apple Keychain',
  0x6006: 'Google Home',
};

export class StartFailure extends Error {
  constructor(
    readonly reason: FailureReason,
    message: string,
  ) {
    super(message);
  }
}

export class Server {
  /** By the endpoint's id. */
  private readonly locks = new Map<string, { lock: LockDescription; endpoint: LockEndpoint }>();
  private openUntil = 0;
  private ending: NodeJS.Timeout | undefined;

  private constructor(
    private readonly node: ServerNode,
    private readonly aggregator: Endpoint<AggregatorEndpoint>,
  ) {}

  /** The locks that are known are there before the first home looks. @throws StartFailure, or what matter.js throws */
  static async start(bridge: BridgeDescription, locks: readonly LockDescription[]): Promise<Server> {
    checkNetwork(bridge.interface);
    await prepareFolder(bridge.folder);
    const { vars } = Environment.default;
    vars.set('storage.path', bridge.folder);
    if (bridge.interface !== '') vars.set('mdns.networkInterface', bridge.interface);
    const pairing = { passcode: bridge.passcode, discriminator: bridge.discriminator };
    const node = await ServerNode.create({
      id: NODE,
      network: { port: bridge.port },
      commissioning: pairing,
      productDescription: { name: cut(bridge.name), deviceType: AggregatorEndpoint.deviceType },
      basicInformation: {
        vendorId: VendorId(bridge.vendorId),
        vendorName: 'The Keys',
        productId: bridge.productId,
        productName: 'Lock bridge',
        productLabel: 'Lock bridge',
        nodeLabel: cut(bridge.name),
        serialNumber: cut(bridge.serial),
        uniqueId: endpointId(bridge.serial),
        hardwareVersion: 1,
        softwareVersion: versionNumber(bridge.version),
        softwareVersionString: cut(bridge.version),
      },
    });
    const aggregator = new Endpoint(AggregatorEndpoint, { id: 'locks' });
    await node.add(aggregator);
    // What is kept wins over what is created with.
    await node.set({ commissioning: pairing });
    const server = new Server(node, aggregator);
    for (const lock of locks) await server.setLock(lock);
    await node.start();
    return server;
  }

  /** Calls back whenever a home came or went, or the node was reset. */
  onChange(listener: () => void): void {
    this.node.events.commissioning.fabricsChanged.on((fabric, action) => {
      if (action === 'deleted') void this.forget(fabric);
      listener();
    });
    // Without a home left matter.js resets itself, and what was shown with it.
    this.node.lifecycle.online.on(async () => {
      for (const { lock, endpoint } of this.locks.values()) await show(endpoint, lock);
      listener();
    });
  }

  lockOf(endpoint: string): LockDescription | undefined {
    return this.locks.get(endpoint)?.lock;
  }

  async setLock(lock: LockDescription): Promise<void> {
    const id = endpointId(lock.id);
    const known = this.locks.get(id);
    let endpoint = known?.endpoint;
    if (known === undefined || endpoint === undefined || !isAlike(known.lock, lock)) {
      await endpoint?.close();
      endpoint = lockEndpoint(lock);
      await this.aggregator.add(endpoint);
    }
    this.locks.set(id, { lock, endpoint });
    await show(endpoint, lock);
  }

  /** Closed, not deleted: what is kept of it holds its number, should it come back. */
  async removeLock(lockId: string): Promise<void> {
    const id = endpointId(lockId);
    const known = this.locks.get(id);
    this.locks.delete(id);
    await known?.endpoint.close();
  }

  async show(lockId: string, shown: ShownLock): Promise<void> {
    const known = this.locks.get(endpointId(lockId));
    if (known === undefined) return;
    known.lock = { ...known.lock, shown };
    await show(known.endpoint, known.lock);
  }

  async report(lockId: string, event: LockEvent): Promise<void> {
    const known = this.locks.get(endpointId(lockId));
    await known?.endpoint.act((agent) => agent.doorLock.report(event));
  }

  homes(): Home[] {
    return this.node.env.get(FabricManager).fabrics.map(({ fabricIndex, label, rootVendorId }) => ({
      index: fabricIndex,
      label,
      vendor: VENDORS[rootVendorId] ?? `0x${rootVendorId.toString(16).toUpperCase().padStart(4, '0')}`,
    }));
  }

  pairing(): Pairing {
    const { qrPairingCode: qrText, manualPairingCode: manualCode } = this.node.state.commissioning.pairingCodes;
    const isAlone = this.homes().length === 0;
    return { qrText, manualCode, openForMs: isAlone ? null : Math.max(0, this.openUntil - Date.now()) };
  }

  async pairAnother(): Promise<void> {
    const commissioner = this.node.env.get(DeviceCommissioner);
    await commissioner.allowBasicCommissioning(() => {
      clearTimeout(this.ending);
      this.openUntil = 0;
    });
    clearTimeout(this.ending);
    // matter.js makes a timer for it, and does not start it.
    this.ending = setTimeout(() => void commissioner.endCommissioning(), OPEN_MS);
    this.openUntil = Date.now() + OPEN_MS;
  }

  async removeHome(index: number): Promise<void> {
    const fabric = this.node.env.get(FabricManager).maybeFor(FabricIndex(index));
    if (fabric === undefined) throw new Error(`no home has the number ${index}`);
    await fabric.leave();
  }

  async factoryReset(): Promise<void> {
    await this.node.erase();
  }

  async close(): Promise<void> {
    clearTimeout(this.ending);
    await this.node.close();
  }

  private async forget(fabric: FabricIndex): Promise<void> {
    for (const { lock, endpoint } of this.locks.values()) {
      if (lock.appCodes) await endpoint.act((agent) => agent.doorLock.forget(fabric));
    }
  }
}

/** 1.12.3 as 11203: Matter compares numbers. */
function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(/\D+/).map(Number);
  return Math.max(1, major * 10_000 + minor * 100 + patch);
}

/** Matter needs IPv6: a container without the host's network has none. @throws StartFailure */
function checkNetwork(name: string): void {
  const all = networkInterfaces();
  if (name !== '' && all[name] === undefined) {
    const names = Object.keys(all).join(', ');
    throw new StartFailure('noInterface', `there is no network interface ${name}. There are: ${names}`);
  }
  const used = name === '' ? Object.values(all).flat() : all[name];
  if (used?.some((address) => address?.family === 'IPv6' && !address.internal) !== true) {
    const where = name === '' ? 'no network interface has' : `the network interface ${name} has no`;
    throw new StartFailure('noIpv6', `${where} an IPv6 address, and Matter works with IPv6 alone`);
  }
}

/** Holds the homes' keys. Our thread has made sure that no other process uses it. @throws StartFailure */
async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    // matter.js goes by process numbers alone, which are given again after a power cut: it would wait for a stranger.
    for (const left of ['matter.lock', 'matter.pid']) await rm(path.join(folder, NODE, left), { force: true });
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    throw new StartFailure('folder', `the folder ${folder} cannot be used (${code})`);
  }
}
