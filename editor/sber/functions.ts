/** The functions of a model in the form: ticked or not, and narrowed to a range or to some words. */
import { functionFacts, type FunctionFacts } from '../../src/sber/catalogue';
import { button, element } from '../elements';
import type { Words } from '../rules';
import { GROUPS, groupsOf, nameOf, type Draft, type Group, type Limit, type Range } from './draft';

/** What the form of one model hands to its parts. */
export interface ModelForm {
  draft: Draft;
  /** Begins the ids of its elements. */
  id: string;
  words: Words;
  /** To be called after each change. */
  changed: () => void;
}

const NO_RANGE: Range = { min: '', max: '', step: '' };
const rangeOf = (limit: Limit | undefined): Range => (limit !== undefined && 'min' in limit ? limit : NO_RANGE);

/** All functions of a model, by group, in `place`. */
export function showFunctions(place: HTMLElement, form: ModelForm): void {
  const groups = groupsOf(form.draft);
  const shown = GROUPS.filter((group) => groups[group].length > 0 || (group === 'other' && form.draft.category !== ''));
  place.replaceChildren(
    ...shown.map((group) =>
      element(
        'fieldset',
        {},
        element('legend', {}, form.words(`group.${group}`)),
        ...groups[group].map((name) => functionLine(form, name, group)),
        group === 'other' ? otherField(place, form) : null,
      ),
    ),
  );
}

function functionLine(form: ModelForm, name: string, group: Group): HTMLElement {
  const { draft, id, words, changed } = form;
  const facts = functionFacts(name);
  const label = nameOf(words, 'function', name);
  const summary = element('span', { class: 'thekeys-sber-facts' });
  const showSummary = (): void => {
    summary.textContent = summaryOf(facts, draft.limits.get(name), words);
  };
  showSummary();
  const panel = limitPanel(form, name, facts, showSummary);
  const narrow = panel === null ? null : narrowButton(panel, words, label);
  const showNarrow = (): void => {
    if (panel === null || narrow === null) return;
    narrow.hidden = !box.checked;
    panel.hidden = !box.checked || narrow.getAttribute('aria-expanded') === 'false';
  };
  const box = element('input', {
    type: 'checkbox',
    id: `${id}-fn-${name}`,
    disabled: group === 'mandatory',
    checked: group === 'mandatory' || draft.chosen.has(name),
    onchange: () => {
      if (box.checked) draft.chosen.add(name);
      else draft.chosen.delete(name);
      showNarrow();
      changed();
    },
  });
  showNarrow();
  const code = label === name ? null : element('code', {}, name);
  const named = element('label', { for: box.id }, box, element('span', {}, label), code);
  const line = element('div', { class: 'thekeys-sber-line' }, named, summary, narrow);
  return element('div', { class: 'thekeys-sber-function' }, line, panel);
}

function narrowButton(panel: HTMLElement, words: Words, name: string): HTMLButtonElement {
  const made = element(
    'button',
    {
      type: 'button',
      class: 'red-ui-button red-ui-button-small',
      'aria-expanded': 'false',
      'aria-controls': panel.id,
      'aria-label': words('builder.narrowOf', { name }),
      onclick: () => {
        panel.hidden = made.getAttribute('aria-expanded') === 'true';
        made.setAttribute('aria-expanded', String(!panel.hidden));
        if (!panel.hidden) panel.querySelector('input')?.focus();
      },
    },
    words('builder.narrow'),
  );
  return made;
}

/** The range or the words of a function, as far as the model uses them. */
function summaryOf(facts: FunctionFacts | undefined, limit: Limit | undefined, words: Words): string {
  if (limit !== undefined && 'values' in limit && limit.values.length > 0) return limit.values.join(', ');
  const range = rangeOf(limit);
  if (facts === undefined) return range.min === '' ? '' : `${range.min} – ${range.max}`;
  if (facts.type === 'ENUM') return (facts.values ?? []).join(', ');
  if (facts.min === undefined || facts.max === undefined) return words(`type.${facts.type}`);
  const unit = facts.unit === undefined ? '' : ` ${facts.unit}`;
  const step = range.step === '' ? '' : `, ${words('builder.everyStep', { step: range.step })}`;
  return `${range.min || facts.min} – ${range.max || facts.max}${unit}${step}`;
}

