import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { silent } from '../../src/common/log';
import { systemClock, type Clock } from '../../src/common/clock';
import { openState } from '../../src/state/open';
import { RedisState, type RedisStateOptions } from '../../src/state/redis';
import { StateError, type Json } from '../../src/state/state';
import { freePort, RedisServer, TcpProxy } from '../support/redis';
import { describeStateContract } from '../support/state-contract';
import { count } from '../support/counting';

/** Quick to give up, as no test likes to wait. */
const QUICK = { answerMs: 300, commandMs: 600, steadyMs: 1000 };

describe('state in Redis', () => {
  let server: RedisServer;
  let names = 0;
  const opened: RedisState[] = [];
  const open = (url: string, options: Partial<RedisStateOptions> = {}): RedisState => {
    const state = new RedisState({ url, log: silent, ...options });
    opened.push(state);
    return state;
  };
  /** A name space of its own for each test. */
  const fresh = (): string => `${server.url}?prefix=t${(names += 1)}:`;

  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.stop());
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((state) => state.close()));
  });

  describeStateContract('Redis', () => {
    const url = fresh();
    return { open: () => new RedisState({ url, log: silent }) };
  });
  describeStateContract('Redis opened by its address', () => {
    const url = fresh();
    return { open: () => openState({ url, folder: '/nonexistent', log: silent }) };
  });

  describe('several processes', () => {
    it('change one value at the same time without losing any change', async () => {
      const url = fresh();
      const states = [open(url), open(url), open(url)];
      const add = (state: RedisState): Promise<void> =>
        state.change('count', (current) => ({ value: Number(current ?? 0) + 1, result: undefined }));
      await Promise.all(states.flatMap((state) => Array.from({ length: 25 }, () => add(state))));
      assert.equal(await states[0]!.get('count'), 75);
    });

    it('never reserve the same number', async () => {
      const url = fresh();
      const states = [open(url), open(url), open(url)];
      const firsts = await Promise.all(
        states.flatMap((state) => Array.from({ length: 30 }, () => count(state, 'ts', 500, 2))),
      );
      assert.deepEqual(
        firsts.sort((a, b) => a - b),
        Array.from({ length: 90 }, (_, index) => 500 + 2 * index),
      );
    });

    it('hold a lease one at a time, and each has its turn before another one has a second', async () => {
      const url = fresh();
      // The last one is busy: a quarter of a second more passes before it looks at what it was waiting for.
      const busy: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms + 250, run) };
      const states = [open(url), open(url), open(url, { clock: busy })];
      let holders = 0;
      const turns: number[] = [];
      const work = async (index: number): Promise<void> => {
        for (let round = 0; round < 6; round += 1) {
          const lease = await states[index]!.lease('gate', { ttlMs: 5000 });
          holders += 1;
          assert.equal(holders, 1);
          turns.push(index);
          // So long that all of them ask meanwhile.
          await new Promise((resolve) => setTimeout(resolve, 20));
          holders -= 1;
          await lease.release();
        }
      };
      await Promise.all([work(0), work(1), work(2)]);
      assert.equal(turns.length, 18);
      // Who has had a turn asks again at once, and is behind the two others.
      for (let at = 3; at < 18; at += 1) assert.equal(turns[at], turns[at - 3], turns.join(''));
    });

    it('do not wait for one that has died while it waited, nor for one that has given up', async () => {
      const url = fresh();
      const dead = new RedisState({ url, log: silent, clock: { ...systemClock, after: () => () => undefined } });
      const [one, two] = [open(url), open(url)];
      const first = await one.lease('gate', { ttlMs: 5000 });
      const given = new AbortController();
      dead.lease('gate', { ttlMs: 5000 }).catch(() => undefined);
      const left = two.lease('gate', { ttlMs: 5000, signal: given.signal });
      await new Promise((resolve) => setTimeout(resolve, 50));
      given.abort(new Error('no longer wanted'));
      await assert.rejects(left, /no longer wanted/);
      await first.release();
      await (await two.lease('gate', { ttlMs: 5000 })).release();
      void dead.close();
    });

    it('hear each other', async () => {
      const url = fresh();
      const [one, two] = [open(url), open(url)];
      const heard: Json[] = [];
      two.subscribe('gateway', (message) => heard.push(message));
      await two.publish('gateway', 'from two');
      await one.publish('gateway', 'from one');
      await until(() => heard.length === 2);
      assert.deepEqual(heard, ['from two', 'from one']);
    });

    it('pass a lease on soon after it is released, however long it would have lasted', async () => {
      const url = fresh();
      const [one, two] = [open(url), open(url)];
      const first = await one.lease('gate', { ttlMs: 60_000 });
      const waiting = two.lease('gate', { ttlMs: 60_000 });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await first.release();
      await (await waiting).release();
    });

    it('take over the lease of one that died, once it has run out, and not before', async () => {
      const url = fresh();
      const proxy = await TcpProxy.start(server.port);
      try {
        const doomed = open(url.replace(String(server.port), String(proxy.port)), QUICK);
        const other = open(url);
        const lease = await doomed.lease('gate', { ttlMs: 1500 });
        const since = performance.now();
        // Until it was renewed for the first time, which is soon.
        await new Promise((resolve) => setTimeout(resolve, 400));
        // As after kill -9, nothing more is heard of it; unlike then, we can watch what it believes.
        proxy.blackHole = true;
        const lostFirst = new Promise<string>((resolve) =>
          lease.lost.addEventListener('abort', () => resolve('told that it is lost')),
        );
        const taken = other.lease('gate', { ttlMs: 1500 });
        const order = await Promise.race([lostFirst, taken.then(() => 'taken over')]);
        assert.equal(order, 'told that it is lost');
        const next = await taken;
        assert.ok(performance.now() - since >= 1000, 'not while it may be renewed');
        assert.ok(lease.lost.aborted);
        assert.equal(lease.lost.reason instanceof StateError && lease.lost.reason.reason, 'ESTALE');
        await next.release();
        proxy.cut();
        proxy.blackHole = false;
        await lease.release();
      } finally {
        await Promise.all(opened.splice(0).map((state) => state.close()));
        await proxy.stop();
      }
    });

    it('do not wait for one that asked for a lease and died', async () => {
      const url = fresh();
      const proxy = await TcpProxy.start(server.port);
      try {
        const holder = open(url);
        const doomed = open(url.replace(String(server.port), String(proxy.port)), QUICK);
        const lease = await holder.lease('gate', { ttlMs: 1000 });
        const never = doomed.lease('gate', { ttlMs: 1000 }).catch((error: unknown) => error);
        await new Promise((resolve) => setTimeout(resolve, 100));
        proxy.blackHole = true;
        const behind = open(url).lease('gate', { ttlMs: 1000 });
        await new Promise((resolve) => setTimeout(resolve, 100));
        await lease.release();
        await (await behind).release();
        assert.ok((await never) instanceof StateError);
      } finally {
        await Promise.all(opened.splice(0).map((state) => state.close()));
        await proxy.stop();
      }
    });
  });

  it('renews a lease for as long as it is held', async () => {
    const url = fresh();
    const lease = await open(url).lease('gate', { ttlMs: 1200 });
    const other = open(url).lease('gate', { ttlMs: 1200 });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.equal(lease.lost.aborted, false);
    await lease.release();
    await (await other).release();
  });

  it('lets a lease be followed at trace level, from the wait to its end', async () => {
    const url = fresh();
    const lines: string[] = [];
    const held = await open(url).lease('gate', { ttlMs: 60_000 });
    const other = open(url, { log: { ...silent, trace: (text) => lines.push(text) } });
    const waiting = other.lease('gate', { ttlMs: 60_000 });
    await until(() => lines.length > 0);
    await held.release();
    await (await waiting).release();
    assert.deepEqual(
      lines.map((line) => line.replace(/\d+/, 'N')),
      ['waits, as another process has it', 'acquired after N ms', 'released'].map((what) => `lease gate: ${what}`),
    );
  });

  it('knows that a lease is over as soon as a stalled process goes on, before any timer could tell', async () => {
    let stalled = 0;
    const clock = { ...systemClock, elapsed: () => systemClock.elapsed() + stalled };
    const lease = await open(fresh(), { clock }).lease('gate', { ttlMs: 5000 });
    assert.equal(lease.lost.aborted, false);
    stalled = 5000;
    assert.equal(lease.lost.aborted, true);
    await lease.release();
  });

  it('makes a change once even where its answer was lost on the way', async () => {
    const proxy = await TcpProxy.start(server.port);
    const url = fresh().replace(String(server.port), String(proxy.port));
    const state = open(url);
    await state.change('codes', () => ({ value: ['demo-code'], result: undefined }));
    // The answer `:1` is that to the write: Redis has done it, and we do not hear of it.
    let lost = 0;
    proxy.onAnswer = (chunk) => {
      if (lost > 0 || chunk.toString() !== ':1\r\n') return true;
      lost += 1;
      return false;
    };
    const take = (): Promise<string> =>
      state.change('codes', (current) =>
        Array.isArray(current) && current.length > 0 ? { value: [], result: 'taken' } : { result: 'used before' },
      );
    assert.equal(await take(), 'taken');
    assert.equal(lost, 1);
    assert.equal(await take(), 'used before');

    lost = 0;
    const remove = (): Promise<string> =>
      state.change('codes', (current) => (current ? { value: undefined, result: 'removed' } : { result: 'none' }));
    assert.equal(await remove(), 'removed');
    assert.equal(lost, 1);
    assert.equal(await remove(), 'none');
    await state.close();
    await proxy.stop();
  });

  it('goes on hearing news after the connection was cut, and tells that some may have been missed', async () => {
    const proxy = await TcpProxy.start(server.port);
    const url = fresh();
    const state = open(url.replace(String(server.port), String(proxy.port)));
    const heard: Json[] = [];
    let gaps = 0;
    state.subscribe(
      'gateway',
      (message) => heard.push(message),
      () => (gaps += 1),
    );
    await state.publish('gateway', 1);
    await until(() => heard.length === 1);
    assert.equal(gaps, 0);
    proxy.cut();
    await until(() => gaps === 1);
    const other = open(url);
    await until(async () => {
      await other.publish('gateway', 2);
      return heard.includes(2);
    });
    await state.close();
    await proxy.stop();
  });

  it('passes over what somebody else says, and tells of a listener that fails each time only now and then', async () => {
    const url = fresh();
    const warnings: string[] = [];
    const state = open(url, { log: { ...silent, warn: (message) => warnings.push(message) } });
    const heard: Json[] = [];
    state.subscribe('news', (message) => heard.push(message));
    state.subscribe('news', () => {
      throw new Error('not mine');
    });
    const { Redis } = await import('ioredis');
    const raw = new Redis(server.port);
    try {
      await state.publish('news', 'first');
      const channel = `${new URL(url).searchParams.get('prefix') ?? ''}channel:news`;
      for (const text of ['', 'hello', '{', '"\\ud800']) await raw.publish(channel, text);
      for (let times = 0; times < 20; times += 1) await state.publish('news', times);
      while (heard.length < 21) await new Promise((resolve) => setTimeout(resolve, 10));
      assert.deepEqual(warnings, ['a listener of the shared state failed: not mine']);
    } finally {
      raw.disconnect();
    }
  });

  it('lets a listener that throws harm neither the others nor the process', async () => {
    const warnings: string[] = [];
    const state = open(fresh(), { log: { ...silent, warn: (message) => warnings.push(message) } });
    state.subscribe('news', () => {
      throw new Error('a defect');
    });
    const heard = new Promise((resolve) => state.subscribe('news', resolve));
    await state.publish('news', 1);
    assert.equal(await heard, 1);
    assert.deepEqual(warnings, ['a listener of the shared state failed: a defect']);
  });

  it('does not take for its own what somebody else wrote', async () => {
    const url = fresh();
    const { prefix } = { prefix: new URL(url).searchParams.get('prefix') ?? '' };
    const { Redis } = await import('ioredis');
    const raw = new Redis(server.port);
    try {
      await raw.set(`${prefix}state:k`, 'hello');
      const state = open(url);
      await assert.rejects(state.get('k'), { name: 'StateError', reason: 'EBADVALUE' });
      // Neither is it built upon: who knows what was lost by it.
      await assert.rejects(count(state, 'k'), { name: 'StateError', reason: 'EBADVALUE' });
    } finally {
      raw.disconnect();
    }
  });

  it('refuses everything after close', async () => {
    const state = open(fresh());
    const waiting = open(fresh()).lease('gate', { ttlMs: 1000 });
    await (await waiting).release();
    const lease = await state.lease('gate', { ttlMs: 1000 });
    const behind = state.lease('gate', { ttlMs: 1000 });
    await Promise.all([assert.rejects(behind, { reason: 'ECLOSED' }), state.close()]);
    await lease.release();
    await assert.rejects(state.get('k'), { reason: 'ECLOSED' });
    await assert.rejects(state.lease('gate', { ttlMs: 1000 }), { reason: 'ECLOSED' });
  });

  it('frees, when it is closed, what it held for those who wait', async () => {
    const url = fresh();
    const [one, two] = [open(url), open(url)];
    await one.lease('gate', { ttlMs: 60_000 });
    const waiting = two.lease('gate', { ttlMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await one.close();
    await (await waiting).release();
  });
});

