import { check, checkTyped, choice, field, labelStyle, opened, saving, typed } from './fields';
import { lockField, lockLabel } from './locks';
import { isOneOf, rules } from './rules';

RED.nodes.registerType('lock-status', {
  category: 'The Keys',
  color: '#94C1D0',
  icon: 'status.svg',
  defaults: {
    name: { value: '' },
    gateway: { value: '', type: 'gateway-config', required: true },
    identifier: { value: '', validate: checkTyped('identifier', rules.identifier) },
    identifierType: { value: 'str' },
    interval: { value: '60', validate: check('interval', rules.interval) },
    emit: { value: 'change', validate: check('emit', isOneOf('change', 'always')) },
  },
  inputs: 1,
  outputs: 1,
  paletteLabel: 'lock status',
  label() {
    return lockLabel(this, this._('lock-status.title.status'));
  },
  labelStyle,
  oneditprepare() {
    lockField(this);
    choice(this, 'emit', 'change');
    const interval = field(this, 'interval');
    const show = (): void => {
      $('#thekeys-emit').toggle(!['', '0'].includes(typed(interval)));
    };
    interval.on('input change', show);
    show();
    opened(this);
  },
  oneditsave() {
    saving(this);
  },
});
