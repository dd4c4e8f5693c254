import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FileState } from '../../../src/state/file';
import { count } from '../../support/counting';

describe('state in a folder', () => {
  let folder: string;
  let warnings: string[];
  const fresh = (crossProcess = false): FileState =>
    new FileState({ folder, warn: (message) => warnings.push(message), crossProcess });

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'state-'));
    warnings = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps a value for the next process, readable by its owner only', async () => {
    await fresh().change('google/links', () => ({ value: { a: 1 }, result: undefined }));
    assert.deepEqual(await fresh().get('google/links'), { a: 1 });
    const [file] = await readdir(folder);
    assert.equal((await stat(path.join(folder, file!))).mode & 0o777, 0o600);
  });

  it('never gives a number twice, across processes and concurrent calls', async () => {
    const first = fresh();
    const given = await Promise.all(Array.from({ length: 20 }, () => count(first, 'ts', 100, 1)));
    given.push(await count(fresh(), 'ts', 50, 3), await count(fresh(), 'ts', 50, 1));
    assert.deepEqual(given, [...Array.from({ length: 21 }, (_, index) => 100 + index), 123]);
  });

  it('lets two writers that share the folder take turns', async () => {
    const writers = [fresh(true), fresh(true), fresh(true)];
    const given = await Promise.all(writers.flatMap((writer) => [1, 2, 3, 4].map(() => count(writer, 'ts', 1, 1))));
    assert.deepEqual(
      given.sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, index) => index + 1),
    );
  });

  it('sets a damaged file aside, says so once, and starts anew', async () => {
    await writeFile(path.join(folder, 'ts.json'), '{"half');
    const state = fresh();
    assert.equal(await state.get('ts'), undefined);
    await count(state, 'ts', 7, 1);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /ts\.json was damaged/);
    assert.ok((await readdir(folder)).includes('ts.json.damaged'));
  });

  it('rejects a change that could not be kept, and leaves the old value', async () => {
    const state = fresh();
    await state.change('k', () => ({ value: 1, result: undefined }));
    await rm(folder, { recursive: true });
    await writeFile(folder, 'a file where the folder was');
    await assert.rejects(
      state.change('k', () => ({ value: 2, result: undefined })),
      { name: 'StateError' },
    );
    assert.equal(await state.get('k'), 1);
  });

  it('gives a lease to one at a time, in order of asking, and lets a waiter leave', async () => {
    const state = fresh();
    const order: string[] = [];
    const first = await state.lease('gate', { ttlMs: 1000 });
    const leaving = new AbortController();
    const left = state.lease('gate', { ttlMs: 1000, signal: leaving.signal });
    const third = state.lease('gate', { ttlMs: 1000 }).then((lease) => {
      order.push('third');
      return lease.release();
    });
    leaving.abort(new Error('gone'));
    await assert.rejects(left, /gone/);
    order.push('released');
    await first.release();
    await third;
    assert.deepEqual(order, ['released', 'third']);
  });

  it('opens nothing that is no file, and nothing huge', async () => {
    await mkdir(path.join(folder, 'links.json'));
    const state = fresh();
    await assert.rejects(state.get('links'), { name: 'StateError', reason: 'EISDIR' });
    await assert.rejects(
      state.change('links', () => ({ value: 1, result: undefined })),
      { name: 'StateError' },
    );
    // Four gigabytes that take no room.
    await writeFile(path.join(folder, 'ts.json'), '');
    await truncate(path.join(folder, 'ts.json'), 4 * 1024 ** 3);
    assert.equal(await count(state, 'ts', 7, 1), 7);
    assert.deepEqual((await readdir(folder)).sort(), ['links.json', 'ts.json', 'ts.json.damaged']);
    assert.equal(warnings.length, 1);
  });

  describe('whose lock was left behind', () => {
    const lock = (name: string): string => path.join(folder, `${encodeURIComponent(name)}.json.lock`);
    const holder = (pid: number, host = os.hostname()): string => JSON.stringify({ pid, host, id: 'the-last-one' });
    /** The number of a process that has ended. */
    const gone = async (): Promise<number> => {
      const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
      await once(child, 'exit');
      return child.pid!;
    };

    it('by a process that was killed: nobody waits for it, and of those who come at once each has a turn', async () => {
      await writeFile(lock('ts'), holder(await gone()));
      const states = Array.from({ length: 8 }, () => fresh(true));
      // By its age alone it would be taken for left behind after ten seconds.
      const given = await Promise.race([
        Promise.all(states.map((state) => count(state, 'ts', 1, 1))),
        new Promise<never>((_resolve, reject) => setTimeout(() => reject(new Error('they waited')), 8000).unref()),
      ]);
      assert.deepEqual(
        given.sort((a, b) => a - b),
        [1, 2, 3, 4, 5, 6, 7, 8],
      );
      assert.deepEqual((await readdir(folder)).sort(), ['ts.json']);
    });

    it('on another machine, or by nobody who can be told: it is waited for, and taken over after silence', async () => {
      for (const content of [holder(await gone(), 'another-machine'), '', 'garbage', '{"pid":"1"}', 'null']) {
        await writeFile(lock('gate'), content);
        const since = performance.now();
        const lease = await fresh(true).lease('gate', { ttlMs: 300 });
        assert.ok(performance.now() - since >= 300, content);
        assert.equal(lease.lost.aborted, false);
        await lease.release();
      }
      assert.deepEqual(await readdir(folder), []);
    });

    it('by one that lives: it keeps what it holds as long as it holds it, and nobody else has it', async () => {
      const held = await fresh(true).lease('gate', { ttlMs: 2000 });
      const waiting = fresh(true).lease('gate', { ttlMs: 2000 });
      const order: string[] = [];
      void waiting.then(() => order.push('taken'));
      await new Promise((resolve) => setTimeout(resolve, 4500));
      assert.equal(held.lost.aborted, false);
      order.push('released');
      await held.release();
      await (await waiting).release();
      assert.deepEqual(order, ['released', 'taken']);
    });

    it('by one that slept: it knows that it has lost it, and harms the next holder no more', async () => {
      const held = await fresh(true).lease('gate', { ttlMs: 300 });
      // As after a takeover while it slept.
      await writeFile(lock('gate'), holder(process.pid));
      await new Promise((resolve) => setTimeout(resolve, 400));
      assert.equal(held.lost.aborted, true);
      await held.release();
      assert.deepEqual(await readdir(folder), [path.basename(lock('gate'))]);
    });

    it('lets one who waits leave', async () => {
      const held = await fresh(true).lease('gate', { ttlMs: 5000 });
      const leaving = new AbortController();
      const waiting = fresh(true).lease('gate', { ttlMs: 5000, signal: leaving.signal });
      leaving.abort(new Error('no more time'));
      await assert.rejects(waiting, /no more time/);
      await held.release();
    });
  });
});
