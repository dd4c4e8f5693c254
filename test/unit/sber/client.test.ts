import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CodedError } from '../../../src/common/errors';
import { silent } from '../../../src/common/log';
import {
  newDevices,
  newModels,
  newStates,
  otherDevices,
  otherModels,
  send,
  unlinkedUser,
  unwantedDevices,
  unwantedModels,
} from '../../../src/sber/changes';
import type { SberClient } from '../../../src/sber/client';
import { connect, MOST_ATTEMPTS, type ClientOptions } from '../../../src/sber/client';
import { accountSettings } from '../../../src/sber/endpoint';
import { carryOut, planOf, type Plan } from '../../../src/sber/sync';
import type { Device, Model, Outcome } from '../../../src/sber/shapes';
import { startSberCloud, type SberCloud, type SberCloudOptions, type SberFault } from '../../../simulators/sber/cloud';
import { HurriedClock } from '../../support/hurried-clock';
import { COMMON_ERROR, ITEM_ERRORS, lamp, LAMP_ANSWER, socket, STATE_ANSWER } from '../../support/sber-examples';

const TOKEN = 'demo+key/with=signs&"more"';
const A = socket('A') as unknown as Model;
const B = socket('B') as unknown as Model;
const ownDevice: Device = { id: 'D', name: 'Lamp', default_name: 'Lamp', model_id: 'A' };

