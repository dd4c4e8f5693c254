/**
 * The model builder in the dialog of sber-models: device models as rows, each opened into a form made from Sber's
 * catalogue. Made for people who do not write JSON; what is saved is shown to those who do.
 */
import { CATEGORIES } from '../../src/sber/catalogue';
import { button, copyButton, element, expands, icon, iconButton, named, select, statusArea } from '../elements';
import type { Words } from '../rules';
import { good, requestButton } from '../requests';
import { copyOf, draftOf, modelOf, nameOf, remarksOn, TEXTS, type Draft, type Remark } from './draft';
import { showFunctions, type ModelForm } from './functions';

const SBER_ACCOUNT = 'node-red-contrib-thekeys-gateway/sber-config:sber-config.';
let serial = 0;

/** One model: its head with its tools, and its form. */
interface Row {
  draft: Draft;
  item: HTMLElement;
  head: HTMLButtonElement;
  /** Everything that depends on what was typed. Inputs are left alone, so typing is never disturbed. */
  show: (index: number, remarks: readonly Remark[]) => void;
}

/**
 * Shows the rows of all models in `place`.
 * @returns the models as they are to be saved
 */
export function modelBuilder(
  place: JQuery,
  saved: readonly unknown[],
  words: Words,
  fetchModels: () => Promise<unknown[]>,
): () => object[] {
  const rows: Row[] = [];
  const list = element('ol', { class: 'thekeys-sber-rows' });
  const empty = element('p', { class: 'thekeys-more' }, words('builder.empty'));
  const add = button('plus', words('builder.add'), () => {
    // The maker of several models is mostly the same.
    begin(rows.length, { ...draftOf({}), manufacturer: rows.at(-1)?.draft.manufacturer ?? '' });
  });
  const [json, preview] = jsonView(words);
  const ids = (): string[] => rows.map(({ draft }) => draft.id.trim());
  const models = (): object[] => rows.map(({ draft }) => modelOf(draft));

  const refresh = (): void => {
    const remarks = remarksOn(rows.map(({ draft }) => draft));
    for (const [index, row] of rows.entries()) row.show(index, remarks[index] ?? []);
    empty.hidden = rows.length > 0;
    json.hidden = rows.length === 0;
    preview.textContent = JSON.stringify(models(), null, 2);
  };
  /** What is inserted shows with the next `refresh`. */
  const insert = (position: number, draft: Draft): Row => {
    const row = modelRow(draft, words, refresh, {
      clone: () => begin(rows.indexOf(row) + 1, copyOf(draft, ids())),
      trash: () => {
        const at = rows.indexOf(row);
        rows.splice(at, 1);
        row.item.remove();
        refresh();
        (rows[Math.min(at, rows.length - 1)]?.head ?? add).focus();
      },
    });
    list.insertBefore(row.item, rows[position]?.item ?? null);
    rows.splice(position, 0, row);
    return row;
  };
  const begin = (position: number, draft: Draft): void => {
    const row = insert(position, draft);
    refresh();
    row.head.click();
    row.item.querySelector('input')?.focus();
  };
  const [fetch, fetched] = fetchButton(words, async () => {
    const [found, here] = [(await fetchModels()).map(draftOf), new Set(ids())];
    // What is here may be newer, so it stays.
    const fresh = found.filter((draft) => !here.has(draft.id));
    for (const draft of fresh) insert(rows.length, draft);
    refresh();
    return { added: fresh.length, known: found.length - fresh.length };
  });
  place.append(empty, list, element('div', { class: 'thekeys-buttons' }, add, fetch), fetched, json);
  for (const model of saved) insert(rows.length, draftOf(model));
  refresh();
  if (saved.length === 1) rows[0]?.head.click();
  return models;
}

/** Takes over what Sber has, and says beside it how much that was. */
function fetchButton(words: Words, run: () => Promise<Record<string, number>>): [HTMLElement, HTMLElement] {
  const status = statusArea();
  const made = requestButton(status, {
    icon: 'cloud-download',
    label: words('builder.fetch'),
    words: (key, values) => RED._(SBER_ACCOUNT + key, values),
    run: async () => good(words('builder.fetched', await run())),
  });
  return [made, status];
}

