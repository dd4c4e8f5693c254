/**
 * What can be asked of the gateway itself: its list of locks, its status, synchronizations and firmware updates. The badge
 * follows long work in the gateway's own words.
 */
import { choice } from '../src/common/settings';
import { named, readGatewayCommand, type GatewayCommand } from '../src/thekeys/commands';
import { TRANSPORT_CODES } from '../src/thekeys/errors';
import type { CommandOptions, Gateway } from '../src/thekeys/gateway';
import { defineNode } from './shared/define-node';
import { gatewayOf, lockSetting, READ_DEADLINE_MS, startOf, type GatewayAccess } from './shared/gateway-access';
import { LockBadge } from './shared/lock-badge';
import { answer } from './shared/message';

/** Badge words while an operation is on its way. */
const DOING: Readonly<Record<GatewayCommand['operation'], string>> = {
  list: 'reading',
  status: 'reading',
  synchronize: 'synchronizing',
  'synchronize-lock': 'synchronizing',
  update: 'updating',
  'update-lock': 'updating',
};
const OPERATIONS = ['list', 'status', 'synchronize', 'update', 'synchronize-lock', 'update-lock', 'message'] as const;
const SETTINGS = {
  identifier: lockSetting,
  operation: choice('the operation of the node', OPERATIONS, 'list'),
};

export = defineNode({
  type: 'gateway-sync',
  catalogue: 'gateway-config',
  settings: SETTINGS,
  transportCodes: TRANSPORT_CODES,
  start: (node) => {
    const access = gatewayOf(node.RED, node.config.gateway);
    const badge = new LockBadge(node.badge, node.words);
    startOf(node, access);

    node.onInput(async (message, { signal, settings }) => {
      const from = { node: settings.identifier, gateway: access.identifier, named: access.named };
      const command = readGatewayCommand(settings.operation, message, from);
      const { onProgress, end } = badge.follow(DOING[command.operation]);
      try {
        const { timeoutMs } = access;
        const options = { deadlineMs: READ_DEADLINE_MS, timeoutMs, signal, onProgress };
        const { payload, word, values } = await access.run(options, (gateway, rest) =>
          carryOut(gateway, access, command, rest),
        );
        end();
        node.badge.show('ok', word, values);
        return answer(message, payload, 'identifier' in command ? command.identifier : undefined);
      } finally {
        end();
      }
    });
  },
});

/** What was read or done, and the badge word for it. */
async function carryOut(
  gateway: Gateway,
  { nameOf }: GatewayAccess,
  command: GatewayCommand,
  options: CommandOptions,
): Promise<{ payload: unknown; word: string; values?: Record<string, string | number> }> {
  switch (command.operation) {
    case 'list': {
      const locks = await gateway.list(options);
      const payload = locks.map((lock) => named(lock, nameOf(lock.identifier)));
      return { payload, word: 'locks', values: { count: locks.length } };
    }
    case 'status': {
      const status = await gateway.status(options);
      return { payload: status, word: 'version', values: { version: status.version ?? '?' } };
    }
    case 'synchronize':
      await gateway.synchronize(options);
      break;
    case 'update':
      await gateway.update(options);
      break;
    case 'synchronize-lock':
      await gateway.synchronizeLock(command.identifier, options);
      break;
    case 'update-lock':
      await gateway.updateLock(command.identifier, options);
  }
  const payload = { ...command, ok: true };
  return { payload: 'identifier' in payload ? named(payload, nameOf(payload.identifier)) : payload, word: 'done' };
}
