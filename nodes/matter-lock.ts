/**
 * A lock that homes command through Matter: joins its bridge with what was set in the dialog. Who carries the commands out, and
 * says what the lock is: `shared/matter-drives.ts`; PINs, answers and events: `src/matter`.
 */
import { isPin } from '../src/matter/bridge-settings';
import { TRANSPORT_CODES } from '../src/thekeys/gateway-errors';
import { defineNode } from './shared/define-node';
import { driveOf, SETTINGS } from './shared/matter-drives';

export = defineNode({
  type: 'matter-lock',
  account: 'matter-bridge',
  moreWords: 'gateway-config',
  settings: SETTINGS,
  transportCodes: TRANSPORT_CODES,
  hasPin: true,
  start: (running, bridge) => {
    const { node, settings, pin } = running;
    const drive = driveOf(running);
    const lock = bridge.addLock({
      ...settings,
      // The node's id, so that rooms and rules stay when the name changes.
      id: node.id,
      name: settings.lockName || (node.name ?? '') || drive.name,
      serial: drive.serial,
      // Any other opens nothing; the drive says so.
      pin: typeof pin === 'string' && isPin(pin.trim()) ? pin.trim() : '',
      replyTimeoutMs: settings.replyTimeout,
      onCommand: (command) => drive.run(command, lock),
      onRefused: (refusal) => drive.badge.refused(refusal),
    });
    running.onClose(() => lock.remove());
    drive.begin(lock);
    running.onInput((message) => drive.receive(message, lock));
    running.onClose(bridge.follow((status) => drive.badge.bridge(status, bridge.port)));
  },
});
