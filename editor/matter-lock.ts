/** The dialog of a lock that homes command through Matter: only the fields of what it drives are shown. */
import { isPin, LONGEST_REPLY_MS } from '../src/matter/bridge-settings';
import { check, choice, closes, flag, labelStyle, oneOf, openIfUnusual, opens, saves, showWhen } from './fields';
import { plainLockField } from './locks';
import { pinFields } from './pin';
import { isVariable, optional, rules, trimmed } from './rules';

/** Matter's own limit for a name. */
const LONGEST_NAME = 32;

RED.nodes.registerType('matter-lock', {
  category: 'The Keys',
  color: '#C7B8A3',
  icon: 'matter.svg',
  defaults: {
    name: { value: '' },
    bridge: { value: '', type: 'matter-bridge', required: true },
    lockName: { value: '', validate: check('lockName', (value) => Array.from(trimmed(value)).length <= LONGEST_NAME) },
    drives: oneOf('drives', 'gateway', 'gateway', 'flow'),
    gateway: { value: '', type: 'gateway-config', required: false, validate: check('gateway', hasGateway) },
    identifier: { value: '', validate: check('identifier', rules.identifier) },
    pinFor: oneOf('pinFor', 'release', 'release', 'always', 'none'),
    replyTimeout: {
      value: '2000',
      validate: check(
        'replyTimeout',
        optional((value) => Number(trimmed(value)) > 0 && Number(trimmed(value)) <= LONGEST_REPLY_MS),
      ),
    },
    battery: { value: true },
    door: { value: false },
    appCodes: { value: false },
  },
  credentials: { pin: { type: 'password' } },
  inputs: 1,
  outputs: 1,
  paletteLabel: 'matter lock',
  label() {
    return trimmed(this.name) || trimmed(this.lockName) || this._('matter-lock.title');
  },
  labelStyle,
  oneditprepare: opens((node) => {
    const drives = choice(node, 'drives', 'gateway');
    plainLockField(node);
    showWhen(drives);
    flag(node, 'battery', true);
    flag(node, 'door', false);
    flag(node, 'appCodes', false);
    pinFields(node, isPin);
    openIfUnusual(node, { replyTimeout: '2000' });
    if (node.appCodes === true) $('#thekeys-more').prop('open', true);
  }),
  oneditsave: saves(),
  oneditcancel: closes,
});

/** Whether the gateway is chosen, where one is needed. */
function hasGateway(this: EditedNode, value: unknown): boolean {
  const id = trimmed(value);
  return trimmed(this.drives) === 'flow' || isVariable(value) || (id !== '' && RED.nodes.node(id) !== null);
}
