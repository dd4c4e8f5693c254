/**
 * The pages that Node-RED's editor loads, made from their sources: a dialog from its rows (`nodes/<type>.html`) and its code
 * (`editor/<type>.ts`), a help page from its text and the parts that several pages of one language share.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';

const ROOT = path.join(__dirname, '..');
const STYLES = 'resources/node-red-contrib-thekeys-gateway/thekeys-dialogs.css';

type Attributes = Readonly<Record<string, string | undefined>>;

/** The html page of a node type. */
export function dialogPage(type: string): string {
  const script = dialogScript(type);
  const isConfig = script.includes('category:"config"');
  return `<link rel="stylesheet" href="${STYLES}" />
<script type="text/html" data-template-name="${type}">
<div class="thekeys-form">
${expand(readFileSync(path.join(ROOT, 'nodes', `${type}.html`), 'utf8'), type, isConfig ? 'node-config-input-' : 'node-input-')}</div>
</script>

<script type="text/javascript">
${script}</script>
`;
}

/** The browser half of a node type in one script. The flow library reads the call of `registerType` in it. */
function dialogScript(type: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [path.join(ROOT, 'editor', `${type}.ts`)],
    tsconfig: path.join(ROOT, 'tsconfig.editor.json'),
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2020',
    charset: 'utf8',
    minifyWhitespace: true,
    minifyIdentifiers: true,
  });
  return (outputFiles[0]?.text ?? '').replace(/registerType\("([\w-]+)",/, "registerType('$1', ");
}

/** `<form-row>`, `<form-hint>` and `<form-danger>` as the html that they stand for. */
function expand(source: string, type: string, prefix: string): string {
  return source
    .replace(/<!--[\s\S]*?-->\s*/g, '')
    .replace(/<form-(hint|danger)\b([^>]*)>\s*<\/form-\1>/g, (_all, kind: string, attributes: string) =>
      hint(kind, attributesOf(attributes), type),
    )
    .replace(/<form-row\b([^>]*)>([\s\S]*?)<\/form-row>/g, (_all, attributes: string, content: string) =>
      row(attributesOf(attributes), content.trim(), type, prefix),
    );
}

function attributesOf(source: string): Attributes {
  return Object.fromEntries(
    [...source.matchAll(/([\w-]+)(?:="([^"]*)"|='([^']*)')?/g)].map(([, name = '', value, quoted = '']) => [
      name,
      value ?? quoted.replaceAll('"', '&quot;'),
    ]),
  );
}

const attribute = (name: string, value: string | undefined): string =>
  value === undefined ? '' : ` ${name}="${value}"`;

/** A sentence below a field: `for` names its words; `when` the choices with which it is shown. */
function hint(kind: string, { for: key = '', when, id, hidden, class: more = '' }: Attributes, type: string): string {
  const words = key.includes('.') ? key : `hint.${key}`;
  return `<div class="${`thekeys-${kind} ${more}`.trim()}"${attribute('id', id)}${attribute('data-when', when)}${
    hidden === undefined ? '' : ' hidden'
  } data-i18n="${type}.${words}"></div>`;
}

/**
 * A label and a field. `for` names the setting (or `id` the field), `icon` is Font Awesome's, `is` the kind of field: text,
 * password, area, select (of `options`), check, or a number in `unit`; `typed` lets its value come from elsewhere.
 */
function row(attributes: Attributes, content: string, type: string, prefix: string): string {
  const { for: key = '', icon, is = 'text', when, label = key, row: rowId, unit, typed } = attributes;
  const id = attributes.id ?? prefix + key;
  const input = `${field(is, id, attributes, type)}${typed === undefined ? '' : `<input type="hidden" id="${id}Type" />`}`;
  const words = label.includes('.') ? label : `label.${label}`;
  const caption = `<span data-i18n="${type}.${words}"></span>`;
  const parts =
    is === 'check'
      ? [input, `<label for="${id}" class="thekeys-check-label">${caption}</label>`]
      : [`<label for="${id}"><i class="fa fa-${icon ?? ''}"></i> ${caption}</label>`, input];
  if (unit !== undefined) parts.push(`<span data-i18n="${type}.label.${unit}"></span>`);
  const lines = [...parts, content].filter((line) => line !== '').map((line) => `  ${line}\n`);
  return `<div class="form-row"${attribute('id', rowId)}${attribute('data-when', when)}>\n${lines.join('')}</div>`;
}

function field(
  is: string,
  id: string,
  { for: key = '', options = '', placeholder, rows, unit }: Attributes,
  type: string,
): string {
  const hint =
    placeholder === '' ? ` data-i18n="[placeholder]${type}.placeholder.${key}"` : attribute('placeholder', placeholder);
  const listed = options.split(/\s+/).filter((value) => value !== '');
  switch (is) {
    case 'select':
      return `<select id="${id}">${listed
        .map((value) => `<option value="${value}" data-i18n="${type}.option.${value}"></option>`)
        .join('')}</select>`;
    case 'area':
      return `<textarea id="${id}" rows="${rows ?? '3'}" spellcheck="false" autocomplete="off"${hint}></textarea>`;
    case 'check':
      return `<input type="checkbox" id="${id}" class="thekeys-check" />`;
    case 'password':
      return `<input type="password" id="${id}" autocomplete="new-password"${hint} />`;
    default:
      return `<input type="text" id="${id}"${unit === undefined ? '' : ' class="thekeys-short"'} autocomplete="off"${hint} />`;
  }
}

/** The help page of a node type: `<help-part name="…">` stands for a part that several pages share. */
export function helpPage(type: string, language: string): string {
  const folder = path.join(ROOT, 'nodes', 'locales', language);
  const folders = [path.join(folder, 'parts'), path.join(ROOT, 'editor', 'help')];
  const withParts = (text: string): string =>
    text.replace(/<help-part\b([^>]*)>\s*<\/help-part\s*>/g, (_all, attributes: string) => {
      const { name = '', only } = attributesOf(attributes);
      const file = folders.map((each) => path.join(each, `${name}.html`)).find(existsSync);
      if (file === undefined) throw new Error(`no part of a help page is called ${name}`);
      const part = readFileSync(file, 'utf8').trimEnd();
      return withParts(only === undefined ? part : entriesOf(part, only.split(/\s+/)));
    });
  return withParts(readFileSync(path.join(folder, `${type}.html`), 'utf8'));
}

/** Of a list of terms, those whose term begins with one of these words, in the order of the list. */
function entriesOf(part: string, words: readonly string[]): string {
  const entries = part.split(/^(?=<dt)/m);
  const missing = words.find((word) => !entries.some((entry) => termOf(entry) === word));
  if (missing !== undefined) throw new Error(`the part has no entry ${missing}`);
  return entries.filter((entry) => words.includes(termOf(entry))).join('');
}

const termOf = (entry: string): string => /^<dt[^>]*>([\w-]+)/.exec(entry)?.[1] ?? '';
