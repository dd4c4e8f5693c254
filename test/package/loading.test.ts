/** What Node-RED loads of this package at its start, whether a flow has one of its nodes or not. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { repository } from '../support/tarball';

/** Registers every node as Node-RED does at its start, and prints what was loaded for it. */
const START = `
  const { nodes } = require('./package.json')['node-red'];
  const nothing = () => undefined;
  const RED = {
    nodes: { registerType: nothing, getNode: nothing },
    httpAdmin: { get: nothing, post: nothing },
    auth: { needsPermission: () => nothing },
    settings: {}, log: {}, _: (key) => key,
  };
  for (const file of Object.values(nodes)) require('./' + file)(RED);
  console.log(JSON.stringify(Object.keys(require.cache)));
`;

describe('at the start of Node-RED', () => {
  const loaded = (): string[] => {
    const files = JSON.parse(
      execFileSync(process.execPath, ['-e', START], { cwd: repository, encoding: 'utf8' }),
    ) as string[];
    return files.map((file) => path.relative(repository, file).split(path.sep).join('/'));
  };

  it('no dependency is loaded', () => {
    assert.deepEqual(
      loaded().filter((file) => file.includes('node_modules')),
      [],
    );
  });

  it('of the package itself only what registers its nodes is loaded', () => {
    const own = loaded().filter((file) => file.startsWith('dist/'));
    const heart = [
      'thekeys/gateway',
      'thekeys/command',
      'google/home',
      'google/accounts',
      'sber/client',
      'state/redis',
      'matter/bridge',
      'matter/thread',
    ];
    for (const name of heart) assert.ok(!own.includes(`dist/src/${name}.js`), `${name} is loaded`);
    assert.deepEqual(
      own.filter((file) => file.startsWith('dist/matter/')),
      [],
    );
    assert.ok(own.length <= 40, own.join('\n'));
  });
});
