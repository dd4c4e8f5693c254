/** What can be asked of a gateway itself, and the badge words for it. */
import { named, type GatewayCommand } from '../../src/thekeys/commands';
import type { CommandOptions, Gateway } from '../../src/thekeys/gateway';
import type { GatewayAccess } from './gateway-access';

/** While an operation is on its way. */
export const DOING: Readonly<Record<GatewayCommand['operation'], string>> = {
  list: 'reading',
  status: 'reading',
  synchronize: 'synchronizing',
  'synchronize-lock': 'synchronizing',
  update: 'updating',
  'update-lock': 'updating',
};

/** What was read or done, and the badge word for it. */
export async function carryOut(
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
