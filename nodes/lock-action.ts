/** Opens, closes, toggles or calibrates a lock for each message, and sends on what the lock then said. */
import { choice, flag, seconds, typed } from '../src/common/settings';
import { payloadOf, readLockCommand } from '../src/thekeys/commands';
import type { LockAction } from '../src/thekeys/gateway';
import { LockBadge } from './shared/lock-badge';
import { answer, defineLockNode, LONGEST, lockSetting, ownLock } from './shared/lock-node';

const SETTINGS = {
  identifier: lockSetting,
  action: choice('the action of the node', ['open', 'close', 'toggle', 'calibrate', 'message'], 'message'),
  confirm: flag('the confirmation of the node', true),
  deadline: typed(seconds('the deadline of the node', { fallback: 0, most: LONGEST, zero: true })),
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

export = defineLockNode('lock-action', SETTINGS, (node, access) => {
  const badge = new LockBadge(node, access);
  ownLock(node, access);
  node.onInput(async (message, { signal, settings: { confirm, ...settings } }) => {
    const from = access.identifiers(settings.identifier);
    const { action, identifier } = readLockCommand(settings.action, message, from);
    const share = access.share(identifier);
    const deadlineMs = settings.deadline || (action === 'close' ? CLOSE_DEADLINE_MS : DEADLINE_MS);
    const result = await badge.follow(DOING[action], (onProgress) =>
      access.run({ confirm, deadlineMs, signal, onProgress }, (gateway, options) => gateway[action](share, options)),
    );
    if (result.reading === undefined) node.badge.show('ok', 'sent');
    else badge.result(result.reading, !result.confirmed);
    return answer(message, payloadOf(result, access.nameOf(result.identifier)), result.identifier);
  });
});
