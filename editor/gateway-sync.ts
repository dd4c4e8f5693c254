import { check, checkTyped, choice, labelStyle, opened, saving, showWhen, title } from './fields';
import { lockField } from './locks';
import { isOneOf, rules } from './rules';

const OPERATIONS = ['list', 'status', 'synchronize', 'synchronize-lock', 'update', 'update-lock', 'message'];

RED.nodes.registerType('gateway-sync', {
  category: 'The Keys',
  color: '#A6BBCF',
  icon: 'gateway.svg',
  defaults: {
    name: { value: '' },
    gateway: { value: '', type: 'gateway-config', required: true },
    identifier: { value: '', validate: checkTyped('identifier', rules.identifier) },
    identifierType: { value: 'str' },
    operation: { value: 'list', validate: check('operation', isOneOf(...OPERATIONS)) },
  },
  inputs: 1,
  outputs: 1,
  paletteLabel: 'gateway sync',
  label() {
    return title(this, 'operation', 'list');
  },
  labelStyle,
  oneditprepare() {
    lockField(this);
    showWhen(choice(this, 'operation', 'list'));
    opened(this);
  },
  oneditsave() {
    saving(this);
  },
});
