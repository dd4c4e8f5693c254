/** The dialog of the Google account: what was made in Google's console, who may link, and the addresses to enter there. */
import { markMissing, needs, watchAccounts } from './accounts';
import { beside, copyButton, element, follow, shared, wordsOf } from './elements';
import { advise, check, closes, opens, saves, field, typed } from './fields';
import { ask, bad, good, requestRow } from './requests';
import { rules, STORED, trimmed, type Words } from './rules';
import { userRows } from './users';

const PATH = '/google-smarthome';
/** Without these no person can link. */
const NEEDED = ['clientId', 'clientSecret', 'users'];
const SECRET_BYTES = 24;

RED.nodes.registerType('google-smarthome-config', {
  category: 'config',
  defaults: {
    name: { value: '', validate: needs(...NEEDED) },
    path: { value: PATH, validate: check('path', rules.path) },
    projectId: { value: '', validate: check('projectId', rules.projectId) },
    publicAddress: { value: '', validate: check('publicAddress', rules.endpoint) },
    proxies: { value: '' },
    proxy: { value: '', type: 'http proxy', required: false },
    homeGraphEndpoint: {
      value: 'https://homegraph.googleapis.com/v1',
      validate: check('homeGraphEndpoint', rules.endpoint),
    },
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
  oneditprepare: opens((node) => {
    const words = wordsOf(node);
    const key = field(node, 'serviceAccountKey');
    // What is stored never comes back to the browser; an empty field then means "as it was". The editor fills in
    // translations later, and would put its own text here again.
    if (key.val() === STORED) key.val('').removeAttr('data-i18n').attr('placeholder', words('placeholder.kept'));
    beside(field(node, 'clientSecret'), secretButton(field(node, 'clientSecret'), words));
    const tokenAddress = showAddresses(field(node, 'path'), field(node, 'publicAddress'), words);
    advise(node, 'sharedState', rules.redis);
    advise(node, 'serviceAccountKey', rules.serviceAccountKey, words);
    markMissing(node, ...NEEDED);
    accountRequests(node, tokenAddress, words);
    return userRows(node, words);
  }),
  oneditsave: saves,
  oneditcancel: closes,
});

watchAccounts('google-smarthome-config');

/** A button that makes a client secret up. It has to be copied into Google's console, so it is shown. */
function secretButton(secret: JQuery, words: Words): HTMLButtonElement {
  const generate = (): void => {
    const bytes = Array.from(window.crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
    secret.val(bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')).trigger('change');
    if (secret.attr('type') === 'password') secret.siblings('button:has(.fa-eye)').trigger('click');
    secret.trigger('select');
  };
  const attributes = { type: 'button', class: 'red-ui-button', id: 'thekeys-google-invent', onclick: generate };
  return element('button', attributes, words('button.invent'));
}

/** The three addresses that Google's console asks for, each to be copied. */
const ADDRESSES = { fulfillment: '/fulfillment', authorize: '/oauth/authorize', token: '/oauth/token' };

/** @returns the token address, or an empty text while the public address is not known */
function showAddresses(path: JQuery, publicAddress: JQuery, words: Words): () => string {
  const { httpNodeRoot } = RED.settings as { httpNodeRoot?: unknown };
  const addressOf = (tail: string): string => {
    const host = typed(publicAddress).replace(/\/+$/, '') || 'https://…';
    const parts = [trimmed(httpNodeRoot), typed(path) || PATH].map((part) => part.replace(/^\/+|\/+$/g, ''));
    return [/^https?:/i.test(host) ? host : `https://${host}`, ...parts.filter((part) => part !== '')].join('/') + tail;
  };
  const guide = element('a', { href: words('hint.guideLink'), target: '_blank', rel: 'noopener' }, words('hint.guide'));
  const place = $('#thekeys-google-addresses').append(element('p', {}, words('hint.addresses'), ' ', guide));
  for (const [key, tail] of Object.entries(ADDRESSES)) {
    const code = element('code');
    const copy = copyButton(() => addressOf(tail));
    const name = element('span', { class: 'thekeys-fixed' }, words(`address.${key}`));
    place.append(element('div', { class: 'thekeys-line' }, name, code, copy));
    follow(path.add(publicAddress), () => code.replaceChildren(addressOf(tail)));
  }
  return () => (typed(publicAddress) === '' ? '' : addressOf(ADDRESSES.token));
}

interface Finding {
  key: string;
  good?: boolean;
  values?: Record<string, string | number>;
}

/** Whether Google can work with the account as it is deployed, and all of it sent to Google anew. */
function accountRequests(node: EditedNode, tokenAddress: () => string, words: Words): void {
  const test = {
    icon: 'check',
    label: shared('button.test'),
    about: [field(node, 'path'), field(node, 'publicAddress')],
    words,
    run: async () => {
      const [token, proxy] = [tokenAddress(), typed(field(node, 'proxy')).replace('_ADD_', '')];
      const { findings } = await ask('POST', 'google/test', { id: node.id, token, proxy });
      const lines = (findings as Finding[]).map(({ key, good: isGood, values = {} }) => {
        const { at, setting } = values;
        const time = typeof at === 'number' ? new Date(at).toLocaleString() : undefined;
        const name = setting === undefined ? undefined : words(`label.${String(setting)}`);
        return { text: words(`finding.${key}`, { ...values, time, name }), good: isGood };
      });
      return { lines };
    },
  };
  const sync = {
    icon: 'refresh',
    label: words('button.sync'),
    words,
    run: async () => {
      const { links, enabled, asked, devices } = await ask('POST', 'google/sync', { id: node.id });
      if (enabled !== true) return bad(words('finding.noKey'));
      if (links === 0) return bad(words('finding.noLinks'));
      return asked === true ? good(words('sync.done', { devices })) : bad(words('sync.later'));
    },
  };
  requestRow(node, test, sync);
}
