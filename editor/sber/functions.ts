/** The functions of a model in the form: ticked or not, and narrowed to a range or to some words. */
import { functionFacts, type FunctionFacts } from '../../src/sber/catalogue';
import { button, element } from '../fields';
import { GROUPS, groupsOf, nameOf, type Draft, type Group, type Limit, type Range, type Words } from './draft';

/** What the form of one model hands to its parts. */
export interface ModelForm {
  draft: Draft;
  /** Begins the ids of its elements. */
  id: string;
  words: Words;
  /** To be called after each change. */
  changed: () => void;
}

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
  const { draft, id, words } = form;
  const facts = functionFacts(name);
  const label = nameOf(words, 'function', name);
  const summary = element('span', { class: 'thekeys-sber-facts' });
  const showSummary = (): void => {
    summary.textContent = summaryOf(facts, draft.limits.get(name), words);
  };
  showSummary();
  const panel = limitPanel(form, name, facts, showSummary);
  const narrow =
    panel === null ? null : narrowButton(panel, words('builder.narrow'), words('builder.narrowOf', { name: label }));
  const box = element('input', {
    type: 'checkbox',
    id: `${id}-fn-${name}`,
    disabled: group === 'mandatory',
    onchange: () => {
      if (box.checked) draft.chosen.add(name);
      else draft.chosen.delete(name);
      showNarrow();
      form.changed();
    },
  });
  box.checked = group === 'mandatory' || draft.chosen.has(name);
  const showNarrow = (): void => {
    if (panel === null || narrow === null) return;
    narrow.hidden = !box.checked;
    panel.hidden = !box.checked || narrow.getAttribute('aria-expanded') === 'false';
  };
  showNarrow();
  const code = label === name ? null : element('code', {}, name);
  const named = element('label', { for: box.id }, box, element('span', {}, label), code);
  return element(
    'div',
    { class: 'thekeys-sber-function' },
    element('div', { class: 'thekeys-sber-line' }, named, summary, narrow),
    panel,
  );
}

function narrowButton(panel: HTMLElement, label: string, name: string): HTMLButtonElement {
  const made = element(
    'button',
    {
      type: 'button',
      class: 'red-ui-button red-ui-button-small',
      'aria-expanded': 'false',
      'aria-controls': panel.id,
      'aria-label': name,
      onclick: () => {
        panel.hidden = made.getAttribute('aria-expanded') === 'true';
        made.setAttribute('aria-expanded', String(!panel.hidden));
        if (!panel.hidden) panel.querySelector('input')?.focus();
      },
    },
    label,
  );
  return made;
}

/** The range or the words of a function, as far as the model uses them. */
function summaryOf(facts: FunctionFacts | undefined, limit: Limit | undefined, words: Words): string {
  if (limit !== undefined && 'values' in limit && limit.values.length > 0) return limit.values.join(', ');
  const range = limit !== undefined && 'min' in limit ? limit : { min: '', max: '', step: '' };
  if (facts === undefined) return range.min === '' ? '' : `${range.min} – ${range.max}`;
  if (facts.type === 'ENUM') return (facts.values ?? []).join(', ');
  if (facts.min === undefined || facts.max === undefined) return words(`type.${facts.type}`);
  const unit = facts.unit === undefined ? '' : ` ${facts.unit}`;
  const step = range.step === '' ? '' : `, ${words('builder.everyStep', { step: range.step })}`;
  return `${range.min || facts.min} – ${range.max || facts.max}${unit}${step}`;
}

/** The panel in which a range or a list of words is narrowed; null where nothing can be narrowed. */
function limitPanel(
  form: ModelForm,
  name: string,
  facts: FunctionFacts | undefined,
  showSummary: () => void,
): HTMLElement | null {
  const changed = (limit: Limit | undefined): void => {
    if (limit === undefined) form.draft.limits.delete(name);
    else form.draft.limits.set(name, limit);
    showSummary();
    form.changed();
  };
  const limit = form.draft.limits.get(name);
  const id = `${form.id}-limits-${name}`;
  const label = nameOf(form.words, 'function', name);
  const panel = (words: string, fields: HTMLElement[]): HTMLElement =>
    element(
      'div',
      { class: 'thekeys-sber-limits', id, hidden: true },
      element('fieldset', {}, element('legend', {}, form.words(words, { name: label })), ...fields),
    );
  if (facts?.type === 'ENUM' && (facts.values?.length ?? 0) > 1) {
    return panel('builder.words', wordBoxes(facts.values ?? [], limit, changed));
  }
  if (facts?.type === 'INTEGER' || facts?.type === 'FLOAT') {
    return panel('builder.range', rangeFields(facts, limit, id, form.words, changed));
  }
  return null;
}

function wordBoxes(
  known: readonly string[],
  limit: Limit | undefined,
  changed: (limit: Limit | undefined) => void,
): HTMLElement[] {
  const kept = limit !== undefined && 'values' in limit ? limit.values : known;
  // Words of a saved model that the catalogue lacks stay to be seen, and to be unticked.
  const words = [...known, ...kept.filter((word) => !known.includes(word))];
  const boxes = words.map((word) => {
    const box = element('input', {
      type: 'checkbox',
      onchange: () => {
        const values = words.filter((_word, index) => boxes[index]?.checked === true);
        changed(values.length === words.length && words.length === known.length ? undefined : { values });
      },
    });
    box.checked = kept.includes(word);
    return box;
  });
  return words.map((word, index) => element('label', {}, boxes[index] ?? null, element('code', {}, word)));
}

function rangeFields(
  facts: FunctionFacts,
  limit: Limit | undefined,
  id: string,
  words: Words,
  changed: (limit: Limit | undefined) => void,
): HTMLElement[] {
  const isWhole = facts.type === 'INTEGER';
  const current: Range = limit !== undefined && 'min' in limit ? limit : { min: '', max: '', step: '' };
  const { min = 0, max = 0 } = facts;
  const kinds = {
    min: { min, max, placeholder: min },
    max: { min, max, placeholder: max },
    step: { min: 1, max: max - min, placeholder: facts.step ?? 1 },
  };
  const keys = isWhole ? (['min', 'max', 'step'] as const) : (['min', 'max'] as const);
  const inputs = keys.map((key) => {
    const input = element('input', {
      type: 'number',
      id: `${id}-${key}`,
      step: isWhole ? 1 : 'any',
      ...kinds[key],
      oninput: () => {
        const typed: Range = { min: '', max: '', step: '' };
        for (const [index, each] of keys.entries()) typed[each] = inputs[index]?.value ?? '';
        changed(keys.some((each) => typed[each] !== '') ? typed : undefined);
      },
    });
    input.value = current[key];
    return input;
  });
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
  return element(
    'div',
    { class: 'thekeys-sber-other' },
    element('label', { for: input.id }, words('builder.other')),
    input,
    button('plus', words('builder.addOther'), add),
  );
}
