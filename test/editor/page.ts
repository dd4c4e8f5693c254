/**
 * The browser half of the nodes without a browser: runs a node's page, as it is shipped, in a context with a stand-in for
 * the editor's `RED`, and gives what the page registered. What a user sees is left to the tests with a real browser.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { dialogPage } from '../../scripts/pages';

export const ROOT = path.join(__dirname, '..', '..');
export const NODES = path.join(ROOT, 'nodes');
export const LANGUAGES = ['en-US', 'fr', 'ru', 'pl'] as const;
export const PACKAGE = 'node-red-contrib-thekeys-gateway';

export interface Tree {
  [name: string]: Tree | string;
}

/** A property of `defaults` or `credentials` as the page declares it. */
export interface Property {
  value?: unknown;
  type?: string;
  required?: boolean;
  validate?: ((this: unknown, value: unknown, options?: object) => unknown) | undefined;
}

export interface Definition {
  category: string;
  defaults: Record<string, Property>;
  credentials?: Record<string, Property>;
  inputs?: number;
  outputs?: number;
  icon?: string;
  color?: string;
  label?: string | ((this: unknown) => string);
  paletteLabel?: string | ((this: unknown) => string);
}

export interface Page {
  type: string;
  source: string;
  definitions: Map<string, Definition>;
}

/** All node types that ship an editor page, by their file names. */
export function pageNames(): string[] {
  return readdirSync(NODES)
    .filter((file) => file.endsWith('.html'))
    .map((file) => file.slice(0, -'.html'.length))
    .sort();
}

export function labelsOf(type: string, language: string): Tree {
  return JSON.parse(readFileSync(path.join(NODES, 'locales', language, `${type}.json`), 'utf8')) as Tree;
}

export function lookUp(tree: Tree, key: string): string | undefined {
  let found: Tree | string | undefined = tree;
  for (const part of key.split('.')) {
    found = typeof found === 'object' && Object.hasOwn(found, part) ? found[part] : undefined;
  }
  return typeof found === 'string' ? found : undefined;
}

/** Paths of all texts in a tree, sorted. */
export function keysOf(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree)
    .flatMap(([name, value]) => (typeof value === 'string' ? [`${prefix}${name}`] : keysOf(value, `${prefix}${name}.`)))
    .sort();
}

/** Fills `__name__` in as the editor's translation does. */
function fill(text: string, values: unknown): string {
  const given = (typeof values === 'object' && values !== null ? values : {}) as Record<string, unknown>;
  return text.replace(/__(\w+)__/g, (whole, name: string) =>
    Object.hasOwn(given, name) ? String(given[name]) : whole,
  );
}

/** Translates like the editor: `namespace:key` or a key of this page's own file; an unknown key comes back as it is. */
export function translator(type: string, language = 'en-US'): (key: string, values?: unknown) => string {
  return (key, values) => {
    const [namespace, own] = key.includes(':')
      ? [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)]
      : ['', key];
    if (namespace === 'node-red') return own;
    const file = namespace.startsWith(`${PACKAGE}/`) ? namespace.slice(PACKAGE.length + 1) : type;
    if (!existsSync(path.join(NODES, 'locales', language, `${file}.json`))) return key;
    const found = lookUp(labelsOf(file, language), own);
    return found === undefined ? key : fill(found, values);
  };
}

/** Source text of the page's own script. */
function scriptOf(source: string): string {
  return /<script type="text\/javascript">\n([\s\S]*?)<\/script>/.exec(source)?.[1] ?? '';
}

const sources = new Map<string, string>();

/** A page as it is shipped. */
export function sourceOf(type: string): string {
  const source = sources.get(type) ?? dialogPage(type);
  sources.set(type, source);
  return source;
}

/** Answers every property and every call with itself: what a page does while it loads must not need more of the editor. */
function anything(): unknown {
  const target = (): unknown => proxy;
  const proxy: unknown = new Proxy(target, {
    get: (_target, key) => (key === Symbol.toPrimitive ? () => '' : proxy),
    apply: () => proxy,
  });
  return proxy;
}

export function loadPage(type: string, language = 'en-US'): Page {
  const source = sourceOf(type);
  const definitions = new Map<string, Definition>();
  const translate = translator(type, language);
  const isVariable = (value: unknown): boolean => typeof value === 'string' && /^\$\{[^}]+\}$/.test(value);
  const RED = {
    _: translate,
    nodes: {
      registerType: (name: string, definition: Definition) => {
        definitions.set(name, definition);
      },
      node: () => null,
      eachNode: () => undefined,
      eachConfig: () => undefined,
      filterNodes: () => [],
    },
    // As the editor's own: `${ENV}` passes, a blank value passes only where it is allowed.
    validators: {
      number: (blank?: boolean) => (value: unknown) =>
        isVariable(value) || (value === '' || value === undefined ? blank === true : !Number.isNaN(Number(value))),
      regex: (pattern: RegExp) => (value: unknown) => pattern.test(String(value)),
      typedInput: () => () => true,
    },
    settings: {},
    events: { on: () => undefined, off: () => undefined },
    comms: { subscribe: () => undefined, unsubscribe: () => undefined },
    plugins: { registerPlugin: () => undefined },
    utils: { isVariable },
  };
  const window: Record<string, unknown> = { RED, $: anything(), jQuery: anything(), setTimeout, clearTimeout, URL };
  window.window = window;
  window.document = anything();
  vm.runInContext(scriptOf(source), vm.createContext(window), { filename: `${type}.html` });
  return { type, source, definitions };
}
