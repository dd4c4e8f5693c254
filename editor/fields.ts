/**
 * What the dialogs of all node types share: fields that show and save settings, and keep what a person did not touch. The
 * words are in each node's locale files; those that all share are in gateway-config's.
 */
import { flagOf, isVariable, STORED, trimmed, type Offer, type Rule } from './rules';

const WORDS = 'node-red-contrib-thekeys-gateway/gateway-config:gateway-config.';

/** Words that are shared by all dialogs. */
export const shared = (key: string, values?: object): string => RED._(WORDS + key, values);

/** An element with attributes (`class`, `type`, …), event handlers (`onclick`, …) and content. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number | boolean | undefined | ((event: Event) => void)> = {},
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

export const icon = (name: string): HTMLElement => element('i', { class: `fa fa-${name}`, 'aria-hidden': 'true' });

export function button(symbol: string, label: string, onclick?: (event: Event) => void): HTMLButtonElement {
  const attributes = { type: 'button', class: 'red-ui-button', ...(onclick === undefined ? {} : { onclick }) };
  return element('button', attributes, icon(symbol), ' ', element('span', {}, label));
}

/** A button that copies a text, and says so in its place for a moment. */
export function copyButton(text: () => string): HTMLButtonElement {
  const made = button('clipboard', shared('button.copy'), () => {
    RED.clipboard.copyText(text());
    made.lastElementChild?.replaceChildren(shared('button.copied'));
    setTimeout(() => made.lastElementChild?.replaceChildren(shared('button.copy')), 1500);
  });
  return made;
}

/** One that shows its icon only; its name is for screen readers and the tooltip. */
export function iconButton(symbol: string, label: string, onclick: (event: Event) => void): HTMLButtonElement {
  return element(
    'button',
    { type: 'button', class: 'red-ui-button', title: label, 'aria-label': label, onclick },
    icon(symbol),
  );
}

const prefixOf = (node: EditedNode): string => (node._def.category === 'config' ? 'node-config-input-' : 'node-input-');

/** The input of a setting. */
export const field = (node: EditedNode, key: string): JQuery => $(`#${prefixOf(node)}${key}`);

/** What stands in an input, without blanks around it. */
export const typed = (input: JQuery): string => trimmed(input.val());

/** A validator for a node's `defaults`, with the node's own words for what to do, `<type>.validator.<key>`. */
export function check(key: string, isFine: (this: EditedNode, value: unknown) => boolean): Validator {
  return function (value, _options) {
    return isFine.call(this, value) || this._(`${this.type}.validator.${key}`);
  };
}

/** What every node has as `labelStyle`. */
export function labelStyle(this: EditedNode): string {
  return this.name ? 'node_label_italic' : '';
}

/** What a node is called: its name, or the words for its setting `key`; those for `usual` where there are none. */
export function title(node: EditedNode, key: string, usual: string): string {
  const words = `${node.type}.title.`;
  const own = node._(words + (trimmed(node[key]) || usual));
  // The editor gives the key back where it has no words.
  return trimmed(node.name) || (own.includes(words) ? node._(words + usual) : own);
}

/**
 * Shows a setting in its list of choices, `usual` where there is none. A value that the list does not have, such as a
 * variable, becomes an entry of its own.
 */
export function choice(node: EditedNode, key: string, usual: string): JQuery {
  const select = field(node, key);
  const value = trimmed(node[key]) || usual;
  const isListed = select
    .find('option')
    .toArray()
    .some((option) => option.value === value);
  if (!isListed) select.append(element('option', { value }, value));
  return select.val(value);
}

/** Shows a setting that is a check box, `usual` where there is none. A variable is neither yes nor no. */
export function flag(node: EditedNode, key: string, usual: boolean): JQuery {
  const box = field(node, key);
  const value = node[key];
  box.prop({ checked: !isVariable(value) && flagOf(value, usual), indeterminate: isVariable(value) });
  if (isVariable(value)) {
    const named = element('code', { class: 'thekeys-variable' }, String(value));
    box.siblings('label').append(named);
    box.one('change', () => named.remove());
  }
  return box;
}

/**
 * Shows, of elements marked with `data-when`, those that name the chosen value. A variable may stand for any of them, so
 * every field may count, and no hint.
 */
export function showWhen(select: JQuery): void {
  const show = (): void => {
    const value = String(select.val());
    for (const each of select.closest('.thekeys-form').find('[data-when]').toArray()) {
      const fits = each.dataset.when?.split(' ').includes(value) === true;
      $(each).toggle(fits || (isVariable(value) && !$(each).is('.thekeys-hint, .thekeys-danger')));
    }
  };
  select.on('change', show);
  show();
}

/**
 * Says below a credential what is wrong with it: not while a person types, but until it is right. `advice(text)` gives the
 * words, or an empty text.
 */
export function advise(node: EditedNode, key: string, advice: (text: string) => string): void {
  const input = field(node, key);
  const place = element('div', { class: 'thekeys-result thekeys-bad', role: 'status', 'aria-live': 'polite' });
  input.closest('.form-row').append(place);
  const show = (): void => {
    const text = String(input.val() ?? '');
    place.textContent = [STORED, ''].includes(text.trim()) || isVariable(text.trim()) ? '' : advice(text);
  };
  input.on('change', show).on('input', () => place.textContent !== '' && show());
}

