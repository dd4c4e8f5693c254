import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { silent } from '../../../src/common/log';
import { systemClock } from '../../../src/common/clock';
import { acquireLockFile } from '../../../src/state/lock-file';
import { fateOf, ownerIn, thisProcess } from '../../../src/state/presence';
import type { Lease } from '../../../src/state/state';

describe('a lock file', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'lock-'));
    file = path.join(folder, 'gate.lock');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const take = (ttlMs: number, signal?: AbortSignal): Promise<Lease> =>
    acquireLockFile({ file, ttlMs, signal, log: silent, clock: systemClock, random: Math.random });
  const holder = (pid: number, host = os.hostname(), started = ''): string =>
    JSON.stringify({ pid, host, started, id: 'the-last-one' });
  /** The number of a process that has ended. */
  const gone = async (): Promise<number> => {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(child, 'exit');
    return child.pid!;
  };

  it('gives each of many a turn, one at a time, after a holder that was killed', async () => {
    await writeFile(file, holder(await gone()));
    let holders = 0;
    const work = async (): Promise<void> => {
      // By its age alone the file would be taken for left behind after a minute.
      const lease = await take(60_000);
      holders += 1;
      assert.equal(holders, 1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      holders -= 1;
      await lease.release();
    };
    await Promise.all(Array.from({ length: 8 }, work));
    assert.deepEqual(await readdir(folder), []);
  });

  it('does not wait for a dead holder whose process number lives again', async function () {
    if (process.platform !== 'linux') this.skip();
    await writeFile(file, holder(process.pid, os.hostname(), 'long before this process began'));
    await (await take(60_000)).release();
    const self = ownerIn(JSON.stringify(thisProcess()))!;
    assert.equal(fateOf(self), 'alive');
  });

  it('of another machine, or that says nothing, is waited for, and taken over after silence', async () => {
    for (const content of [holder(await gone(), 'another-machine'), '', 'garbage', '{"pid":"1"}', 'null']) {
      await writeFile(file, content);
      const since = performance.now();
      const lease = await take(300);
      assert.ok(performance.now() - since >= 300, content);
      assert.equal(lease.lost.aborted, false);
      await lease.release();
    }
    assert.deepEqual(await readdir(folder), []);
  });

  it('is kept for as long as its holder lives', async () => {
    const held = await take(600);
    const order: string[] = [];
    const waiting = take(600).then((lease) => {
      order.push('taken');
      return lease;
    });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(held.lost.aborted, false);
    order.push('released');
    await held.release();
    await (await waiting).release();
    assert.deepEqual(order, ['released', 'taken']);
  });

  it('is known to be lost by one that slept, and is left to the next holder', async () => {
    const held = await take(300);
    // As after a takeover while it slept.
    await writeFile(file, holder(process.pid));
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(held.lost.aborted, true);
    await held.release();
    assert.deepEqual(await readdir(folder), ['gate.lock']);
  });

  it('lets one who waits leave', async () => {
    const held = await take(5000);
    const leaving = new AbortController();
    const waiting = take(5000, leaving.signal);
    leaving.abort(new Error('no more time'));
    await assert.rejects(waiting, /no more time/);
    await held.release();
  });
});
