/**
 * The model builder in the dialog of sber-models: device models as rows, each opened into a form made from Sber's
 * catalogue. Made for people who do not write JSON; what is saved is shown to those who do.
 */
import { CATEGORIES } from '../../src/sber/catalogue';
import { button, element, iconButton } from '../fields';
import { copyOf, draftOf, modelOf, nameOf, remarksOn, TEXTS, type Draft, type Remark, type Words } from './draft';
import { showFunctions, type ModelForm } from './functions';

const COPIED_MS = 2000;
let serial = 0;

export interface Builder {
  /** The models as they are to be saved. */
  models(): object[];
}

export interface BuilderOptions {
  /** As saved. */
  models: readonly unknown[];
  words: Words;
  copy: (text: string) => void;
  /** The models that Sber has. Rejects with a reason in words. */
  fetchModels: () => Promise<unknown[]>;
}

/** One model: its head with its tools, and its form. */
class Row {
  open: boolean;
  readonly draft: Draft;
  readonly item: HTMLElement;
  readonly head: HTMLButtonElement;
  private readonly title = element('strong');
  private readonly subtitle = element('span', { class: 'thekeys-sber-subtitle' });
  private readonly mark = element('i', { role: 'img' });
  private readonly arrow = element('i', { 'aria-hidden': 'true' });
  private readonly tools = element('span', { class: 'thekeys-sber-tools' });
  private readonly remarks = element('ul', { class: 'thekeys-sber-remarks' });
  private readonly body: HTMLElement;
  private remarked = '';

  constructor(
    draft: Draft,
    open: boolean,
    private readonly words: Words,
    private readonly changed: () => void,
  ) {
    this.draft = draft;
    this.open = open;
    serial += 1;
    const id = `thekeys-sber-model-${serial}`;
    const toggle = (): void => {
      this.open = !this.open;
      changed();
    };
    this.head = element(
      'button',
      { type: 'button', class: 'thekeys-sber-head', 'aria-controls': id, onclick: toggle },
      this.arrow,
      element('span', { class: 'thekeys-sber-titles' }, this.title, this.subtitle),
      this.mark,
    );
    this.body = this.form({ draft, id, words, changed });
    this.item = element('li', {}, element('div', { class: 'thekeys-sber-line' }, this.head, this.tools), this.body);
  }

  /** The form. What is typed changes the draft at once. */
  private form(form: ModelForm): HTMLElement {
    const { draft, id, words } = form;
    const functions = element('div');
    const names = Object.keys(CATEGORIES).map((name) => [name, nameOf(words, 'category', name)] as const);
    names.sort(([, one], [, other]) => one.localeCompare(other));
    const unknown =
      draft.category === '' || draft.category in CATEGORIES ? [] : [[draft.category, draft.category] as const];
    const options = [['', words('builder.chooseCategory')] as const, ...names, ...unknown];
    const category = element(
      'select',
      {
        id: `${id}-category`,
        onchange: () => {
          draft.category = category.value;
          showFunctions(functions, form);
          this.changed();
        },
      },
      ...options.map(([value, label]) => element('option', { value }, label)),
    );
    category.value = draft.category;
    const texts = TEXTS.map((key) => {
      const input = element('input', {
        type: 'text',
        id: `${id}-${key}`,
        placeholder: words(`placeholder.${key}`),
        autocomplete: 'off',
        oninput: () => {
          draft[key] = input.value;
          this.changed();
        },
      });
      input.value = draft[key];
      return element('div', {}, element('label', { for: input.id }, words(`field.${key}`)), input);
    });
    showFunctions(functions, form);
    return element(
      'div',
      { id, class: 'thekeys-sber-body' },
      element(
        'div',
        { class: 'thekeys-sber-category' },
        element('label', { for: category.id }, words('field.category')),
        category,
      ),
      element('div', { class: 'thekeys-sber-fields' }, ...texts),
      functions,
      element('div', { role: 'status' }, this.remarks),
    );
  }

  focus(): void {
    this.body.querySelector('input')?.focus();
  }

  /** Everything that depends on what was typed. Inputs are left alone, so typing is never disturbed. */
  show(index: number, remarks: readonly Remark[], tools: (title: string) => HTMLElement[]): void {
    const { draft, words } = this;
    const title = draft.model.trim() || draft.id.trim() || words('builder.unnamed', { number: index + 1 });
    this.title.textContent = title;
    this.subtitle.textContent =
      draft.category === ''
        ? words('builder.noCategory')
        : `${nameOf(words, 'category', draft.category)} · ${words('builder.functionCount', { number: modelOf(draft).features.length })}`;
    this.mark.hidden = remarks.length === 0;
    this.mark.className = `fa fa-exclamation-triangle ${remarks.some(({ grave }) => grave) ? 'thekeys-sber-grave' : 'thekeys-sber-mild'}`;
    this.mark.title = words('builder.remarkCount', { number: remarks.length });
    this.mark.setAttribute('aria-label', this.mark.title);
    this.head.setAttribute('aria-expanded', String(this.open));
    this.arrow.className = `fa fa-angle-${this.open ? 'down' : 'right'}`;
    this.body.hidden = !this.open;
    this.tools.replaceChildren(...tools(title));
    this.showRemarks(remarks);
  }