/** `advise` by a rule, with words that all dialogs share. */
export function adviseBy(node: EditedNode, key: string, rule: Rule): void {
  advise(node, key, (text) => (rule(text) ? '' : shared(`validator.${key}`)));
}

/** Settings that few people need wait behind a summary, but one that differs from the usual must not hide. */
export function openIfUnusual(node: EditedNode, usual: Record<string, string>): void {
  const differs = ([key, value]: [string, string]): boolean => !['', value].includes(typed(field(node, key)));
  $('#thekeys-more').prop('open', Object.entries(usual).some(differs));
}

/** Where a setting comes from: as it is typed, or from the message and so on. */
const SOURCES = ['msg', 'flow', 'global', 'env', 'jsonata'];

/** The source that is chosen for a setting, in the open dialog of the node or as it is saved. */
export function sourceOf(node: EditedNode, key: string): string {
  return trimmed(node[`${key}Type`]) || 'str';
}

/** As `check`, for a setting that may come from elsewhere: then it only has to say from where. */
export function checkTyped(key: string, rule: Rule): Validator {
  return check(key, function (value) {
    const shown = String(field(this, `${key}Type`).val() ?? '');
    return (shown === '' ? sourceOf(this, key) : shown) === 'str' ? rule(value) : trimmed(value) !== '';
  });
}

/** Offers beside the plain text what a message, a context, a variable or an expression holds. */
export function typedField(
  node: EditedNode,
  key: string,
  search?: (typed: string, done: (offers: Offer[]) => void) => Offer[] | undefined,
): JQuery {
  const input = field(node, key);
  const source = field(node, `${key}Type`).val(sourceOf(node, key));
  const name = input.closest('.form-row').children('label').attr('id', `thekeys-label-${key}`).attr('id') ?? '';
  const plain = {
    value: 'str',
    label: shared('source.str'),
    icon: 'red/images/typedInput/az.svg',
    ...(search === undefined ? {} : { autoComplete: search }),
  };
  input.typedInput({ types: [plain, ...SOURCES] as never, typeField: source });
  const container = input.nextAll('.red-ui-typedInput-container').first();
  container.css('width', '').find('.red-ui-typedInput-input').attr('aria-labelledby', name);
  container.find('.red-ui-typedInput-type-select').attr('aria-label', shared('source.choose'));
  container
    .find('.red-ui-typedInput-option-expand, .red-ui-typedInput-option-trigger')
    .attr('aria-label', shared('source.more'));
  return input;
}

/** What stands in every field of a node, by key: what is still the same when the dialog is saved, was not touched. */
const shown = new WeakMap<EditedNode, Map<string, string>>();

const stateOf = (input: JQuery): string =>
  input.is(':checkbox')
    ? `${String(input.prop('checked'))} ${String(input.prop('indeterminate'))}`
    : String(input.val() ?? '');

/** Whether the dialog of a node is open. */
export const isOpen = (node: EditedNode): boolean => shown.has(node);

/** What a dialog does when it is given up. */
export function closed(this: EditedNode): void {
  shown.delete(this);
}

/** The last that a dialog does when it opens: secrets can be looked at while they are typed, and what is shown is noted. */
export function opened(node: EditedNode): void {
  for (const input of $('.thekeys-form').last().find('input[type="password"]').toArray()) addEye($(input));
  const { defaults = {}, credentials = {} } = node._def as Partial<Definition>;
  const values = node as unknown as Readonly<Record<string, unknown>>;
  const keys = [
    // A configuration that was chosen is saved anyway; one that an older flow does not know stays absent.
    ...Object.keys(defaults).filter((key) => defaults[key]?.type === undefined || values[key] === undefined),
    ...Object.keys(credentials),
  ];
  shown.set(node, new Map(keys.map((key) => [key, stateOf(field(node, key))])));
}

/**
 * The last that a dialog does before it is saved. The editor saves every field that it finds, so it finds only those in
 * which something else stands now: a dialog that is opened and saved changes nothing.
 */
export function saving(node: EditedNode): void {
  for (const [key, state] of shown.get(node) ?? []) {
    const input = field(node, key);
    if (stateOf(input) === state) input.removeAttr('id');
  }
  shown.delete(node);
}

/** A button that shows what was typed. A stored secret never comes back to the browser, so there is none for it. */
export function addEye(input: JQuery): void {
  if (!input.parent().is('.thekeys-field')) {
    input
      .before(element('div', { class: 'thekeys-field' }))
      .prev()
      .append(input);
  }
  const eye = iconButton('eye', shared('button.show'), () => {
    const hide = input.attr('type') === 'text';
    input.attr('type', hide ? 'password' : 'text').trigger('focus');
    eye.setAttribute('aria-pressed', String(!hide));
    eye.replaceChildren(icon(hide ? 'eye' : 'eye-slash'));
  });
  eye.setAttribute('aria-pressed', 'false');
  input.after(eye);
  const show = (): void => {
    eye.hidden = ['', STORED].includes(String(input.val() ?? ''));
    if (eye.hidden && input.attr('type') === 'text') eye.click();
  };
  input.on('input change', show);
  show();
}
