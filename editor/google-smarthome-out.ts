import { checkTyped, closes, opens, saves, labelStyle, typedField } from './fields';
import { offer, trimmed, type Offer } from './rules';

RED.nodes.registerType('google-smarthome-out', {
  category: 'The Keys',
  color: '#D8BFD8',
  icon: 'voice.svg',
  align: 'right',
  defaults: {
    name: { value: '' },
    account: { value: '', type: 'google-smarthome-config', required: true },
    device: { value: '', validate: checkTyped('device', () => true) },
    deviceType: { value: 'str' },
  },
  inputs: 1,
  outputs: 0,
  paletteLabel: 'google out',
  label() {
    const device = trimmed(this.device);
    return trimmed(this.name) || (device === '' ? this._('google-smarthome-out.title') : `Google: ${device}`);
  },
  labelStyle,
  oneditprepare: opens((node) => {
    typedField(node, 'device', (typed) => {
      const account = $('#node-input-account').val();
      const found: Offer[] = [];
      RED.nodes.eachNode((other) => {
        if (other.type !== 'google-smarthome-in' || other.account !== account) return;
        const value = trimmed(other.deviceId) || other.id;
        const name = trimmed(other.deviceName) || value;
        if (!`${value} ${name}`.toLowerCase().includes(typed.toLowerCase())) return;
        found.push({ value, label: name === value ? value : `${name} (${value})` });
      });
      return offer(typed, found, node._('google-smarthome-out.placeholder.device'));
    });
  }),
  oneditsave: saves,
  oneditcancel: closes,
});
