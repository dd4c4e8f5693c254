/** What a `matter-lock` sees of its `matter-bridge`, how it finds it, and what is made for a bridge at deploy. */
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { NodeAPI } from 'node-red';
import { textOf } from '../../src/common/errors';
import { isRecord, parseJson } from '../../src/common/json';
import type { Log } from '../../src/common/log';
import { textSetting, type Setting } from '../../src/common/settings';
import type { Bridge, BridgeStatus, Spawn } from '../../src/matter/bridge';
import { threadFrom } from '../../src/matter/thread';
import { accountOf } from './define-config';
import { stateFolder } from './states';

export interface MatterAccess {
  readonly bridge: Bridge;
  readonly port: number;
  /** The network interface that is set; empty: all. */
  readonly interface: string;
  /** Calls back with how the bridge is doing, now and after each change. Returns the way to stop. */
  follow(listener: (status: BridgeStatus) => void): () => void;
}

/** @throws CodedError INVALID_INPUT */
export function bridgeOf(RED: NodeAPI, id: unknown): MatterAccess {
  return accountOf(RED, 'matter-bridge', id, 'Matter bridge') as MatterAccess;
}

/** Passes a bridge's status on to its locks. */
export class Followers {
  private readonly listeners = new Set<(status: BridgeStatus) => void>();

  publish(status: BridgeStatus): void {
    for (const listener of [...this.listeners]) listener(status);
  }

  accessTo(bridge: Bridge, settings: Pick<MatterAccess, 'port' | 'interface'>): MatterAccess {
    return {
      bridge,
      port: settings.port,
      interface: settings.interface,
      follow: (listener) => {
        this.listeners.add(listener);
        listener(bridge.status);
        return () => void this.listeners.delete(listener);
      },
    };
  }
}

/** A code that was made for the bridge; undefined where there is none yet. */
export const codeSetting: Setting<number | undefined> = {
  parse: (value) => {
    const text = textSetting(value, 'the code of the bridge');
    return /^\d+$/.test(text) ? Number(text) : undefined;
  },
};

/** Node-RED writes credentials with the next deploy; until then the bridge's own state has them. */
export function keepCodes(
  RED: NodeAPI,
  id: string,
  { passcode, discriminator }: { passcode: number; discriminator: number },
  log: Log,
): void {
  const credentials = { passcode: String(passcode), discriminator: String(discriminator) };
  Promise.resolve(RED.nodes.addCredentials(id, credentials)).catch((error: unknown) =>
    log.debug(`the codes could not be kept as credentials: ${textOf(error)}`),
  );
}

/** What matter.js keeps of a bridge. Programs that run Node-RED without a user directory keep it with the system. */
export function bridgeFolder(RED: NodeAPI, id: string): string {
  return path.join(stateFolder(RED) ?? path.join(os.tmpdir(), `thekeys-gateway-${process.pid}`), 'matter', id);
}

/** The worker as it was built: beside these files where they are built too, in `dist` where they are run as they are. */
function builtFile(name: string): string {
  const root = path.join(__dirname, '..', '..');
  const files = [path.join(root, 'matter', name), path.join(root, 'dist', 'matter', name)];
  return files.find((file) => existsSync(file)) ?? files[0] ?? '';
}

export function spawnOf(RED: NodeAPI): Spawn {
  // Another thread can be set in settings.js, for tests.
  const { matterBridgeThread } = RED.settings as { matterBridgeThread?: Spawn };
  return matterBridgeThread ?? threadFrom(builtFile('worker.cjs'));
}

/** What the worker's file was made of: what `npm audit` cannot see, a report of a problem shows. */
export function matterVersions(): Record<string, string> {
  try {
    const packages = parseJson(readFileSync(builtFile('packages.json'), 'utf8'));
    const version = isRecord(packages) ? packages['@matter/main'] : undefined;
    return typeof version === 'string' ? { 'matter.js': version } : {};
  } catch {
    return {};
  }
}
