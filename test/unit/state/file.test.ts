import assert from 'node:assert/strict';
import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { count } from '../../support/counting';
import { useStateFolder } from '../../support/state-folder';

describe('state in a folder', () => {
  const folder = useStateFolder();

  it('keeps a value for the next process, readable by its owner only', async () => {
    await folder.fresh().change('google/links', () => ({ value: { a: 1 }, result: undefined }));
    assert.deepEqual(await folder.fresh().get('google/links'), { a: 1 });
    const [file] = await readdir(folder.path);
    assert.equal((await stat(path.join(folder.path, file!))).mode & 0o777, 0o600);
  });

  it('never gives a number twice, across processes and concurrent calls', async () => {
    const first = folder.fresh();
    const given = await Promise.all(Array.from({ length: 20 }, () => count(first, 'ts', 100, 1)));
    given.push(await count(folder.fresh(), 'ts', 50, 3), await count(folder.fresh(), 'ts', 50, 1));
    assert.deepEqual(given, [...Array.from({ length: 21 }, (_, index) => 100 + index), 123]);
  });

  it('sets a damaged file aside, says so once, and starts anew', async () => {
    await writeFile(path.join(folder.path, 'ts.json'), '{"half');
    const state = folder.fresh();
    assert.equal(await state.get('ts'), undefined);
    await count(state, 'ts', 7, 1);
    assert.equal(folder.warnings.length, 1);
    assert.match(folder.warnings[0]!, /ts\.json was damaged/);
    assert.ok((await readdir(folder.path)).includes('ts.json.damaged'));
  });

  it('rejects a change that could not be kept, and leaves the old value', async () => {
    const state = folder.fresh();
    await state.change('k', () => ({ value: 1, result: undefined }));
    await rm(folder.path, { recursive: true });
    await writeFile(folder.path, 'a file where the folder was');
    await assert.rejects(
      state.change('k', () => ({ value: 2, result: undefined })),
      { name: 'StateError' },
    );
    assert.equal(await state.get('k'), 1);
  });

  it('gives a lease to one at a time, in order of asking, and lets a waiter leave', async () => {
    const state = folder.fresh();
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
    await mkdir(path.join(folder.path, 'links.json'));
    const state = folder.fresh();
    await assert.rejects(state.get('links'), { name: 'StateError', reason: 'EISDIR' });
    await assert.rejects(
      state.change('links', () => ({ value: 1, result: undefined })),
      { name: 'StateError' },
    );
    // Four gigabytes that take no room.
    await writeFile(path.join(folder.path, 'ts.json'), '');
    await truncate(path.join(folder.path, 'ts.json'), 4 * 1024 ** 3);
    assert.equal(await count(state, 'ts', 7, 1), 7);
    assert.deepEqual((await readdir(folder.path)).sort(), ['links.json', 'ts.json', 'ts.json.damaged']);
    assert.equal(folder.warnings.length, 1);
  });
});