/** What is saved, for those who read JSON. */
function jsonView(words: Words): [HTMLElement, HTMLElement] {
  const preview = element('pre', {
    class: 'thekeys-result thekeys-sber-json',
    tabindex: '0',
    'aria-label': words('builder.json'),
  });
  const summary = element('summary', {}, words('builder.json'));
  const copy = copyButton(() => preview.textContent);
  return [element('details', { class: 'thekeys-sber-preview' }, summary, preview, copy), preview];
}

function modelRow(draft: Draft, words: Words, changed: () => void, tools: Record<'clone' | 'trash', () => void>): Row {
  serial += 1;
  const title = element('strong');
  const subtitle = element('span', { class: 'thekeys-more' });
  const mark = element('i', { role: 'img' });
  const titles = element('span', {}, title, subtitle);
  const head = element('button', { type: 'button', class: 'thekeys-sber-head' }, icon('angle-right'), titles, mark);
  const remarkList = element('ul');
  const body = modelForm({ draft, id: `thekeys-sber-model-${serial}`, words, changed }, remarkList);
  expands(head, body);
  const duplicate = iconButton('clone', '', tools.clone);
  const remove = iconButton('trash', '', tools.trash);
  let remarked = '';

  const show = (index: number, remarks: readonly Remark[]): void => {
    const name = draft.model.trim() || draft.id.trim() || words('builder.unnamed', { number: index + 1 });
    title.textContent = name;
    named(duplicate, words('builder.duplicate', { name }));
    named(remove, words('builder.remove', { name }));
    const number = modelOf(draft).features.length;
    subtitle.textContent =
      draft.category === ''
        ? words('builder.noCategory')
        : `${nameOf(words, 'category', draft.category)} · ${words('builder.functionCount', { number })}`;
    mark.hidden = remarks.length === 0;
    mark.className = `fa fa-exclamation-triangle ${remarks.some(({ grave }) => grave) ? 'thekeys-bad' : 'thekeys-warns'}`;
    named(mark, words('builder.remarkCount', { number: remarks.length }));
    const lines = remarks.map(({ code, name: about, values, grave }) => {
      const known = about === undefined ? '' : nameOf(words, 'function', about);
      const text = words(`remark.${code}`, { ...values, name: known });
      return element(
        'li',
        { class: `thekeys-result thekeys-${grave ? 'bad' : 'warns'}` },
        icon('exclamation-triangle'),
        text,
      );
    });
    // Again only where they changed: a screen reader reads them aloud.
    const now = lines.map((line) => line.textContent).join('\n');
    if (remarked !== now) remarkList.replaceChildren(...lines);
    remarked = now;
  };
  const line = element('div', { class: 'thekeys-line' }, head, duplicate, remove);
  return { draft, head, show, item: element('li', {}, line, body) };
}

/** The form of a model. What is typed changes the draft at once. */
function modelForm(form: ModelForm, remarks: HTMLElement): HTMLElement {
  const { draft, id, words, changed } = form;
  const functions = element('div');
  const names = Object.keys(CATEGORIES).map((name) => [name, nameOf(words, 'category', name)] as const);
  names.sort(([, one], [, other]) => one.localeCompare(other));
  const isKnown = draft.category === '' || draft.category in CATEGORIES;
  const choices = [['', words('builder.chooseCategory')] as const, ...names];
  if (!isKnown) choices.push([draft.category, draft.category]);
  const category = select(choices, draft.category, {
    id: `${id}-category`,
    onchange: () => {
      draft.category = category.value;
      showFunctions(functions, form);
      changed();
    },
  });
  const labelled = (key: string, input: HTMLElement): HTMLElement =>
    element('div', {}, element('label', { for: input.id }, words(`field.${key}`)), input);
  const texts = TEXTS.map((key) => {
    const input = element('input', {
      type: 'text',
      id: `${id}-${key}`,
      placeholder: words(`placeholder.${key}`),
      autocomplete: 'off',
      value: draft[key],
      oninput: () => {
        draft[key] = input.value;
        changed();
      },
    });
    return labelled(key, input);
  });
  showFunctions(functions, form);
  return element(
    'div',
    { id, class: 'thekeys-sber-body' },
    element('div', { class: 'thekeys-sber-fields' }, labelled('category', category), ...texts),
    functions,
    element('div', { role: 'status' }, remarks),
  );
}
