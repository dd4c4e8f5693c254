/** `sber-config`: one project in Sber Studio, shared by its nodes. The key stays in the credentials. */
import { text } from '../src/common/settings';
import { SberAccount } from '../src/sber/sber-account';
import { ENDPOINT_CREDENTIALS, ENDPOINT_SETTINGS, settingsOf } from '../src/sber/endpoint';
import { defineConfig } from './shared/define-config';
import { proxyOf } from './shared/runtime';
import { serveSberEditor } from './shared/sber-editor';

export = defineConfig({
  type: 'sber-config',
  settings: { ...ENDPOINT_SETTINGS, proxy: text('the proxy') },
  credentials: ENDPOINT_CREDENTIALS,
  open: ({ RED, settings, credentials, log }) =>
    new SberAccount(settingsOf(settings, credentials), { proxy: proxyOf(RED, settings.proxy), log }),
  register: serveSberEditor,
});
