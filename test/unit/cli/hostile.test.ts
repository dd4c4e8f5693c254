/** Whatever is typed or set in the environment: a command, the help, or one line on what was wrong that quotes no secret. */
import assert from 'node:assert/strict';
import path from 'node:path';
import fc from 'fast-check';
import { parse, UsageError } from '../../../src/cli/usage';
import { stateFolder } from '../../../src/cli/state-folder';
import { run } from './command';

const SECRET = 'demo-secret-code';
const word = fc.oneof(
  fc.constantFrom(
    ...['open', 'close', 'search', 'share', 'simulate', 'locker_status', 'update_locker', 'toString', '__proto__'],
    ...[
      '-i',
      '-c',
      '-h',
      '--',
      '-',
      '--host',
      '--code',
      '--identifier',
      '--lock',
      '--port',
      '--latency',
      '--list',
      '--help',
    ],
    ...['--host=', '--no-host', '--__proto__', '--constructor=1', '-ic', '-cx', '--code=', `--code=${SECRET}`, SECRET],
    ...['0', '-1', '99999999999999999999', '1e3', 'NaN', '1:2', ':', '45961123:demo-share-code-1'],
  ),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constant('x'.repeat(100_000)),
);

describe('hostile words after the-keys', () => {
  it('are a command, the help, or refused in one line without a value', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 7 }), fc.option(fc.string(), { nil: undefined }), (args, code) => {
        try {
          assert.match(parse(args, code).kind, /^(help|run)$/);
        } catch (error) {
          assert.ok(error instanceof UsageError, String(error));
          assert.ok(!error.message.includes(SECRET) && !error.message.includes('\n'), error.message);
          assert.ok(error.message.length < 500, error.message.slice(0, 200));
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('end a real process with status 2, in words', async function () {
    this.timeout(60_000);
    for (const args of [
      ['simulate', '--port', '99999999999999999999'],
      ['simulate', '--lock', '__proto__:x'],
      ['share', '--lock', '1', '--lock', '2', '--gateway', 'g', '--name', 'n'],
      ['open', '--identifier', '', '-c', SECRET],
      ['constructor'],
    ]) {
      const { status, stdout, stderr } = await run(args);
      assert.deepEqual([status, stdout], [2, ''], args.join(' '));
      assert.ok(!stderr.includes(SECRET) && !stderr.includes(' at '), stderr);
    }
  });

  it('an empty HOME leads to no folder of wherever the command is called', () => {
    const { HOME } = process.env;
    try {
      process.env.HOME = '';
      const folder = stateFolder({}, 'linux');
      assert.ok(folder === undefined || path.isAbsolute(folder), folder);
    } finally {
      if (HOME === undefined) delete process.env.HOME;
      else process.env.HOME = HOME;
    }
  });

  it('any environment leads to a folder of the user', () => {
    const value = fc.option(fc.string({ unit: 'binary' }), { nil: undefined });
    fc.assert(
      fc.property(
        value,
        value,
        fc.constantFrom<NodeJS.Platform>('linux', 'darwin', 'win32', 'aix'),
        (xdg, local, platform) => {
          const env = {
            ...(xdg === undefined ? {} : { XDG_STATE_HOME: xdg }),
            ...(local === undefined ? {} : { LOCALAPPDATA: local }),
          };
          assert.match(stateFolder(env, platform, '/home/me') ?? '', /the-keys$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});
