import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { silent } from '../../../src/common/log';
import { CodedError } from '../../../src/common/errors';
import { openState } from '../../../src/state/open';
import { parseRedisUrl } from '../../../src/state/redis-url';
import { count } from '../../support/counting';

describe('opening a state by its name', () => {
  let folder: string;
  const warn = (message: string): void => {
    throw new Error(message);
  };
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'state-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives two nodes with the same folder one state: turns, leases and news are shared', async () => {
    const one = openState({ url: '', folder, log: { ...silent, warn } });
    const two = openState({ url: '  ', folder, log: { ...silent, warn } });
    const numbers = await Promise.all([count(one, 'ts', 1, 1), count(two, 'ts', 1, 1), count(one, 'ts', 1, 1)]);
    assert.deepEqual(numbers, [1, 2, 3]);
    const heard = new Promise((resolve) => two.subscribe('news', resolve));
    await one.publish('news', 'hello');
    assert.equal(await heard, 'hello');
    const held = await one.lease('gate', { ttlMs: 1000 });
    let got = false;
    const waiting = two.lease('gate', { ttlMs: 1000 }).then(() => (got = true));
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(got, false);
    await held.release();
    await waiting;
    await Promise.all([one.close(), two.close()]);
  });

  it('leaves the others, when one node closes, their leases and listeners', async () => {
    const one = openState({ url: '', folder, log: { ...silent, warn } });
    const two = openState({ url: '', folder, log: { ...silent, warn } });
    const heard: unknown[] = [];
    two.subscribe('news', (message) => heard.push(message));
    const held = await two.lease('gate', { ttlMs: 1000 });
    await Promise.all([one.close(), one.close()]);
    assert.equal(held.lost.aborted, false);
    await two.publish('news', 1);
    assert.deepEqual(heard, [1]);
    assert.equal(await count(two, 'ts', 1, 1), 1);
    await held.release();
    await two.close();
  });

  it('loses nothing when a node is closed and the next one opens at once, as in a deploy', async () => {
    for (let round = 1; round <= 20; round += 1) {
      const before = openState({ url: '', folder, log: { ...silent, warn } });
      const number = count(before, 'ts', 1, 1);
      const closing = before.close();
      const after = openState({ url: '', folder, log: { ...silent, warn } });
      assert.equal(await count(after, 'ts', 1, 1), 2 * round);
      assert.equal(await number, 2 * round - 1);
      await Promise.all([closing, after.close()]);
    }
  });

  it('refuses an address that it cannot read, and repeats none of it', () => {
    const addresses = [
      'http://:demo-password@host',
      'redis://demo-password@host',
      'redis://:demo-password@',
      'redis://:demo-password/x@host',
      'redis://:demo-password#x@host',
      'redis://:demo-password%zz@host',
      'redis://user:demo-password:host',
      'redis://:demo-password@host:99999',
      'redis://:demo-password@host/one',
      'redis://host?password=demo-password',
      'redis://host/0?sentinel=&sentinelPassword=demo-password',
      'redis://:demo-password@a,b/1',
      'redis://:demo-password@a,b?replicas=1',
      'demo-password',
    ];
    for (const url of addresses) {
      assert.throws(
        () => openState({ url, folder, log: { ...silent, warn } }),
        (error: unknown) => {
          assert.ok(error instanceof CodedError, url);
          assert.equal(error.code, 'INVALID_INPUT');
          assert.ok(!JSON.stringify([error.message, error.stack, error.cause]).includes('demo-password'), url);
          return true;
        },
      );
    }
  });
});

describe('the address of a Redis', () => {
  it('names one server', () => {
    assert.deepEqual(parseRedisUrl('redis://localhost'), {
      host: 'localhost',
      port: 6379,
      tls: false,
      database: 0,
      prefix: 'thekeys:',
      label: 'localhost:6379',
    });
    const full = parseRedisUrl(' rediss://home:p%40ss%3Aword@[::1]:7000/3?prefix=flat-2: ');
    assert.deepEqual(full, {
      host: '::1',
      port: 7000,
      tls: true,
      username: 'home',
      password: 'p@ss:word',
      database: 3,
      prefix: 'flat-2:',
      label: '::1:7000',
    });
  });

  it('names no group of servers', () => {
    for (const url of ['redis://a:7000,b:7001', 'redis://a?cluster=true', 'redis://a?sentinel=home']) {
      assert.throws(() => parseRedisUrl(url), { code: 'INVALID_INPUT' });
    }
  });

  it('is what the guide shows', async () => {
    const guide = await readFile(path.join(__dirname, '../../../docs/several-node-reds.md'), 'utf8');
    const shown = [...guide.matchAll(/`(rediss?:\/\/[^`…]*[^`…/])`/g)].map(
      ([, address]) => parseRedisUrl(address!).host,
    );
    assert.deepEqual(shown, ['redis.lan', 'redis.lan', 'redis.lan']);
  });

  it('is one, or refused without a word of it, whatever is typed', () => {
    const secret = 'demo-password';
    const part = fc.oneof(
      fc.constantFrom(
        'redis://',
        'rediss://',
        'http://',
        `:${secret}@`,
        `${secret}@`,
        'a',
        'b:7000',
        ',',
        '[::1]',
        ':0',
        ':99999',
      ),
      fc.constantFrom(
        '/3',
        '/x',
        '?',
        '&',
        '=',
        'sentinel=home',
        'cluster=true',
        'replicas=1',
        'prefix=',
        `sentinelPassword=${secret}`,
      ),
      fc.constantFrom('%', '%zz', '#', ' ', '\n', '__proto__=1'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        try {
          const { host, port, label, database } = parseRedisUrl(parts.join(''));
          assert.ok(host !== '' && port > 0 && port < 65_536);
          assert.ok(Number.isSafeInteger(database));
          if (parts.includes(`:${secret}@`)) assert.ok(!label.includes(secret), label);
        } catch (error) {
          assert.ok(error instanceof CodedError && error.code === 'INVALID_INPUT', String(error));
          assert.ok(!JSON.stringify([error.message, error.cause]).includes(secret));
        }
      }),
      { numRuns: 10_000 },
    );
  });
});
