/**
 * The people of a Google account as rows. The runtime gives their names; their passwords never come back, so a list in which
 * some are kept is put together by the runtime, from what it has stored.
 */
import { addEye, button, element, iconButton, statusArea } from './elements';
import { field } from './fields';
import { ask, sentence } from './requests';
import { isVariable, STORED, trimmed, wrongUser, type Words } from './rules';

interface Row {
  /** The runtime has a password for this name. */
  isKept: boolean;
  name: HTMLInputElement;
  password: HTMLInputElement;
}

interface User {
  name: string;
  /** Absent: as it is stored. */
  password?: string;
}

export class UserRows {
  private readonly area: JQuery;
  private readonly list = element('div', { class: 'thekeys-users' });
  private readonly place = statusArea('thekeys-bad');
  private readonly before: string;
  private rows: Row[] = [];
  private touched = false;

  constructor(
    private readonly node: EditedNode,
    private readonly words: Words,
  ) {
    this.area = field(node, 'users').prop('hidden', true);
    this.before = String(this.area.val() ?? '');
    const label = this.area.closest('.form-row').children('label').attr('id', 'thekeys-users-label');
    const add = button('plus', words('button.addUser'), () => {
      this.add('', '', false).name.focus();
    });
    const group = { class: 'thekeys-beside', role: 'group', 'aria-labelledby': label.attr('id') };
    this.area.after(element('div', group, this.list, add, this.place));
    if (this.before === STORED) void this.load(add);
    else for (const line of this.before.split('\n').filter((each) => each.trim() !== '')) this.addLine(line);
  }

  /** Has the runtime put the list together where it must. True where it does. */
  save(): boolean {
    const users = this.users();
    if (!this.touched || users.every(({ password }) => password !== undefined)) return false;
    ask('POST', 'google/users', { id: this.node.id, users }).catch((error: unknown) => {
      RED.notify(this.words('users.refused', { reason: sentence(error, this.words) }), 'error');
    });
    return true;
  }

  private async load(add: HTMLButtonElement): Promise<void> {
    try {
      const { names } = await ask('GET', `google/${this.node.id}/users`);
      for (const name of names as string[]) this.add(name, '', true);
    } catch (error) {
      // A list typed now would replace one that is not seen.
      add.remove();
      this.place.textContent = sentence(error, this.words);
    }
  }

  private addLine(line: string): void {
    const colon = isVariable(line) ? line.length : line.indexOf(':');
    this.add(line.slice(0, colon < 0 ? line.length : colon), colon < 0 ? '' : line.slice(colon + 1), false);
  }

  private add(name: string, password: string, isKept: boolean): Row {
    const { words } = this;
    const input = (type: string, label: string, value: string): HTMLInputElement => {
      const oninput = (): void => this.changed();
      const labels = { 'aria-label': label, placeholder: label, autocomplete: 'new-password' };
      return element('input', { type, value, oninput, ...labels });
    };
    const row: Row = {
      isKept,
      name: input('text', words('users.name'), name),
      password: input('password', words(isKept ? 'users.newPassword' : 'users.password'), password),
    };
    row.name.readOnly = isKept;
    const beside = element('div', { class: 'thekeys-field' }, row.name, row.password);
    const remove = iconButton('trash', words('button.removeUser'), () => {
      this.rows = this.rows.filter((each) => each !== row);
      beside.remove();
      this.changed();
      this.advise();
    });
    beside.append(remove);
    // Not while a person types: when the cursor leaves the row.
    beside.addEventListener('focusout', ({ relatedTarget }) => {
      if (!beside.contains(relatedTarget as Node | null)) this.advise();
    });
    this.rows.push(row);
    this.list.append(beside);
    addEye($(row.password));
    return row;
  }

  /** Rows without anything in them are none. */
  private users(): User[] {
    const all = this.rows.map(({ isKept, name, password }) => ({
      name: trimmed(name.value),
      ...(isKept && password.value === '' ? {} : { password: password.value }),
    }));
    return all.filter(({ name, password }) => name !== '' || (password ?? '') !== '');
  }

  /** The credential holds the list where all of it was typed, and what it held before where the runtime makes it. */
  private changed(): void {
    this.touched = true;
    const users = this.users();
    const isWhole = users.every(({ password }) => password !== undefined);
    this.area.val(isWhole ? textOf(users) : this.before).trigger('change');
    if (this.place.textContent !== '') this.advise();
  }

  private advise(): void {
    const users = this.users();
    const isWrong = users.some(({ name }) => name.includes(':')) || wrongUser(textOf(users)) > 0;
    const [only, ...others] = users;
    const isFromVariable = others.length === 0 && only?.password !== undefined && isVariable(textOf(users));
    this.place.textContent = isWrong && !isFromVariable ? this.words('validator.users') : '';
  }
}

/** Lines `name:password`; a single variable stands for all of them. */
function textOf(users: readonly User[]): string {
  const [only] = users;
  if (only !== undefined && users.length === 1 && isVariable(only.name) && only.password === '') return only.name;
  return users.map(({ name, password }) => `${name}:${password ?? STORED}`).join('\n');
}
