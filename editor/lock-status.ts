import { follow } from './elements';
import { check, closes, opens, saves, field, labelStyle, oneOf, typed } from './fields';
import { GATEWAY, IDENTIFIER, lockField, lockLabel } from './locks';
import { rules } from './rules';

RED.nodes.registerType('lock-status', {
  category: 'The Keys',
  color: '#94C1D0',
  icon: 'status.svg',
  defaults: {
    name: { value: '' },
    gateway: GATEWAY,
    identifier: IDENTIFIER,
    identifierType: { value: 'str' },
    interval: { value: '60', validate: check('interval', rules.interval) },
    emit: oneOf('emit', 'change', 'change', 'always'),
  },
  inputs: 1,
  outputs: 1,
  paletteLabel: 'lock status',
  label() {
    return lockLabel(this, this._('lock-status.title.status'));
  },
  labelStyle,
  oneditprepare: opens((node) => {
    lockField(node);
    const interval = field(node, 'interval');
    follow(interval, () => {
      $('#thekeys-emit').toggle(!['', '0'].includes(typed(interval)));
    });
  }),
  oneditsave: saves,
  oneditcancel: closes,
});
