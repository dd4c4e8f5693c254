/** What the dialogs of all node types share: fields that show and save settings, and keep what a person did not touch. */
import { element, addEye, follow, shared, statusArea } from './elements';
import { flagOf, isOneOf, isVariable, STORED, trimmed, type Offer, type Rule } from './rules';

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

/**
 * Shows a setting in its list of choices, `usual` where there is none. A value that the list does not have, such as a
 * variable, becomes an entry of its own.
 */
export function choice(node: EditedNode, key: string, usual: string): JQuery {
  const select = field(node, key);
  const value = trimmed(node[key]) || usual;
  select.val(value);
  if (select.val() !== value) select.append(element('option', { value }, value));
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
  follow(select, () => {
    const value = String(select.val());
    for (const each of select.closest('.thekeys-form').find('[data-when]').toArray()) {
      const fits = each.dataset.when?.split(' ').includes(value) === true;
      $(each).toggle(fits || (isVariable(value) && !$(each).is('.thekeys-hint, .thekeys-danger')));
    }
  });
}

/**
 * Says below a credential what is wrong with it: not while a person types, but until it is right. `advice(text)` gives the
 * words, or an empty text.
 */
export function advise(node: EditedNode, key: string, advice: (text: string) => string): void {
  const input = field(node, key);
  const place = statusArea('thekeys-bad');
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

/** Notes what is shown, when everything is. Secrets can be looked at while they are typed. */
function opened(node: EditedNode): void {
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

/** The editor saves every field that it finds, so it finds only those in which something else stands now. */
function saving(node: EditedNode): void {
  for (const [key, state] of shown.get(node) ?? []) {
    const input = field(node, key);
    if (stateOf(input) === state) input.removeAttr('id');
  }
  shown.delete(node);
}

/** What a dialog does when it opens. The flow library reads definitions as text, so each of these stands in them by name. */
export const opens = (prepare: (node: EditedNode) => void) =>
  function (this: EditedNode): void {
    prepare(this);
    opened(this);
  };

/**
 * What a dialog does when it is saved. One that is opened and saved changes nothing; `save` keeps what is no single field,
 * and returns true where something has changed that the editor does not see.
 */
export const saves = (save: (node: EditedNode) => unknown = () => false) =>
  function (this: EditedNode): unknown {
    const isChanged = save(this);
    saving(this);
    return isChanged;
  };

/** What a dialog does when it is given up. */
export function closes(this: EditedNode): void {
  shown.delete(this);
}
