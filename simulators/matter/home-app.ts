/**
 * A home's app and its hub in one, made of matter.js's own controller: it pairs with a bridge, commands its first lock and sees
 * what that shows. Runs in a thread of its own, because matter.js takes seconds to load; `home.ts` begins it.
 */
import '../../src/matter/worker/environment';
import { parentPort, workerData } from 'node:worker_threads';
import { Environment, Logger, LogLevel, ServerNode, type ClientNode, type Endpoint } from '@matter/main';
import { BridgedDeviceBasicInformationClient } from '@matter/main/behaviors/bridged-device-basic-information';
import { DoorLockClient } from '@matter/main/behaviors/door-lock';
import { PowerSourceClient } from '@matter/main/behaviors/power-source';
import { ControllerBehavior } from '@matter/main/node';
import type { Answer, Order } from './home';

const NAME = 'demo-home';
const PAIRING_MS = 30_000;
/** Milliseconds after an accepted command: a bolt, a Bluetooth connection and some patience. */
const MOVEMENT_MS = 15_000;
/** DlLockState, Matter Application Clusters 5.2.6.9. */
const BOLTS: Readonly<Record<number, string>> = { 0: 'jammed', 1: 'locked', 2: 'unlocked' };
const WANTED = { lock: 'locked', unlock: 'unlocked' } as const;

Logger.level = LogLevel.FATAL;
Environment.default.vars.set('storage.path', (workerData as { folder: string }).folder);

let home: ServerNode | undefined;
let bridge: ClientNode | undefined;

async function carryOut(order: Order): Promise<Answer> {
  switch (order.do) {
    case 'pair':
      await pair(order.code);
      return { answer: 'paired', ...sight() };
    case 'look':
      return { answer: 'this is what the home sees', ...sight() };
    case 'lock':
    case 'unlock': {
      const pin: object = order.pin === undefined ? {} : { pinCode: Buffer.from(order.pin) };
      const commands = lock().commandsOf(DoorLockClient);
      await (order.do === 'lock' ? commands.lockDoor(pin) : commands.unlockDoor(pin));
      await moved(WANTED[order.do]);
      return { answer: 'accepted', ...sight() };
    }
  }
}

async function pair(pairingCode: string): Promise<void> {
  home ??= await ServerNode.create(ServerNode.RootEndpoint.with(ControllerBehavior), {
    id: NAME,
    controller: { adminFabricLabel: 'The demo’s home' },
    network: { port: 0 },
  });
  await home.start();
  bridge = await home.peers.commission({ pairingCode, timeout: PAIRING_MS as never });
}

function lock(): Endpoint {
  if (bridge === undefined) throw new Error('this home is not paired yet: press Pair first');
  const found = [...bridge.endpoints].find((endpoint) => endpoint.behaviors.has(DoorLockClient));
  if (found === undefined) throw new Error('the bridge shows no lock');
  return found;
}

function sight(): Omit<Answer, 'answer'> {
  const endpoint = lock();
  const { lockState } = endpoint.stateOf(DoorLockClient);
  const about = endpoint.stateOf(BridgedDeviceBasicInformationClient);
  const power = endpoint.maybeStateOf(PowerSourceClient);
  return {
    lock: about.nodeLabel ?? '',
    shows: lockState === null ? 'nothing yet' : (BOLTS[lockState] ?? 'something else'),
    reachable: about.reachable,
    // In half per cents.
    battery: typeof power?.batPercentRemaining === 'number' ? `${power.batPercentRemaining / 2} %` : 'not shown',
  };
}

/** Resolves when the home sees the lock as wanted, or has waited long enough. */
function moved(wanted: string): Promise<void> {
  return new Promise((resolve) => {
    const changed = lock().eventsOf(DoorLockClient).lockState$Changed;
    const look = (): void => {
      if (sight().shows === wanted) end();
    };
    const end = (): void => {
      clearTimeout(timer);
      changed.off(look);
      resolve();
    };
    const timer = setTimeout(end, MOVEMENT_MS);
    changed.on(look);
    look();
  });
}

parentPort?.on('message', ({ number, order }: { number: number; order: Order }) => {
  carryOut(order).then(
    (answer) => parentPort?.postMessage({ number, answer }),
    (error: unknown) => parentPort?.postMessage({ number, answer: { answer: wordsOf(error) } }),
  );
});

/** A lock's refusal comes as a status of Matter: "Failure (code 1)". */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /\(code \d+\)$/.test(text) ? `refused: ${text}` : text;
}
