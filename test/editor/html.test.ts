/**
 * The editor half of every node, without a browser: each shipped page is run and held against its own template, its words
 * in all languages and the editor's rules. New node types are taken in by the name of their files.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { helpPage } from '../../scripts/pages';
import {
  keysOf,
  labelsOf,
  LANGUAGES,
  loadPage,
  lookUp,
  NODES,
  pageNames,
  ROOT,
  translator,
  type Definition,
  type Page,
  type Property,
} from './page';

/** Single letters and these names are the editor's own in every node. */
const RESERVED = /^(.|id|type|wires|inputs|outputs)$/;
const BADGE_LENGTH = 20;
/** Stands in for every number in a badge; larger ones are rare. */
const NUMBER = '99';

/** What the parts of a help are called that people look for. */
const HEADINGS: Readonly<Record<string, { inputs: string; outputs: string; errors: string }>> = {
  'en-US': { inputs: 'Inputs', outputs: 'Outputs', errors: 'Errors' },
  fr: { inputs: 'Entrées', outputs: 'Sorties', errors: 'Erreurs' },
  ru: { inputs: 'Входы', outputs: 'Выходы', errors: 'Ошибки' },
  pl: { inputs: 'Wejścia', outputs: 'Wyjścia', errors: 'Błędy' },
};

const helpOf = helpPage;

const isConfig = (definition: Definition): boolean => definition.category === 'config';

/** All inputs that a page's templates offer. */
function idsIn(page: Page): Set<string> {
  return new Set([...page.source.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id ?? ''));
}

/** Keys named in `data-i18n`, without the attribute that they fill in. */
function namedInMarkup(source: string): string[] {
  return [...source.matchAll(/data-i18n="([^"]+)"/g)].flatMap(([, list = '']) =>
    list.split(';').map((each) => each.replace(/^\[[^\]]*\]/, '').trim()),
  );
}

