/** The dialog of a lock that homes command through Matter: only the fields of what it drives are shown. */
import { isPin, LONGEST_REPLY_MS } from '../src/matter/bridge-settings';
import { check, closes, labelStyle, oneOf, opens, pinField, saves } from './fields';
import { lockField } from './locks';
import { isVariable, milliseconds, rules, trimmed } from './rules';

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
    replyTimeout: { value: '2000', validate: check('replyTimeout', milliseconds(LONGEST_REPLY_MS)) },
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
    lockField(node);
    pinField(node, isPin);
  }),
  oneditsave: saves,
  oneditcancel: closes,
});

/** Whether the gateway is chosen, where one is needed. */
function hasGateway(this: EditedNode, value: unknown): boolean {
  const id = trimmed(value);
  return trimmed(this.drives) === 'flow' || isVariable(value) || (id !== '' && RED.nodes.node(id) !== null);
}
