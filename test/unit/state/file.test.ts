import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FileState } from '../../../src/state/file';

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
    const given = await Promise.all(Array.from({ length: 20 }, () => first.reserve('ts', 100, 1)));
    given.push(await fresh().reserve('ts', 50, 3), await fresh().reserve('ts', 50, 1));
    assert.deepEqual(given, [...Array.from({ length: 21 }, (_, index) => 100 + index), 123]);
  });

  it('lets two writers that share the folder take turns', async () => {
    const writers = [fresh(true), fresh(true), fresh(true)];
    const given = await Promise.all(writers.flatMap((writer) => [1, 2, 3, 4].map(() => writer.reserve('ts', 1, 1))));
    assert.deepEqual(
      given.sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, index) => index + 1),
    );
  });

  it('sets a damaged file aside, says so once, and starts anew', async () => {
    await writeFile(path.join(folder, 'ts.json'), '{"half');
    const state = fresh();
    assert.equal(await state.get('ts'), undefined);
    await state.reserve('ts', 7, 1);
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
});
