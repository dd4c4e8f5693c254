import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import { COMMON_ERROR_WITH_DETAILS, lamp, LAMP_ANSWER, sentLamp, socket } from '../support/sber-examples';
import { startProxy, type TestProxy } from '../support/proxy';
import { useSber, type SberFlow } from '../support/sber-flow';

describe('sber-models', () => {
  const suite = useSber('sber-models');
  const { flow } = suite;

  const methods = (): string[] => suite.cloud.journal.map(({ method }) => method);

  describe('list and get', () => {
    it('gives what the cloud has, field for field', async () => {
      const { send, badges } = await flow({ operation: 'list' });
      suite.cloud.strike({ kind: 'raw', body: LAMP_ANSWER });
      const message = await send({ payload: 'anything', topic: 'kept', other: 1 });
      assert.deepEqual(message.payload, [lamp()]);
      assert.equal(message.topic, 'kept');
      assert.equal(message.other, 1);
      assert.equal(message.sber?.httpStatus, 200);
      assert.equal(message.sber.requestId, suite.cloud.journal[0]?.requestId);
      assert.deepEqual(message.sber.warnings, []);
      assert.equal(badges.at(-1)?.fill, 'green');
    });

    it('takes an answer without a list for an empty one', async () => {
      const { send } = await flow({ operation: 'list' }, { omitDefaults: true });
      assert.deepEqual((await send({})).payload, []);
    });

    it('finds one model by the id in the message, or in the node', async () => {
      const { send } = await flow({ operation: 'get', modelId: 'B' }, { models: [socket('A'), socket('B')] });
      assert.deepEqual((await send({ payload: 'A' })).payload, socket('A'));
      assert.deepEqual((await send({ payload: 1_700_000_000_000 })).payload, socket('B'));
      assert.deepEqual((await send({ payload: { model_ids: ['B', 'A'] } })).payload, [socket('B'), socket('A')]);
    });

    it('says NOT_FOUND where one of the ids is not there', async () => {
      const { failing } = await flow({ operation: 'get' }, { models: [socket('A')] });
      const { error, sber } = await failing({ payload: ['A', 'Z'] });
      assert.equal(error.code, 'NOT_FOUND');
      assert.match(error.message, /"Z"/);
      assert.equal(sber?.httpStatus, 200);
    });
  });

  describe('create, update and delete', () => {
    it('creates a list of models, and says what the catalogue doubts', async () => {
      const { send } = await flow({ operation: 'create' });
      const message = await send({ payload: { models: [lamp(), socket('A')] } });
      assert.deepEqual(message.payload, { applied: ['QWERTY123', 'A'], failed: [] });
      assert.deepEqual(suite.cloud.models.get('QWERTY123'), sentLamp());
      assert.deepEqual(
        message.sber?.warnings.map(({ modelId, path }) => `${modelId ?? ''} ${path}`),
        ['QWERTY123 features[6]', 'QWERTY123 allowed_values.light_brightness.integer_values.min'],
      );
      assert.deepEqual(methods(), ['POST']);
    });

    it('tells which items failed, with a yellow badge', async () => {
      const { send, badges } = await flow({ operation: 'update' }, { models: [socket('A'), socket('B')] });
      suite.cloud.failItem('B', { code: 500, message: 'System error' });
      const message = await send({ payload: [socket('A', { sw_version: '2' }), socket('B', { sw_version: '2' })] });
      assert.deepEqual(message.payload, {
        applied: ['A'],
        failed: [{ id: 'B', code: 500, message: 'System error' }],
      });
      assert.equal(badges.at(-1)?.fill, 'yellow');
      assert.deepEqual(methods(), ['PUT']);
    });

    it('is an error with the first one’s code when all items failed', async () => {
      const { failing } = await flow({ operation: 'update' });
      suite.cloud.failItem('A', { code: 403, message: 'not yours' });
      suite.cloud.failItem('B', { code: 500, message: 'System error' });
      const { error } = await failing({ payload: [socket('A'), socket('B')] });
      assert.equal(error.code, 'SBER_FORBIDDEN');
      assert.equal(error.cause.gatewayCode, 403);
    });

    it('deletes with a JSON body, and only what the message names', async () => {
      const { send, failing } = await flow(
        { operation: 'delete', modelId: 'B' },
        { models: [socket('A'), socket('B')] },
      );
      assert.deepEqual((await send({ payload: ['A', 'A'] })).payload, { applied: ['A'], failed: [] });
      assert.deepEqual(suite.cloud.journal[0]?.body, { model_ids: ['A'] });
      for (const payload of [17, true, { model_id: 'A' }, [1]]) {
        assert.equal((await failing({ payload })).error.code, 'INVALID_INPUT');
      }
      assert.equal(suite.cloud.journal.length, 1);
      assert.deepEqual((await send({ payload: '' })).payload, { applied: ['B'], failed: [] });
    });

    it('changes nothing on a dry run', async () => {
      const { send } = await flow({ operation: 'delete' }, { models: [socket('A')] });
      assert.deepEqual((await send({ payload: 'A', dryRun: true })).payload, { applied: ['A'], failed: [] });
      assert.equal(suite.cloud.models.size, 1);
    });

    it('sends nothing when one item is no model', async () => {
      const { failing } = await flow({ operation: 'create' });
      for (const bad of [5, null, {}, { ...socket('B'), features: 'online' }, { ...socket('B'), id: 7 }]) {
        const { error } = await failing({ payload: [socket('A'), bad] });
        assert.equal(error.code, 'INVALID_INPUT');
        assert.match(error.message, /models\[1\]/);
      }
      assert.equal(suite.cloud.journal.length, 0);
    });
  });

  describe('message', () => {
    it('does what the message says', async () => {
      const { send } = await flow({ operation: 'message' });
      assert.deepEqual((await send({ payload: { operation: 'create', models: socket('A') } })).payload, {
        applied: ['A'],
        failed: [],
      });
      assert.deepEqual((await send({ payload: { operation: 'list' } })).payload, [socket('A')]);
      assert.deepEqual((await send({ payload: { operation: 'get', model_ids: ['A'] } })).payload, socket('A'));
      assert.deepEqual((await send({ payload: { operation: 'delete', model_ids: 'A' } })).payload, {
        applied: ['A'],
        failed: [],
      });
    });

    it('refuses what is no operation', async () => {
      const { failing } = await flow({ operation: 'message', modelId: 'A' });
      for (const payload of ['list', 'drop', {}, { operation: 'drop' }, { operation: 'message' }, null, [lamp()]]) {
        assert.equal((await failing({ payload })).error.code, 'INVALID_INPUT');
      }
      assert.equal(suite.cloud.journal.length, 0);
    });
  });

  describe('sync', () => {
    const wanted = [socket('new'), socket('same'), socket('changed', { description: 'now with a description' })];
    const models = [
      socket('gone'),
      { ...socket('same'), features: ['on_off', 'online'], description: '', hw_version: '' },
      socket('changed'),
    ];
    const outcome = { created: ['new'], updated: ['changed'], deleted: ['gone'], unchanged: ['same'], failed: [] };

    it('shows the plan on a dry run and changes nothing', async () => {
      const { send, badges } = await flow({ operation: 'sync', deleteMissing: true }, { models });
      assert.deepEqual((await send({ payload: wanted, dryRun: true })).payload, outcome);
      assert.deepEqual(methods(), ['GET']);
      assert.match(badges.at(-1)?.text ?? '', /\+1 ~1 −1/);
    });

    it('brings the cloud to the list, and finds nothing to do a second time', async () => {
      const { send, badges } = await flow({ operation: 'sync', deleteMissing: true }, { models });
      assert.deepEqual((await send({ payload: wanted })).payload, outcome);
      assert.equal(badges.at(-1)?.text, '+1 ~1 −1');
      assert.deepEqual([...suite.cloud.models.keys()].sort(), ['changed', 'new', 'same']);
      assert.deepEqual((await send({ payload: wanted })).payload, {
        created: [],
        updated: [],
        deleted: [],
        unchanged: ['new', 'same', 'changed'],
        failed: [],
      });
      assert.equal(badges.at(-1)?.text, 'nothing to do');
    });

    it('deletes nothing unless the node says so, whatever the message says', async () => {
      const { send } = await flow({ operation: 'message' }, { models });
      const payload = { operation: 'sync', models: wanted, deleteMissing: true };
      assert.deepEqual((await send({ payload, deleteMissing: true })).payload, { ...outcome, deleted: [] });
      assert.ok(suite.cloud.models.has('gone'));
    });

    it('refuses an empty list that would delete everything, before it asks the cloud', async () => {
      const { failing } = await flow({ operation: 'sync', deleteMissing: true }, { models });
      assert.equal((await failing({ payload: [] })).error.code, 'INVALID_INPUT');
      assert.equal(suite.cloud.journal.length, 0);
    });

    it('takes the models saved in the node when the message brings none', async () => {
      const { send, badges } = await flow({ operation: 'sync', models: wanted });
      assert.deepEqual((await send({ payload: 1_700_000_000_000 })).payload, {
        created: ['new', 'same', 'changed'],
        updated: [],
        deleted: [],
        unchanged: [],
        failed: [],
      });
      assert.equal(badges.at(-1)?.text, 'created 3');
    });

    it('shows its progress, and puts what failed beside what did not', async () => {
      const many = Array.from({ length: 250 }, (_, index) => socket(`M${index}`));
      const { send, badges } = await flow({ operation: 'sync' });
      suite.cloud.failItem('M120', { code: 400, message: 'no' });
      const { payload } = await send({ payload: many });
      assert.equal((payload as { created: string[] }).created.length, 249);
      assert.deepEqual((payload as { failed: unknown[] }).failed, [{ id: 'M120', code: 400, message: 'no' }]);
      const texts = badges.map(({ text }) => text);
      assert.ok(texts.includes('100 of 250'));
      assert.ok(texts.includes('200 of 250'));
      assert.equal(badges.at(-1)?.fill, 'yellow');
      assert.equal(badges.at(-1)?.text, '1 of 250 failed');
    });

    it('says what was done when the cloud refuses half way', async () => {
      const many = Array.from({ length: 150 }, (_, index) => socket(`M${index}`));
      const { send } = await flow({ operation: 'sync' });
      suite.cloud.strike({ kind: 'slow', ms: 0, method: 'POST' });
      suite.cloud.strike({ kind: 'error', code: 403, method: 'POST', message: 'no more' });
      const { payload } = await send({ payload: many });
      const { created, failed } = payload as { created: string[]; failed: { id: string; code: number }[] };
      assert.equal(created.length, 100);
      assert.equal(failed.length, 50);
      assert.deepEqual([...new Set(failed.map(({ code }) => code))], [403]);
    });
  });

  describe('errors', () => {
    const cases = [
      { code: 400, expected: 'SBER_VALIDATION' },
      { code: 401, expected: 'SBER_UNAUTHORIZED' },
      { code: 403, expected: 'SBER_FORBIDDEN' },
      { code: 404, expected: 'BAD_RESPONSE' },
    ];
    for (const { code, expected } of cases) {
      for (const statuses of ['ok', 'real'] as const) {
        it(`${code} in the body is ${expected} with HTTP ${statuses === 'ok' ? 200 : code}, and is not repeated`, async () => {
          const { failing, badges } = await flow({ operation: 'list' }, { statuses });
          suite.cloud.strike({ kind: 'error', ...COMMON_ERROR_WITH_DETAILS, code });
          const { error, sber } = await failing({});
          assert.equal(error.code, expected);
          assert.equal(error.cause.gatewayCode, code);
          assert.match(error.message, /Invalid argument \[key1, key2\]/);
          assert.notEqual(error.cause.hint, '');
          assert.equal(sber?.httpStatus, statuses === 'ok' ? 200 : code);
          assert.equal(suite.cloud.journal.length, 1);
          assert.equal(badges.at(-1)?.fill, 'red');
        });
      }
    }

    it('repeats a read after 503, then gives its answer', async () => {
      const { send, badges } = await flow({ operation: 'list' }, { models: [socket('A')] });
      suite.cloud.strike({ kind: 'error', code: 503 });
      suite.cloud.strike({ kind: 'html', status: 503 });
      assert.deepEqual((await send({})).payload, [socket('A')]);
      assert.equal(new Set(suite.cloud.journal.map(({ requestId }) => requestId)).size, 3);
      assert.ok(badges.some(({ fill }) => fill === 'yellow'));
    });

    it('has no account', async () => {
      const { failing } = await flow({ account: 'nowhere', operation: 'list' });
      assert.equal((await failing({})).error.code, 'INVALID_INPUT');
    });

    it('has another node for an account', async () => {
      const { failing } = await flow({ account: 'out', operation: 'list' });
      assert.equal((await failing({})).error.code, 'INVALID_INPUT');
    });

    it('has no key', async () => {
      const { failing } = await flow({ operation: 'list' }, {}, { token: undefined });
      assert.equal((await failing({})).error.code, 'INVALID_INPUT');
      assert.equal(suite.cloud.journal.length, 0);
    });

    it('has a wrong key in the query', async () => {
      const { send, failing } = await flow({ operation: 'list' }, { keyIn: 'query', keyParameter: 'auth' });
      assert.deepEqual((await send({})).payload, []);
      assert.equal(suite.cloud.journal[0]?.key, 'query');
      suite.cloud.strike({ kind: 'error', code: 401 });
      assert.equal((await failing({})).error.code, 'SBER_UNAUTHORIZED');
    });

    it('shows the key nowhere, even when the cloud echoes it', async () => {
      const { failing, send, badges } = await flow({ operation: 'list' });
      suite.cloud.strike({ kind: 'echo' });
      const caught = await failing({});
      const text = JSON.stringify([caught, badges]);
      assert.doesNotMatch(text, /demo-sber-key/);
      assert.match(caught.error.message, /\*\*\*/);
      suite.cloud.models.set('A', { ...socket('A'), id: 'A', description: `made with ${suite.cloud.token}` });
      assert.doesNotMatch(JSON.stringify((await send({})).payload), /demo-sber-key/);
    });
  });

  describe('through a proxy', () => {
    let proxy: TestProxy | undefined;
    afterEach(async () => {
      await proxy?.close();
      delete process.env.HTTP_PROXY;
    });

    const proxied = (proxyNode?: Record<string, unknown>): Promise<SberFlow> =>
      flow({ operation: 'list' }, { models: [socket('A')] }, proxyNode === undefined ? {} : { proxyNode });

    it('of the environment asks Sber', async () => {
      proxy = await startProxy();
      process.env.HTTP_PROXY = proxy.url;
      const { send } = await proxied();
      assert.deepEqual((await send({})).payload, [socket('A')]);
      assert.deepEqual(proxy.asked, [`GET ${suite.cloud.url}/v1/models`]);
    });

    it('that the account picks asks Sber, with its login, and not the environment’s', async () => {
      proxy = await startProxy('anna:pass word');
      process.env.HTTP_PROXY = 'http://127.0.0.1:9';
      const { send } = await proxied({ url: proxy.url, username: 'anna', password: 'pass word', noproxy: [] });
      assert.deepEqual((await send({})).payload, [socket('A')]);
      assert.equal(proxy.asked.length, 1);
    });

    it('that refuses the login is what the error speaks of, without the login', async () => {
      proxy = await startProxy('anna:right');
      const { failing } = await proxied({ url: proxy.url, username: 'anna', password: 'not-this' });
      const caught = await failing({});
      assert.equal(caught.error.code, 'SBER_UNREACHABLE');
      assert.match(caught.error.message, /proxy wants a login/);
      assert.doesNotMatch(JSON.stringify(caught), /not-this/);
      assert.equal(proxy.asked.length, 1);
    });

    it('is left out for the hosts that the proxy node names', async () => {
      proxy = await startProxy();
      const { send } = await proxied({ url: proxy.url, noproxy: ['127.0.0.1'] });
      assert.deepEqual((await send({})).payload, [socket('A')]);
      assert.deepEqual(proxy.asked, []);
    });
  });

  describe('the test of its account', () => {
    const test = async (fields: object): Promise<{ models?: number; error?: { code: string; hint: string } }> =>
      (await helper.request().post('/thekeys-gateway/sber/test').send(fields).expect(200)).body as object;

    it('asks with what is typed, before it is deployed, and with the stored key where the field shows dots', async () => {
      const { node } = await flow({ operation: 'list' });
      assert.ok(node);
      const endpoint = suite.cloud.url;
      assert.deepEqual(await test({ endpoint, token: suite.cloud.token }), { models: 0 });
      assert.deepEqual(await test({ id: 'account', endpoint, token: '__PWRD__' }), { models: 0 });
      assert.equal((await test({ endpoint, token: 'another-key' })).error?.code, 'SBER_FORBIDDEN');
      assert.equal((await test({ id: 'other', endpoint, token: '__PWRD__' })).error?.code, 'INVALID_INPUT');
      assert.equal((await test({ endpoint: 'http://sber.example', token: 'x' })).error?.code, 'INVALID_INPUT');
    });
  });

  it('works in a flow that knows nothing of saved models', async () => {
    const { send, failing } = await flow({ operation: 'sync', models: undefined });
    assert.equal((await failing({ payload: 5 })).error.code, 'INVALID_INPUT');
    assert.deepEqual(((await send({ payload: socket('A') })).payload as { created: string[] }).created, ['A']);
  });

  it('reads "delete missing" from a variable by the rules of all nodes', async () => {
    for (const [deleteMissing, deleted] of [
      ['yes', ['gone']],
      ['1', ['gone']],
      ['off', []],
      ['', []],
    ] as const) {
      const { send } = await flow({ operation: 'sync', deleteMissing }, { models: [socket('gone')] });
      const { payload } = await send({ payload: socket('A'), dryRun: true });
      assert.deepEqual((payload as { deleted: string[] }).deleted, deleted);
      await suite.end();
    }
    const { failing } = await flow({ operation: 'sync', deleteMissing: 'maybe' });
    assert.equal((await failing({ payload: socket('A') })).error.code, 'INVALID_INPUT');
  });

  it('lets go at once when the flow is stopped while the cloud is silent', async () => {
    const { node } = await flow({ operation: 'list' });
    suite.cloud.strike({ kind: 'silent' });
    node.receive({ payload: '' });
    while (suite.cloud.journal.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    // Waiting for the answer would take the account's 15 s, more than a test is given.
    await helper.unload();
  });
});
