/**
 * The model builder in the dialog of sber-models: device models as rows, each opened into a form made from Sber's
 * catalogue. Made for people who do not write JSON; what is saved is shown to those who do.
 */
import { CATEGORIES } from '../../src/sber/catalogue';
import { button, copyButton, element, icon, iconButton, select, statusArea } from '../elements';
import type { Words } from '../rules';
import { good, requestButton } from '../requests';
import { copyOf, draftOf, modelOf, nameOf, remarksOn, TEXTS, type Draft, type Remark } from './draft';
import { showFunctions } from './functions';

const SBER_ACCOUNT = 'node-red-contrib-thekeys-gateway/sber-config:sber-config.';
let serial = 0;

export interface BuilderOptions {
  /** As saved. */
  models: readonly unknown[];
  words: Words;
  /** The models that Sber has. @throws Failure */
  fetchModels: () => Promise<unknown[]>;
}

/** One model: its head with its tools, and its form. */
class Row {
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
    readonly draft: Draft,
    private open: boolean,
    private readonly words: Words,
    private readonly changed: () => void,
  ) {
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
    this.body = this.form(id);
    this.item = element('li', {}, element('div', { class: 'thekeys-sber-line' }, this.head, this.tools), this.body);
  }

  /** The form. What is typed changes the draft at once. */
  private form(id: string): HTMLElement {
    const { draft, words, changed } = this;
    const functions = element('div');
    const showThem = (): void => showFunctions(functions, { draft, id, words, changed });
    const names = Object.keys(CATEGORIES).map((name) => [name, nameOf(words, 'category', name)] as const);
    names.sort(([, one], [, other]) => one.localeCompare(other));
    const unknown =
      draft.category === '' || draft.category in CATEGORIES ? [] : [[draft.category, draft.category] as const];
    const choices = [['', words('builder.chooseCategory')] as const, ...names, ...unknown];
    const category = select(choices, draft.category, {
      id: `${id}-category`,
      onchange: () => {
        draft.category = category.value;
        showThem();
        changed();
      },
    });
    const labelled = (key: string, input: HTMLElement, more: object = {}): HTMLElement =>
      element('div', { ...more }, element('label', { for: input.id }, words(`field.${key}`)), input);
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
    showThem();
    return element(
      'div',
      { id, class: 'thekeys-sber-body' },
      labelled('category', category, { class: 'thekeys-sber-category' }),
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
    const { draft, words, mark } = this;
    const title = draft.model.trim() || draft.id.trim() || words('builder.unnamed', { number: index + 1 });
    this.title.textContent = title;
    this.subtitle.textContent =
      draft.category === ''
        ? words('builder.noCategory')
        : `${nameOf(words, 'category', draft.category)} · ${words('builder.functionCount', { number: modelOf(draft).features.length })}`;
    mark.hidden = remarks.length === 0;
    mark.className = `fa fa-exclamation-triangle ${remarks.some(({ grave }) => grave) ? 'thekeys-sber-grave' : 'thekeys-sber-mild'}`;
    mark.title = words('builder.remarkCount', { number: remarks.length });
    mark.setAttribute('aria-label', mark.title);
    this.head.setAttribute('aria-expanded', String(this.open));
    this.arrow.className = `fa fa-angle-${this.open ? 'down' : 'right'}`;
    this.body.hidden = !this.open;
    this.tools.replaceChildren(...tools(title));
    this.showRemarks(remarks);
  }

  /** Again only where they changed: a screen reader reads them aloud. */
  private showRemarks(remarks: readonly Remark[]): void {
    const lines = remarks.map(({ code, name, values, grave }) => {
      const named = name === undefined ? '' : nameOf(this.words, 'function', name);
      const text = element('span', {}, this.words(`remark.${code}`, { ...values, name: named }));
      return element('li', { class: `thekeys-sber-${grave ? 'grave' : 'mild'}` }, icon('exclamation-triangle'), text);
    });
    const remarked = lines.map((line) => line.textContent).join('\n');
    if (this.remarked !== remarked) this.remarks.replaceChildren(...lines);
    this.remarked = remarked;
  }
}

/** The rows of all models, in `container`. */
export class ModelBuilder {
  private readonly rows: Row[];
  private readonly list: HTMLElement;
  private readonly empty: HTMLElement;
  private readonly add: HTMLButtonElement;
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
    this.preview = element('pre', { class: 'thekeys-sber-json', tabindex: '0', 'aria-label': words('builder.json') });
    const summary = element('summary', {}, words('builder.json'));
    const copy = copyButton(() => this.preview.textContent);
    this.json = element('details', { class: 'thekeys-sber-preview' }, summary, this.preview, copy);
    const fetched = statusArea('thekeys-flush');
    const actions = element('div', { class: 'thekeys-sber-actions' }, this.add, this.fetchButton(fetched));
    container.replaceChildren(this.empty, this.list, actions, fetched, this.json);
    this.refresh();
  }

  /** The models as they are to be saved. */
  models(): object[] {
    return this.rows.map((row) => modelOf(row.draft));
  }

  private row(draft: Draft, open: boolean): Row {
    return new Row(draft, open, this.options.words, () => this.refresh());
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
  private fetchButton(area: HTMLElement): HTMLButtonElement {
    const { words, fetchModels } = this.options;
    return requestButton(area, {
      icon: 'cloud-download',
      label: words('builder.fetch'),
      words: (key, values) => RED._(SBER_ACCOUNT + key, values),
      run: async () => {
        const found = (await fetchModels()).map(draftOf);
        const here = new Set(this.rows.map((row) => row.draft.id.trim()));
        const fresh = found.filter((draft) => !here.has(draft.id)).map((draft) => this.row(draft, false));
        this.rows.push(...fresh);
        this.list.append(...fresh.map((row) => row.item));
        this.refresh();
        return good(words('builder.fetched', { added: fresh.length, known: found.length - fresh.length }));
      },
    });
  }
}
