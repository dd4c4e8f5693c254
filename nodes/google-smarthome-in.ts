/**
 * A device that Google may command: joins its account with what was set in the dialog, and sends one message for each
 * command. What it is and what it may do: `src/google/devices`; PINs: `src/google/permission.ts`.
 */
import type { NodeCredentials } from 'node-red';
import { foreignText } from '../src/common/foreign';
import { DEVICE_FIELDS, deviceSettings } from '../src/google/device-settings';
import type { Result } from '../src/google/results';
import type { Picture } from './shared/badge';
import { defineNode } from './shared/define-node';
import { googleAccountOf, showLack, whileLinksChange } from './shared/google';
import type { Message } from './shared/message';

const CREDENTIALS: NodeCredentials<{ pin: string }> = { pin: { type: 'password' } };
const PICTURES: Readonly<Record<Result['status'], Picture>> = {
  SUCCESS: 'ok',
  PENDING: 'waiting',
  OFFLINE: 'down',
  EXCEPTIONS: 'warning',
  ERROR: 'failed',
};

export = defineNode({
  type: 'google-smarthome-in',
  catalogue: 'google-smarthome-config',
  settings: DEVICE_FIELDS,
  credentials: CREDENTIALS,
  start: (running) => {
    const { RED, node, config, settings, badge } = running;
    // Undefined where nothing was ever typed, whatever the types say.
    const { pin } = (node.credentials as { pin?: unknown } | undefined) ?? {};
    const account = googleAccountOf(RED, config.account);
    /** A result of a command stays until there is another, or until no user is linked any more. */
    let hasResult = false;
    const leave = account.home.register(deviceSettings(settings, pin, node.id), {
      onCommand: (message) => {
        hasResult = true;
        // Commands of custom devices have no word of ours; Google's own name serves.
        badge.show('working', foreignText(message.payload.action ?? message.payload.command));
        running.emit(message as unknown as Message);
      },
      onResult: ({ status, errorCode, challengeNeeded: question }, command) => {
        if (question !== undefined) badge.show('waiting', question.type);
        else if (status === 'SUCCESS') badge.show('ok', foreignText(command?.action ?? command?.name ?? ''));
        else badge.show(PICTURES[status], errorCode ?? status);
      },
    });
    running.onClose(leave);
    badge.show('idle', 'ready');
    const stop = whileLinksChange(account, (lack) => {
      if (lack !== undefined && lack !== 'serviceAccountKey') showLack(badge, lack);
      else if (!hasResult) badge.show('idle', 'ready');
    });
    running.onClose(stop);
  },
});