describe("Client of Sber's vendor API", () => {
  let cloud: SberCloud;
  let clock: HurriedClock;

  afterEach(() => cloud.close());

  async function client(options: SberCloudOptions = {}, fields: Record<string, unknown> = {}): Promise<SberClient> {
    cloud = await startSberCloud({ token: TOKEN, ...options });
    clock = new HurriedClock();
    return clientOf({ endpoint: cloud.url, token: cloud.token, ...fields });
  }

  function clientOf(fields: Record<string, unknown>, options: Partial<ClientOptions> = {}): SberClient {
    return connect({ settings: accountSettings(fields), clock, random: () => 1, ...options });
  }

  const planTo = async (api: SberClient, wanted: readonly Model[], deleteMissing: boolean): Promise<Plan> =>
    planOf(await api.listModels(), wanted, deleteMissing, api.yieldLoop);

  const methods = (): string => cloud.journal.map(({ method }) => method).join(' ');

  async function failureOf(promise: Promise<unknown>): Promise<CodedError> {
    try {
      await promise;
    } catch (error) {
      assert.ok(error instanceof CodedError, String(error));
      const text = JSON.stringify([error.message, error.cause, error.stack]);
      assert.ok(!text.includes(TOKEN) && !text.includes(encodeURIComponent(TOKEN)), 'the key shows');
      return error as CodedError;
    }
    return assert.fail('no error');
  }

  describe('the eleven methods', () => {
    const device = { models: [socket('A')], devices: { AB12345: [ownDevice] } };
    const states = { D: { states: [{ key: 'online', value: { type: 'BOOL' as const, bool_value: true } }] } };
    const calls: [string, (api: SberClient) => Promise<unknown>, string, unknown][] = [
      ['get models', (api) => api.listModels(), 'GET /v1/models', undefined],
      ['post models', (api) => send(api, newModels([B])), 'POST /v1/models', { models: [B] }],
      ['put models', (api) => send(api, otherModels([A])), 'PUT /v1/models', { models: [A] }],
      ['delete models', (api) => send(api, unwantedModels(['A'])), 'DELETE /v1/models', { model_ids: ['A'] }],
      ['get devices', (api) => api.listDevices('AB12345'), 'GET /v1/devices', undefined],
      [
        'post devices',
        (api) => send(api, newDevices('AB12345', [{ ...ownDevice, id: 'E' }])),
        'POST /v1/devices',
        { user_id: 'AB12345', devices: [{ ...ownDevice, id: 'E' }] },
      ],
      ['put devices', (api) => send(api, otherDevices([ownDevice])), 'PUT /v1/devices', { devices: [ownDevice] }],
      ['delete devices', (api) => send(api, unwantedDevices(['D'])), 'DELETE /v1/devices', { device_ids: ['D'] }],
      ['get state', (api) => api.readState('AB12345', ['D']), 'GET /v1/state', undefined],
      ['post state', (api) => send(api, newStates(states)), 'POST /v1/state', { devices: states }],
      ['unlink', (api) => send(api, unlinkedUser('AB12345')), 'POST /v1/unlink', { user_id: 'AB12345' }],
    ];
    for (const [name, run, line, body] of calls) {
      for (const keyIn of ['header', 'query'] as const) {
        it(`${name}, with the key in the ${keyIn}`, async () => {
          const api = await client({ ...device, keyIn, keyParameter: 'auth key' }, { keyIn, keyParameter: 'auth key' });
          const seen: [string, number | undefined][] = [];
          const answer = await run(api.for({ onExchange: (id, status) => seen.push([id, status]) }));
          const [entry] = cloud.journal;
          assert.equal(`${entry!.method} ${entry!.path}`, line);
          assert.deepEqual(entry!.body, body);
          assert.equal(entry!.code, 200);
          assert.equal(entry!.contentType, 'application/json');
          assert.equal(entry!.contentLength, body === undefined ? undefined : String(JSON.stringify(body).length));
          assert.equal(entry!.key, keyIn === 'header' ? 'Bearer' : 'query');
          assert.deepEqual(seen, [[entry!.requestId, 200]]);
          if (entry!.method !== 'GET') assert.deepEqual((answer as Outcome).failed, []);
        });
      }
    }

    it('asks for the state of one device as the documentation shows it', async () => {
      const api = await client();
      cloud.strike({ kind: 'raw', body: JSON.stringify(STATE_ANSWER) });
      const states = await api.readState('AB12345', ['ABCD_003']);
      assert.deepEqual(cloud.journal[0]!.query, { user_id: ['AB12345'], device_ids: ['ABCD_003'] });
      assert.deepEqual(states, new Map([['ABCD_003', STATE_ANSWER.devices.ABCD_003.states]]));
    });

    it('repeats device_ids for several devices', async () => {
      const api = await client();
      await api.listDevices('AB12345', ['a', 'b&c']);
      assert.deepEqual(cloud.journal[0]!.query.device_ids, ['a', 'b&c']);
    });

    it('keeps a path in front of the endpoint, and does not mind its end', async () => {
      for (const end of ['/sber', '/sber/', '/sber/v1', '/sber/v1/']) {
        const api = await client();
        await failureOf(clientOf({ endpoint: cloud.url + end, token: TOKEN }).listModels());
        assert.equal(cloud.journal[0]!.path, '/sber/v1/models');
        assert.deepEqual(await api.listModels(), []);
        await cloud.close();
      }
    });
  });

  describe('what an answer means', () => {
    const cases: [string, SberFault, string][] = [
      [
        'Sber’s example of a common error',
        { kind: 'raw', body: JSON.stringify(COMMON_ERROR), times: MOST_ATTEMPTS },
        'SBER_INTERNAL',
      ],
      ['an error whose HTTP status says otherwise', { kind: 'error', code: 400, status: 500 }, 'SBER_VALIDATION'],
      ['a code as text', { kind: 'raw', body: '{"code":"403","message":"no"}' }, 'SBER_FORBIDDEN'],
      ['a number of gRPC’s beside 401', { kind: 'error', code: 16, status: 401 }, 'SBER_UNAUTHORIZED'],
      ['a number of gRPC’s beside 403', { kind: 'error', code: 7, status: 403 }, 'SBER_FORBIDDEN'],
      ['a number of gRPC’s beside 400', { kind: 'error', code: 3, status: 400 }, 'SBER_VALIDATION'],
      ['a number of gRPC’s alone', { kind: 'error', code: 13, status: 200 }, 'BAD_RESPONSE'],
      [
        'a number of gRPC’s beside 503',
        { kind: 'error', code: 14, status: 503, times: MOST_ATTEMPTS },
        'SBER_UNAVAILABLE',
      ],
      ['429 and nothing else', { kind: 'empty', status: 429, times: MOST_ATTEMPTS }, 'SBER_UNAVAILABLE'],
      ['a code that Sber does not document', { kind: 'error', code: 409, status: 409 }, 'BAD_RESPONSE'],
      ['an empty answer', { kind: 'empty', status: 200 }, 'BAD_RESPONSE'],
      ['401 and nothing else', { kind: 'empty', status: 401 }, 'SBER_UNAUTHORIZED'],
      ['403 of a proxy', { kind: 'html', status: 403 }, 'SBER_FORBIDDEN'],
      ['404 of a proxy', { kind: 'html', status: 404 }, 'BAD_RESPONSE'],
      ['500 of a proxy', { kind: 'html', status: 500, times: MOST_ATTEMPTS }, 'SBER_INTERNAL'],
      ['502 of a proxy', { kind: 'html', status: 502 }, 'SBER_UNAVAILABLE'],
      ['503 of a proxy', { kind: 'html', status: 503, times: MOST_ATTEMPTS }, 'SBER_UNAVAILABLE'],
      ['504 and nothing else', { kind: 'empty', status: 504 }, 'SBER_UNAVAILABLE'],
      ['502 with an error of Sber’s', { kind: 'error', code: 401, status: 502 }, 'SBER_UNAUTHORIZED'],
      ['500 without a code', { kind: 'raw', status: 500, body: '{"message":"oh"}', times: 5 }, 'SBER_INTERNAL'],
      ['a page instead of JSON', { kind: 'html', status: 200 }, 'BAD_RESPONSE'],
      ['a page that goes on and on', { kind: 'raw', body: `<p>${'<'.repeat(5e6)}` }, 'BAD_RESPONSE'],
      ['half an answer of JSON', { kind: 'raw', body: LAMP_ANSWER.slice(0, 200) }, 'BAD_RESPONSE'],
      ['a list', { kind: 'raw', body: '[]' }, 'BAD_RESPONSE'],
      ['null', { kind: 'raw', body: 'null' }, 'BAD_RESPONSE'],
      ['models that are no list', { kind: 'raw', body: '{"models":{"A":1}}' }, 'BAD_RESPONSE'],
      ['models that are no objects', { kind: 'raw', body: '{"models":["A"]}' }, 'BAD_RESPONSE'],
      ['something else altogether', { kind: 'raw', body: '{"status":"fine"}' }, 'BAD_RESPONSE'],
      [
        'brackets without an end',
        { kind: 'raw', body: `{"models":${'['.repeat(3e6)}${']'.repeat(3e6)}}` },
        'BAD_RESPONSE',
      ],
      ['a redirect with an error of Sber’s', { kind: 'error', code: 401, status: 302 }, 'SBER_UNAUTHORIZED'],
      ['a redirect', { kind: 'redirect', location: '/v1/models?again' }, 'BAD_RESPONSE'],
      ['an answer without an end', { kind: 'huge', bytes: 17 * 1024 * 1024 }, 'BAD_RESPONSE'],
    ];
    for (const [name, fault, code] of cases) {
      it(`${name}: ${code}`, async () => {
        const api = await client();
        cloud.strike(fault);
        const error = await failureOf(api.listModels());
        assert.equal(error.code, code);
        assert.ok(error.message.length < 400, error.message);
        assert.equal(typeof error.cause.httpStatus, fault.kind === 'huge' ? typeof error.cause.httpStatus : 'number');
        assert.equal(cloud.journal.length, fault.times ?? 1);
      });
    }

    it('says of a page that refuses that a firewall did, not that the key was refused', async () => {
      const api = await client();
      for (const status of [401, 403]) {
        cloud.strike({ kind: 'html', status });
        assert.match((await failureOf(api.listModels())).cause.hint, /firewall/);
        cloud.strike({ kind: 'error', code: status, status });
        assert.match((await failureOf(api.listModels())).cause.hint, /key/i);
      }
    });

    it('shows nothing of a refusal that could forge a log line or set a terminal’s title', async () => {
      const api = await client();
      cloud.strike({ kind: 'error', code: 400, message: 'no\n30 Nov - [error] \u001b]0;owned\u0007 \u202eevil' });
      const { message } = await failureOf(api.listModels());
      assert.match(message, /no 30 Nov - \[error\] \]0;owned evil/);
      cloud.strike({ kind: 'raw', body: '{"errors":[{"id":"A","code":400,"message":"a\\r\\nb"}]}' });
      assert.equal((await api.change('PUT', 'models', { models: [A] })).failed[0]?.message, 'a b');
    });

    for (const compress of ['gzip', 'br', 'deflate'] as const) {
      it(`reads an answer that was compressed by ${compress}`, async () => {
        const api = await client({ compress, models: [socket('A')] });
        assert.deepEqual(await api.listModels(), [socket('A')]);
        assert.equal((await failureOf(send(api, newModels([A])))).code, 'SBER_VALIDATION');
      });
    }

    const goods: [string, SberFault, unknown][] = [
      ['nothing in it', { kind: 'raw', body: '{}' }, []],
      ['null for a list', { kind: 'raw', body: '{"models":null}' }, []],
      ['a byte order mark', { kind: 'raw', body: `\ufeff${LAMP_ANSWER}\n` }, [lamp()]],
      ['code 0 beside', { kind: 'raw', body: '{"code":0,"models":[]}' }, []],
      ['models with a status of 500', { kind: 'raw', status: 500, body: LAMP_ANSWER }, [lamp()]],
      [
        'names of JavaScript’s own',
        { kind: 'raw', body: '{"models":[{"id":"__proto__","constructor":1}]}' },
        undefined,
      ],
    ];
    for (const [name, fault, expected] of goods) {
      it(`reads a list with ${name}`, async () => {
        const api = await client();
        cloud.strike(fault);
        const models = await api.listModels();
        if (expected === undefined) assert.equal(models.length, 1);
        else assert.deepEqual(models, expected);
      });
    }

    it('reads the items that failed, whatever the HTTP status', async () => {
      for (const status of [200, 207, 302, 400, 500]) {
        const api = await client();
        cloud.strike({ kind: 'raw', status, body: JSON.stringify(ITEM_ERRORS) });
        assert.deepEqual((await api.change('PUT', 'models', { models: [A, B] })).failed, ITEM_ERRORS.errors);
        assert.equal(cloud.journal.length, 1);
        await cloud.close();
      }
    });

    it('reads numbers where texts belong, as the page with the schema has them', async () => {
      const api = await client();
      cloud.strike({ kind: 'raw', body: '{"errors":[{"id":5,"code":"400","message":7}]}' });
      assert.deepEqual((await api.change('PUT', 'models', { models: [A] })).failed, [
        { id: '5', code: 400, message: '7' },
      ]);
    });

    const oddities = [
      '{"code":"WEIRD","message":"no"}',
      '{"code":40000000000}',
      '{"errors":["no"]}',
      '{"errors":"no"}',
      '{"error":"no"}',
      '{"error":{"status":"PERMISSION_DENIED"}}',
      '{"message":"no","details":[]}',
    ];
    for (const body of [...oddities, '{"errors":{"id":"A","code":400}}']) {
      it(`does not take ${body} for success`, async () => {
        const api = await client();
        cloud.strike({ kind: 'raw', body });
        const error = await failureOf(api.change('PUT', 'models', { models: [A] }));
        assert.equal(error.code, 'BAD_RESPONSE');
        assert.equal(error.cause.httpStatus, 200);
      });
    }

    it('takes an empty list of errors, and an empty answer, for success', async () => {
      const api = await client();
      for (const body of ['{"errors":[]}', '{"errors":null}', '{}', ' ', '{"code":200,"message":"OK"}']) {
        cloud.strike({ kind: 'raw', body });
        assert.deepEqual((await api.change('PUT', 'models', { models: [A] })).failed, []);
      }
    });

    it('hides the key in data too, also where JSON escapes are all there is of it', async () => {
      const escaped = Array.from(TOKEN, (char) => `\\u00${char.charCodeAt(0).toString(16)}`).join('');
      const api = await client();
      cloud.strike({ kind: 'raw', body: `{"models":[{"id":"A","description":"by ${escaped}","${escaped}":[1]}]}` });
      assert.deepEqual(await api.listModels(), [{ id: 'A', description: 'by ***', '***': [1] }]);
      cloud.strike({ kind: 'raw', body: `{"errors":[{"id":"A","code":400,"message":"${escaped}"}]}` });
      assert.deepEqual((await api.change('PUT', 'models', { models: [A] })).failed, [
        { id: 'A', code: 400, message: '***' },
      ]);
    });

    it('is not led astray by an answer far deeper than any of Sber’s', async () => {
      const api = await client();
      const deep = `${'[{"a":'.repeat(2e5)}1${'}]'.repeat(2e5)}`;
      cloud.strike({ kind: 'raw', body: `{"models":[{"id":"A","text":"[[[[\\"","deep":${deep}}]}` });
      assert.equal((await failureOf(api.listModels())).code, 'BAD_RESPONSE');
      const brackets = '['.repeat(5000);
      cloud.strike({ kind: 'raw', body: `{"models":[{"id":"A","text":"\\"${brackets}\\\\"}]}` });
      assert.equal((await api.listModels()).length, 1);
    });

    it('never shows the key, however an answer is damaged', async () => {
      const api = await client();
      const spellings = [
        TOKEN,
        encodeURIComponent(TOKEN),
        encodeURIComponent(TOKEN).toLowerCase(),
        JSON.stringify(TOKEN).slice(1, -1),
        Array.from(TOKEN, (char) => `\\u00${char.charCodeAt(0).toString(16)}`).join(''),
      ];
      const noise = fc.string({ maxLength: 300 });
      const body = fc
        .tuple(noise, fc.constantFrom(...spellings), noise, fc.nat(3))
        .map(([before, key, after, form]) => {
          const text = JSON.stringify(before).slice(1, -1);
          if (form === 0) return `${before}${key}${after}`;
          if (form === 1) return `<html>${before}<a href="/?k=${key}">${after}</a>`;
          return `{"code":400,"message":"${text} ${key.replace(/(?<!\\)"/g, '\\"')}","details":["${text}${encodeURIComponent(TOKEN)}"]}`;
        });
      await fc.assert(
        fc.asyncProperty(body, fc.constantFrom(200, 400, 404), async (text, status) => {
          cloud.strike({ kind: 'raw', status, body: text });
          const error = await failureOf(api.listModels());
          assert.ok(!error.message.toLowerCase().includes('demo+key') && !error.message.includes('demo%2Bkey'));
        }),
        { numRuns: 150 },
      );
    });

    it('ends in a list or an error of the contract, whatever comes', async () => {
      const api = await client();
      const known = /^(SBER_(VALIDATION|UNAUTHORIZED|FORBIDDEN|INTERNAL|UNAVAILABLE)|BAD_RESPONSE)$/;
      const shape = fc.letrec<{ any: unknown }>((tie) => ({
        any: fc.oneof(
          { maxDepth: 4 },
          fc.constantFrom(null, 0, 200, 400, 500, '', '500', true),
          fc.array(tie('any'), { maxLength: 3 }),
          fc.dictionary(
            fc.constantFrom('models', 'code', 'message', 'details', 'errors', 'id', '__proto__'),
            tie('any'),
            { maxKeys: 4 },
          ),
        ),
      })).any;
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            shape.map((value) => JSON.stringify(value)),
            fc.string(),
          ),
          async (body) => {
            cloud.strike({ kind: 'raw', body, times: MOST_ATTEMPTS });
            for (const run of [
              () => api.listModels(),
              async () => (await api.change('PUT', 'models', { models: [A] })).failed,
            ]) {
              try {
                assert.ok(Array.isArray(await run()));
              } catch (error) {
                assert.ok(error instanceof CodedError, String(error));
                assert.match((error as CodedError).code, known);
              }
            }
            while (cloud.journal.length > 0) cloud.journal.pop();
          },
        ),
        { numRuns: 200 },
      );
    });
  });

  it('writes each request and each wait at trace, without the key', async () => {
    await client({ keyIn: 'query', keyParameter: 'auth' });
    const lines: string[] = [];
    const log = { ...silent, trace: (line: string) => void lines.push(line) };
    const fields = { endpoint: cloud.url, token: TOKEN, keyIn: 'query', keyParameter: 'auth' };
    const api = clientOf(fields, { log });
    cloud.strike({ kind: 'busy', retryAfter: '1' });
    cloud.strike({ kind: 'reset' });
    await api.listModels();
    assert.equal(lines.length, 5);
    assert.match(
      lines.join('\n'),
      /GET .*\/v1\/models: 429[^]*attempt 2 in 1000 ms, after SBER_UNAVAILABLE[^]*lost[^]*200/,
    );
    for (const spelling of [TOKEN, encodeURIComponent(TOKEN), 'auth']) {
      assert.ok(!lines.join('\n').includes(spelling));
    }
  });

  describe('sending again', () => {
    const passing: [string, SberFault][] = [
      ['500 in the body', { kind: 'error', code: 500, status: 200 }],
      ['503 in the body', { kind: 'error', code: 503, status: 200 }],
      ['HTTP 500', { kind: 'empty', status: 500 }],
      ['HTTP 503', { kind: 'html', status: 503 }],
      ['a lost connection', { kind: 'reset' }],
      ['a connection lost half way', { kind: 'reset', halfway: true }],
    ];
    for (const [name, fault] of passing) {
      it(`reads, replaces and deletes again after ${name}`, async () => {
        const api = await client({ models: [socket('A')] });
        const attempts: number[] = [];
        for (const run of [
          () => api.for({ onRetry: (attempt) => attempts.push(attempt) }).listModels(),
          () => api.change('PUT', 'models', { models: [A] }),
          () => api.change('DELETE', 'models', { model_ids: ['A'] }),
        ]) {
          cloud.strike({ ...fault, times: 2 });
          await run();
        }
        assert.equal(methods(), 'GET GET GET PUT PUT PUT DELETE DELETE DELETE');
        assert.deepEqual(attempts, [2, 3]);
      });
    }

    it(`gives up after ${MOST_ATTEMPTS} attempts, with growing pauses of a few seconds in all`, async () => {
      const api = await client();
      cloud.strike({ kind: 'error', code: 503, times: 99 });
      assert.equal((await failureOf(api.change('PUT', 'models', { models: [A] }))).code, 'SBER_UNAVAILABLE');
      assert.equal(cloud.journal.length, MOST_ATTEMPTS);
      assert.deepEqual(clock.pauses, [200, 400, 800, 1600]);
    });

    for (const [name, value] of [
      ['seconds', () => '3'],
      ['a date', () => new Date(Date.now() + 4000).toUTCString()],
    ] as const) {
      it(`waits after 429 as long as Retry-After says in ${name}`, async () => {
        const api = await client();
        cloud.strike({ kind: 'busy', retryAfter: value() });
        assert.deepEqual(await api.listModels(), []);
        const [pause = 0, ...others] = clock.pauses;
        assert.ok(pause > 2000 && pause <= 4000, String(pause));
        assert.deepEqual(others, []);
      });
    }

    it('does not wait longer than its deadline allows, and says that the cloud was busy', async () => {
      const api = await client();
      cloud.strike({ kind: 'busy', retryAfter: '3600' });
      const error = await failureOf(api.listModels());
      assert.deepEqual([error.code, error.cause.httpStatus], ['SBER_UNAVAILABLE', 429]);
      assert.deepEqual(clock.pauses, []);
    });

    it('gets through a sync of 350 models although one request of it meets 429', async () => {
      const wanted = Array.from({ length: 350 }, (_, index) => socket(`M${index}`) as unknown as Model);
      for (const nth of [1, 2, 4]) {
        const api = await client();
        const plan = await planTo(api, wanted, false);
        for (let before = 1; before < nth; before += 1) cloud.strike({ kind: 'slow', ms: 0, method: 'POST' });
        cloud.strike({ kind: 'busy', retryAfter: '1', method: 'POST' });
        const { created, failed } = await carryOut(api, plan);
        assert.deepEqual([created.length, failed.length], [350, 0]);
        assert.equal(cloud.models.size, 350);
        await cloud.close();
      }
    });

    it('spreads its pauses, so that many clients do not come back at the same moment', async () => {
      await client();
      for (const random of [0, 0.5, 0.999]) {
        const api = clientOf({ endpoint: cloud.url, token: TOKEN }, { random: () => random });
        cloud.strike({ kind: 'error', code: 503, times: MOST_ATTEMPTS });
        await failureOf(api.listModels());
        assert.equal(clock.pauses.length, MOST_ATTEMPTS - 1);
        for (const [index, pause] of clock.pauses.splice(0).entries()) {
          const whole = Math.min(2000, 200 * 2 ** index);
          assert.ok(pause >= whole / 2 && pause <= whole);
        }
      }
    });

    for (const code of [400, 401, 403, 404]) {
      it(`never after ${code}`, async () => {
        const api = await client();
        cloud.strike({ kind: 'error', code, times: 99 });
        await failureOf(api.listModels());
        await failureOf(api.change('PUT', 'models', { models: [A] }));
        await failureOf(api.change('DELETE', 'models', { model_ids: ['A'] }));
        assert.equal(methods(), 'GET PUT DELETE');
      });
    }

    it('waits for a silent cloud twice, not five times', async () => {
      const api = await client({}, { timeout: 0.05 });
      cloud.strike({ kind: 'silent', times: 99 });
      assert.equal((await failureOf(api.listModels())).code, 'SBER_TIMEOUT');
      assert.equal(cloud.journal.length, 2);
    });

    it('says SBER_UNREACHABLE where nobody listens', async () => {
      const api = await client();
      await cloud.close();
      const error = await failureOf(api.listModels());
      assert.equal(error.code, 'SBER_UNREACHABLE');
      assert.equal(clock.pauses.length, MOST_ATTEMPTS - 1);
      cloud = await startSberCloud();
    });

    it('stops waiting when it is told to', async () => {
      const api = await client();
      const stop = new AbortController();
      cloud.strike({ kind: 'silent' });
      const listing = api.for({ signal: stop.signal }).listModels();
      while (cloud.journal.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      stop.abort(new Error('closed'));
      await assert.rejects(listing, /closed/);
      cloud.strike({ kind: 'error', code: 503, times: 9 });
      await assert.rejects(api.for({ signal: stop.signal }).listModels(), /closed/);
    });

    it('says that the result is unknown when it is stopped in the middle of a change', async () => {
      const api = await client();
      const stop = new AbortController();
      cloud.strike({ kind: 'silent', carriedOut: true });
      const putting = api.for({ signal: stop.signal }).change('PUT', 'models', { models: [A] });
      while (cloud.journal.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      stop.abort(new Error('closed'));
      assert.equal((await failureOf(putting)).code, 'RESULT_UNKNOWN');
    });
  });

  describe('a change that is stopped between two of its requests', () => {
    /** What a closed node aborts with: it claims that nothing was sent. */
    const closed = new CodedError('EXPIRED', 'not sent', { retriable: true, hint: '' });

    /** Runs until the cloud has seen so many requests, the last of which it leaves without an answer. */
    async function stoppedAfter(
      requests: number,
      api: SberClient,
      run: (api: SberClient) => Promise<unknown>,
    ): Promise<CodedError> {
      const stop = new AbortController();
      const failure = failureOf(run(api.for({ signal: stop.signal })));
      while (cloud.journal.length < requests) await new Promise((resolve) => setTimeout(resolve, 2));
      stop.abort(closed);
      return failure;
    }

    it('does not say that nothing was sent while it reads what became of a POST', async () => {
      const api = await client();
      cloud.strike({ kind: 'error', code: 500, method: 'POST', carriedOut: true });
      cloud.strike({ kind: 'silent', method: 'GET' });
      assert.equal((await stoppedAfter(2, api, (own) => send(own, newModels([A])))).code, 'RESULT_UNKNOWN');
    });

    it('does not say so in the pause before the next attempt', async () => {
      const api = await client({ models: [socket('A')], devices: { AB12345: [ownDevice] } });
      const runs: ((own: SberClient) => Promise<unknown>)[] = [
        (own) => send(own, otherModels([A])),
        (own) => send(own, unwantedModels(['A'])),
        (own) => send(own, otherDevices([ownDevice])),
        (own) => send(own, unwantedDevices(['D'])),
      ];
      for (const run of runs) {
        const stop = new AbortController();
        cloud.strike({ kind: 'error', code: 503 });
        const failure = failureOf(run(api.for({ signal: stop.signal, onRetry: () => stop.abort(closed) })));
        assert.equal((await failure).code, 'RESULT_UNKNOWN');
      }
      assert.equal(methods(), 'PUT DELETE PUT DELETE');
    });

    it('does not say so between two batches of a plan', async () => {
      const api = await client();
      const many = Array.from({ length: 150 }, (_, index) => socket(`M${index}`) as unknown as Model);
      const stop = new AbortController();
      const plan = { create: many, update: [], delete: [], unchanged: [] };
      const onProgress = (): void => stop.abort(closed);
      const failure = failureOf(carryOut(api.for({ signal: stop.signal, onProgress }), plan));
      assert.equal((await failure).code, 'RESULT_UNKNOWN');
      assert.equal(cloud.models.size, 100);
    });

    it('does not say so while it reads a long answer to a change', async () => {
      const api = await client({ models: [socket('A')] });
      const stop = new AbortController();
      cloud.strike({ kind: 'raw', body: JSON.stringify({ errors: [], note: 'x'.repeat(300_000) }) });
      const own = api.for({ signal: stop.signal, onExchange: () => stop.abort(closed) });
      assert.equal((await failureOf(send(own, otherModels([A])))).code, 'RESULT_UNKNOWN');
    });

    it('says so where only the list was read', async () => {
      const api = await client();
      cloud.strike({ kind: 'silent', method: 'GET' });
      const failure = await stoppedAfter(1, api, (own) => planTo(own, [A], true));
      assert.equal(failure, closed);
    });
  });

  describe('a POST whose fate is unclear', () => {
    it('is settled by reading the list where it was carried out', async () => {
      for (const fault of [
        { kind: 'reset' },
        { kind: 'error', code: 500 },
        { kind: 'html', status: 200 },
        { kind: 'html', status: 502 },
      ] as const) {
        const api = await client();
        cloud.strike({ ...fault, carriedOut: true });
        assert.deepEqual(await send(api, newModels([A, B])), { applied: ['A', 'B'], failed: [] });
        assert.equal(methods(), 'POST GET');
        await cloud.close();
      }
    });

    it('is looked up where a number of gRPC’s came with a 503', async () => {
      const api = await client();
      cloud.strike({ kind: 'error', code: 14, status: 503, method: 'POST', carriedOut: true });
      assert.deepEqual(await send(api, newModels([A])), { applied: ['A'], failed: [] });
    });

    it('is repeated for what is not there, never without having read the list', async () => {
      const api = await client({ models: [socket('A')] });
      cloud.strike({ kind: 'reset', method: 'POST', times: 2 });
      assert.deepEqual(await send(api, newModels([A, B])), { applied: ['A', 'B'], failed: [] });
      assert.equal(methods(), 'POST GET POST GET POST');
      assert.deepEqual((cloud.journal[2]!.body as { models: Model[] }).models, [B]);
    });

    it('ends after five attempts', async () => {
      const api = await client();
      cloud.strike({ kind: 'error', code: 500, method: 'POST', times: 99 });
      assert.equal((await failureOf(send(api, newModels([A])))).code, 'SBER_INTERNAL');
      assert.equal(methods(), 'POST GET POST GET POST GET POST GET POST GET');
    });

    it('is not called failed when the first one took effect after the list was read', async () => {
      const api = await client({ models: [socket('C', { description: 'of somebody else' })] });
      cloud.strike({ kind: 'reset', method: 'POST' });
      let exchanges = 0;
      const onExchange = (): void => {
        exchanges += 1;
        // The list has been read, the second POST is to come.
        if (exchanges === 2) cloud.models.set('A', { ...socket('A'), id: 'A' });
      };
      const C = socket('C') as unknown as Model;
      const { applied, failed } = await send(api.for({ onExchange }), newModels([A, B]));
      assert.deepEqual([applied, failed], [['A', 'B'], []]);
      assert.equal(methods(), 'POST GET POST GET');
      assert.equal((await failureOf(send(api, newModels([C])))).code, 'SBER_VALIDATION');
    });

    it('keeps what is known of the first part where what is posted again is refused', async () => {
      const api = await client({ models: [socket('A')] });
      cloud.strike({ kind: 'reset', method: 'POST' });
      cloud.strike({ kind: 'slow', ms: 0, method: 'GET' });
      cloud.strike({ kind: 'error', code: 403, method: 'POST' });
      const { applied, failed } = await send(api, newModels([A, B]));
      assert.deepEqual([applied, failed.map(({ id, code }) => [id, code])], [['A'], [['B', 403]]]);
    });

    it('is called failed by the cloud’s word where the list cannot be read afterwards', async () => {
      const api = await client({ models: [socket('A')] });
      cloud.failItem('B', { code: 400, message: 'bad' });
      cloud.strike({ kind: 'reset', method: 'POST' });
      let exchanges = 0;
      const onExchange = (): void => {
        exchanges += 1;
        if (exchanges === 3) cloud.strike({ kind: 'error', code: 403, method: 'GET' });
      };
      const { applied, failed } = await send(api.for({ onExchange }), newModels([A, B]));
      assert.deepEqual([applied, failed], [['A'], [{ id: 'B', code: 400, message: 'bad' }]]);
    });

    it('is not claimed for an id that is there with other content', async () => {
      const api = await client({ models: [socket('A', { description: 'older' })] });
      cloud.strike({ kind: 'error', code: 503, method: 'POST' });
      const { applied, failed } = await send(api, newModels([A, B]));
      assert.deepEqual(applied, ['B']);
      assert.deepEqual([failed[0]?.id, failed[0]?.code], ['A', 503]);
      assert.match(failed[0]?.message ?? '', /other content/);
    });

    it('stays an error where the list cannot be read either', async () => {
      const api = await client({}, { timeout: 0.05 });
      cloud.strike({ kind: 'silent', times: 99 });
      const error = await failureOf(send(api, newModels([A])));
      assert.equal(error.code, 'SBER_TIMEOUT');
      assert.match(error.message, /could not be read/);
      assert.equal(methods(), 'POST GET GET');
    });

    it('keeps what is known of the first part where the list cannot be read later', async () => {
      const api = await client({ models: [socket('A')] });
      cloud.strike({ kind: 'reset', method: 'POST', times: 2 });
      cloud.strike({ kind: 'slow', ms: 0, method: 'GET' });
      cloud.strike({ kind: 'error', code: 401, method: 'GET' });
      const { applied, failed } = await send(api, newModels([A, B]));
      assert.deepEqual(applied, ['A']);
      assert.deepEqual(
        failed.map(({ id, code }) => [id, code]),
        [['B', 0]],
      );
      assert.match(failed[0]!.message, /could not be read/);
      assert.equal(methods(), 'POST GET POST GET');
    });

    it('is clear after a refusal: one POST', async () => {
      for (const code of [400, 401, 403, 409]) {
        const api = await client();
        cloud.strike({ kind: 'error', code, method: 'POST' });
        await failureOf(send(api, newModels([A])));
        assert.equal(methods(), 'POST');
        await cloud.close();
      }
    });

    it('never left: it is tried again like anything else', async () => {
      await client();
      const { port } = new URL(cloud.url);
      await cloud.close();
      let tries = 0;
      const api = clientOf({ endpoint: `http://127.0.0.1:${port}`, token: TOKEN });
      await failureOf(send(api.for({ onRetry: () => (tries += 1) }), newModels([A])));
      assert.equal(tries, MOST_ATTEMPTS - 1);
      cloud = await startSberCloud();
    });

    it('is settled for devices by the user’s list', async () => {
      const api = await client({ models: [socket('A')] });
      cloud.strike({ kind: 'reset', method: 'POST', carriedOut: true });
      assert.deepEqual(await send(api, newDevices('AB12345', [ownDevice])), { applied: ['D'], failed: [] });
      assert.equal(methods(), 'POST GET');
    });

    it('is never repeated for states and for the unlink notice', async () => {
      const api = await client();
      for (const fault of [{ kind: 'reset' }, { kind: 'error', code: 503 }] as const) {
        cloud.strike(fault);
        await failureOf(send(api, newStates({ D: { states: [] } })));
        cloud.strike(fault);
        await failureOf(send(api, unlinkedUser('AB12345')));
      }
      assert.equal(methods(), 'POST POST POST POST');
    });
  });

  describe('batches', () => {
    const many = Array.from({ length: 230 }, (_, index) => socket(`M${index}`) as unknown as Model);

    it('sends a long list in parts, and merges what came of them', async () => {
      const api = await client();
      cloud.failItem('M7', { code: 500, message: 'System error' });
      cloud.failItem('M207', { code: 400, message: 'bad' });
      const progress: number[] = [];
      const { applied, failed } = await send(api.for({ onProgress: (done) => progress.push(done) }), newModels(many));
      assert.equal(applied.length, 228);
      assert.deepEqual(
        failed.map(({ id, code }) => [id, code]),
        [
          ['M7', 500],
          ['M207', 400],
        ],
      );
      assert.deepEqual(progress, [100, 200, 230]);
    });

    it('goes on after a batch that did not please, and stops after a key that did not', async () => {
      for (const [code, applied, posts] of [
        [400, 130, 3],
        [401, 0, 1],
        [403, 0, 1],
      ] as const) {
        const api = await client();
        cloud.strike({ kind: 'error', code });
        const run = send(api, newModels(many));
        if (applied === 0) await failureOf(run);
        else assert.equal((await run).applied.length, applied);
        assert.equal(cloud.journal.length, posts);
        await cloud.close();
      }
    });

    it('blames all items of a request for an error that names none of them', async () => {
      const api = await client();
      cloud.strike({ kind: 'raw', body: '{"errors":[{"code":500,"message":"System error"},{"id":"B","code":400}]}' });
      const error = await failureOf(send(api, otherModels([A, B])));
      assert.equal(error.code, 'SBER_INTERNAL');
    });

    it('believes the list when a repeated delete finds nothing', async () => {
      const api = await client({ models: [socket('A'), socket('B')] });
      cloud.failItem('B', { code: 500, message: 'in use' });
      cloud.strike({ kind: 'reset', carriedOut: true });
      assert.deepEqual(await send(api, unwantedModels(['A', 'B'])), {
        applied: ['A'],
        failed: [{ id: 'B', code: 500, message: 'in use' }],
      });
      assert.equal(methods(), 'DELETE DELETE GET');
    });

    it('counts a device as deleted that a repeated delete does not find any more', async () => {
      const api = await client({ models: [socket('A')], devices: { AB12345: [ownDevice] } });
      cloud.strike({ kind: 'reset', carriedOut: true });
      assert.deepEqual(await send(api, unwantedDevices(['D'])), { applied: ['D'], failed: [] });
      assert.equal((await failureOf(send(api, unwantedDevices(['D'])))).code, 'SBER_VALIDATION');
      assert.equal(methods(), 'DELETE DELETE DELETE');
    });

    it('stops a sync at a final error: nothing is changed or deleted after it', async () => {
      const gone = ['old-1', 'old-2'].map((id) => socket(id));
      const api = await client({ models: [socket('keep'), ...gone] });
      const wanted = [...many.slice(0, 150), socket('keep', { description: 'new' }) as unknown as Model];
      const plan = await planTo(api, wanted, true);
      cloud.strike({ kind: 'error', code: 400, method: 'POST' });
      cloud.strike({ kind: 'error', code: 403, method: 'POST' });
      await failureOf(carryOut(api, plan));
      assert.equal(methods(), 'GET POST POST');
      assert.deepEqual([...cloud.models.keys()], ['keep', 'old-1', 'old-2']);
    });

    it('deletes nothing in a sync in which something was not created', async () => {
      const api = await client({ models: [socket('old')] });
      cloud.failItem('A', { code: 400, message: 'bad' });
      const { created, deleted, failed } = await carryOut(api, await planTo(api, [A, B], true));
      assert.deepEqual([created, deleted], [['B'], []]);
      assert.deepEqual(
        failed.map(({ id, code }) => [id, code]),
        [
          ['A', 400],
          ['old', 0],
        ],
      );
      assert.ok(cloud.models.has('old'));
    });

    it('keeps the cloud’s word on a repeated delete where the list cannot be read', async () => {
      const api = await client({ models: [socket('A'), socket('B')] });
      cloud.failItem('B', { code: 500, message: 'in use' });
      cloud.strike({ kind: 'reset', method: 'DELETE' });
      cloud.strike({ kind: 'error', code: 403, method: 'GET' });
      assert.deepEqual(await send(api, unwantedModels(['A', 'B'])), {
        applied: ['A'],
        failed: [{ id: 'B', code: 500, message: 'in use' }],
      });
    });

    it('has no number for what failed where only a good status came', async () => {
      const api = await client({ models: many.map((model) => ({ ...model })) });
      cloud.strike({ kind: 'slow', ms: 0 });
      cloud.strike({ kind: 'html', status: 200 });
      const { applied, failed } = await send(api, otherModels(many));
      assert.equal(applied.length, 100);
      assert.deepEqual([...new Set(failed.map(({ code }) => code))], [0]);
    });
  });
});