  /** Again only where they changed: a screen reader reads them aloud. */
  private showRemarks(remarks: readonly Remark[]): void {
    const sentences = remarks.map(({ code, name, values }) =>
      this.words(`remark.${code}`, { ...values, name: name === undefined ? '' : nameOf(this.words, 'function', name) }),
    );
    if (this.remarked === sentences.join('\n')) return;
    this.remarked = sentences.join('\n');
    this.remarks.replaceChildren(
      ...sentences.map((sentence, index) =>
        element(
          'li',
          { class: remarks[index]?.grave === true ? 'thekeys-sber-grave' : 'thekeys-sber-mild' },
          element('i', { class: 'fa fa-exclamation-triangle', 'aria-hidden': 'true' }),
          element('span', {}, sentence),
        ),
      ),
    );
  }
}

/** Builds the rows in `container`. */
export function buildModels(container: HTMLElement, options: BuilderOptions): Builder {
  return new ModelBuilder(container, options);
}

class ModelBuilder implements Builder {
  private readonly rows: Row[];
  private readonly list: HTMLElement;
  private readonly empty: HTMLElement;
  private readonly add: HTMLButtonElement;
  private readonly fetch: HTMLButtonElement;
  private readonly fetched = element('span', { role: 'status', class: 'thekeys-sber-fetched' });
  private readonly preview: HTMLElement;
  private readonly json: HTMLElement;

  constructor(
    container: HTMLElement,
    private readonly options: BuilderOptions,
  ) {
    const { models, words } = options;
    this.rows = models.map((model) => this.row(draftOf(model), models.length === 1));
    this.list = element('ol', { class: 'thekeys-sber-rows' }, ...this.rows.map((row) => row.item));
    this.empty = element('p', { class: 'thekeys-sber-empty' }, words('builder.empty'));
    this.add = button('plus', words('builder.add'), () => {
      // The maker of several models is mostly the same.
      const { manufacturer = '' } = this.rows.at(-1)?.draft ?? {};
      this.insert(this.rows.length, { ...draftOf({}), manufacturer });
    });
    this.fetch = button('cloud-download', words('builder.fetch'), () => void this.addKnown());
    this.preview = element('pre', { class: 'thekeys-sber-json', tabindex: '0', 'aria-label': words('builder.json') });
    const summary = element('summary', {}, words('builder.json'));
    this.json = element('details', { class: 'thekeys-sber-preview' }, summary, this.preview, this.copyButton());
    const actions = element('div', { class: 'thekeys-sber-actions' }, this.add, this.fetch, this.fetched);
    container.replaceChildren(this.empty, this.list, actions, this.json);
    this.refresh();
  }

  models(): object[] {
    return this.rows.map((row) => modelOf(row.draft));
  }

  private row(draft: Draft, open: boolean): Row {
    return new Row(draft, open, this.options.words, () => this.refresh());
  }

  private copyButton(): HTMLElement {
    const { words, copy } = this.options;
    const made = button('clipboard', words('builder.copy'), () => {
      const label = made.lastElementChild as HTMLElement;
      copy(this.preview.textContent);
      label.textContent = words('builder.copied');
      setTimeout(() => (label.textContent = words('builder.copy')), COPIED_MS);
    });
    return made;
  }

  private refresh(): void {
    const { rows } = this;
    const remarks = remarksOn(rows.map((row) => row.draft));
    for (const [index, row] of rows.entries()) row.show(index, remarks[index] ?? [], (name) => this.toolsOf(row, name));
    this.empty.hidden = rows.length > 0;
    this.json.hidden = rows.length === 0;
    this.preview.textContent = JSON.stringify(this.models(), null, 2);
  }

  private toolsOf(row: Row, name: string): HTMLElement[] {
    const { words } = this.options;
    const duplicate = (): void => {
      const ids = this.rows.map(({ draft }) => draft.id.trim());
      this.insert(this.rows.indexOf(row) + 1, copyOf(row.draft, ids));
    };
    return [
      iconButton('clone', words('builder.duplicate', { name }), duplicate),
      iconButton('trash', words('builder.remove', { name }), () => this.remove(row)),
    ];
  }

  private insert(position: number, draft: Draft): void {
    const row = this.row(draft, true);
    this.list.insertBefore(row.item, this.rows[position]?.item ?? null);
    this.rows.splice(position, 0, row);
    this.refresh();
    row.focus();
  }

  private remove(row: Row): void {
    const position = this.rows.indexOf(row);
    this.rows.splice(position, 1);
    row.item.remove();
    this.refresh();
    (this.rows[Math.min(position, this.rows.length - 1)]?.head ?? this.add).focus();
  }

  /** Adds what Sber has under ids that are not here yet. What is here may be newer, so it stays. */
  private async addKnown(): Promise<void> {
    const { rows, fetch, fetched } = this;
    const { words, fetchModels } = this.options;
    // Not `disabled`, which would move the cursor away.
    if (fetch.getAttribute('aria-disabled') === 'true') return;
    fetch.setAttribute('aria-disabled', 'true');
    fetched.textContent = words('builder.fetching');
    try {
      const found = (await fetchModels()).map(draftOf);
      const here = new Set(rows.map((row) => row.draft.id.trim()));
      const fresh = found.filter((draft) => !here.has(draft.id)).map((draft) => this.row(draft, false));
      rows.push(...fresh);
      this.list.append(...fresh.map((row) => row.item));
      this.refresh();
      fetched.textContent = words('builder.fetched', { added: fresh.length, known: found.length - fresh.length });
    } catch (reason) {
      fetched.textContent = words('builder.fetchFailed', { reason: String(reason) });
    }
    fetch.removeAttribute('aria-disabled');
  }
}
