/**
 * The Matter bridge: what homes scan, and what their locks share. It starts at deploy, in a thread of its own; its locks join
 * it by themselves (`matter-lock`).
 */
import { systemClock } from '../src/common/clock';
import { packageVersion } from '../src/common/package';
import { text } from '../src/common/settings';
import { Bridge, type Spawn } from '../src/matter/bridge';
import { MATTER_PORT, sixteenBitSetting, TEST_PRODUCT, TEST_VENDOR } from '../src/matter/bridge-settings';
import { threadFrom } from '../src/matter/thread';
import { defineConfig } from './shared/define-config';
import { addMatterRoutes, bridgeFolder, codeSetting, matterVersions, workerFile } from './shared/matter-setup';
import { stateFor } from './shared/runtime';

export = defineConfig({
  type: 'matter-bridge',
  settings: {
    port: sixteenBitSetting('the port', MATTER_PORT),
    interface: text('the interface'),
    vendorId: sixteenBitSetting('the vendor ID', TEST_VENDOR),
    productId: sixteenBitSetting('the product ID', TEST_PRODUCT),
  },
  credentials: { passcode: codeSetting, discriminator: codeSetting },
  open: ({ RED, node, settings, credentials, log, onClose }): Bridge => {
    // Another thread can be set in settings.js, for tests.
    const { matterBridgeThread } = RED.settings as { matterBridgeThread?: Spawn };
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
      spawn: matterBridgeThread ?? threadFrom(workerFile('worker.cjs')),
      clock: systemClock,
      log,
      onCodes: async ({ passcode, discriminator }) => {
        // Node-RED writes credentials with the next deploy; until then the bridge's own state has them.
        const codes = { passcode: String(passcode), discriminator: String(discriminator) };
        await RED.nodes.addCredentials(node.id, codes);
      },
    });
    onClose(async () => {
      await bridge.close();
      await state.close();
    });
    return bridge;
  },
  versions: matterVersions,
  register: addMatterRoutes,
});
