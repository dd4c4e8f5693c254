/**
 * What the editor asks the runtime about Sber: the models that an account has already. For people who may read flows; the
 * key stays here.
 */
import type { NodeAPI } from 'node-red';
import { CodedError } from '../../src/common/errors';
import type { SberAccount } from '../../src/sber/sber-account';
import { onGet } from './admin';
import { accountOf, deployed } from './define-config';

/** Registers the admin route, once for the package. */
export function serveSberEditor(RED: NodeAPI): void {
  onGet(RED, 'sber-models.read', '/sber/models/:account', async ({ params }, signal) => {
    const { account } = params;
    if (deployed(RED, 'sber-config', account) === undefined) {
      const hint = 'Deploy the account first.';
      throw new CodedError('NOT_DEPLOYED', 'the account is not deployed', { retriable: true, hint });
    }
    const sber = accountOf(RED, 'sber-config', account, 'Sber account') as SberAccount;
    return { models: await sber.modelsForEditor(signal) };
  });
}