/** The panel in which a range or a list of words is narrowed; null where nothing can be narrowed. */
function limitPanel(
  { draft, id: formId, words, changed }: ModelForm,
  name: string,
  facts: FunctionFacts | undefined,
  showSummary: () => void,
): HTMLElement | null {
  const keep = (limit: Limit | undefined): void => {
    if (limit === undefined) draft.limits.delete(name);
    else draft.limits.set(name, limit);
    showSummary();
    changed();
  };
  const limit = draft.limits.get(name);
  const id = `${formId}-limits-${name}`;
  const panel = (key: string, fields: HTMLElement[]): HTMLElement => {
    const legend = element('legend', {}, words(key, { name: nameOf(words, 'function', name) }));
    return element(
      'div',
      { class: 'thekeys-sber-limits', id, hidden: true },
      element('fieldset', {}, legend, ...fields),
    );
  };
  if (facts?.type === 'ENUM' && (facts.values?.length ?? 0) > 1) {
    return panel('builder.words', wordBoxes(facts.values ?? [], limit, keep));
  }
  const isRange = facts?.type === 'INTEGER' || facts?.type === 'FLOAT';
  return isRange ? panel('builder.range', rangeFields(facts, rangeOf(limit), id, words, keep)) : null;
}

function wordBoxes(
  known: readonly string[],
  limit: Limit | undefined,
  keep: (limit: Limit | undefined) => void,
): HTMLElement[] {
  const kept = limit !== undefined && 'values' in limit ? limit.values : known;
  // Words of a saved model that the catalogue lacks stay to be seen, and to be unticked.
  const words = [...known, ...kept.filter((word) => !known.includes(word))];
  const onchange = (): void => {
    const values = words.filter((_word, index) => boxes[index]?.checked === true);
    keep(values.length === words.length && words.length === known.length ? undefined : { values });
  };
  const boxes = words.map((word) => element('input', { type: 'checkbox', checked: kept.includes(word), onchange }));
  return words.map((word, index) => element('label', {}, boxes[index] ?? null, element('code', {}, word)));
}

function rangeFields(
  facts: FunctionFacts,
  current: Range,
  id: string,
  words: Words,
  keep: (limit: Limit | undefined) => void,
): HTMLElement[] {
  const isWhole = facts.type === 'INTEGER';
  const { min = 0, max = 0 } = facts;
  const limits = {
    min: { min, max, placeholder: min },
    max: { min, max, placeholder: max },
    step: { min: 1, max: max - min, placeholder: facts.step ?? 1 },
  };
  const keys = isWhole ? (['min', 'max', 'step'] as const) : (['min', 'max'] as const);
  const oninput = (): void => {
    const typed = { ...NO_RANGE };
    for (const [index, key] of keys.entries()) typed[key] = inputs[index]?.value ?? '';
    keep(keys.some((key) => typed[key] !== '') ? typed : undefined);
  };
  const step = isWhole ? 1 : 'any';
  const inputs = keys.map((key) =>
    element('input', { type: 'number', id: `${id}-${key}`, step, value: current[key], ...limits[key], oninput }),
  );
  return inputs.map((input, index) =>
    element('label', { for: input.id }, element('span', {}, words(`builder.${keys[index] ?? ''}`)), input),
  );
}

/** A function that the catalogue lacks, by Sber's own name for it. */
function otherField(place: HTMLElement, form: ModelForm): HTMLElement {
  const { draft, id, words } = form;
  const add = (): void => {
    const name = input.value.trim();
    if (name === '') return;
    draft.extra.add(name);
    draft.chosen.add(name);
    showFunctions(place, form);
    form.changed();
    document.getElementById(input.id)?.focus();
  };
  const input = element('input', {
    type: 'text',
    id: `${id}-other`,
    placeholder: 'sleep_timer',
    autocomplete: 'off',
    onkeydown: (event) => {
      if ((event as KeyboardEvent).key !== 'Enter') return;
      event.preventDefault();
      event.stopPropagation();
      add();
    },
  });
  const label = element('label', { for: input.id }, words('builder.other'));
  return element('div', { class: 'thekeys-sber-other' }, label, input, button('plus', words('builder.addOther'), add));
}
