/** Opens, closes, toggles or calibrates a lock for each message, and sends on what the lock then said. */
import { choice, flag } from '../src/common/settings';
import { payloadOf, readLockCommand } from '../src/thekeys/commands';
import { TRANSPORT_CODES } from '../src/thekeys/gateway-errors';
import type { LockAction } from '../src/thekeys/gateway';
import { defineNode } from './shared/define-node';
import { deadlineSetting, gatewayOf, lockSetting, startOf } from './shared/gateway-access';
import { LockBadge } from './shared/lock-badge';
import { answer } from './shared/message';

const SETTINGS = {
  identifier: lockSetting,
  action: choice('the action of the node', ['open', 'close', 'toggle', 'calibrate', 'message'], 'message'),
  confirm: flag('the confirmation of the node', true),
  deadline: deadlineSetting,
};
/** Milliseconds. A door that is to be closed is worth waiting longer for than one that a person waits at. */
const DEADLINE_MS = 30_000;
const CLOSE_DEADLINE_MS = 120_000;
/** Badge words while an action is on its way. */
const DOING: Readonly<Record<LockAction, string>> = {
  open: 'opening',
  close: 'closing',
  toggle: 'toggling',
  calibrate: 'calibrating',
};

export = defineNode({
  type: 'lock-action',
  catalogue: 'gateway-config',
  settings: SETTINGS,
  transportCodes: TRANSPORT_CODES,
  start: (node) => {
    const access = gatewayOf(node.RED, node.config.gateway);
    const badge = new LockBadge(node.badge, node.words, access.notice);
    startOf(node, access, node.settings.identifier);

    node.onInput(async (message, { signal, settings }) => {
      const from = { node: settings.identifier, gateway: access.identifier, named: access.named };
      const { action, identifier } = readLockCommand(settings.action, message, from);
      const share = access.share(identifier);
      const result = await badge.follow(DOING[action], (onProgress) => {
        const options = {
          confirm: settings.confirm,
          deadlineMs: settings.deadline || (action === 'close' ? CLOSE_DEADLINE_MS : DEADLINE_MS),
          timeoutMs: access.timeoutMs,
          signal,
          onProgress,
        };
        return access.run(options, (gateway, rest) => gateway[action](share, rest));
      });
      if (result.reading === undefined) node.badge.show('ok', 'sent');
      else badge.result(result.reading, !result.confirmed);
      return answer(message, payloadOf(result, access.nameOf(result.identifier)), result.identifier);
    });
  },
});
