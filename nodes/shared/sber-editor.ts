/**
 * What the editor asks the runtime about Sber: the models that an account has already, for people who may read flows; and,
 * for those who may change them, whether an account works as it is typed. The stored key stays here.
 */
import type { NodeAPI } from 'node-red';
import { textSetting } from '../../src/common/settings';
import { accountSettings } from '../../src/sber/endpoint';
import { SberAccount } from '../../src/sber/sber-account';
import { addRoute, stored, substituted } from './admin';
import { accountInDialog } from './define-config';
import { proxyOf } from './runtime';

/** Registers the admin routes, once for the package. */
export function serveSberEditor(RED: NodeAPI): void {
  addRoute(RED, 'get', 'sber-models.read', '/sber/models/:account', async ({ account }, signal) => {
    return { models: await accountInDialog(RED, 'sber-config', account).modelsForEditor(signal) };
  });
  addRoute(RED, 'post', 'sber-config.write', '/sber/test', async (body, signal) => {
    const typed = { ...body, token: stored(RED, body.id, 'token', body.token) };
    const fields = Object.fromEntries(Object.entries(typed).map(([key, value]) => [key, substituted(RED, value)]));
    const proxy = proxyOf(RED, textSetting(fields.proxy, 'the proxy'));
    const models = await new SberAccount(accountSettings(fields), { proxy }).modelsForEditor(signal);
    return { models: models.length };
  });
}
