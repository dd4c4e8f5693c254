/** The dialog of a Matter bridge: the code to scan, the homes, and few settings. */
import { MATTER_PORT, sixteenBits } from '../src/matter/bridge-settings';
import { wordsOf } from './elements';
import { check, closes, field, openIfUnusual, opens, saves } from './fields';
import { MatterPanel } from './matter-panel';
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
    for (const key of ['port', 'interface', 'vendorId', 'productId']) field(node, key).val(trimmed(node[key]));
    openIfUnusual(node, { port: String(MATTER_PORT), interface: '', vendorId: '0xFFF1', productId: '0x8000' });
    const [place] = $('#thekeys-matter');
    if (place !== undefined) new MatterPanel(node, place, wordsOf(node));
    requestRow(node);
  }),
  oneditsave: saves(),
  oneditcancel: closes,
});
