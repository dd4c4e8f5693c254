/**
 * A node's edit dialog as a person uses it: open, fill whatever can be filled, save, look again. Knows nothing of any
 * particular node, so that it serves every node that exists.
 */
import axe from 'axe-core';
import type { Editor } from './browser';

export interface Field {
  id: string;
  kind: 'text' | 'number' | 'check' | 'choice';
  value: string | boolean;
}

export interface Stop {
  html: string;
  name: string;
  seen: boolean;
}

const FIELDS = `(form) => [...form.querySelectorAll('input[id], select[id], textarea[id]')]
  .filter((element) => /^node-(config-)?input-/.test(element.id) && element.offsetParent !== null)
  .filter((element) => !element.disabled && !element.readOnly && element.type !== 'password')
  .map((element) => ({
    id: element.id,
    kind: element.tagName === 'SELECT' ? 'choice'
      : element.type === 'checkbox' ? 'check'
      : element.type === 'number' ? 'number' : 'text',
    value: element.type === 'checkbox' ? element.checked : element.value,
  }))`;

const WORDS = `(form) => {
  const words = [];
  const walker = document.createTreeWalker(form, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) words.push(walker.currentNode.textContent.trim());
  for (const element of form.querySelectorAll('*')) {
    for (const name of ['placeholder', 'title', 'aria-label', 'alt']) words.push(element.getAttribute(name) || '');
  }
  return words.filter((word) => word !== '');
}`;

export class Dialog {
  private constructor(
    private readonly editor: Editor,
    private readonly config: boolean,
  ) {}

  /** Opens it with a double click on the canvas, as people do; configuration nodes from where the sidebar would. */
  static async open(editor: Editor, id: string): Promise<Dialog> {
    const config = await editor.evaluate<boolean>(`RED.nodes.node('${id}')._def.category === 'config'`);
    const dialog = new Dialog(editor, config);
    if (config) {
      await editor.evaluate(`RED.editor.editConfig('', RED.nodes.node('${id}').type, '${id}')`);
      await dialog.form.waitFor({ state: 'visible' });
    } else {
      await editor.evaluate(`RED.view.reveal('${id}', false)`);
      await dialog.doubleClick(id);
    }
    // The tray slides in; what is looked at before it stands still is not what a person sees.
    await dialog.button('ok').click({ trial: true });
    return dialog;
  }

  /** Again where a busy machine took too long between the two clicks: to the editor they are then two single ones. */
  private async doubleClick(id: string, tries = 3): Promise<void> {
    await this.editor.page.locator(`[id="${id}"] .red-ui-flow-node`).first().dblclick();
    try {
      await this.form.waitFor({ state: 'visible', timeout: tries > 1 ? 8000 : 30_000 });
    } catch (error) {
      if (tries <= 1) throw error;
      await this.doubleClick(id, tries - 1);
    }
  }

  get form() {
    return this.editor.page.locator(this.selector);
  }

  private get selector(): string {
    return this.config ? '#node-config-dialog-edit-form' : '#dialog-form';
  }

  /** What can be filled in now. */
  fields(): Promise<Field[]> {
    return this.editor.evaluate<Field[]>(`(${FIELDS})(document.querySelector('${this.selector}'))`);
  }

  /** Gives every field another value and returns what the form then holds. */
  async fill(): Promise<Field[]> {
    // Choices first: they decide which of the other fields apply.
    for (const kind of ['choice', 'check', 'number', 'text'] as const) {
      const seen = await this.fields();
      for (const field of seen.filter((candidate) => candidate.kind === kind)) await this.change(field);
    }
    return this.fields();
  }

