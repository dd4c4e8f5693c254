/**
 * What a Matter bridge keeps, shows in reports, and answers its dialog: its code, the homes that are paired with it, and changes
 * to them. All of it is for people who may edit flows: with the code anyone in the network could pair a home, and open the door.
 */
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import { foreignText } from '../../src/common/foreign';
import { isRecord, parseJson } from '../../src/common/json';
import { packageFolder } from '../../src/common/package';
import { textSetting, type Setting } from '../../src/common/settings';
import type { Bridge } from '../../src/matter/bridge';
import { networkFindings } from '../../src/matter/network';
import { routesOf, type Body } from './admin';
import { accountInDialog } from './define-config';
import { stateFolder } from './runtime';

/** A code that was made for the bridge; undefined where there is none yet. */
export const codeSetting: Setting<number | undefined> = {
  parse: (value) => {
    const text = textSetting(value, 'the code of the bridge');
    return /^\d+$/.test(text) ? Number(text) : undefined;
  },
};

/** What matter.js keeps of a bridge. Programs that run Node-RED without a user directory keep it with the system. */
export function bridgeFolder(RED: NodeAPI, id: string): string {
  return path.join(stateFolder(RED) ?? path.join(os.tmpdir(), `thekeys-gateway-${process.pid}`), 'matter', id);
}

export function workerFile(name: 'worker.cjs' | 'packages.json'): string {
  return path.join(packageFolder(), 'dist', 'matter', name);
}

/** What the worker's file was made of: what `npm audit` cannot see, a report of a problem shows. */
export function matterVersions(): Record<string, string> {
  const file = workerFile('packages.json');
  const packages = existsSync(file) ? parseJson(readFileSync(file, 'utf8')) : undefined;
  const version = isRecord(packages) ? packages['@matter/main'] : undefined;
  return typeof version === 'string' ? { 'matter.js': version } : {};
}

export function addMatterRoutes(RED: NodeAPI): void {
  const route = (name: string, work: (bridge: Bridge, body: Body) => unknown): void =>
    routesOf(RED, 'matter-bridge')('post', `/matter/${name}`, async (body) => {
      const bridge = accountInDialog(RED, 'matter-bridge', body.id);
      await work(bridge, body);
      return overview(bridge);
    });
  route('status', () => undefined);
  route('pair', (bridge) => bridge.pairAnother());
  route('remove', (bridge, { index }) => {
    if (typeof index !== 'number') throw invalidInput('no home is named');
    return bridge.removeHome(index);
  });
  route('reset', (bridge) => bridge.factoryReset());
}

/** All that the dialog shows. Names of homes are typed by people in other apps. */
function overview(bridge: Bridge): object {
  const { status } = bridge;
  return {
    status: status.state === 'failed' ? { ...status, text: foreignText(status.text) } : status,
    pairing: bridge.pairing() ?? null,
    homes: bridge.homes(),
    findings: networkFindings({
      interfaces: os.networkInterfaces(),
      isContainer: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
      wanted: bridge.interface,
    }),
  };
}
