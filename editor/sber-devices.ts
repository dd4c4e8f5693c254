import { checkTyped, closes, opens, saves, labelStyle, oneOf, title, typedField } from './fields';

const OPERATIONS = ['list', 'add', 'update', 'delete', 'state', 'report', 'unlink', 'message'];

RED.nodes.registerType('sber-devices', {
  category: 'The Keys',
  color: '#87A980',
  icon: 'sber.svg',
  defaults: {
    name: { value: '' },
    account: { value: '', type: 'sber-config', required: true },
    operation: oneOf('operation', 'report', ...OPERATIONS),
    userId: { value: '', validate: checkTyped('userId', () => true) },
    userIdType: { value: 'str' },
  },
  inputs: 1,
  outputs: 1,
  paletteLabel: 'sber devices',
  label() {
    return title(this, 'operation', 'message');
  },
  labelStyle,
  oneditprepare: opens((node) => {
    typedField(node, 'userId');
  }),
  oneditsave: saves,
  oneditcancel: closes,
});
