import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { exchange } from '../../support/http';
import { run, start } from './command';

describe('the-keys simulate', function () {
  this.timeout(60_000);

  it('says where it is in its first line, answers there, and ends well when told to', async () => {
    const { child, ended } = start([
      'simulate',
      '--lock',
      '7:demo-share-code-1',
      '--lock',
      '8:with:colon',
      '--latency',
      '0',
    ]);
    try {
      const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
      const url = /\bhttp:\/\/127\.0\.0\.1:\d+$/.exec(line)?.[0];
      assert.ok(url !== undefined, line);
      const answer = await exchange({ method: 'GET', url: new URL('/lockers', url), timeoutMs: 9000, maxBytes: 9999 });
      const { devices } = JSON.parse(answer.body) as { devices: { identifier: number; last_log: number }[] };
      assert.deepEqual(
        devices.map(({ identifier }) => identifier),
        [7, 8],
      );
      assert.equal(typeof devices[0]?.last_log, 'number');
    } finally {
      child.kill('SIGINT');
    }
    const { status, stdout, stderr } = await ended;
    assert.deepEqual([status, stderr], [0, '']);
    assert.ok(!stdout.includes('demo-share-code-1'), 'a share code that was given is not shown');
  });

  it('refuses what it cannot do: 2 for wrong words, 1 for a port that is taken', async () => {
    const cases = [
      ['--port', 'x'],
      ['--port', '70000'],
      ['--latency', '-1'],
      ['--lock', '7'],
      ['--lock', 'x:y'],
      ['--lock', '7:a', '--lock', '7:b'],
    ];
    const results = await Promise.all(cases.map((args) => run(['simulate', ...args])));
    results.forEach(({ status, stdout, stderr }, index) => {
      assert.equal(status, 2, cases[index]!.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /^the-keys: /);
    });
    const { child, ended } = start(['simulate']);
    try {
      const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
      const second = await run(['simulate', '--port', new URL(/http\S+$/.exec(line)![0]).port]);
      assert.equal(second.status, 1);
      assert.equal((JSON.parse(second.stderr) as { error: { code: string } }).error.code, 'CANNOT_LISTEN');
    } finally {
      child.kill('SIGTERM');
    }
    assert.equal((await ended).status, 0);
  });
});
