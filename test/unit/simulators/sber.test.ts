import assert from 'node:assert/strict';
import { startSberCloud, type SberCloud, type SberCloudOptions } from '../../../simulators/sber/cloud';
import { lamp, sentLamp, socket } from '../../support/sber-examples';

describe('The simulated Sber cloud', () => {
  let cloud: SberCloud;

  afterEach(() => cloud.close());

  interface Said {
    status: number;
    body: { code?: number; errors?: { id: string; code: number; message: string }[]; models?: unknown[] };
  }

  async function ask(
    line: string,
    body?: unknown,
    headers: Record<string, string> = { 'Content-Type': 'application/json', Authorization: `Bearer ${cloud.token}` },
  ): Promise<Said> {
    const [method, path] = line.split(' ') as [string, string];
    const response = await fetch(cloud.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Said['body'] };
  }

  const start = async (options?: SberCloudOptions): Promise<void> => {
    cloud = await startSberCloud(options);
  };

  it('wants the key and the content type on every request, also to read', async () => {
    await start();
    const bearer = { Authorization: `Bearer ${cloud.token}` };
    const json = { 'Content-Type': 'application/json' };
    assert.equal((await ask('GET /v1/models', undefined, bearer)).body.code, 400);
    assert.equal((await ask('GET /v1/models', undefined, json)).body.code, 401);
    assert.equal((await ask('GET /v1/models', undefined, { ...json, Authorization: cloud.token })).body.code, 401);
    assert.equal((await ask('GET /v1/models', undefined, { ...json, Authorization: 'Bearer other' })).body.code, 403);
    assert.deepEqual((await ask('GET /v1/models', undefined, { ...json, ...bearer })).body, { models: [] });
  });

  it('takes the key in the query where it is told to, and nowhere else', async () => {
    await start({ keyIn: 'query', keyParameter: 'auth', statuses: 'real' });
    const json = { 'Content-Type': 'application/json' };
    assert.equal((await ask(`GET /v1/models?auth=${cloud.token}`, undefined, json)).status, 200);
    assert.equal((await ask('GET /v1/models')).status, 401);
    assert.equal((await ask('GET /v1/models?auth=other', undefined, json)).status, 403);
    assert.ok(!JSON.stringify(cloud.journal).includes(cloud.token));
  });

  it('takes structures to the letter, item by item', async () => {
    await start();
    const bad: [unknown, RegExp][] = [
      [lamp(), /dependencies\.light_colour\.value: unknown field/],
      [socket('B', { nicknames: [] }), /nicknames: unknown field/],
      [socket('B', { hw_version: 5 }), /hw_version: string expected/],
      [{ ...socket('B'), category: undefined }, /category: missing/],
      [
        socket('B', {
          features: ['power'],
          allowed_values: { power: { type: 'INTEGER', integer_values: { min: 1, max: '2' } } },
        }),
        /min: string holding a long/,
      ],
      [
        socket('B', { allowed_values: { power: { type: 'INTEGER', integer_values: { min: '1', max: '2' } } } }),
        /not among the features/,
      ],
    ];
    for (const [model, message] of bad) {
      const { body } = await ask('POST /v1/models', { models: [model] });
      assert.equal(body.errors?.length, 1);
      assert.equal(body.errors[0]?.code, 400);
      assert.match(body.errors[0].message, message);
    }
    assert.equal(cloud.models.size, 0);
    const { body } = await ask('POST /v1/models', { models: [sentLamp(), bad[1]![0]] });
    assert.deepEqual(
      body.errors?.map(({ id }) => id),
      ['B'],
    );
    assert.deepEqual([...cloud.models.keys()], ['QWERTY123']);
    assert.equal((await ask('POST /v1/models', { models: [], user_id: 'u' })).body.code, 400);
    assert.equal((await ask('DELETE /v1/models', { model_ids: [5] })).body.code, 400);
    assert.equal((await ask('GET /v1/models?device_ids=1')).body.code, 400);
    assert.equal((await ask('GET /v1/devices')).body.code, 400);
    assert.equal((await ask('GET /v1/nothing')).body.code, 404);
  });

  it('keeps models apart from one another: no second POST, no PUT or DELETE of what is not there', async () => {
    await start({ models: [socket('A')] });
    const code = async (line: string, body: unknown): Promise<number | undefined> =>
      (await ask(line, body)).body.errors?.[0]?.code;
    assert.equal(await code('POST /v1/models', { models: [socket('A')] }), 400);
    assert.equal(await code('PUT /v1/models', { models: [socket('B')] }), 400);
    assert.equal(await code('DELETE /v1/models', { model_ids: ['B'] }), 400);
    assert.equal(await code('PUT /v1/models', { models: [socket('A', { description: 'x' })] }), undefined);
    assert.equal(cloud.models.get('A')?.description, 'x');
  });

  it('leaves defaults out as proto3 does, if asked to', async () => {
    const power = { type: 'INTEGER', integer_values: { min: '0', max: '5' } };
    await start({ omitDefaults: true, models: [socket('A', { description: '', allowed_values: { power } })] });
    assert.deepEqual((await ask('GET /v1/models')).body, {
      models: [socket('A', { allowed_values: { power: { type: 'INTEGER', integer_values: { max: '5' } } } })],
    });
    cloud.models.clear();
    assert.deepEqual((await ask('GET /v1/models')).body, {});
  });

  it('fails by script: once, for one kind of request, carried out or not', async () => {
    await start();
    cloud.strike({ kind: 'error', code: 503, method: 'POST', path: '/v1/models', carriedOut: true });
    assert.deepEqual((await ask('GET /v1/models')).body, { models: [] });
    assert.equal((await ask('POST /v1/models', { models: [socket('A')] })).body.code, 503);
    assert.ok(cloud.models.has('A'));
    assert.deepEqual((await ask('PUT /v1/models', { models: [socket('A')] })).body, {});
  });
});
