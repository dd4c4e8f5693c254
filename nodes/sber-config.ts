/** `sber-config`: one project in Sber Studio, shared by its nodes. The key stays in the credentials. */
import type { NodeAPI } from 'node-red';
import { text, textSetting } from '../src/common/settings';
import { accountSettings, ENDPOINT_CREDENTIALS, ENDPOINT_SETTINGS, settingsOf } from '../src/sber/endpoint';
import { SberAccount } from '../src/sber/sber-account';
import { routesOf, stored, substituted } from './shared/admin';
import { accountInDialog, defineConfig } from './shared/define-config';
import { proxyOf } from './shared/runtime';

export = defineConfig({
  type: 'sber-config',
  settings: { ...ENDPOINT_SETTINGS, proxy: text('the proxy') },
  credentials: ENDPOINT_CREDENTIALS,
  open: ({ RED, settings, credentials, log }) =>
    new SberAccount(settingsOf(settings, credentials), { proxy: proxyOf(RED, settings.proxy), log }),
  register: addSberRoutes,
});

/** For its dialog: the models that an account has already, and whether it works as it is typed. */
function addSberRoutes(RED: NodeAPI): void {
  routesOf(RED, 'sber-models')('get', '/sber/models/:account', async ({ account }, signal) => {
    return { models: await accountInDialog(RED, 'sber-config', account).modelsForEditor(signal) };
  });
  routesOf(RED, 'sber-config')('post', '/sber/test', async (body, signal) => {
    const typed = { ...body, token: stored(RED, body.id, 'token', body.token) };
    const fields = Object.fromEntries(Object.entries(typed).map(([key, value]) => [key, substituted(RED, value)]));
    const proxy = proxyOf(RED, textSetting(fields.proxy, 'the proxy'));
    const models = await new SberAccount(accountSettings(fields), { proxy }).modelsForEditor(signal);
    return { models: models.length };
  });
}