/** Keys named in full in calls of `_('…')`. Keys put together at run time are seen where labels and validators run. */
function namedInCode(source: string): string[] {
  return [...source.matchAll(/\b_\(\s*(['"`])([^'"`$]+)\1\s*[,)]/g)].map(([, , key = '']) => key);
}

/** A node as the editor hands it to labels and validators: the page's defaults and the editor's own properties. */
function nodeOf(page: Page, definition: Definition, values: Record<string, unknown> = {}, language = 'en-US'): object {
  const defaults = Object.fromEntries(Object.entries(definition.defaults).map(([key, { value }]) => [key, value]));
  return { id: 'n1', type: page.type, _: translator(page.type, language), _def: definition, ...defaults, ...values };
}

function check(node: object, property: Property, value: unknown): unknown {
  return property.validate === undefined ? true : property.validate.call(node, value, {});
}

/** Text in words: somebody can read it, and it is no key that was not found. */
function assertWords(text: unknown, where: string): void {
  assert.equal(typeof text, 'string', where);
  assert.match(text as string, /\p{L}/u, where);
  assert.doesNotMatch(text as string, /^[\w-]+(\.[\w-]+)+$/, `${where}: a key without words`);
  assert.doesNotMatch(text as string, /__\w+__/, `${where}: a value was not filled in`);
}

describe('the editor pages', () => {
  const names = pageNames();

  it('are shipped for every node that package.json names, and named there', () => {
    const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      files: string[];
      'node-red': { nodes: Record<string, string> };
    };
    for (const [type, file] of Object.entries(manifest['node-red'].nodes)) {
      assert.ok(names.includes(type), `${type} has no page`);
      assert.equal(file, `dist/nodes/${type}.js`);
    }
    assert.ok(manifest.files.includes('resources'));
  });

  it('have colours from the theme only', () => {
    const folder = path.join(ROOT, 'resources');
    for (const file of readdirSync(folder)) {
      const fixed = readFileSync(path.join(folder, file), 'utf8').replace(/var\(--red-ui-[^()]*\)/g, '');
      assert.doesNotMatch(fixed, /#[0-9a-f]{3,8}\b(?! >)|\brgba?\(|\bhsla?\(|:\s*(white|black|red|green|gr[ae]y)\b/i);
    }
  });

  it('are made from TypeScript, styles and rows: no script is written by hand', () => {
    for (const folder of ['nodes', 'resources', 'editor']) {
      const found = readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' });
      assert.deepEqual(
        found.filter((file) => /\.[cm]?js$/.test(file)),
        [],
        folder,
      );
    }
    for (const name of names) {
      const rows = readFileSync(path.join(NODES, `${name}.html`), 'utf8');
      assert.doesNotMatch(rows, /<script|<style|\bstyle=/, name);
    }
  });

  for (const name of names) {
    describe(name, () => {
      let page: Page;
      let definition: Definition;
      const pageIn = (language: string): Definition => {
        const found = loadPage(name, language).definitions.get(name);
        assert.ok(found, `${name}.html registers no ${name}`);
        return found;
      };
      before(() => {
        page = loadPage(name);
        definition = pageIn('en-US');
      });

      it('registers its own type with a template, and names it where the scorecard looks', () => {
        assert.deepEqual([...page.definitions.keys()], [name]);
        assert.match(page.source, new RegExp(`registerType\\(\\s*'${name}',\\s*\\{`));
        assert.match(page.source, new RegExp(`data-template-name="${name}"`));
        assert.doesNotMatch(page.source, /data-help-name/, 'help belongs to the locale files');
      });

      it('has an icon that exists, where it is in the palette', () => {
        if (isConfig(definition)) return;
        assert.ok(definition.icon, 'an icon');
        if (definition.icon.startsWith('font-awesome/')) return;
        assert.ok(existsSync(path.join(ROOT, 'icons', definition.icon)), definition.icon);
      });

      it('has an input for every setting, and no setting whose name is taken', () => {
        const ids = idsIn(page);
        const prefix = isConfig(definition) ? 'node-config-input' : 'node-input';
        for (const key of [...Object.keys(definition.defaults), ...Object.keys(definition.credentials ?? {})]) {
          assert.doesNotMatch(key, RESERVED);
          const id = `${prefix}-${key}`;
          // Settings that are no single field have a container of their own, filled in by code.
          const shown = ids.has(id) || [...ids].some((each) => each.startsWith(`${id}-`));
          assert.ok(shown, `nothing in the template for ${key}`);
        }
      });

      it('gives every input a label', () => {
        const labelled = new Set([...page.source.matchAll(/<label\b[^>]*\bfor="([^"]+)"/g)].map(([, id]) => id));
        for (const [tag, id = ''] of page.source.matchAll(
          /<(?:input|select|textarea)\b[^>]*?\bid="(node-(?:config-)?input-[^"]+)"[^>]*>/g,
        )) {
          if (tag.includes('type="hidden"')) continue;
          assert.ok(labelled.has(id) || /aria-label(ledby)?=|\[aria-label\]/.test(tag), `${id} has no label`);
        }
      });

      it('declares secrets as passwords', () => {
        for (const [key, { type }] of Object.entries(definition.credentials ?? {})) {
          if (key !== 'clientId') assert.equal(type, 'password', key);
        }
      });

      it('uses words that exist in English', () => {
        const labels = labelsOf(name, 'en-US');
        const code = readFileSync(path.join(ROOT, 'editor', `${name}.ts`), 'utf8');
        for (const key of [...namedInMarkup(page.source), ...namedInCode(code)]) {
          if (key.startsWith('node-red:')) continue;
          const own = key.replace(/^node-red-contrib-thekeys-gateway\/[\w-]+:/, '');
          const file = /^node-red-contrib-thekeys-gateway\/([\w-]+):/.exec(key)?.[1];
          const found = lookUp(file === undefined ? labels : labelsOf(file, 'en-US'), own);
          assert.notEqual(found, undefined, `${key} is not in the labels`);
        }
      });

      for (const language of LANGUAGES) {
        it(`calls itself by words, whatever its settings, in ${language}`, () => {
          const translated = pageIn(language);
          const offered = [...page.source.matchAll(/<option\s+value="([^"]*)"/g)].map(([, value]) => value ?? '');
          // A flow may have been written by hand.
          const choices = [...offered, '${SOME_VARIABLE}', 'nonsense'];
          const keys = Object.keys(definition.defaults);
          const variants = [
            {},
            { name: 'My name' },
            ...keys.flatMap((key) => choices.map((value) => ({ [key]: value }))),
          ];
          for (const values of variants) {
            for (const label of [translated.label, translated.paletteLabel]) {
              if (label === undefined) continue;
              const node = nodeOf(page, translated, values, language);
              assertWords(typeof label === 'function' ? label.call(node) : label, JSON.stringify(values));
            }
          }
        });

        it(`has validators that pass the defaults and variables, and say what is wrong, in ${language}`, () => {
          const translated = pageIn(language);
          for (const [key, property] of Object.entries({ ...translated.defaults, ...translated.credentials })) {
            if (property.validate === undefined) continue;
            const node = nodeOf(page, translated, {}, language);
            assert.notEqual(check(node, property, '${SOME_VARIABLE}'), false, `\${ENV} in ${key}`);
            assert.equal(typeof check(node, property, '${SOME_VARIABLE}'), 'boolean', `\${ENV} in ${key}`);
            // A setting that may not be empty starts empty, and says so.
            if (property.value !== '')
              assert.equal(check(node, property, property.value), true, `the default of ${key}`);
            for (const value of ['', undefined, 'x y\nz', '-1', '#', '{', '${', null, 5, true, [null], {}]) {
              const answer = check(node, property, value);
              if (typeof answer === 'boolean') continue;
              assertWords(answer, `${key} = ${JSON.stringify(value)}`);
              assert.equal(property.validate.length, 2, `${key}: the editor shows a sentence only of (value, options)`);
            }
          }
        });

        it(`has the same labels in ${language} as in English, none empty`, () => {
          assert.deepEqual(keysOf(labelsOf(name, language)), keysOf(labelsOf(name, 'en-US')));
          const english = labelsOf(name, 'en-US');
          for (const key of keysOf(english)) {
            const there = lookUp(labelsOf(name, language), key) ?? '';
            assert.notEqual(there.trim(), '', key);
            const values = (text = ''): string[] => [...text.matchAll(/__(\w+)__/g)].map(([whole]) => whole).sort();
            assert.deepEqual(values(there), values(lookUp(english, key)), `values in ${key}`);
          }
        });

        it(`has help in ${language} with the same parts as in English`, () => {
          const parts = (text: string): string[] =>
            [...text.matchAll(/<(h3|dt|dl|pre|code|ul|ol|table)\b/g)]
              .map(([, tag]) => tag ?? '')
              .filter((tag) => tag !== 'code');
          const help = helpOf(name, language);
          assert.match(
            help,
            new RegExp(`^\\s*(<!--[\\s\\S]*?-->\\s*)?<script type="text/(html|markdown)" data-help-name="${name}">`),
          );
          if (help.includes('text/html"')) {
            assert.deepEqual(parts(help), parts(helpOf(name, 'en-US')));
            assert.match(help, /<script[^>]*>\s*<p>/, 'the first paragraph is the tip in the palette');
            assert.match(help, /<h3>/);
          }
          if (!isConfig(definition)) assert.match(help, /<pre>|```/, 'an example message');
          const { inputs, outputs, errors } = HEADINGS[language]!;
          const has = (heading: string): boolean => help.includes(`<h3>${heading}</h3>`);
          assert.ok(has(errors), 'a part on errors');
          const example = help.lastIndexOf('<pre>');
          assert.ok(
            isConfig(definition) || example < help.indexOf(`<h3>${errors}</h3>`),
            'the example before the errors',
          );
          if (!isConfig(definition)) {
            assert.equal(has(inputs), (definition.inputs ?? 0) > 0, 'a part on inputs');
            assert.equal(has(outputs), (definition.outputs ?? 0) > 0, 'a part on outputs');
          }
        });

        it(`has badges under ${BADGE_LENGTH} characters in ${language}`, () => {
          const labels = labelsOf(name, language);
          for (const key of keysOf(labels).filter((each) => /(^|\.)(badge|status)\./.test(each))) {
            const text = (lookUp(labels, key) ?? '').replace(/__\w+__/g, NUMBER);
            assert.ok(text.length < BADGE_LENGTH, `${key}: "${text}" has ${text.length} characters`);
          }
        });
      }
    });
  }
});
