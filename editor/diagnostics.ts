/** The row of buttons below a configuration that ask the runtime how it is; the last copies what a report should have. */
import { ask, asking, Result, type Question } from './ask';
import { element, shared } from './fields';

/** Fills the row `thekeys-test` with a button for each question, and one for diagnostics. */
export function questions(node: EditedNode, asked: readonly Question[]): HTMLButtonElement[] {
  const result = new Result();
  const diagnostics: Question = {
    icon: 'stethoscope',
    label: shared('button.diagnostics'),
    about: [],
    run: async (shown) => {
      const text = JSON.stringify(await ask('GET', `diagnostics/${node.type}/${node.id}`), undefined, 2);
      const copied = RED.clipboard.copyText(text);
      shown.say(copied ? shared('setup.diagnosticsCopied') : text, copied ? 'good' : undefined);
    },
  };
  const buttons = [...asked, diagnostics].map((question) => asking(result, question));
  $('#thekeys-test').append(element('div', { class: 'thekeys-buttons' }, ...buttons), result.area);
  return buttons;
}
