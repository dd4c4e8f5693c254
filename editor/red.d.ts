/**
 * The editor as these dialogs use it: the published types of Node-RED, and what they lack. Values of a node are `unknown`,
 * for a flow may have been written by hand.
 */
import type { EditorRED } from 'node-red';

declare global {
  /** A node of the flow, with its settings under their names. */
  interface EditedNode {
    readonly id: string;
    readonly type: string;
    readonly z?: string;
    /** Disabled by its user. */
    readonly d?: boolean;
    readonly changed?: boolean;
    readonly _def: Definition;
    _(key: string, values?: object): string;
    [setting: string]: unknown;
  }

  /** The editor shows a sentence only of a validator that names two parameters. */
  type Validator = (this: EditedNode, value: unknown, options: object) => boolean | string;

  interface Definition {
    category: string;
    defaults: Record<string, { value: unknown; type?: string; required?: boolean; validate?: Validator }>;
    credentials?: Record<string, { type: 'text' | 'password' }>;
    inputs?: 0 | 1;
    outputs?: number;
    [look: string]: unknown;
    label: (this: EditedNode) => string;
    labelStyle?: (this: EditedNode) => string;
    oneditprepare?: (this: EditedNode) => void;
    /** True: something has changed that the editor does not see. */
    oneditsave?: (this: EditedNode) => unknown;
    oneditcancel?: (this: EditedNode) => void;
    oneditresize?: (this: EditedNode) => void;
  }

  interface Editor extends Omit<EditorRED, 'nodes' | 'clipboard' | '_' | 'editor' | 'events'> {
    _(key: string | string[], values?: object): string;
    nodes: {
      registerType(type: string, definition: Definition): void;
      node(id: string): EditedNode | null;
      eachNode(visit: (node: EditedNode) => void): void;
      workspace(id: string): { readonly disabled?: boolean } | undefined;
    };
    clipboard: { copyText(text: string): boolean };
    editor: { validateNode(node: EditedNode): boolean };
    events: { on(event: 'nodes:add', handler: (node: EditedNode) => void): void };
    notify(text: string, type: 'error'): void;
    view: EditorRED['view'];
  }

  interface JQuery {
    autoComplete(options: {
      minLength?: number;
      search: (typed: string, done: (offers: { value: string; label: string }[]) => void) => object[] | undefined;
    }): this;
  }

  const RED: Editor;
}
