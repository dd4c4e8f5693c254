/** The `the-keys` command as it is after `npm install` of the tarball: found, executable, honest. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { installed, removeTemporary } from '../support/tarball';

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

describe('the installed command', function () {
  this.timeout(180_000);
  let command: string;
  let home: string;

  before(async () => {
    home = await installed();
    command = path.join(home, 'node_modules', '.bin', 'the-keys');
  });
  after(removeTemporary);

  const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: home });
  const call = (...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      execFile(command, args, { env: environment() }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });

  it('explains itself', async () => {
    const { code, stdout } = await call('--help');
    assert.equal(code, 0);
    for (const verb of ['open', 'close', 'search', 'synchronize', 'share', 'simulate'])
      assert.match(stdout, new RegExp(verb));
  });

  it('opens a lock of the gateway that it simulates itself', async () => {
    const simulated = spawn(command, ['simulate', '--lock', '4711:demo-share-code-1'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [first] = (await once(createInterface(simulated.stdout), 'line')) as [string];
      const host = new URL(/(http:\S+)$/.exec(first)?.[1] ?? '').host;
      const lock = ['--host', host, '-i', '4711', '-c', 'demo-share-code-1'];
      const { code, stdout, stderr } = await call(...lock, 'open');
      assert.equal(code, 0, stderr);
      assert.equal(stdout.trimEnd().split('\n').length, 1, 'one line');
      assert.equal((JSON.parse(stdout) as { state: string }).state, 'open');
      const wrong = await call('--host', host, '-i', '4711', '-c', 'demo-share-code-x', 'open');
      assert.equal(wrong.code, 1);
      assert.equal((JSON.parse(wrong.stderr) as { error: { code: string } }).error.code, 'INVALID_HMAC');
      assert.equal((await call('--host', host, 'open')).code, 2);
    } finally {
      const gone = once(simulated, 'exit');
      simulated.kill('SIGTERM');
      await gone;
    }
  });
});
