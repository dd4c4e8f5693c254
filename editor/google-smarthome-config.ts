/** The dialog of the Google account: what was made in Google's console, who may link, and the addresses to enter there. */
import { markMissing, needs, watchAccounts } from './accounts';
import { ask, type Question } from './ask';
import { questions } from './diagnostics';
import {
  advise,
  adviseBy,
  check,
  closed,
  copyButton,
  element,
  field,
  opened,
  openIfUnusual,
  saving,
  shared,
  typed,
} from './fields';
import { rules, STORED, trimmed } from './rules';
import { UserRows } from './users';

const HOME_GRAPH = 'https://homegraph.googleapis.com/v1';
const PATH = '/google-smarthome';
/** Without these no person can link. */
const NEEDED = ['clientId', 'clientSecret', 'users'];

/** Of the open dialog. */
let users: UserRows | undefined;

RED.nodes.registerType('google-smarthome-config', {
  category: 'config',
  defaults: {
    name: { value: '', validate: needs(...NEEDED) },
    path: { value: PATH, validate: check('path', rules.path) },
    projectId: { value: '', validate: check('projectId', rules.projectId) },
    publicAddress: { value: '', validate: check('publicAddress', rules.endpoint) },
    proxies: { value: '' },
    proxy: { value: '', type: 'http proxy', required: false },
    homeGraphEndpoint: { value: HOME_GRAPH, validate: check('homeGraphEndpoint', rules.endpoint) },
  },
  credentials: {
    clientId: { type: 'text' },
    clientSecret: { type: 'password' },
    users: { type: 'password' },
    serviceAccountKey: { type: 'password' },
    sharedState: { type: 'password' },
  },
  label() {
    return trimmed(this.name) || 'Google Home';
  },
  oneditprepare() {
    const words = (key: string, values?: object): string => this._(`google-smarthome-config.${key}`, values);
    // What is stored never comes back to the browser; an empty field then means "as it was".
    const key = field(this, 'serviceAccountKey');
    // The editor fills in translations later, and would put its own text here again.
    if (key.val() === STORED) key.val('').removeAttr('data-i18n').attr('placeholder', words('placeholder.kept'));
    const invent = element('button', { type: 'button', class: 'red-ui-button', id: 'thekeys-google-invent' });
    invent.textContent = words('button.invent');
    const secret = field(this, 'clientSecret');
    secret
      .before(element('div', { class: 'thekeys-field' }))
      .prev()
      .append(secret[0] ?? '', invent);
    invent.addEventListener('click', () => {
      const bytes = Array.from(window.crypto.getRandomValues(new Uint8Array(24)));
      secret.val(bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(''));
      secret.trigger('change');
      // It has to be copied into Google's console, so it is shown.
      if (secret.attr('type') === 'password') secret.siblings('button:has(.fa-eye)').trigger('click');
      secret.trigger('select');
    });
    const tokenAddress = showAddresses(field(this, 'path'), field(this, 'publicAddress'), words);
    adviseBy(this, 'sharedState', rules.redis);
    advise(this, 'serviceAccountKey', (text) =>
      rules.serviceAccountKey(text) ? '' : words('validator.serviceAccountKey'),
    );
    openIfUnusual(this, { sharedState: '', proxies: '', proxy: '_ADD_', homeGraphEndpoint: HOME_GRAPH });
    markMissing(this, ...NEEDED);
    questions(this, tests(this, tokenAddress));
    users = new UserRows(this, words);
    opened(this);
  },
  oneditsave() {
    saving(this);
    return users?.save() ?? false;
  },
  oneditcancel: closed,
});

watchAccounts('google-smarthome-config');

/** The three addresses that Google's console asks for, each to be copied. */
const ADDRESSES = { fulfillment: '/fulfillment', authorize: '/oauth/authorize', token: '/oauth/token' };

/** @returns the token address, or an empty text while the public address is not known */
function showAddresses(path: JQuery, publicAddress: JQuery, words: (key: string) => string): () => string {
  const { httpNodeRoot } = RED.settings as { httpNodeRoot?: unknown };
  const addressOf = (tail: string): string => {
    const host = typed(publicAddress).replace(/\/+$/, '') || 'https://…';
    const parts = [trimmed(httpNodeRoot), typed(path) || PATH].map((part) => part.replace(/^\/+|\/+$/g, ''));
    return [/^https?:/i.test(host) ? host : `https://${host}`, ...parts.filter((part) => part !== '')].join('/') + tail;
  };
  const rows = Object.entries(ADDRESSES).map(([key, tail]) => {
    const code = element('code');
    const copy = copyButton(() => addressOf(tail));
    const row = element('div', {}, element('span', {}, words(`address.${key}`)), code, copy);
    return { row, show: () => code.replaceChildren(addressOf(tail)) };
  });
  $('#thekeys-google-addresses').append(element('p', {}, words('hint.addresses')), ...rows.map(({ row }) => row));
  const show = (): void => rows.forEach((each) => each.show());
  path.add(publicAddress).on('input change', show);
  show();
  return () => (typed(publicAddress) === '' ? '' : addressOf(ADDRESSES.token));
}

/** Whether Google can work with the account as it is deployed, and all of it sent to Google anew. */
function tests(node: EditedNode, tokenAddress: () => string): Question[] {
  const words = (key: string, values?: object): string => node._(`google-smarthome-config.${key}`, values);
  const test: Question = {
    icon: 'check',
    label: shared('button.test'),
    about: [field(node, 'path'), field(node, 'publicAddress')],
    words,
    run: async (shown) => {
      const [token, proxy] = [tokenAddress(), typed(field(node, 'proxy')).replace('_ADD_', '')];
      const { findings } = await ask('POST', 'google/test', { id: node.id, token, proxy });
      const lines = (findings as { key: string; good?: boolean; values?: Record<string, string | number> }[]).map(
        ({ key, good, values = {} }) => {
          const { at, setting } = values;
          const time = typeof at === 'number' ? new Date(at).toLocaleString() : undefined;
          const name = setting === undefined ? undefined : words(`label.${String(setting)}`);
          return { text: words(`finding.${key}`, { ...values, time, name }), good };
        },
      );
      shown.list(lines);
    },
  };
  const sync: Question = {
    icon: 'refresh',
    label: words('button.sync'),
    about: [],
    words,
    run: async (shown) => {
      const { links, enabled, asked, devices } = await ask('POST', 'google/sync', { id: node.id });
      if (enabled !== true) shown.say(words('finding.noKey'), 'bad');
      else if (links === 0) shown.say(words('finding.noLinks'), 'bad');
      else if (asked === true) shown.say(words('sync.done', { devices }), 'good');
      else shown.say(words('sync.later'), 'bad');
    },
  };
  return [test, sync];
}
