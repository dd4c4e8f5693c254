/**
 * A lock that homes command through Matter: joins its bridge with what was set in the dialog. Who carries the commands out, and
 * says what the lock is: `shared/matter-drives.ts`; PINs, answers and events: `src/matter`.
 */
import type { NodeCredentials } from 'node-red';
import { isPin } from '../src/matter/bridge-settings';
import { TRANSPORT_CODES } from '../src/thekeys/gateway-errors';
import { defineNode } from './shared/define-node';
import { bridgeOf } from './shared/matter';
import { driveOf, SETTINGS } from './shared/matter-drives';

const CREDENTIALS: NodeCredentials<{ pin: string }> = { pin: { type: 'password' } };

export = defineNode({
  type: 'matter-lock',
  catalogue: ['matter-bridge', 'gateway-config'],
  settings: SETTINGS,
  transportCodes: TRANSPORT_CODES,
  credentials: CREDENTIALS,
  start: (running) => {
    const { RED, node, config, settings } = running;
    // Undefined where nothing was ever typed, whatever the types say.
    const { pin } = (node.credentials as { pin?: unknown } | undefined) ?? {};
    const access = bridgeOf(RED, config.bridge);
    const drive = driveOf(running, pin);
    const lock = access.bridge.addLock({
      ...settings,
      // The node's id, so that rooms and rules stay when the name changes.
      id: node.id,
      name: settings.lockName || (node.name ?? '') || drive.name,
      serial: drive.serial,
      // Any other opens nothing; the drive says so.
      pin: typeof pin === 'string' && isPin(pin.trim()) ? pin.trim() : '',
      replyTimeoutMs: settings.replyTimeout,
      onCommand: (command) => drive.run(command),
      onRefused: (refusal) => drive.badge.refused(refusal),
    });
    running.signal.addEventListener('abort', () => lock.remove(), { once: true });
    drive.begin(lock);
    running.onInput((message) => drive.receive(message));
    running.onClose(access.follow((status) => drive.badge.bridge(status, access.port)));
  },
});
