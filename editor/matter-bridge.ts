/** The dialog of a Matter bridge: the code to scan, the homes, and few settings. */
import { MATTER_PORT, sixteenBits } from '../src/matter/bridge-settings';
import { wordsOf } from './elements';
import { check, closes, opens, saves } from './fields';
import { matterPanel } from './matter-panel';
import { requestRow } from './requests';
import { optional, trimmed } from './rules';

const isSixteenBits = optional((value) => sixteenBits(trimmed(value)) !== undefined);

RED.nodes.registerType('matter-bridge', {
  category: 'config',
  defaults: {
    name: { value: '' },
    port: { value: String(MATTER_PORT), validate: check('port', isSixteenBits) },
    interface: { value: '' },
    vendorId: { value: '0xFFF1', validate: check('vendorId', isSixteenBits) },
    productId: { value: '0x8000', validate: check('productId', isSixteenBits) },
  },
  label() {
    return trimmed(this.name) || 'Matter';
  },
  oneditprepare: opens((node) => {
    matterPanel(node, $('#thekeys-matter'), wordsOf(node));
    requestRow(node);
  }),
  oneditsave: saves,
  oneditcancel: closes,
});
