/**
 * Whatever Google's side, a dialog, a flow or a damaged file holds: an answer of the right form, a refusal in words, or a
 * warning; nothing thrown that is not ours, nothing kept that cannot be told, no secret in any of it.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { CodedError } from '../../../src/common/errors';
import { silent } from '../../../src/common/log';
import { HomeGraphClient } from '../../../src/google/home-graph';
import { fulfill } from '../../../src/google/fulfillment';
import { parseServiceAccountKey, ServiceAccountError } from '../../../src/google/service-account';
import { parseDevice } from '../../support/device';
import { parseUsers } from '../../../src/google/users';
import { authorizeAddress, fetchCode, openPage, redeem, submit } from '../../../simulators/google/link';
import { MemoryState } from '../../../src/state/local';
import type { Json } from '../../../src/state/state';
import { ANYTHING } from '../../support/anything';
import { HandClock } from '../../support/clock';
import { WatchedApi } from '../../support/watched-api';
import { serveLinking } from '../../support/linking';
import { ANNA, House } from '../../support/smart-home';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
/** A piece from its middle, as an error might quote it. */
const SECRET_PIECE = PEM.split('\n')[3]!;

const isRefusal = (error: unknown): true => {
  assert.ok(error instanceof CodedError && error.code === 'INVALID_INPUT', String(error));
  return true;
};

