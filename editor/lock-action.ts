import { checkTyped, closes, opens, saves, labelStyle, oneOf, title, typedField } from './fields';
import { GATEWAY, IDENTIFIER, lockField, lockLabel } from './locks';
import { rules } from './rules';

RED.nodes.registerType('lock-action', {
  category: 'The Keys',
  color: '#94C1D0',
  icon: 'lock.svg',
  defaults: {
    name: { value: '' },
    gateway: GATEWAY,
    identifier: IDENTIFIER,
    identifierType: { value: 'str' },
    action: oneOf('action', 'message', 'message', 'open', 'close', 'toggle', 'calibrate'),
    confirm: { value: true },
    deadline: { value: '', validate: checkTyped('deadline', rules.seconds) },
    deadlineType: { value: 'str' },
  },
  inputs: 1,
  outputs: 1,
  paletteLabel: 'lock action',
  label() {
    return lockLabel(this, title(this, 'action', 'message'));
  },
  labelStyle,
  oneditprepare: opens((node) => {
    lockField(node);
    typedField(node, 'deadline');
  }),
  oneditsave: saves,
  oneditcancel: closes,
});
