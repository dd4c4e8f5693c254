/** The functions of a model in the form: ticked or not, and narrowed to a range or to some words. */
import type { FunctionFacts } from '../../src/sber/catalogue';
import { button, element, expands } from '../elements';
import type { Words } from '../rules';
import { factsOf, GROUPS, groupsOf, nameOf, RANGE, type Draft, type Group, type Limit } from './draft';

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
        ...groups[group].flatMap((name) => functionLine(form, name, group)),
        group === 'other' ? otherField(place, form) : null,
      ),
    ),
  );
}

function functionLine({ draft, id, words, changed }: ModelForm, name: string, group: Group): HTMLElement[] {
  const facts = factsOf(draft, name);
  const label = nameOf(words, 'function', name);
  const summary = element('span', { class: 'thekeys-more' }, summaryOf(facts, draft.limits.get(name), words));
  const keep = (limit: Limit): void => {
    draft.limits.set(name, limit);
    summary.textContent = summaryOf(facts, limit, words);
    changed();
  };
  const box = element('input', {
    type: 'checkbox',
    id: `${id}-fn-${name}`,
    disabled: group === 'mandatory',
    checked: group === 'mandatory' || draft.chosen.has(name),
    onchange: () => {
      if (box.checked) draft.chosen.add(name);
      else draft.chosen.delete(name);
      changed();
    },
  });
  const named = element('label', { for: box.id }, box, element('span', {}, label));
  if (label !== name) named.append(element('code', {}, name));
  const line = element('div', { class: 'thekeys-line' }, named, summary);
  const panelId = `${id}-limits-${name}`;
  const fields = limitFields(facts, draft.limits.get(name), panelId, words, keep);
  if (fields.length === 0) return [line];
  const legend = words(facts?.type === 'ENUM' ? 'builder.words' : 'builder.range', { name: label });
  const panel = element('fieldset', { id: panelId }, element('legend', {}, legend), ...fields);
  const attributes = { type: 'button', class: 'red-ui-button red-ui-button-small' };
  const narrow = element(
    'button',
    { ...attributes, 'aria-label': words('builder.narrowOf', { name: label }) },
    words('builder.narrow'),
  );
  line.append(expands(narrow, panel, 'input'));
  // Only a function that is ticked can be narrowed.
  const offer = (): void => {
    narrow.hidden = !box.checked;
    if (narrow.hidden && !panel.hidden) narrow.click();
  };
  box.addEventListener('change', offer);
  offer();
  return [line, panel];
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

/** The fields in which a range or a list of words is narrowed; none where nothing can be narrowed. */
function limitFields(
  facts: FunctionFacts | undefined,
  limit: Limit | undefined,
  id: string,
  words: Words,
  keep: (limit: Limit) => void,
): HTMLElement[] {
  const { type, values = [], min = 0, max = 0, step = 1 } = facts ?? {};
  if (type === 'ENUM' && values.length > 1) {
    const kept = limit !== undefined && 'values' in limit ? limit.values : values;
    const onchange = (): void => keep({ values: boxes.filter((box) => box.checked).map((box) => box.value) });
    // Words of a saved model that the catalogue lacks stay to be seen, and to be unticked.
    const boxes = [...new Set([...values, ...kept])].map((value) =>
      element('input', { type: 'checkbox', value, checked: kept.includes(value), onchange }),
    );
    return boxes.map((box) => element('label', {}, box, element('code', {}, box.value)));
  }
  if (type !== 'INTEGER' && type !== 'FLOAT') return [];
  const saved = limit !== undefined && 'min' in limit ? limit : undefined;
  const oninput = (): void => {
    const [least = '', most = '', every = ''] = inputs.map((input) => input.value);
    keep({ min: least, max: most, step: every });
  };
  const usual = { min, max, step };
  const inputs = RANGE.slice(0, type === 'INTEGER' ? 3 : 2).map((key) =>
    element('input', {
      type: 'number',
      id: `${id}-${key}`,
      step: type === 'INTEGER' ? 1 : 'any',
      value: saved?.[key] ?? '',
      placeholder: usual[key],
      ...(key === 'step' ? { min: 1, max: max - min } : { min, max }),
      oninput,
    }),
  );
  return inputs.map((input, index) =>
    element('label', { for: input.id }, element('span', {}, words(`builder.${RANGE[index] ?? ''}`)), input),
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
  return element('div', { class: 'thekeys-field' }, label, input, button('plus', words('builder.addOther'), add));
}
