import { closes, opens, saves, labelStyle, oneOf, title } from './fields';
import { GATEWAY, IDENTIFIER, lockField } from './locks';

const OPERATIONS = ['list', 'status', 'synchronize', 'synchronize-lock', 'update', 'update-lock', 'message'];

RED.nodes.registerType('gateway-sync', {
  category: 'The Keys',
  color: '#A6BBCF',
  icon: 'gateway.svg',
  defaults: {
    name: { value: '' },
    gateway: GATEWAY,
    identifier: IDENTIFIER,
    identifierType: { value: 'str' },
    operation: oneOf('operation', 'list', ...OPERATIONS),
  },
  inputs: 1,
  outputs: 1,
  paletteLabel: 'gateway',
  label() {
    return title(this, 'operation', 'list');
  },
  labelStyle,
  oneditprepare: opens(lockField),
  oneditsave: saves,
  oneditcancel: closes,
});
