import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { silent } from '../../../src/common/log';
import { openState } from '../../../src/state/open';
import { Presence } from '../../../src/state/presence';
import { HandClock } from '../../support/clock';

const ROOT = path.join(__dirname, '..', '..', '..');

describe('two Node-REDs on one user directory', () => {
  let folder: string;
  let warnings: string[];
  const children: ChildProcess[] = [];
  const warn = (message: string): void => void warnings.push(message);

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'state-'));
    warnings = [];
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const owners = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.endsWith('.owner'));
  /** Another process that has opened the folder. */
  const another = async (): Promise<ChildProcess> => {
    const script = `require('./src/state/open').openState({ url: '', folder: ${JSON.stringify(folder)}, log: require('./src/common/log').silent }); console.log('open'); setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', script], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    // One that is killed before it has written who it is leaves a file that says nothing.
    await until(async () => {
      const [file] = await owners();
      return file !== undefined && (await stat(path.join(folder, file))).size > 0;
    });
    return child;
  };

  it('are noticed by the one that starts, which says so once and names the other', async () => {
    const child = await another();
    const state = openState({ url: '', folder, log: { ...silent, warn } });
    await until(() => state.otherOwner !== undefined);
    assert.equal(state.otherOwner, `process ${child.pid} on ${os.hostname()}`);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /user directory of its own/);
    await state.close();
  }).timeout(30_000);

  it('are no matter when the other was killed', async () => {
    const child = await another();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const [left] = await owners();
    const state = openState({ url: '', folder, log: { ...silent, warn } });
    await until(async () => !(await owners()).includes(left!));
    assert.equal(state.otherOwner, undefined);
    await state.close();
    assert.deepEqual([warnings, await owners()], [[], []]);
  }).timeout(30_000);

  it('on two machines are noticed by what each touches, until one is silent', async () => {
    const clock = new HandClock();
    const file = path.join(folder, 'of-another-machine.owner');
    const touch = (): Promise<void> =>
      writeFile(file, JSON.stringify({ pid: 7, host: 'other\u001b[31mhouse', started: '' }));
    await touch();
    const presence = new Presence({ folder, clock, log: { ...silent, warn } });
    const beat = async (): Promise<void> => {
      await clock.advance(15_000);
      await presence.beating;
    };
    await presence.beating;
    assert.equal(presence.other, undefined, 'it may have been left behind');
    await touch();
    await beat();
    assert.equal(presence.other, 'process 7 on other [31mhouse');
    for (let times = 0; times < 9; times += 1) await beat();
    assert.equal(presence.other, undefined);
    assert.equal((await owners()).length, 1);
    await presence.end();
    assert.equal(warnings.length, 1);
  });

  it('leave no half-written file behind for long', async () => {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(child, 'exit');
    await writeFile(path.join(folder, `ts.json.${child.pid}.tmp`), '{"ha');
    await writeFile(path.join(folder, `ts.json.${process.pid}.tmp`), '{"ha');
    const state = openState({ url: '', folder, log: { ...silent, warn } });
    await until(async () => !(await readdir(folder)).includes(`ts.json.${child.pid}.tmp`));
    assert.equal(await readFile(path.join(folder, `ts.json.${process.pid}.tmp`), 'utf8'), '{"ha');
    await state.close();
  });
});
