/**
 * The people of a Google account as rows. The runtime gives their names; their passwords never come back, so a list in which
 * some are kept is put together by the runtime, from what it has stored.
 */
import { parseUsers } from '../src/google/users';
import { addEye, button, element, iconButton, statusArea } from './elements';
import { field } from './fields';
import { ask, sentence } from './requests';
import { isVariable, STORED, trimmed, type Words } from './rules';

interface User {
  name: string;
  /** Absent: as it is stored. */
  password?: string;
}

/** @returns has the runtime put the list together where it must, when the dialog is saved; true where it does */
export function userRows(node: EditedNode, words: Words): () => boolean {
  const area = field(node, 'users').prop('hidden', true);
  const before = String(area.val() ?? '');
  area.closest('.form-row').children('label').attr('id', 'thekeys-users-label');
  const list = element('div', { class: 'thekeys-users', oninput: () => changed() });
  const place = statusArea('thekeys-bad');
  const add = button('plus', words('button.addUser'), () => addRow('', '').querySelector('input')?.focus());
  const group = { class: 'thekeys-beside', role: 'group', 'aria-labelledby': 'thekeys-users-label' };
  area.after(element('div', group, list, add, place));
  /** Rows without anything in them are none. */
  const users = (): User[] =>
    Array.from(list.children, userOf).filter(({ name, password }) => name !== '' || (password ?? '') !== '');
  const isWhole = (): boolean => users().every(({ password }) => password !== undefined);
  let touched = false;

  /** The credential holds the list where all of it was typed, and what it held before where the runtime makes it. */
  const changed = (): void => {
    touched = true;
    area.val(isWhole() ? textOf(users()) : before).trigger('change');
    if (place.textContent !== '') advise();
  };
  const advise = (): void => {
    place.textContent = isFine(users()) ? '' : words('validator.users');
  };
  const addRow = (name: string, password?: string): HTMLElement => {
    const row = rowOf(words, name, password, () => {
      changed();
      advise();
    });
    // Not while a person types: when the cursor leaves the row.
    row.addEventListener('focusout', ({ relatedTarget }) => {
      if (!row.contains(relatedTarget as Node | null)) advise();
    });
    list.append(row);
    addEye($(row).find('[type="password"]'));
    return row;
  };

  if (before !== STORED) {
    for (const line of before.split('\n').filter((each) => each.trim() !== '')) addRow(...halvesOf(line));
  } else {
    ask('GET', `google/${node.id}/users`)
      .then(({ names }) => (names as string[]).forEach((name) => addRow(name)))
      .catch((error: unknown) => {
        // A list typed now would replace one that is not seen.
        add.remove();
        place.textContent = sentence(error, words);
      });
  }

  return () => {
    if (!touched || isWhole()) return false;
    ask('POST', 'google/users', { id: node.id, users: users() }).catch((error: unknown) => {
      RED.notify(words('users.refused', { reason: sentence(error, words) }), 'error');
    });
    return true;
  };
}

/** A row for a name and its password. A name without a password is one that the runtime keeps. */
function rowOf(words: Words, name: string, password: string | undefined, removed: () => void): HTMLElement {
  const isKept = password === undefined;
  const input = (type: string, key: string, value: string, readonly = false): HTMLInputElement => {
    const labels = { 'aria-label': words(key), placeholder: words(key), autocomplete: 'new-password' };
    return element('input', { type, value, readonly, ...labels });
  };
  const named = input('text', 'users.name', name, isKept);
  const secret = input('password', isKept ? 'users.newPassword' : 'users.password', password ?? '');
  const remove = iconButton('trash', words('button.removeUser'), () => {
    row.remove();
    removed();
  });
  const row = element('div', { class: 'thekeys-field' }, named, secret, remove);
  return row;
}

function userOf(row: Element): User {
  const [name, secret] = row.querySelectorAll('input');
  const password = secret?.value ?? '';
  return { name: trimmed(name?.value), ...(name?.readOnly && password === '' ? {} : { password }) };
}

function isFine(users: readonly User[]): boolean {
  const text = textOf(users);
  return isVariable(text) || (!users.some(({ name }) => name.includes(':')) && parseUsers(text).problems.length === 0);
}

/** A line's name and password; a variable, like what has no colon, is all name. */
function halvesOf(line: string): [string, string] {
  const colon = isVariable(line) ? -1 : line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
}

/** Lines `name:password`; a single variable stands for all of them. */
function textOf(users: readonly User[]): string {
  const [only] = users;
  if (only !== undefined && users.length === 1 && isVariable(only.name) && only.password === '') return only.name;
  return users.map(({ name, password }) => `${name}:${password ?? STORED}`).join('\n');
}
