/**
 * What can be asked of the gateway itself: its list of locks, its status, synchronizations and firmware updates. The badge
 * follows long work in the gateway's own words.
 */
import { choice } from '../src/common/settings';
import { named, readGatewayCommand, type GatewayCommand } from '../src/thekeys/commands';
import { LockBadge } from './shared/lock-badge';
import { answer, defineLockNode, lockSetting, READ_DEADLINE_MS } from './shared/lock-node';

/** Each with its badge word while it is on its way. */
const DOING = {
  list: 'reading',
  status: 'reading',
  synchronize: 'synchronizing',
  update: 'updating',
  'synchronize-lock': 'synchronizing',
  'update-lock': 'updating',
} as const satisfies Record<GatewayCommand['operation'], string>;

const SETTINGS = {
  identifier: lockSetting,
  operation: choice('the operation of the node', [...Object.keys(DOING), 'message'], 'list'),
};

export = defineLockNode('gateway-sync', SETTINGS, (node, access) => {
  const badge = new LockBadge(node, access);
  node.badge.clear();
  node.onInput(async (message, { signal, settings }) => {
    const command = readGatewayCommand(settings.operation, message, access.identifiers(settings.identifier));
    const found = await badge.follow(DOING[command.operation], (onProgress) => {
      const options = { deadlineMs: READ_DEADLINE_MS, signal, onProgress };
      return access.run(options, (gateway, rest) => gateway.run(command, rest));
    });
    if (Array.isArray(found)) {
      node.badge.show('ok', 'locks', { count: found.length });
      return answer(
        message,
        found.map((lock) => named(lock, access.nameOf(lock.identifier))),
      );
    }
    if (found !== undefined) {
      node.badge.show('ok', 'version', { version: found.version ?? '?' });
      return answer(message, found);
    }
    node.badge.show('ok', 'done');
    const done = { ...command, ok: true };
    if (!('identifier' in done)) return answer(message, done);
    return answer(message, named(done, access.nameOf(done.identifier)), done.identifier);
  });
});
