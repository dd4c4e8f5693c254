import { check, checkTyped, choice, labelStyle, opened, saving, showWhen, title, typedField } from './fields';
import { isOneOf } from './rules';

const OPERATIONS = ['list', 'add', 'update', 'delete', 'state', 'report', 'unlink', 'message'];

RED.nodes.registerType('sber-devices', {
  category: 'The Keys',
  color: '#87A980',
  icon: 'sber.svg',
  defaults: {
    name: { value: '' },
    account: { value: '', type: 'sber-config', required: true },
    operation: { value: 'report', validate: check('operation', isOneOf(...OPERATIONS)) },
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
  oneditprepare() {
    typedField(this, 'userId');
    showWhen(choice(this, 'operation', 'report'));
    opened(this);
  },
  oneditsave() {
    saving(this);
  },
});
