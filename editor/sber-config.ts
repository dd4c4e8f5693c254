import { markMissing, needs, watchAccounts } from './accounts';
import { ask } from './ask';
import { questions } from './diagnostics';
import { check, choice, closed, field, opened, openIfUnusual, saving, shared, typed } from './fields';
import { isOneOf, isVariable, rules, trimmed } from './rules';

const ENDPOINT = 'https://partners.iot.sberdevices.ru';

RED.nodes.registerType('sber-config', {
  category: 'config',
  defaults: {
    name: { value: '', validate: needs('token') },
    endpoint: { value: ENDPOINT, validate: check('endpoint', rules.endpoint) },
    keyIn: { value: 'header', validate: check('keyIn', isOneOf('header', 'query')) },
    keyParameter: {
      value: '',
      validate: check('keyParameter', function (value) {
        return this.keyIn !== 'query' || trimmed(value) !== '';
      }),
    },
    ca: { value: '', validate: check('ca', rules.certificate) },
    // The account takes no more than an hour.
    timeout: {
      value: '15',
      validate: check('timeout', (value) => rules.seconds(value) && (isVariable(value) || !(Number(value) > 3600))),
    },
    proxy: { value: '', type: 'http proxy', required: false },
  },
  credentials: { token: { type: 'password' } },
  label() {
    return trimmed(this.name) || 'Sber';
  },
  oneditprepare() {
    const where = choice(this, 'keyIn', 'header');
    const show = (): void => {
      $('#thekeys-sber-parameter').toggle(where.val() !== 'header');
    };
    where.on('change', show);
    show();
    openIfUnusual(this, { endpoint: ENDPOINT, timeout: '15', proxy: '_ADD_' });
    markMissing(this, 'token');
    testButton(this);
    opened(this);
  },
  oneditsave() {
    saving(this);
  },
  oneditcancel: closed,
});

watchAccounts('sber-config');

/** Asks Sber for the models, with what is typed. */
function testButton(node: EditedNode): void {
  const keys = ['token', 'endpoint', 'keyIn', 'keyParameter', 'ca', 'timeout', 'proxy'];
  const words = (key: string, values?: object): string => node._(`sber-config.${key}`, values);
  questions(node, [
    {
      icon: 'check',
      label: shared('button.test'),
      about: keys.map((key) => field(node, key)),
      words,
      run: async (shown) => {
        const settings = Object.fromEntries(keys.map((key) => [key, typed(field(node, key)).replace('_ADD_', '')]));
        const { models } = await ask('POST', 'sber/test', { id: node.id, ...settings });
        shown.say(words('works', { models }), 'good');
      },
    },
  ]);
}
