/**
 * What the dialog of a Matter bridge asks the runtime: its code, the homes that are paired with it, and changes to them. All of
 * it is for people who may edit flows: with the code anyone in the network could pair a home, and open the door.
 */
import { existsSync } from 'node:fs';
import os from 'node:os';
import type { NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import { foreignText } from '../../src/common/foreign';
import { networkFindings } from '../../src/matter/network';
import type { Bridge, Home } from '../../src/matter/bridge';
import { onPost, type Body } from './admin';
import { accountInDialog } from './define-config';
import type { MatterAccess } from './matter';

const WRITE = 'matter-bridge.write';

/** Registers the admin routes, once for the package. */
export function addMatterRoutes(RED: NodeAPI): void {
  const route = (path: string, work: (bridge: Bridge, body: Body) => Promise<unknown>): void =>
    onPost(RED, WRITE, `/matter/${path}`, async (body) => {
      const access = accountInDialog(RED, 'matter-bridge', body.id, 'bridge') as MatterAccess;
      await work(access.bridge, body);
      return overview(access);
    });
  route('status', () => Promise.resolve());
  route('pair', (bridge) => bridge.pairAnother());
  route('remove', (bridge, { index }) => {
    if (typeof index !== 'number') throw invalidInput('no home is named');
    return bridge.removeHome(index);
  });
  route('reset', (bridge) => bridge.factoryReset());
}

/** All that the dialog shows. Names of homes are typed by people in other apps. */
function overview({ bridge, interface: wanted }: MatterAccess): object {
  const { status } = bridge;
  const name = ({ index, label, vendor }: Home): Home => ({
    index,
    label: foreignText(label, 60),
    vendor: foreignText(vendor, 60),
  });
  return {
    status: status.state === 'failed' ? { ...status, text: foreignText(status.text) } : status,
    pairing: bridge.pairing() ?? null,
    homes: bridge.homes().map(name),
    findings: networkFindings({
      interfaces: os.networkInterfaces(),
      isContainer: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
      wanted,
    }),
  };
}