  private async change(field: Field): Promise<void> {
    const element = this.editor.page.locator(`[id="${field.id}"]`);
    if (!(await element.isVisible())) return;
    switch (field.kind) {
      case 'check':
        await element.setChecked(field.value !== true);
        return;
      case 'number':
        await element.fill(String(Number(field.value) + 1));
        return;
      case 'choice': {
        const values = await element
          .locator('option:not([disabled])')
          .evaluateAll((options) => options.map((option) => (option as unknown as { value: string }).value));
        const other = values.filter((value) => value !== field.value && value !== '' && value !== '_ADD_').at(-1);
        if (other !== undefined) await element.selectOption(other);
        return;
      }
      case 'text':
        await element.fill(
          /^\d+$/.test(String(field.value)) ? String(Number(field.value) + 1) : `other ${field.id.slice(-4)}`,
        );
        return;
    }
  }

  /** Everything that is there to be read: texts, placeholders, tooltips, names for screen readers. */
  async words(): Promise<string[]> {
    return this.editor.evaluate<string[]>(`(${WORDS})(document.querySelector('${this.selector}'))`);
  }

  /** How often each rule of axe is broken in this dialog. */
  async accessibility(): Promise<Map<string, string[]>> {
    await this.editor.evaluate(axe.source);
    const result = await this.editor.evaluate<{ id: string; nodes: string[] }[]>(
      `axe.run('${this.selector}', { resultTypes: ['violations'] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html.slice(0, 160)) })))`,
    );
    return new Map(result.map(({ id, nodes }) => [id, nodes]));
  }

  /** What sticks out of the dialog to the right, where nobody can see or reach it. */
  async cutOff(): Promise<string[]> {
    return this.editor.evaluate<string[]>(`(() => {
      const form = document.querySelector('${this.selector}');
      const { right } = form.closest('.red-ui-tray').getBoundingClientRect();
      return [...form.querySelectorAll('*')]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > right)
        .map((element) => element.outerHTML.slice(0, 120));
    })()`);
  }

  /**
   * Goes through the dialog with the Tab key, from its first field until the cursor leaves it. Each stop is told by its
   * name for screen readers (empty: none) and by whether it looks other than without the cursor.
   */
  async walk(): Promise<Stop[]> {
    await this.editor.evaluate(`(() => {
      const form = document.querySelector('${this.selector}');
      const look = (element) => {
        for (const animation of element.getAnimations()) animation.finish();
        const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } = getComputedStyle(element);
        const outline = outlineStyle === 'none' ? 'none' : outlineStyle + outlineWidth + outlineColor;
        return [outline, boxShadow, borderColor, backgroundColor].join();
      };
      const nameOf = (element) =>
        [element.getAttribute('aria-label'), ...[...(element.labels ?? [])].map((label) => label.textContent),
          element.textContent, element.title].map((text) => (text ?? '').trim()).find((text) => text !== '') ?? '';
      const stops = [];
      window.theKeysWalk = {
        note() {
          const element = document.activeElement;
          if (!form.contains(element) || stops.some((stop) => stop.element === element)) return false;
          stops.push({ element, name: nameOf(element), look: look(element) });
          return true;
        },
        end() {
          document.activeElement.blur();
          return stops.map(({ element, name, look: with_ }) => ({
            html: element.outerHTML.slice(0, 120), name, seen: with_ !== look(element),
          }));
        },
      };
      form.querySelector('[id^="node-"]:is(input, select)').focus();
    })()`);
    do await this.editor.page.keyboard.press('Tab');
    while (await this.editor.evaluate<boolean>('theKeysWalk.note()'));
    return this.editor.evaluate<Stop[]>('theKeysWalk.end()');
  }

  async save(): Promise<void> {
    await this.finish('ok');
  }

  async cancel(): Promise<void> {
    await this.finish('cancel');
  }

  private button(name: 'ok' | 'cancel') {
    return this.editor.page.locator(this.config ? `#node-config-dialog-${name}` : `#node-dialog-${name}`);
  }

  private async finish(name: 'ok' | 'cancel'): Promise<void> {
    await this.button(name).click();
    await this.form.waitFor({ state: 'detached' });
    await this.editor.page.locator('.red-ui-tray').waitFor({ state: 'detached' });
  }
}
