import { DEFAULT_ENDPOINT, ENDPOINT_SETTINGS } from '../src/sber/endpoint';
import { markMissing, needs, watchAccounts } from './accounts';
import { shared, wordsOf } from './elements';
import { check, closes, opens, saves, field, oneOf, typed } from './fields';
import { ask, good, requestRow } from './requests';
import { rules, takes, trimmed } from './rules';

/** What a test needs to know, with a key that is typed or stored. */
const TESTED = ['token', 'endpoint', 'keyIn', 'keyParameter', 'ca', 'timeout', 'proxy'];

const inSeconds = takes(ENDPOINT_SETTINGS.timeout);

RED.nodes.registerType('sber-config', {
  category: 'config',
  defaults: {
    name: { value: '', validate: needs('token') },
    endpoint: { value: DEFAULT_ENDPOINT, validate: check('endpoint', rules.endpoint) },
    keyIn: oneOf('keyIn', 'header', 'header', 'query'),
    keyParameter: {
      value: '',
      validate: check('keyParameter', function (value) {
        return this.keyIn !== 'query' || trimmed(value) !== '';
      }),
    },
    ca: { value: '', validate: check('ca', rules.certificate) },
    timeout: { value: '15', validate: check('timeout', (value) => inSeconds(value) && !(Number(value) > 3600)) },
    proxy: { value: '', type: 'http proxy', required: false },
  },
  credentials: { token: { type: 'password' } },
  label() {
    return trimmed(this.name) || 'Sber';
  },
  oneditprepare: opens((node) => {
    markMissing(node, 'token');
    const words = wordsOf(node);
    requestRow(node, {
      icon: 'check',
      label: shared('button.test'),
      about: TESTED.map((key) => field(node, key)),
      words,
      run: async () => {
        const settings = Object.fromEntries(TESTED.map((key) => [key, typed(field(node, key)).replace('_ADD_', '')]));
        const { models } = await ask('POST', 'sber/test', { id: node.id, ...settings });
        return good(words('works', { models }));
      },
    });
  }),
  oneditsave: saves,
  oneditcancel: closes,
});

watchAccounts('sber-config');
