import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import sinon from 'sinon';
import { silent } from '../../../src/common/log';
import { FileState } from '../../../src/state/file';
import type { StateError } from '../../../src/state/state';
import { count } from '../../support/counting';
import { HandClock } from '../../support/clock';
import { useStateFolder } from '../../support/state-folder';

describe('state on a disk that does not answer', () => {
  let folder: string;
  let warnings: string[];
  let clock: HandClock;
  let state: FileState;
  /** Lets the writes go on that hang. */
  let wake: () => void;
  let writes: number;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'state-'));
    warnings = [];
    clock = new HandClock();
    state = new FileState({ folder, clock, log: { ...silent, warn: (message) => warnings.push(message) } });
    await count(state, 'ts', 100);
    writes = 0;
    const awake = new Promise<void>((resolve) => (wake = resolve));
    const open = fs.open.bind(fs);
    sinon.replace(fs, 'open', async (...args: Parameters<typeof open>) => {
      if (String(args[0]).endsWith('.tmp')) {
        writes += 1;
        await awake;
      }
      return open(...args);
    });
  });
  afterEach(async () => {
    wake();
    await state.rest();
    sinon.restore();
    await rm(folder, { recursive: true, force: true });
  });

  const onDisk = async (): Promise<unknown> =>
    (JSON.parse(await readFile(path.join(folder, 'ts.json'), 'utf8')) as { value: unknown }).value;

  it('holds a change up for a second, then goes on from memory, and writes it all when the disk is back', async () => {
    const first = assert.rejects(count(state, 'ts', 1), { name: 'StateError', reason: 'ETIMEDOUT' });
    await clock.advance(1000);
    await first;
    // Those that follow do not wait at all.
    for (let times = 0; times < 3; times += 1) await assert.rejects(count(state, 'ts', 1), { reason: 'ETIMEDOUT' });
    assert.equal(await state.get('ts'), 104);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /takes over a second to write/);
    assert.equal(await onDisk(), 100);
    wake();
    await state.rest();
    assert.equal(await onDisk(), 104);
    assert.equal(writes, 2, 'what came meanwhile is written at once');
    assert.equal(await count(state, 'ts', 1), 105);
    assert.equal(warnings.length, 1);
  });

  it('holds up what comes behind a slow write for a second of its own at most, and keeps it too', async () => {
    const ends: string[] = [];
    const end = (name: string): Promise<unknown> =>
      count(state, 'ts', 1).then(
        () => ends.push(`${name} kept`),
        (error: unknown) => ends.push(`${name} ${(error as StateError).reason} after ${clock.elapsed()}`),
      );
    void end('first');
    await clock.advance(900);
    void end('second');
    await clock.advance(100);
    void end('third');
    await clock.advance(900);
    assert.deepEqual(ends.sort(), [
      'first ETIMEDOUT after 1000',
      'second ETIMEDOUT after 1900',
      'third ETIMEDOUT after 1000',
    ]);
    wake();
    await state.rest();
    assert.equal(await onDisk(), 103);
  });

  it('does not hold up what is kept in another file, nor the closing', async () => {
    const first = assert.rejects(count(state, 'ts', 1), { reason: 'ETIMEDOUT' });
    await clock.advance(1000);
    await first;
    assert.equal(await state.get('other'), undefined);
    const closed = state.close();
    await clock.advance(1000);
    await closed;
  });
});

describe('state files of other versions', () => {
  const folder = useStateFolder();

  it('of a newer one is refused, said once, and not written over', async () => {
    const file = path.join(folder.path, 'accounts.json');
    const written = JSON.stringify({ version: 3, value: { links: 'all of them' } });
    await writeFile(file, written);
    const state = folder.fresh();
    for (let times = 0; times < 2; times += 1) {
      await assert.rejects(state.get('accounts'), { name: 'StateError', reason: 'EVERSION' });
      await assert.rejects(count(state, 'accounts'), { name: 'StateError', reason: 'EVERSION' });
    }
    assert.equal(await readFile(file, 'utf8'), written);
    assert.equal(folder.warnings.length, 1);
    assert.match(folder.warnings[0]!, /newer version/);
    await writeFile(file, '7');
    assert.equal(await count(state, 'accounts'), 8, 'read again when it was moved away');
  });

  it('of the first one, which were the value alone, are read', async () => {
    const accounts = { version: 1, users: [], links: {} };
    await writeFile(path.join(folder.path, 'accounts.json'), JSON.stringify(accounts));
    await writeFile(path.join(folder.path, 'ts.json'), '100');
    assert.deepEqual(await folder.fresh().get('accounts'), accounts);
    assert.equal(await count(folder.fresh(), 'ts'), 101);
    assert.equal(await count(folder.fresh(), 'ts'), 102);
  });

  it('keep each damaged one, and write over none', async () => {
    for (const text of ['{"half', '{"another']) {
      await writeFile(path.join(folder.path, 'ts.json'), text);
      assert.equal(await folder.fresh().get('ts'), undefined);
    }
    assert.equal(await readFile(path.join(folder.path, 'ts.json.damaged'), 'utf8'), '{"half');
    assert.equal(await readFile(path.join(folder.path, 'ts.json.damaged-2'), 'utf8'), '{"another');
  });
});
