/** The documents keep up with the code: every error code is explained, every link leads somewhere. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { helpPage } from '../../scripts/pages';
import { filesBelow, manifest, repository } from '../support/tarball';

const read = (file: string): Promise<string> => readFile(path.join(repository, file), 'utf8');

describe('the documents', () => {
  it('say of every error code what it means and what to do', async () => {
    const explained = new Set(
      [...(await read('docs/troubleshooting.md')).matchAll(/^(?:\| |## )`([A-Z_]+)`/gm)].map(([, code]) => code!),
    );
    const used = new Set<string>();
    const sources = (await filesBelow(path.join(repository, 'src'))).filter((file) => file.endsWith('.ts'));
    for (const file of sources) {
      const given = /(?:Error\(\s*|code: )'([A-Z]+(?:_[A-Z]+)+|EXPIRED|INTERNAL)'/g;
      for (const [, code] of (await read(`src/${file}`)).matchAll(given)) used.add(code!);
    }
    const tables = ['src/thekeys/gateway-errors.ts', 'src/sber/failures.ts'];
    for (const table of tables)
      for (const [, code] of (await read(table)).matchAll(/^ {2}([A-Z_]+): \{/gm)) used.add(code!);
    assert.ok(used.size > 20, [...used].join());
    for (const code of used) assert.ok(explained.has(code), `docs/troubleshooting.md explains ${code}`);
  });

  it('name every node and every script', async () => {
    const readme = await read('README.md');
    for (const type of Object.keys((await manifest())['node-red'].nodes))
      assert.ok(readme.includes(`\`${type}\``), type);
  });

  it('link to what is there', async () => {
    const documents = [
      'README.md',
      ...(await filesBelow(path.join(repository, 'docs')))
        .filter((file) => file.endsWith('.md'))
        .map((file) => `docs/${file}`),
    ];
    for (const document of documents) {
      for (const [, target] of (await read(document)).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
        assert.ok(
          existsSync(path.join(repository, path.dirname(document), target!)),
          `${document} links to ${target!}`,
        );
      }
    }
  });

  it('are reached from the help of every node, in every language', async () => {
    for (const language of ['en-US', 'fr', 'ru', 'pl'])
      for (const type of Object.keys((await manifest())['node-red'].nodes))
        assert.match(helpPage(type, language), /href="https:[^"]+\/docs\/troubleshooting\.md"/, `${language} ${type}`);
  });
});
