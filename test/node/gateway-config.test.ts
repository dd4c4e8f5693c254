import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { GATEWAY_ERROR_CODES } from '../../src/thekeys/gateway-errors';
import { BACK, FRONT, LockFlow, type FlowItem } from '../support/lock-flow';

const action = (more: Record<string, unknown> = {}): FlowItem => ({
  id: 'lock',
  type: 'lock-action',
  gateway: 'gw',
  action: 'message',
  confirm: false,
  deadline: '8',
  wires: [['out']],
  ...more,
});

describe('gateway-config', () => {
  const flow = new LockFlow();
  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  const rising = (): void => {
    const { timestamps } = flow.world.journal;
    assert.ok(
      timestamps.every((timestamp, index) => index === 0 || timestamp > timestamps[index - 1]!),
      timestamps.join(' '),
    );
    assert.deepEqual(flow.world.journal.refusedTimestamps, []);
    assert.equal(flow.world.journal.maxInFlight, 1);
  };

  describe('shares one queue among all configurations of an address', () => {
    it('one request at a time, timestamps rising, from several nodes and configurations', async () => {
      flow.world.times.latencyMs = 5;
      await flow.load(
        flow.whole(
          flow.gateway(),
          flow.gateway({ id: 'gw2', host: `http://${flow.running.host}/`, identifier: BACK.identifier }),
          action(),
          action({ id: 'back', gateway: 'gw2' }),
        ),
        { gw: { code: FRONT.code }, gw2: { code: BACK.code } },
      );
      for (let round = 0; round < 5; round++) {
        flow.send('lock', { payload: 'open' });
        flow.send('back', { payload: 'close' });
      }
      await flow.next('out', 10);
      rising();
    });

    it('takes 100 messages at once, and calls each one done', async () => {
      await flow.load(flow.whole(flow.gateway(), action({ deadline: '60' })));
      for (let index = 0; index < 100; index++)
        flow.send('lock', { payload: index % 2 === 0 ? 'open' : 'close', index });
      await flow.until(() => flow.at('completed').length + flow.at('caught').length === 100, 30_000);
      assert.deepEqual(
        flow.at('out').map(({ index }) => index),
        Array.from({ length: 100 }, (_, index) => index),
        'in the order they came',
      );
      assert.equal(flow.at('caught').length, 0);
      rising();
    }).timeout(40_000);

    it('refuses what is too much, at once and by name', async () => {
      flow.world.times.latencyMs = 20;
      await flow.load(flow.whole(flow.gateway(), action()));
      for (let index = 0; index < 110; index++) flow.send('lock', { payload: 'open' });
      await flow.until(() => flow.at('caught').length >= 9);
      assert.ok(flow.at('caught').every(({ error }) => error?.code === 'QUEUE_FULL'));
    });
  });

  describe('survives deploys', () => {
    for (const type of ['nodes', 'flows', 'full'] as const) {
      it(`of ${type}: timestamps go on, also right after a burst that ran ahead of the clock`, async () => {
        const items = (name: string): FlowItem[] => flow.whole(flow.gateway({ name }), action({ name }));
        await flow.load(items('before'));
        for (let index = 0; index < 8; index++) flow.send('lock', { payload: 'open' });
        await flow.next('out', 8);
        await flow.deploy(items('after'), type);
        flow.send('lock', { payload: 'close' });
        await flow.next('out', 9);
        rising();
      });
    }

    it('keeps a gateway that hangs to one request, whoever asks after the deploy', async () => {
      const items = (name: string): FlowItem[] => flow.whole(flow.gateway({ name, timeout: '1' }), action({ name }));
      await flow.load(items('before'));
      flow.world.faults.next({ kind: 'hang', path: '/open' });
      flow.send('lock', { payload: 'open' });
      await flow.arrived('/open');
      const began = Date.now();
      await flow.deploy(items('after'), 'full');
      assert.ok(Date.now() - began < 900, 'closing waits for no gateway');
      flow.send('lock', { payload: 'close' });
      await flow.next('out');
      rising();
    });

    it('lets a bolt come to rest before the next flow toggles it, where the gateway would read it on its way', async () => {
      await flow.end();
      await flow.begin({}, { boltTravel: 2000 });
      const sent: (string | undefined)[] = [];
      let arrives = Infinity;
      const eager = createServer((request, response) => {
        sent.push(request.url);
        const code = performance.now() >= arrives ? 50 : 49;
        if (request.url === '/open') arrives = performance.now() + 400;
        request.resume();
        response.end(JSON.stringify(request.url === '/locker_status' ? { code } : { status: 'ok', code: 0 }));
      });
      await new Promise<void>((resolve) => eager.listen(0, '127.0.0.1', resolve));
      const host = `127.0.0.1:${(eager.address() as AddressInfo).port}`;
      try {
        await flow.load(flow.whole(flow.gateway({ host }), action()));
        flow.send('lock', { payload: 'open' });
        await flow.next('out');
        await flow.deploy(flow.whole(flow.gateway({ host, name: 'edited' }), action({ name: 'edited' })), 'full');
        flow.send('lock', { payload: 'toggle' });
        await flow.next('out', 2);
        assert.deepEqual(sent, ['/open', '/locker_status', '/close']);
      } finally {
        eager.close();
      }
    });

    it('takes up the shared state that was named meanwhile, with a request under way', async () => {
      await flow.load(flow.whole(flow.gateway(), action()));
      flow.world.times.latencyMs = 200;
      flow.send('lock', { payload: 'open' });
      await flow.arrived('/open');
      const before = flow.world.journal.requests.length;
      const credentials = { code: FRONT.code, sharedState: 'redis://127.0.0.1:1' };
      await flow.deploy(flow.whole(flow.gateway({ credentials }), action({ deadline: '6' })), 'nodes');
      flow.send('lock', { payload: 'close' });
      await flow.until(() => flow.at('caught').some(({ payload }) => payload === 'close'));
      const { error } = flow.at('caught').at(-1)!;
      assert.equal(error?.code, 'GATEWAY_UNREACHABLE');
      assert.match(error.message, /state shared with other processes/);
      assert.equal(flow.world.journal.requests.length, before, 'nothing is sent that others do not know of');
      await flow.deploy(
        flow.whole(flow.gateway({ credentials: { code: FRONT.code, sharedState: '' } }), action()),
        'nodes',
      );
      flow.send('lock', { payload: 'close' });
      await flow.next('out');
      rising();
    });

    it('takes up the shared state that another configuration of the gateway names', async () => {
      const second = (more: Record<string, unknown>): FlowItem => flow.gateway({ id: 'gw2', ...more });
      await flow.load(flow.whole(flow.gateway(), second({}), action({ deadline: '4' })));
      flow.send('lock', { payload: 'open' });
      await flow.next('out');
      const credentials = { code: FRONT.code, sharedState: 'redis://127.0.0.1:1' };
      await flow.deploy(
        flow.whole(flow.gateway(), second({ name: 'edited', credentials }), action({ deadline: '4' })),
        'nodes',
      );
      flow.send('lock', { payload: 'close' });
      assert.equal((await flow.next('caught')).error?.code, 'GATEWAY_UNREACHABLE');
      assert.deepEqual(flow.world.journal.paths, ['/open']);
    });

    it('calls done once for what was under way, with what is known of it', async () => {
      await flow.load(flow.whole(flow.gateway(), action()));
      flow.world.faults.next({ kind: 'hang', path: '/open', acts: true });
      flow.send('lock', { payload: 'open' });
      await flow.arrived('/open');
      flow.send('lock', { payload: 'close' });
      // The Catch node stays, as in a deploy of the changed nodes only.
      await flow.deploy(flow.whole(flow.gateway(), action({ name: 'edited' })), 'nodes');
      await flow.next('caught', 2);
      const caught = flow.at('caught').map(({ payload, error }) => [payload as string, error?.code] as const);
      assert.deepEqual(Object.fromEntries(caught), { open: 'RESULT_UNKNOWN', close: 'EXPIRED' });
      assert.equal(caught.length, 2);
      assert.deepEqual(flow.world.journal.paths, ['/open'], 'and nothing sends the second one later');
      assert.equal(flow.at('completed').length + flow.at('out').length, 0);
    });

    it('paints no badge and sends no message after it is closed', async () => {
      await flow.load(flow.whole(flow.gateway(), action({ confirm: true })));
      flow.world.times.latencyMs = 100;
      flow.send('lock', { payload: 'open' });
      await flow.arrived('/open');
      await flow.deploy(flow.whole(flow.gateway()), 'full');
      flow.badges.length = 0;
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.deepEqual([flow.badges, flow.at('out')], [[], []]);
    });

    it('goes on where the user directory cannot be written, with one warning', async () => {
      writeFileSync(path.join(flow.userDir, 'thekeys-gateway'), 'a file where the folder should be');
      const items = (name: string): FlowItem[] => flow.whole(flow.gateway({ name }), action({ name }));
      await flow.load(items('before'));
      for (let index = 0; index < 8; index++) flow.send('lock', { payload: 'open' });
      await flow.next('out', 8);
      await flow.deploy(items('after'), 'full');
      flow.send('lock', { payload: 'close' });
      await flow.next('out', 9);
      rising();
      assert.equal(flow.logged.filter((line) => line.includes('cannot be kept')).length, 1);
    });

    it('keeps the timestamps in the user directory', async () => {
      await flow.load(flow.whole(flow.gateway(), action()));
      flow.send('lock', { payload: 'open' });
      await flow.next('out');
      await flow.deploy(flow.whole(flow.gateway({ name: 'edited' }), action()), 'full');
      const folder = path.join(flow.userDir, 'thekeys-gateway');
      const files = readdirSync(folder).filter((file) => file.startsWith('timestamp'));
      const kept = files.map((file) => readFileSync(path.join(folder, file), 'utf8'));
      assert.deepEqual(
        kept.map((text) => (JSON.parse(text) as { value: { at: number } }).value.at),
        [flow.world.journal.timestamps.at(-1)],
      );
    });
  });

  describe('reads its settings at run time', () => {
    it('takes them from the environment', async () => {
      process.env.TEST_LOCK_HOST = flow.running.host;
      process.env.TEST_LOCK_CODE = FRONT.code;
      process.env.TEST_LOCK_TIMEOUT = '5';
      try {
        await flow.load(
          flow.whole(flow.gateway({ host: '${TEST_LOCK_HOST}', timeout: '${TEST_LOCK_TIMEOUT}' }), action()),
          { gw: { code: '${TEST_LOCK_CODE}' } },
        );
        flow.send('lock', { payload: 'open' });
        await flow.next('out');
      } finally {
        for (const name of ['HOST', 'CODE', 'TIMEOUT']) Reflect.deleteProperty(process.env, `TEST_LOCK_${name}`);
      }
    });

    it('trims the code that was copied with blanks', async () => {
      await flow.load(flow.whole(flow.gateway(), action()), { gw: { code: `  ${FRONT.code}\n` } });
      flow.send('lock', { payload: 'open' });
      await flow.next('out');
    });

    const wrong: [string, Record<string, unknown>, Record<string, unknown>, string][] = [
      ['no address', { host: '' }, {}, 'no address'],
      ['an address that is none', { host: 'http://a b' }, {}, 'check settings'],
      ['https', { host: 'https://127.0.0.1' }, {}, 'http only'],
      ['a variable that is not set', { host: '${NO_SUCH_GATEWAY}' }, {}, 'check settings'],
      ['a time limit that is none', { timeout: 'long' }, {}, 'check settings'],
      ['no code', {}, { code: '' }, 'no share code'],
      ['a code that can be none', {}, { code: 'clé secrète' }, 'no share code'],
      ['a shared state that is none', {}, { sharedState: 'http://redis' }, 'check settings'],
    ];
    for (const [what, config, credentials, badge] of wrong) {
      it(`tells with each command that there is ${what}, and sends nothing`, async () => {
        await flow.load(flow.whole(flow.gateway(config), action()), { gw: { code: FRONT.code, ...credentials } });
        flow.send('lock', { payload: 'open' });
        const { error } = await flow.next('caught');
        assert.equal(error?.code, 'INVALID_INPUT');
        assert.ok(error.cause.hint.length > 20);
        assert.deepEqual(new Set(flow.badgesOf('lock')), new Set([badge]));
        assert.equal(flow.badges.at(-1)?.badge.fill, 'red');
        assert.deepEqual(flow.world.journal.requests, []);
      });
    }

    it('refuses numbers of the node that are none', async () => {
      for (const more of [{ deadline: 'soon' }, { deadline: '-1' }, { confirm: 'perhaps' }]) {
        await flow.load(flow.whole(flow.gateway(), action({ action: 'open', ...more })));
        flow.send('lock', {});
        assert.equal((await flow.next('caught')).error?.code, 'INVALID_INPUT', JSON.stringify(more));
        await flow.again();
      }
    });
  });

  describe('passes every refusal on to the Catch node', () => {
    const refusals: [number, string][] = [
      [32, 'NOT_SHARED'],
      [33, 'INVALID_HMAC'],
      [34, 'LOCK_NOT_DETECTED'],
      [35, 'LOCK_INCOMPATIBLE'],
      [36, 'KEY_REFUSED'],
      [37, 'LOCK_ERROR'],
      [38, 'GATEWAY_CLOCK'],
      [99, 'LOCK_ERROR'],
    ];
    for (const [number, code] of refusals) {
      it(`${number} as ${code}`, async () => {
        await flow.load(flow.whole(flow.gateway(), action()));
        flow.world.faults.next({ kind: 'code', code: number, path: '/open', times: 5 });
        flow.send('lock', { payload: 'open', kept: 'yes' });
        const { error, kept } = await flow.next('caught');
        assert.deepEqual(
          [error?.code, error?.cause.gatewayCode, typeof error?.cause.retriable, kept],
          [code, number, 'boolean', 'yes'],
        );
        assert.ok(GATEWAY_ERROR_CODES.includes(code as never));
        await flow.quiet();
        assert.equal(flow.at('caught').length + flow.at('completed').length, 1);
      });
    }

    it('busy until the deadline, no connection, and no time', async () => {
      await flow.load(flow.whole(flow.gateway(), action({ deadline: '0.6' })));
      flow.world.faults.next({ kind: 'busy', times: 50 });
      flow.send('lock', { payload: 'open' });
      assert.equal((await flow.next('caught')).error?.code, 'GATEWAY_BUSY');
      assert.ok(flow.badgesOf('lock').includes('busy, retrying'));
      flow.world.faults.clear();
      flow.world.goAway();
      flow.send('lock', { payload: 'open' });
      assert.equal((await flow.next('caught', 2)).error?.code, 'GATEWAY_UNREACHABLE');
      assert.deepEqual(flow.badges.at(-1)?.badge, { fill: 'red', shape: 'ring', text: 'gateway offline' });
    });
  });

  it('keeps the share code out of messages, errors, badges and logs', async () => {
    const codes = [FRONT.code, BACK.code, 'not-the-demo-code'];
    await flow.load(
      flow.whole(
        flow.gateway(),
        flow.gateway({ id: 'gw2', identifier: BACK.identifier }),
        action({ confirm: true }),
        action({ id: 'back', gateway: 'gw2' }),
        { id: 'sync', type: 'gateway-sync', gateway: 'gw', operation: 'list', wires: [['out']] },
      ),
      { gw: { code: FRONT.code }, gw2: { code: 'not-the-demo-code' } },
    );
    flow.send('lock', { payload: 'open' });
    flow.send('back', { payload: 'open' });
    flow.send('sync', {});
    await flow.next('out', 2);
    await flow.next('caught');
    flow.world.faults.next({ kind: 'garbage', path: '/open', times: 3 });
    flow.send('lock', { payload: 'open' });
    await flow.until(() => flow.at('out').length + flow.at('caught').length >= 4);
    const everything = JSON.stringify([[...flow.received], flow.badges, flow.logged]);
    for (const code of codes) assert.ok(!everything.includes(code), code);
    assert.doesNotMatch(everything, /hash/);
  });
});

describe('a share code of digits alone, which an environment of the flow may hold as a number', () => {
  const flow = new LockFlow();
  const share = { ...FRONT, code: '20481357' };
  beforeEach(() => flow.begin({ locks: [share] }));
  afterEach(() => flow.end());

  it('opens its lock', async () => {
    await flow.load(flow.whole(flow.gateway(), action()), { gw: { code: Number(share.code) } });
    flow.send('lock', { payload: 'open' });
    await flow.next('out');
  });
});
