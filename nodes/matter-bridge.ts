/**
 * The Matter bridge: what homes scan, and what their locks share. It starts at deploy, in a thread of its own; its locks join
 * it by themselves (`matter-lock`).
 */
import { systemClock } from '../src/common/clock';
import { text } from '../src/common/settings';
import { Bridge } from '../src/matter/bridge';
import { MATTER_PORT, sixteenBitSetting, TEST_PRODUCT, TEST_VENDOR } from '../src/matter/bridge-settings';
import { defineConfig } from './shared/define-config';
import { packageVersion } from './shared/diagnostics';
import {
  bridgeFolder,
  codeSetting,
  Followers,
  keepCodes,
  matterVersions,
  spawnOf,
  type MatterAccess,
} from './shared/matter';
import { addMatterRoutes } from './shared/matter-routes';
import { stateFor } from './shared/states';

export = defineConfig({
  type: 'matter-bridge',
  settings: {
    port: sixteenBitSetting('the port', MATTER_PORT),
    interface: text('the interface'),
    vendorId: sixteenBitSetting('the vendor ID', TEST_VENDOR),
    productId: sixteenBitSetting('the product ID', TEST_PRODUCT),
  },
  credentials: { passcode: codeSetting, discriminator: codeSetting },
  open: ({ RED, node, settings, credentials, log, onClose }): MatterAccess => {
    const followers = new Followers();
    const state = stateFor(RED, '', log);
    const bridge = new Bridge({
      // The node's id, so that the pairings stay when the name or the port changes.
      id: node.id,
      folder: bridgeFolder(RED, node.id),
      state,
      name: node.name ?? '',
      ...settings,
      ...credentials,
      version: packageVersion(),
      spawn: spawnOf(RED),
      clock: systemClock,
      log,
      onStatus: (status) => followers.publish(status),
      onCodes: (codes) => keepCodes(RED, node.id, codes, log),
    });
    onClose(async () => {
      await bridge.close();
      await state.close();
    });
    return followers.accessTo(bridge, settings);
  },
  versions: matterVersions,
  register: addMatterRoutes,
});
