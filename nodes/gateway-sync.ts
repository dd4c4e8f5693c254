/**
 * What can be asked of the gateway itself: its list of locks, its status, synchronizations and firmware updates. The badge
 * follows long work in the gateway's own words.
 */
import { choice } from '../src/common/settings';
import { named, readGatewayCommand, type GatewayCommand } from '../src/thekeys/commands';
import type { CommandOptions, Gateway } from '../src/thekeys/gateway';
import type { GatewayAccess } from './shared/gateway-access';
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
    const from = access.identifiers(settings.identifier);
    const command = readGatewayCommand(settings.operation, message, from);
    const { payload, word, values } = await badge.follow(DOING[command.operation], (onProgress) => {
      const options = { deadlineMs: READ_DEADLINE_MS, signal, onProgress };
      return access.run(options, (gateway, rest) => carryOut(gateway, access, command, rest));
    });
    node.badge.show('ok', word, values);
    return answer(message, payload, 'identifier' in command ? command.identifier : undefined);
  });
});

/** What was read or done, and the badge word for it. */
async function carryOut(
  gateway: Gateway,
  access: GatewayAccess,
  command: GatewayCommand,
  options: CommandOptions,
): Promise<{ payload: unknown; word: string; values?: Record<string, string | number> }> {
  switch (command.operation) {
    case 'list': {
      const locks = (await gateway.list(options)).map((lock) => named(lock, access.nameOf(lock.identifier)));
      return { payload: locks, word: 'locks', values: { count: locks.length } };
    }
    case 'status': {
      const status = await gateway.status(options);
      return { payload: status, word: 'version', values: { version: status.version ?? '?' } };
    }
    case 'synchronize':
    case 'update':
      await gateway[command.operation](options);
      return { payload: { ...command, ok: true }, word: 'done' };
    case 'synchronize-lock':
    case 'update-lock': {
      const { identifier, operation } = command;
      await gateway[operation === 'update-lock' ? 'updateLock' : 'synchronizeLock'](identifier, options);
      const done = { ...command, ok: true };
      return { payload: named(done, access.nameOf(identifier)), word: 'done' };
    }
  }
}
