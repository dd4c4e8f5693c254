/** A key that a cloud gives back, in whatever spelling, reaches no log and no flow. */
import assert from 'node:assert/strict';
import { Redactor } from '../../../src/common/redact';

/** Looks like no key in use, and needs escaping everywhere. */
const KEY = `a+b/"c\\d'(é) %<&>!*~`;

describe('keeping a key out of texts', () => {
  const redactor = new Redactor(KEY);
  const json = (text: string): string => JSON.stringify(text).slice(1, -1);
  const every = (text: string, spell: (code: number, unit: string) => string): string =>
    Array.from(text)
      .map((character) => spell(character.codePointAt(0) ?? 0, character))
      .join('');
  const percent = (text: string): string =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const strict = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*~]/g, (character) => percent(character).toUpperCase());

  const spellings: Record<string, string> = {
    'as it is': KEY,
    'in other letters': KEY.toUpperCase(),
    'percent-encoded': encodeURIComponent(KEY),
    'percent-encoded as Python does': strict(KEY),
    'percent-encoded whole': percent(KEY),
    'percent-encoded twice': encodeURIComponent(encodeURIComponent(KEY)),
    'as a form': new URLSearchParams({ k: KEY }).toString().slice(2),
    'in JSON': json(KEY),
    'in JSON with escaped slashes': json(KEY).replaceAll('/', '\\/'),
    'in JSON in JSON': json(json(KEY)),
    'in JSON, each character escaped': every(KEY, (code) => `\\u${code.toString(16).padStart(4, '0')}`),
    'in HTML': KEY.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;'),
    'in HTML, each character by its number': every(KEY, (code) => `&#${code};`),
    'in HTML, each by its number in hex': every(KEY, (code) => `&#x${code.toString(16)};`),
  };
  for (const [name, spelling] of Object.entries(spellings)) {
    it(`hides it ${name}`, () => {
      assert.equal(redactor.text(`wrong key: ${spelling}, and ${spelling}.`), 'wrong key: ***, and ***.');
      assert.ok(redactor.suspects(JSON.stringify({ message: spelling })));
      assert.deepEqual(redactor.value({ [spelling]: [`x${spelling}`] }), { '***': ['x***'] });
    });
  }

  it('shows no part of one that a cut has halved', () => {
    for (const spelling of Object.values(spellings)) {
      for (let before = 0; before < 60; before += 1) {
        const beginning = redactor.beginning(`${'-'.repeat(before)}${spelling}${'='.repeat(1000)}`, 40);
        assert.match(beginning, /^-*(\*{0,3}=*)$/);
        assert.ok(beginning.length <= 40);
      }
    }
    assert.equal(redactor.beginning('short', 40), 'short');
    assert.equal(redactor.beginning('-'.repeat(5000), 40).length, 40);
  });

  it('leaves alone what is not it', () => {
    const text = 'a+b/c %20 \\u0041 &amp; {"key":"a"}';
    assert.equal(redactor.text(text), text);
    assert.equal(redactor.suspects(text), false);
    assert.equal(new Redactor('').text(text), text);
  });

  it('destroys no data for a key that is an ordinary word, and hides it in errors all the same', () => {
    const short = new Redactor('on');
    assert.deepEqual(short.value({ on_off: true }), { on_off: true });
    assert.equal(short.suspects('on'), false);
    assert.equal(short.text('token on'), 'token ***');
  });

  for (const [name, key] of [
    ['eight backslashes', '\\'.repeat(8)],
    ['many backslashes between letters', 'a\\'.repeat(20)],
    ['quotation marks', '"'.repeat(12)],
    ['what looks like an escape', 'u0075'.repeat(8)],
  ] as const) {
    it(`is done at once with a key of ${name}, in a text made to confuse it`, () => {
      const stubborn = new Redactor(key);
      const escaped = JSON.stringify(JSON.stringify(key));
      assert.equal(stubborn.text(`x ${key} y`), 'x *** y');
      assert.equal(stubborn.text(`x ${escaped.slice(1, -1)} y`).includes(key), false);
      // Each of these took longer than anyone would wait.
      for (const text of [
        '\\'.repeat(5000),
        `${'\\'.repeat(63)}!`.repeat(50),
        key.slice(0, -1).repeat(200),
        escaped.repeat(50),
      ]) {
        const began = process.cpuUsage().user;
        stubborn.text(`${text}end`);
        assert.ok(process.cpuUsage().user - began < 3e6);
      }
    });
  }
});
