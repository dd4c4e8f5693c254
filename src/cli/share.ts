/**
 * `the-keys share`: creates a share in the vendor's cloud and prints its code, or shows what there is to share.
 */
import { proxyFromEnvironment } from '../common/proxy';
import { TheKeysCloud } from '../thekeys/cloud';
import { printResult, type Terminal } from './terminal';
import { demand, UsageError, type Typed } from './usage';

export async function share(options: Typed, terminal: Terminal): Promise<void> {
  const { account = '', lock = [], gateway = '', name = '', list = false, cloud: url } = options;
  if (!list) demand('share', options, ['lock', 'gateway', 'name']);
  if (lock.length > 1) throw new UsageError('share takes one --lock', 'share');
  const password = terminal.env.THE_KEYS_PASSWORD ?? '';
  if (password === '') {
    throw new UsageError(
      'share needs the password of the account in the environment variable THE_KEYS_PASSWORD',
      'share',
    );
  }
  const cloud = new TheKeysCloud({
    account,
    password: () => password,
    proxy: proxyFromEnvironment(terminal.env),
    ...(url === undefined ? {} : { url }),
  });
  if (list) {
    const locks = await cloud.locks();
    printResult(
      terminal,
      locks.map(({ identifier, name: called, accessories }) => ({
        lock: identifier,
        name: called,
        gateways: accessories
          .filter(({ kind }) => kind === 'gateway')
          .map((accessory) => ({ gateway: accessory.accessoryId, name: accessory.name })),
      })),
    );
    return;
  }
  const { code } = await cloud.createShare({ lock: lock[0] ?? '', gateway, name });
  printResult(terminal, { code });
}
