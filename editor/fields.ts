/** What the dialogs of all node types share: fields that show and save settings, and keep what a person did not touch. */
import { element, addEye, follow, shared, statusArea, wordsOf } from './elements';
import { flagOf, isOneOf, isVariable, STORED, trimmed, type Offer, type Rule, type Words } from './rules';

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

/** A setting that is one of these words. */
export const oneOf = (key: string, value: string, ...words: string[]) => ({
  value,
  validate: check(key, isOneOf(...words)),
});

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

/** Says below a credential what is wrong with it, `validator.<key>`: not while a person types, but until it is right. */
export function advise(node: EditedNode, key: string, rule: Rule, words: Words = shared): void {
  const input = field(node, key);
  const place = statusArea('thekeys-bad');
  input.closest('.form-row').append(place);
  const show = (): void => {
    const text = String(input.val() ?? '').trim();
    place.textContent = text === '' || text === STORED || rule(text) ? '' : words(`validator.${key}`);
  };
  input.on('change', show).on('input', () => place.textContent !== '' && show());
}

/** Warns below the PIN of a device of one that is missing, or not `isFine`. */
export function pinField(node: EditedNode, isFine: (pin: string) => boolean): void {
  const pin = field(node, 'pin');
  follow(pin, () => {
    const text = typed(pin);
    $('#thekeys-odd-pin')
      .prop('hidden', text === STORED || isVariable(text) || isFine(text))
      .text(wordsOf(node)(text === '' ? 'hint.missingPin' : 'hint.oddPin'));
  });
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

/** Shows a setting in its list of choices. A value that the list lacks, such as a variable, becomes an entry of its own. */
function showChoice(select: JQuery, value: string): void {
  select.val(value);
  if (select.val() !== value) select.append(element('option', { value }, value)).val(value);
}

/** Shows a setting that is a check box. A variable is neither yes nor no. */
function showFlag(box: JQuery, value: unknown, usual: boolean): void {
  box.prop({ checked: !isVariable(value) && flagOf(value, usual), indeterminate: isVariable(value) });
  if (!isVariable(value)) return;
  const named = element('code', { class: 'thekeys-variable' }, String(value));
  box.siblings('label').append(named);
  box.one('change', () => named.remove());
}

/**
 * Shows what is marked `data-when="<setting> <value>…"` while the setting has one of these values. A variable may stand for
 * any of them, so every field may count, and no hint.
 */
function showWhen(node: EditedNode, form: JQuery): void {
  for (const each of form.find('[data-when]').toArray()) {
    const [key = '', ...values] = (each.dataset.when ?? '').split(' ');
    const input = field(node, key);
    follow(input, () => {
      const value = stateOf(input);
      $(each).toggle(values.includes(value) || (isVariable(value) && !$(each).is('.thekeys-hint, .thekeys-danger')));
    });
  }
}

/** Settings that few people need wait behind a summary, but one that differs from the usual must not hide. */
function openIfUnusual(node: EditedNode, details: JQuery): void {
  const { defaults, credentials = {} } = node._def;
  const differs = (key: string): boolean => {
    const input = field(node, key);
    const usual = defaults[key]?.value ?? '';
    if (input.closest(details).length === 0) return false;
    return input.is(':checkbox') ? (stateOf(input) === 'true') !== usual : !['', '_ADD_', usual].includes(typed(input));
  };
  details.prop('open', Object.keys({ ...defaults, ...credentials }).some(differs));
}

const stateOf = (input: JQuery): string =>
  !input.is(':checkbox')
    ? String(input.val() ?? '')
    : String(input.prop('indeterminate') ? 'variable' : input.prop('checked'));

/** Keeps what is no single field; true where something has changed that the editor does not see. */
type Save = () => unknown;

/** Of each open dialog: what stood in its fields, by key, and how it is saved. What is still the same was not touched. */
const opened = new WeakMap<EditedNode, { states: Map<string, string>; save: Save }>();

/** Whether the dialog of a node is open. */
export const isOpen = (node: EditedNode): boolean => opened.has(node);

/**
 * What a dialog does when it opens: shows the settings, has `prepare` do the rest, and notes what is shown then. The flow
 * library reads definitions as text, so this and the next two stand in them by name.
 */
export const opens = (prepare: (node: EditedNode) => unknown) =>
  function (this: EditedNode): void {
    const { defaults, credentials = {} } = this._def;
    for (const [key, { value: usual, type }] of Object.entries(defaults)) {
      const input = field(this, key);
      if (input.is(':checkbox')) showFlag(input, this[key], usual === true);
      else if (type === undefined && input.is('select')) showChoice(input, trimmed(this[key]) || trimmed(usual));
    }
    const form = $('.thekeys-form').last();
    // Secrets can be looked at while they are typed.
    for (const input of form.find('input[type="password"]').toArray()) addEye($(input));
    const save = prepare(this) ?? (() => false);
    showWhen(this, form);
    openIfUnusual(this, form.find('#thekeys-more'));
    const keys = [
      // A configuration that was chosen is saved anyway; one that an older flow does not know stays absent.
      ...Object.keys(defaults).filter((key) => defaults[key]?.type === undefined || this[key] === undefined),
      ...Object.keys(credentials),
    ];
    opened.set(this, { states: new Map(keys.map((key) => [key, stateOf(field(this, key))])), save: save as Save });
  };

/** What a dialog does when it is saved: one that is opened and saved changes nothing. */
export function saves(this: EditedNode): unknown {
  const { states, save } = opened.get(this) ?? { states: [], save: () => false };
  const isChanged = save();
  // The editor saves every field that it finds, so it finds only those in which something else stands now.
  for (const [key, state] of states) {
    const input = field(this, key);
    if (stateOf(input) === state) input.removeAttr('id');
  }
  opened.delete(this);
  return isChanged;
}

/** What a dialog does when it is given up. */
export function closes(this: EditedNode): void {
  opened.delete(this);
}

/** Saves settings that are no single field, as `read` finds them. One that is the same stays: a new array is a change. */
export function keeping(node: EditedNode, read: () => Record<string, unknown>): Save {
  const before = read();
  return () => {
    for (const [key, value] of Object.entries(read())) {
      if (JSON.stringify(value) !== JSON.stringify(before[key])) node[key] = value;
    }
  };
}
