/** The PIN of a device: whether it is asked for, and what is wrong with it. */
import { follow, wordsOf } from './elements';
import { choice, field } from './fields';
import { isVariable, STORED } from './rules';

/** Shows the PIN where it is asked for, with a warning if it is missing or not `isFine`; else that there is none. */
export function pinFields(node: EditedNode, isFine: (pin: string) => boolean): void {
  const words = wordsOf(node);
  const pinFor = choice(node, 'pinFor', 'release');
  const pin = field(node, 'pin');
  follow(pinFor.add(pin), () => {
    const asks = pinFor.val() !== 'none';
    $('#thekeys-pin, #thekeys-pin-more').toggle(asks);
    $('#thekeys-no-pin').prop('hidden', asks);
    const text = String(pin.val() ?? '').trim();
    $('#thekeys-odd-pin')
      .prop('hidden', text === STORED || isVariable(text) || isFine(text))
      .text(words(text === '' ? 'hint.missingPin' : 'hint.oddPin'));
  });
}
