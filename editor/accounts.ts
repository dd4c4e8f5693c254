/**
 * The red triangle of an account without what it needs. The editor hands credentials to no validator of a node, so what the
 * runtime keeps of them (which, never what) is asked for once, when the account comes into the editor.
 */
import { follow, shared } from './elements';
import { field, isOpen } from './fields';

/** By account, the credentials that the runtime keeps. Unknown accounts are not judged. */
const kept = new Map<string, Record<string, unknown>>();

/** Watches the accounts of a type, to judge them by `needs(type, …)`. */
export function watchAccounts(type: string): void {
  RED.events.on('nodes:add', (node) => {
    if (node.type === type) void learn(node);
  });
}

async function learn(node: EditedNode): Promise<void> {
  try {
    kept.set(node.id, (await $.getJSON(`credentials/${node.type}/${node.id}`)) as Record<string, unknown>);
  } catch {
    // One who may not read credentials sees no triangle.
    return;
  }
  RED.editor.validateNode(node);
  for (const user of (node.users ?? []) as EditedNode[]) RED.editor.validateNode(user);
  RED.view.redraw();
}

/** A validator for the setting `name`, of which nothing else is asked: the credentials that an account cannot do without. */
export function needs(...keys: string[]): Validator {
  return function (_value, _options) {
    // In the dialog the fields themselves show it.
    if (isOpen(this)) return true;
    const held = (this.credentials ?? kept.get(this.id)) as Record<string, unknown> | undefined;
    if (held === undefined) return true;
    const missing = keys.filter((key) => held[`has_${key}`] !== true && !held[key]);
    const list = missing.map((key) => this._(`${this.type}.label.${key}`)).join(', ');
    return missing.length === 0 || shared('validator.missing', { list });
  };
}

/** Marks the fields of credentials that are empty, like the editor marks other fields. */
export function markMissing(node: EditedNode, ...keys: string[]): void {
  for (const key of keys) {
    const input = field(node, key);
    // A field that shows "kept" is empty, but its credential is not.
    const isKept = (node.credentials as Record<string, unknown> | undefined)?.[`has_${key}`] === true;
    // After the editor's own judgement, which knows of no credential that is needed.
    follow(input, () => {
      setTimeout(() => input.toggleClass('input-error', !isKept && String(input.val() ?? '').trim() === ''), 0);
    });
  }
}
