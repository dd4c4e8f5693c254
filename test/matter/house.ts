/**
 * A house with one lock behind a simulated gateway, and the bridge that shows it to homes, in a process of its own. The
 * lock's wiring is what the nodes do: commands go to the gateway, readings come from its watch.
 */
import path from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { systemClock } from '../../src/common/clock';
import type { Log } from '../../src/common/log';
import {
  Bridge,
  type BridgedLock,
  type BridgeOptions,
  type BridgeStatus,
  type LockUpdate,
} from '../../src/matter/bridge';
import { threadFrom } from '../../src/matter/thread';
import { openState } from '../../src/state/open';
import { Gateway } from '../../src/thekeys/gateway';
import { parseAddress } from '../../src/thekeys/gateway-address';
import { SimulatedGateway, type SimulatedTimes } from '../../simulators/gateway/gateway';
import { serve as serveGateway } from '../../simulators/gateway/server';
import { serve } from './remote';

export interface HouseSettings {
  folder: string;
  id?: string;
  worker: string;
  port?: number;
  interface?: string;
  times?: SimulatedTimes;
  pinFor?: 'none' | 'release' | 'always';
  pin?: string;
  appCodes?: boolean;
  replyTimeoutMs?: number;
  names?: string[];
  /** How the bolt is at the beginning. */
  bolt?: 'open' | 'closed';
  /** Commands are carried out at once, without a gateway. */
  isInstant?: boolean;
  /** Nothing of matter.js. */
  isWithout?: boolean;
  /** Another bridge of the same process, with a lock that is never read. */
  second?: { id: string; port: number };
}

const SHARE = { identifier: '1001', code: 'demo-front-code' };
const INTERVAL_MS = 500;

const settings = JSON.parse(process.argv[2] ?? '{}') as HouseSettings;
const ID = settings.id ?? 'house';
const lines: string[] = [];
const keep = (text: string): void => void lines.push(text);
const log: Log = { warn: keep, info: keep, debug: keep, trace: () => undefined };
const statuses: BridgeStatus[] = [];
const state = openState({ url: '', folder: path.join(settings.folder, 'state', ID), log });
const simulated = new SimulatedGateway({
  locks: [{ ...SHARE, state: settings.bolt ?? 'closed' }],
  times: settings.times ?? {},
});

/** A worker that is not to be had. */
function noThread(): never {
  throw new Error('there is no worker');
}

function bridgeOptions(change: Partial<BridgeOptions> = {}): BridgeOptions {
  return {
    id: ID,
    folder: path.join(settings.folder, 'matter', ID),
    state,
    name: 'Keys of the house',
    port: settings.port ?? 5540,
    interface: settings.interface ?? '',
    vendorId: 0xfff1,
    productId: 0x8000,
    version: '1.0.0',
    spawn: settings.isWithout === true ? noThread : threadFrom(settings.worker),
    clock: systemClock,
    log,
    onCodes: (made) => (codes = made),
    ...change,
  };
}

/** Its changes are kept. */
function followed(made: Bridge): Bridge {
  made.follow((status) => void statuses.push(status));
  return made;
}

/** From here on: how long the main loop was held. */
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();
let codes = { passcode: 0, discriminator: 0 };
let bridge = followed(new Bridge(bridgeOptions()));
let secondCodes = codes;
const { second: other } = settings;
const second =
  other &&
  new Bridge(
    bridgeOptions({
      ...other,
      folder: path.join(settings.folder, 'matter', other.id),
      onCodes: (made) => (secondCodes = made),
    }),
  );
second?.addLock({
  id: 'annex',
  name: 'Annex',
  serial: '1002',
  battery: false,
  door: false,
  pinFor: 'none',
  pin: '',
  appCodes: false,
  replyTimeoutMs: 2000,
  onCommand: () => Promise.resolve(),
});
let commands = 0;
let gateway: Gateway;
let locks: BridgedLock[] = [];

