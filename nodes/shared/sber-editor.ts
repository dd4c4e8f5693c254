/**
 * What the editor asks the runtime about Sber: the models that an account has already, for people who may read flows; and,
 * for those who may change them, whether an account works as it is typed. The stored key stays here.
 */
import type { NodeAPI } from 'node-red';
import { parseSettings, text } from '../../src/common/settings';
import { accountSettings } from '../../src/sber/endpoint';
import { SberAccount } from '../../src/sber/sber-account';
import { onGet, onPost, stored, substituted } from './admin';
import { accountInDialog } from './define-config';
import { proxyOf } from './proxy';

/** Registers the admin routes, once for the package. */
export function serveSberEditor(RED: NodeAPI): void {
  onGet(RED, 'sber-models.read', '/sber/models/:account', async ({ params }, signal) => {
    const sber = accountInDialog(RED, 'sber-config', params.account, 'Sber account') as SberAccount;
    return { models: await sber.modelsForEditor(signal) };
  });
  onPost(RED, 'sber-config.write', '/sber/test', async (body, signal) => {
    const typed = { ...body, token: stored(RED, body.id, 'token', body.token) };
    const fields = Object.fromEntries(Object.entries(typed).map(([key, value]) => [key, substituted(RED, value)]));
    const settings = accountSettings(fields);
    const { proxy } = parseSettings({ proxy: text('the proxy') }, fields);
    const models = await new SberAccount(settings, { proxy: proxyOf(RED, proxy) }).modelsForEditor(signal);
    return { models: models.length };
  });
}