describe('state in a Redis that fails', () => {
  const opened: RedisState[] = [];
  let warnings: string[];
  const open = (url: string): RedisState => {
    const state = new RedisState({ url, log: { ...silent, warn: (message) => warnings.push(message) }, ...QUICK });
    opened.push(state);
    return state;
  };
  beforeEach(() => {
    warnings = [];
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((state) => state.close()));
  });

  it('fails with the reason, quickly, when there is none, and says so once', async () => {
    const port = await freePort();
    const state = open(`redis://:demo-password@127.0.0.1:${port}`);
    const failures = await Promise.all(
      [
        count(state, 'ts', 1, 1),
        state.get('k'),
        state.change('k', () => ({ value: 1, result: 1 })),
        state.lease('gate', { ttlMs: 1000 }),
        state.publish('news', 1),
      ].map((failing) => (failing as Promise<unknown>).catch((error: unknown) => error)),
    );
    for (const failure of failures) {
      assert.ok(failure instanceof StateError);
      assert.equal(failure.reason, 'ECONNREFUSED');
      assert.ok(!`${failure.message}${failure.stack ?? ''}`.includes('demo-password'));
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(warnings, [`Redis at 127.0.0.1:${port} cannot be used (ECONNREFUSED); trying again until it can`]);
  });

  it('fails while Redis is gone, reuses no number, and recovers by itself', async () => {
    const server = await RedisServer.start();
    try {
      const state = open(server.url);
      assert.equal(await count(state, 'ts', 100, 1), 100);
      await server.kill();
      await assert.rejects(count(state, 'ts', 100, 1), { name: 'StateError', reason: 'ECONNREFUSED' });
      await server.run();
      await until(() => warnings.length === 2);
      assert.match(warnings[1]!, /answers again/);
      assert.equal(await count(state, 'ts', 100, 1), 101);
      await (await state.lease('gate', { ttlMs: 1000 })).release();
    } finally {
      await server.stop();
    }
  });

  it('does not notice a restart that is quick', async () => {
    const server = await RedisServer.start();
    try {
      const state = new RedisState({ url: server.url, log: silent });
      opened.push(state);
      await count(state, 'ts', 1, 1);
      await server.kill();
      const asked = count(state, 'ts', 1, 1);
      await server.run();
      assert.equal(await asked, 2);
    } finally {
      await server.stop();
    }
  });

  it('fails while Redis hangs, and recovers when it goes on', async () => {
    const server = await RedisServer.start();
    try {
      const state = open(server.url);
      await count(state, 'ts', 1, 1);
      server.freeze();
      await assert.rejects(count(state, 'ts', 1, 1), { name: 'StateError', reason: 'ETIMEDOUT' });
      server.thaw();
      await until(() =>
        count(state, 'ts', 1, 1).then(
          (number) => number > 1,
          () => false,
        ),
      );
    } finally {
      server.thaw();
      await server.stop();
    }
  });

  it('gives a lease, when it goes on, to nobody who has given up meanwhile', async () => {
    const server = await RedisServer.start();
    try {
      const [state, other] = [open(server.url), open(server.url)];
      for (const each of [state, other]) await (await each.lease('gate', { ttlMs: 60_000 })).release();
      server.freeze();
      const asking = [state, other].map((each) =>
        assert.rejects(each.lease('gate', { ttlMs: 60_000 }), { name: 'StateError', reason: 'ETIMEDOUT' }),
      );
      await Promise.all(asking);
      // Until they have also given up to give back what they may have got.
      await new Promise((resolve) => setTimeout(resolve, 2 * QUICK.commandMs));
      server.thaw();
      const third = open(server.url);
      // It would wait for a minute.
      await (await third.lease('gate', { ttlMs: 60_000 })).release();
    } finally {
      server.thaw();
      await server.stop();
    }
  });

  it('says once that it is gone, and once that it is back, of a Redis that takes connections and lets writes wait', async () => {
    const server = await RedisServer.start();
    const { Redis } = await import('ioredis');
    const raw = new Redis(server.port);
    try {
      const state = open(server.url);
      await count(state, 'ts', 1, 1);
      // As while it is told to hand over to a replica.
      await raw.client('PAUSE', 60_000, 'WRITE');
      for (let times = 0; times < 3; times += 1)
        await assert.rejects(count(state, 'ts', 1, 1), { reason: 'ETIMEDOUT' });
      assert.deepEqual(
        warnings.map((text) => text.replace(/:\d+/, '')),
        ['Redis at 127.0.0.1 cannot be used (ETIMEDOUT); trying again until it can'],
      );
      await raw.client('UNPAUSE');
      await until(() => warnings.length > 1);
      assert.match(warnings[1]!, /answers again/);
    } finally {
      raw.disconnect();
      await server.stop();
    }
  });

  it('finds a new way when the network swallows everything', async () => {
    const server = await RedisServer.start();
    const proxy = await TcpProxy.start(server.port);
    try {
      const state = open(server.url.replace(String(server.port), String(proxy.port)));
      await count(state, 'ts', 1, 1);
      proxy.blackHole = true;
      await assert.rejects(count(state, 'ts', 1, 1), { reason: 'ETIMEDOUT' });
      proxy.blackHole = false;
      await until(() => state.get('ts').then(Boolean, () => false));
    } finally {
      await Promise.all(opened.splice(0).map((state) => state.close()));
      await proxy.stop();
      await server.stop();
    }
  });

  it('never carries out later what it has refused', async () => {
    const server = await RedisServer.start();
    const proxy = await TcpProxy.start(server.port);
    try {
      const state = open(server.url.replace(String(server.port), String(proxy.port)));
      const other = open(server.url);
      const heard: unknown[] = [];
      other.subscribe('news', (message) => heard.push(message));
      // By the one that listens, and so not before it does.
      await other.publish('news', 'before');
      await until(() => Promise.resolve(heard.length > 0));
      await state.get('ts');
      proxy.blackHole = true;
      await Promise.all([
        assert.rejects(state.publish('news', 'refused'), { name: 'StateError' }),
        assert.rejects(count(state, 'ts', 1, 1), { name: 'StateError' }),
        assert.rejects(state.lease('gate', { ttlMs: 60_000 }), { name: 'StateError' }),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 2 * QUICK.commandMs));
      proxy.blackHole = false;
      await until(() =>
        state.publish('news', 'after').then(
          () => true,
          () => false,
        ),
      );
      await until(() => Promise.resolve(heard.includes('after')));
      assert.deepEqual(
        heard.filter((message) => message !== 'after'),
        ['before'],
      );
      assert.equal(await other.get('ts'), undefined);
      await (await other.lease('gate', { ttlMs: 60_000, signal: AbortSignal.timeout(500) })).release();
    } finally {
      await Promise.all(opened.splice(0).map((state) => state.close()));
      await proxy.stop();
      await server.stop();
    }
  });

  it('waits for a server that takes no writes for a moment, as in a failover', async () => {
    const server = await RedisServer.start();
    const client = new Redis(server.port, '127.0.0.1');
    try {
      const state = open(server.url);
      assert.equal(await count(state, 'ts', 1, 1), 1);
      await client.replicaof('127.0.0.1', await freePort());
      const counted = count(state, 'ts', 1, 1);
      await new Promise((resolve) => setTimeout(resolve, QUICK.commandMs / 4));
      await client.replicaof('NO', 'ONE');
      assert.equal(await counted, 2);
    } finally {
      client.disconnect();
      await server.stop();
    }
  });

  it('tells a wrong password from an absent server, and shows neither password', async () => {
    const server = await RedisServer.start('--requirepass', 'demo-right');
    try {
      const wrong = open(server.url.replace('//', '//:demo-wrong@'));
      await assert.rejects(wrong.get('k'), (error: unknown) => {
        assert.ok(error instanceof StateError);
        assert.equal(error.reason, 'WRONGPASS');
        assert.ok(!error.message.includes('demo-'));
        return true;
      });
      await assert.rejects(open(server.url).get('k'), { reason: 'NOAUTH' });
      assert.equal(await open(server.url.replace('//', '//:demo-right@')).get('k'), undefined);
      assert.ok(!warnings.join().includes('demo-'));
    } finally {
      await server.stop();
    }
  });

  it('passes on what Redis refuses for good, such as a full memory, at once', async () => {
    const server = await RedisServer.start('--maxmemory', '100kb', '--maxmemory-policy', 'noeviction');
    try {
      await assert.rejects(count(open(server.url), 'ts', 1, 1), { name: 'StateError', reason: 'OOM' });
    } finally {
      await server.stop();
    }
  });

  it('closes at once and leaves nothing behind, though Redis never answered', async () => {
    const state = open(`redis://127.0.0.1:${await freePort()}`);
    const waiting = state.lease('gate', { ttlMs: 1000 }).catch((error: unknown) => error);
    state.subscribe('news', () => undefined);
    await state.close();
    assert.ok((await waiting) instanceof StateError);
  });
});

async function until(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('it never came');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
