import { check, checkTyped, choice, flag, labelStyle, opened, saving, showWhen, title, typedField } from './fields';
import { lockField, lockLabel } from './locks';
import { isOneOf, rules } from './rules';

RED.nodes.registerType('lock-action', {
  category: 'The Keys',
  color: '#94C1D0',
  icon: 'lock.svg',
  defaults: {
    name: { value: '' },
    gateway: { value: '', type: 'gateway-config', required: true },
    identifier: { value: '', validate: checkTyped('identifier', rules.identifier) },
    identifierType: { value: 'str' },
    action: { value: 'message', validate: check('action', isOneOf('message', 'open', 'close', 'toggle', 'calibrate')) },
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
  oneditprepare() {
    lockField(this);
    const action = choice(this, 'action', 'message');
    showWhen(action);
    const confirm = flag(this, 'confirm', true);
    const show = (): void => {
      $('#thekeys-no-confirm').toggle(confirm.prop('checked') !== true && confirm.prop('indeterminate') !== true);
    };
    confirm.on('change', show);
    show();
    typedField(this, 'deadline');
    opened(this);
  },
  oneditsave() {
    saving(this);
  },
});