describe('hostile keys, answers, settings and states of the Google side', function () {
  this.timeout(60_000);

  it('any text is a service account key, or refused without quoting it', () => {
    const field = fc.oneof(
      fc.constantFrom<unknown>(
        PEM,
        PEM.slice(0, 400),
        PEM.replaceAll('\n', '\\n'),
        `${PEM}${PEM}`,
        'https://x.example/',
      ),
      fc.jsonValue(),
    );
    const near = fc
      .record(
        { client_email: field, private_key: field, token_uri: field, private_key_id: field, ['__proto__']: field },
        { requiredKeys: [] },
      )
      .map((fields) => JSON.stringify(fields));
    fc.assert(
      fc.property(fc.oneof(near, fc.json(), fc.string(), fc.constant('['.repeat(200_000))), (text) => {
        try {
          const key = parseServiceAccountKey(text);
          assert.ok(['https:', 'http:'].includes(key.tokenUri.protocol));
        } catch (error) {
          assert.ok(error instanceof ServiceAccountError, String(error));
          assert.ok(!error.message.includes(SECRET_PIECE));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('Home Graph and the token address may answer anything, and quote what they were sent', async () => {
    const said = fc.record({
      status: fc.constantFrom(200, 204, 302, 400, 400, 400, 401, 403, 404, 409, 429, 500, 503),
      body: fc.oneof(
        // The answer puts the token that came in its place.
        fc.constant('{"error":{"message":"you sent @@"}}'),
        fc.constantFrom('', 'null', '[]', '<html>', '{"error":null}', '['.repeat(50_000)),
        fc.constant('x'.repeat(200_000)),
        fc.json(),
        fc
          .record({
            access_token: fc.oneof(fc.constantFrom('a\nb', '', 'x'.repeat(40_000)), fc.jsonValue()),
            expires_in: fc.jsonValue(),
          })
          .map((fields) => JSON.stringify(fields)),
      ),
      retry: fc.constantFrom(undefined, '5', '-1', 'NaN', '1e400', 'soon', ''),
    });
    let tokens: { status: number; body: string; retry?: string | undefined } = { status: 200, body: '' };
    let reports = tokens;
    const server = http.createServer((request, response) => {
      const { authorization = '' } = request.headers;
      const answer = request.url === '/token' ? tokens : reports;
      request.resume().on('end', () => {
        response.writeHead(answer.status, answer.retry === undefined ? {} : { 'Retry-After': answer.retry });
        response.end(answer.body.replace('@@', authorization));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const serviceAccountKey = JSON.stringify({
      client_email: 'demo@project.example',
      private_key: PEM,
      token_uri: `${base}/token`,
    });
    const good = {
      status: 200,
      body: JSON.stringify({ access_token: `demo-access-token-${'x'.repeat(300)}`, expires_in: 3600 }),
    };
    try {
      await fc.assert(
        fc.asyncProperty(fc.oneof(fc.constant(good), said), said, async (first, second) => {
          [tokens, reports] = [first, second];
          const warnings: string[] = [];
          const clock = new HandClock();
          const log = { ...silent, warn: (line: string) => warnings.push(line) };
          const api = new WatchedApi(clock);
          const graph = new HomeGraphClient({ clock, api, endpoint: base, serviceAccountKey, log, random: () => 1 });
          graph.report(['anna'], { door: { isLocked: true }, ['__proto__']: { on: true } });
          graph.followUp('anna', '__proto__', 'LockUnlock', { status: 'SUCCESS', followUpToken: 't' });
          void graph.requestSync(['anna']);
          for (let calls = 0; calls < 12 && (api.busy || clock.waiting > 0); calls += api.busy ? 0 : 1) {
            if (!api.busy) clock.next();
            await turn();
          }
          while (api.busy) await turn();
          await graph.close();
          const text = warnings.join('\n');
          assert.ok(!text.includes('demo-access-token') && !text.includes(SECRET_PIECE), text);
          assert.ok(
            warnings.every((warning) => warning.startsWith('Home Graph: ') && warning.length < 1000),
            text,
          );
          assert.ok(!text.includes('unexpected'), text);
        }),
        { numRuns: 120 },
      );
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('any settings make a device that can be described, or are refused in words', () => {
    const names = fc.constantFrom(
      ...[
        'deviceId',
        'deviceName',
        'nicknames',
        'roomHint',
        'deviceType',
        'customType',
        'customTraits',
        'levels',
        'name',
      ],
      ...['customAttributes', 'levelsOrdered', 'defaultLevel', 'pinFor', 'onOpenSensors', 'replyTimeout', 'battery'],
    );
    const value = fc.oneof(
      fc.constantFrom(
        'SECURITYSYSTEM',
        'LOCK',
        'CUSTOM',
        'LIGHT',
        'OnOff',
        'ArmDisarm',
        '[{"level_name":"home"}]',
        '${NOT_SET}',
        '['.repeat(20_000),
      ),
      fc.json(),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.dictionary(names, value), fc.string(), (raw, pin) => {
        try {
          const settings = parseDevice(raw, pin, 'fallback');
          assert.ok(settings.replyTimeout > 0 && settings.id !== '');
          const house = new House();
          house.home.register(settings, { onCommand: () => undefined });
          const told = JSON.stringify([house.home.devices(), house.home.query(settings.id)]);
          if (pin.length > 12) assert.ok(!told.includes(pin));
        } catch (error) {
          isRefusal(error);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('any list of users gives people, and problems that quote nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'grapheme' }),
          fc.array(fc.string()).map((lines) => lines.join('\n')),
        ),
        (text) => {
          const { users, problems } = parseUsers(text);
          assert.ok(users.every(({ name, password }) => name !== '' && password !== ''));
          assert.ok(
            problems.every((problem) =>
              /^line \d+ (is not "name:password"|repeats a name|has a variable in it.*)$/.test(problem),
            ),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('whatever a flow says of a device can be told to Google and kept, or is refused', async () => {
    const word = fc.constantFrom(
      ...[
        'isLocked',
        'isJammed',
        'isArmed',
        'currentArmLevel',
        'exitAllowance',
        'currentStatusReport',
        'exceptions',
        'state',
      ],
      ...[
        'batteryPercent',
        'online',
        'on',
        'challenge',
        'error',
        'debug',
        'confirmed',
        '__proto__',
        'toJSON',
        'thermostat',
      ],
    );
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    let deep: unknown = 1;
    for (let level = 0; level < 30_000; level += 1) deep = [deep];
    const value = fc.oneof(
      fc.constantFrom<unknown>(true, false, 'open', 'closed', 'ackNeeded', 10n, NaN, Infinity, circle, deep, () => 1),
      fc.constant([{ statusCode: 'isOpen', blocking: 10n }]),
      ANYTHING,
    );
    const payload = fc.oneof(
      fc.array(fc.tuple(word, value), { maxLength: 4 }).map((fields) => Object.fromEntries(fields)),
      ANYTHING,
    );
    const DEVICES = {
      panel: { deviceType: 'SECURITYSYSTEM' },
      door: { deviceType: 'LOCK', battery: true },
      lamp: { deviceType: 'CUSTOM', customType: 'LIGHT', customTraits: ['OnOff', 'EnergyStorage', 'StatusReport'] },
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('panel', 'door', 'lamp'),
        payload,
        ANYTHING,
        fc.boolean(),
        async (id, said, error, answering) => {
          const state = new MemoryState();
          const house = new House(state);
          for (const [deviceId, raw] of Object.entries(DEVICES)) house.device({ deviceId, ...raw, pinFor: 'none' });
          let answer: unknown;
          let message: Record<string, unknown> = { payload: said, ...(error === undefined ? {} : { error }) };
          if (answering) {
            const command = { panel: 'ArmDisarm', door: 'LockUnlock', lamp: 'OnOff' }[id];
            const execution = [
              { command: `action.devices.commands.${command}`, params: { lock: true, arm: true, on: true } },
            ];
            const asked = fulfill(house.home, ANNA, {
              requestId: '1',
              inputs: [{ intent: 'action.devices.EXECUTE', payload: { commands: [{ devices: [{ id }], execution }] } }],
            });
            while (house.told.length === 0) await turn();
            message = { ...message, google: house.told[0]?.google };
            await house.receive(message, '').catch(isRefusal);
            answer = await asked;
          } else await house.receive(message, id).catch(isRefusal);
          const query = house.home.query(id);
          assert.deepEqual(JSON.parse(JSON.stringify(query)), { ...query }, 'what is told is JSON');
          assert.doesNotThrow(() => JSON.stringify(answer ?? null));
          await house.home.close();
          const kept = (await state.get('google/test/states')) ?? {};
          assert.deepEqual(JSON.parse(JSON.stringify(kept)), kept, 'what is kept is JSON');
          assert.deepEqual(house.warnings, []);
        },
      ),
      { numRuns: 600 },
    );
  });

  it('a command whose parameters are nested without end is answered, and the next one too', async () => {
    const house = new House();
    house.device({ deviceId: 'lamp', deviceType: 'CUSTOM', customType: 'LIGHT', customTraits: ['OnOff'] }, '', () => ({
      on: true,
    }));
    for (const levels of [100, 5000, 100_000]) {
      const text = `{"requestId":"1","inputs":[{"intent":"action.devices.EXECUTE","payload":{"commands":[{"devices":[{"id":"lamp"}],
        "execution":[{"command":"action.devices.commands.OnOff","params":${'{"on":'.repeat(levels)}true${'}'.repeat(levels)}}]}]}}]}`;
      const answer = await fulfill(house.home, ANNA, JSON.parse(text));
      const { commands } = answer.payload as unknown as { commands: { ids: string[]; status: string }[] };
      assert.deepEqual(
        commands.map(({ ids }) => ids),
        [['lamp']],
      );
      assert.ok(['SUCCESS', 'ERROR'].includes(commands[0]!.status));
    }
    assert.equal((await house.execute('lamp', 'OnOff', { on: true })).status, 'SUCCESS');
    await house.home.close();
  });

  describe('whatever the kept state holds', () => {
    const number = fc.oneof(fc.integer(), fc.double(), fc.constant(Number.MAX_SAFE_INTEGER), fc.jsonValue());
    const text = fc.oneof(fc.constantFrom('anna', 'x', '__proto__', 'user123'), fc.jsonValue());
    const book = fc.record(
      {
        // A newer version's is left alone, and is tested by itself.
        version: fc.oneof(
          fc.constant(1),
          fc.jsonValue().filter((value) => !(typeof value === 'number' && value > 1)),
        ),
        users: fc.oneof(
          fc.array(fc.oneof(fc.record({ name: text, agentUserId: text }), fc.jsonValue())),
          fc.jsonValue(),
        ),
        links: fc.oneof(
          fc.dictionary(
            fc.string(),
            fc.oneof(fc.record({ user: text, refresh: text, since: number, usedAt: number }), fc.jsonValue()),
          ),
          fc.jsonValue(),
        ),
        access: fc.oneof(
          fc.dictionary(fc.string(), fc.oneof(fc.record({ link: text, until: number }), fc.jsonValue())),
          fc.jsonValue(),
        ),
        codes: fc.oneof(
          fc.dictionary(fc.string(), fc.oneof(fc.record({ user: text, until: number }), fc.jsonValue())),
          fc.jsonValue(),
        ),
      },
      { requiredKeys: [] },
    );
    const counters = fc.oneof(
      fc.dictionary(fc.string(), fc.oneof(fc.record({ failures: number, at: number }), fc.jsonValue())),
      fc.jsonValue(),
    );
    const table = fc.record({ names: counters, listed: counters, addresses: counters }, { requiredKeys: [] });
    const json = (of: fc.Arbitrary<unknown>): fc.Arbitrary<Json> =>
      fc.oneof(of, fc.jsonValue()).map((value) => JSON.parse(JSON.stringify(value ?? null)) as Json);
    const keep = async (state: MemoryState, kept: Record<string, Json>): Promise<MemoryState> => {
      for (const [key, value] of Object.entries(kept)) {
        await state.change(`google/test/${key}`, () => ({ value, result: undefined }));
      }
      return state;
    };

    it('somebody can link, and use the link', async () => {
      await fc.assert(
        fc.asyncProperty(json(book), json(table), json(fc.string()), async (accounts, throttle, page) => {
          const state = await keep(new MemoryState(), { accounts, throttle, 'page-key': page });
          const server = await serveLinking({ state });
          try {
            const form = await openPage(authorizeAddress(server.settings));
            const wrong = await submit(form, { username: 'anna', password: 'wrong' });
            assert.ok([403, 429].includes(wrong.status), String(wrong.status));
            // A kept count may ask for a pause, of a minute at most.
            server.clock.skip(120_000);
            const { accessToken } = await redeem(
              server.settings,
              await fetchCode(server.settings, 'anna', 'correct horse'),
            );
            const identity = await server.accounts.authenticate(accessToken);
            assert.equal(identity?.user, 'anna');
            assert.ok((await server.accounts.linkedUsers()).includes(identity.agentUserId));
            await server.accounts.disconnect(identity.agentUserId, identity.link);
            assert.equal(await server.accounts.authenticate(accessToken), undefined);
            assert.deepEqual(server.warnings, []);
          } finally {
            await server.close();
          }
        }),
        { numRuns: 150 },
      );
    });

    it('devices answer, PINs are asked for and taken, and states are kept anew', async () => {
      const states = fc.dictionary(
        fc.constantFrom('door', 'panel', '__proto__'),
        fc.oneof(
          fc.dictionary(
            fc.constantFrom('isLocked', 'isArmed', 'currentArmLevel', 'exitEnds', 'currentStatusReport', 'online'),
            fc.jsonValue(),
          ),
          fc.jsonValue(),
        ),
      );
      const pins = fc.dictionary(
        fc.string(),
        fc.oneof(fc.record({ until: number }), fc.record({ failures: number }), fc.jsonValue()),
      );
      await fc.assert(
        fc.asyncProperty(
          json(states),
          json(pins),
          json(fc.dictionary(fc.string(), number)),
          json(fc.string()),
          async (kept, wrong, questions, sync) => {
            const state = await keep(new MemoryState(), { states: kept, pins: wrong, questions, sync });
            const house = new House(state);
            house.device({ deviceId: 'door', deviceType: 'LOCK' }, '1234', () => ({
              isLocked: false,
              isJammed: false,
            }));
            house.device({ deviceId: 'panel' }, '1234');
            await house.home.ready;
            assert.doesNotThrow(() => JSON.stringify([house.home.query('door'), house.home.query('panel')]));
            const unlock = (challenge?: { pin: string }): ReturnType<House['execute']> =>
              house.execute('door', 'LockUnlock', { lock: false }, challenge);
            assert.equal((await unlock()).challengeNeeded?.type, 'pinNeeded');
            assert.equal((await unlock({ pin: '1234' })).status, 'SUCCESS');
            await house.home.close();
            const after = (await state.get('google/test/states')) as Record<string, { isLocked?: unknown }>;
            assert.equal(after.door?.isLocked, false);
            assert.deepEqual(house.warnings, []);
          },
        ),
        { numRuns: 200 },
      );
    });
  });
});
