/** The pieces that dialogs are built of. */
import { STORED, type Words } from './rules';

const WORDS = 'node-red-contrib-thekeys-gateway/gateway-config:gateway-config.';
const COPIED_MS = 1500;

/** Words that are shared by all dialogs; those of one are in the locale files of its type. */
export const shared: Words = (key, values) => RED._(WORDS + key, values);

/** The words of a node's own type. */
export const wordsOf =
  (node: EditedNode): Words =>
  (key, values) =>
    node._(`${node.type}.${key}`, values);

export type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>;

/** An element with attributes (`class`, `type`, `value`, …), event handlers (`onclick`, …) and content. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...content: (Node | string | null)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...content.filter((each) => each !== null));
  return made;
}

/** A list of choices, each by its value and its words. */
export function select(choices: readonly (readonly [string, string])[], chosen: string, attributes: Attributes) {
  const options = choices.map(([value, label]) => element('option', { value, selected: value === chosen }, label));
  return element('select', attributes, ...options);
}

export const icon = (name: string): HTMLElement => element('i', { class: `fa fa-${name}`, 'aria-hidden': 'true' });

export function button(symbol: string, label: string, onclick: (event: Event) => void): HTMLButtonElement {
  const attributes = { type: 'button', class: 'red-ui-button', onclick };
  return element('button', attributes, icon(symbol), ' ', element('span', {}, label));
}

/** Names what shows no words, for screen readers and as a tooltip. */
export function named<T extends HTMLElement>(made: T, label: string): T {
  made.title = label;
  made.setAttribute('aria-label', label);
  return made;
}

export const iconButton = (symbol: string, label: string, onclick: (event: Event) => void): HTMLButtonElement =>
  named(element('button', { type: 'button', class: 'red-ui-button', onclick }, icon(symbol)), label);

/** Makes a button show and hide a panel; the cursor goes on in the panel's first `field`. */
export function expands(made: HTMLButtonElement, panel: HTMLElement, field?: 'input'): HTMLButtonElement {
  const show = (open: boolean): void => {
    panel.hidden = !open;
    made.setAttribute('aria-expanded', String(open));
  };
  show(false);
  made.setAttribute('aria-controls', panel.id);
  made.addEventListener('click', () => {
    show(panel.hidden === true);
    if (field !== undefined && !panel.hidden) panel.querySelector(field)?.focus();
  });
  return made;
}

/** A button that copies a text, and says so in its place for a moment. */
export function copyButton(text: () => string): HTMLButtonElement {
  const made = button('clipboard', shared('button.copy'), () => {
    RED.clipboard.copyText(text());
    made.lastElementChild?.replaceChildren(shared('button.copied'));
    setTimeout(() => made.lastElementChild?.replaceChildren(shared('button.copy')), COPIED_MS);
  });
  return made;
}

/** A place for sentences below a row, read out by screen readers. Never removed, only emptied. */
export const statusArea = (more = ''): HTMLElement =>
  element('div', { class: `thekeys-result ${more}`.trim(), role: 'status', 'aria-live': 'polite' });

/** Calls `show` now, and whenever one of these inputs changes. */
export function follow(inputs: JQuery, show: () => void): void {
  inputs.on('input change', show);
  show();
}

/** Puts buttons into the row of an input, to its right. */
export function beside(input: JQuery, ...buttons: HTMLElement[]): void {
  if (!input.parent().is('.thekeys-field')) input.wrap(element('div', { class: 'thekeys-field' }));
  input.parent().append(...buttons);
}

/** A button that shows what was typed. A stored secret never comes back to the browser, so there is none for it. */
export function addEye(input: JQuery): void {
  const eye = iconButton('eye', shared('button.show'), () => {
    const hide = input.attr('type') === 'text';
    input.attr('type', hide ? 'password' : 'text').trigger('focus');
    eye.setAttribute('aria-pressed', String(!hide));
    eye.replaceChildren(icon(hide ? 'eye' : 'eye-slash'));
  });
  eye.setAttribute('aria-pressed', 'false');
  beside(input);
  input.after(eye);
  follow(input, () => {
    eye.hidden = ['', STORED].includes(String(input.val() ?? ''));
    if (eye.hidden && input.attr('type') === 'text') eye.click();
  });
}
