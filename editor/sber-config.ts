import { markMissing, needs, watchAccounts } from './accounts';
import { check, choice, closed, opened, openIfUnusual, saving } from './fields';
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
    opened(this);
  },
  oneditsave() {
    saving(this);
  },
  oneditcancel: closed,
});

watchAccounts('sber-config');