function addLocks(names: string[]): BridgedLock[] {
  return names.map((name, index) =>
    bridge.addLock({
      id: `lock-${name}`,
      name: name === 'front' ? 'Front door' : name,
      serial: SHARE.identifier,
      battery: true,
      door: true,
      pinFor: settings.pinFor ?? 'none',
      pin: settings.pin ?? '',
      appCodes: settings.appCodes ?? false,
      replyTimeoutMs: settings.replyTimeoutMs ?? 2000,
      onCommand: async ({ action, deadlineMs, signal }) => {
        commands += 1;
        if (settings.isInstant === true) locks[index]?.update({ state: action === 'open' ? 'open' : 'closed' });
        else await gateway[action](SHARE, { deadlineMs, timeoutMs: 10_000, confirm: true, signal });
      },
    }),
  );
}

async function begin(): Promise<void> {
  const server = await serveGateway(simulated);
  gateway = new Gateway({ address: parseAddress(server.host), state, log });
  locks = addLocks(settings.names ?? ['front']);
  if (settings.isInstant === true) return;
  const show = (update: LockUpdate): void => locks.forEach((lock) => lock.update(update));
  const options = { share: SHARE, intervalMs: INTERVAL_MS, timeoutMs: 5000 };
  gateway.watch(options, {
    onReading: ({ state: read, batteryPercent, version }) =>
      show({ state: read, batteryPercent, ...(version === null ? {} : { firmware: String(version) }) }),
    onTrouble: () => show({ reachable: false }),
    onTroubleLasts: () => show({ reachable: false }),
    onRecovered: () => undefined,
  });
}
const begun = begin();

const handlers = {
  status: () => bridge.status,
  statuses: () => statuses,
  pairing: () => bridge.pairing(),
  codes: () => codes,
  commands: () => commands,
  secondStatus: () => second?.status ?? { state: 'starting' },
  secondCodes: () => secondCodes,
  homes: () => bridge.homes(),
  pairAnother: () => bridge.pairAnother(),
  removeHome: (index: number) => bridge.removeHome(index),
  factoryReset: () => bridge.factoryReset(),
  lines: () => lines,
  update: (update: LockUpdate) => locks.forEach((lock) => lock.update(update)),
  /** What bolts were set in motion for. */
  moves: () => simulated.journal.actions.map(({ action }) => action),
  bolt: () => simulated.lock(SHARE.identifier).state,
  turnByHand: (to: 'open' | 'closed') => simulated.lock(SHARE.identifier).turnByHand(to),
  goAway: () => simulated.goAway(),
  comeBack: () => simulated.comeBack(),
  slow: (ms: number) => {
    simulated.times.latencyMs = ms;
  },
  memory: () => process.memoryUsage().rss,
  /** Milliseconds for which the main loop was held at most, since it was asked last. */
  stall: () => {
    const ms = loop.max / 1e6;
    loop.reset();
    return ms;
  },
  /** When the gateway got the last request to open, in milliseconds of the system. */
  openedAt: () => {
    const { at = NaN } = simulated.journal.requests.findLast(({ path: asked }) => asked === '/open') ?? {};
    return performance.timeOrigin + performance.now() - (systemClock.elapsed() - at);
  },
  /** The same command without Matter. Returns when it was given. */
  openDirectly: async () => {
    const at = performance.timeOrigin + performance.now();
    await gateway.open(SHARE, { deadlineMs: 5000, timeoutMs: 5000, confirm: false });
    return at;
  },
  deploy: async (names: string[]) => {
    locks.forEach((lock) => lock.remove());
    locks = addLocks(names);
  },
  redeployBridge: async (names: string[]) => {
    await bridge.close();
    bridge = followed(new Bridge(bridgeOptions()));
    locks = addLocks(names);
  },
  close: () => bridge.close(),
};
export type House = typeof handlers;
void begun.then(() => serve(handlers));
