/**
 * A device that Google may command: joins its account with what was set in the dialog, and sends one message for each
 * command. What it is and what it may do: `src/google/devices`; PINs: `src/google/permission.ts`.
 */
import { foreignText } from '../src/common/foreign';
import { DEVICE_FIELDS, deviceSettings } from '../src/google/device-settings';
import type { Result } from '../src/google/results';
import type { Picture } from './shared/badge';
import { defineNode } from './shared/define-node';
import { showLack } from './shared/google';

const PICTURES: Readonly<Record<Result['status'], Picture>> = {
  SUCCESS: 'ok',
  PENDING: 'waiting',
  OFFLINE: 'down',
  EXCEPTIONS: 'warning',
  ERROR: 'failed',
};

export = defineNode({
  type: 'google-smarthome-in',
  account: 'google-smarthome-config',
  settings: DEVICE_FIELDS,
  hasPin: true,
  start: (running, account) => {
    const { node, settings, badge, pin } = running;
    /** A result of a command stays until there is another, or until no user is linked any more. */
    let hasResult = false;
    const leave = account.home.register(deviceSettings(settings, pin, node.id), {
      onCommand: (message) => {
        hasResult = true;
        // Commands of custom devices have no word of ours; Google's own name serves.
        badge.show('working', foreignText(message.payload.action ?? message.payload.command));
        running.emit(message);
      },
      onResult: ({ status, errorCode, challengeNeeded: question }, command) => {
        if (question !== undefined) badge.show('waiting', question.type);
        else if (status === 'SUCCESS') badge.show('ok', foreignText(command?.action ?? command?.name ?? ''));
        else badge.show(PICTURES[status], errorCode ?? status);
      },
    });
    running.onClose(leave);
    badge.show('idle', 'ready');
    const showLinks = async (): Promise<void> => {
      const lack = await account.lack();
      if (lack !== undefined && lack !== 'serviceAccountKey') showLack(badge, lack);
      else if (!hasResult) badge.show('idle', 'ready');
    };
    // Where the links cannot be read, the log of the account says so.
    const show = (): void => void showLinks().catch(() => undefined);
    show();
    running.onClose(account.accounts.onLinksChanged(show));
  },
});
