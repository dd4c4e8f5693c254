/** The dialog of the Google account: what was made in Google's console, who may link, and the addresses to enter there. */
import { markMissing, needs, watchAccounts } from './accounts';
import { advise, adviseBy, check, closed, element, field, opened, openIfUnusual, saving, typed } from './fields';
import { rules, STORED, trimmed, wrongUser } from './rules';

const HOME_GRAPH = 'https://homegraph.googleapis.com/v1';
const PATH = '/google-smarthome';
/** Without these no person can link. */
const NEEDED = ['clientId', 'clientSecret', 'users'];

RED.nodes.registerType('google-smarthome-config', {
  category: 'config',
  defaults: {
    name: { value: '', validate: needs(...NEEDED) },
    path: { value: PATH, validate: check('path', rules.path) },
    projectId: { value: '', validate: check('projectId', rules.projectId) },
    proxies: { value: '' },
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
    for (const key of ['users', 'serviceAccountKey']) {
      const input = field(this, key);
      // The editor fills in translations later, and would put its own text here again.
      if (input.val() === STORED) input.val('').removeAttr('data-i18n').attr('placeholder', words('placeholder.kept'));
    }
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
    showAddresses(field(this, 'path'), words);
    adviseBy(this, 'sharedState', rules.redis);
    advise(this, 'users', (text) => {
      const line = wrongUser(text);
      return line === 0 ? '' : words('validator.users', { line });
    });
    advise(this, 'serviceAccountKey', (text) =>
      rules.serviceAccountKey(text) ? '' : words('validator.serviceAccountKey'),
    );
    openIfUnusual(this, { sharedState: '', proxies: '', homeGraphEndpoint: HOME_GRAPH });
    markMissing(this, ...NEEDED);
    opened(this);
  },
  oneditsave() {
    saving(this);
  },
  oneditcancel: closed,
});

watchAccounts('google-smarthome-config');

/** The three addresses that Google's console asks for. */
function showAddresses(path: JQuery, words: (key: string) => string): void {
  const { httpNodeRoot } = RED.settings as { httpNodeRoot?: unknown };
  const show = (): void => {
    const parts = [trimmed(httpNodeRoot), typed(path) || PATH].map((part) => part.replace(/^\/+|\/+$/g, ''));
    const base = ['https://…', ...parts.filter((part) => part !== '')].join('/');
    const lines = Object.entries({
      fulfillment: '/fulfillment',
      authorize: '/oauth/authorize',
      token: '/oauth/token',
    }).map(([key, tail]) => element('div', {}, `${words(`address.${key}`)} `, element('code', {}, base + tail)));
    $('#thekeys-google-addresses')
      .empty()
      .append(element('div', {}, words('hint.addresses')), ...lines);
  };
  path.on('input change', show);
  show();
}
