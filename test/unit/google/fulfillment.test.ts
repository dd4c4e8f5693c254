/** Intents of every shape: what Google sends, what it may send one day, and what somebody else might. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fulfill } from '../../../src/google/fulfillment';
import type { JsonObject } from '../../../src/google/types';
import { ANNA, House, level } from '../../support/smart-home';

const DEVICES = ['panel', 'door', 'lamp'];

async function furnished(): Promise<House> {
  const house = new House();
  house.device({ deviceId: 'panel', levels: [level('home'), level('away')], defaultLevel: 'home' }, '1234', () => ({}));
  house.device({ deviceId: 'door', deviceType: 'LOCK', battery: true }, '1234', () => ({}));
  house.device(
    { deviceId: 'lamp', deviceType: 'CUSTOM', customType: 'LIGHT', customTraits: ['OnOff'], pinFor: 'none' },
    '',
    ({ payload }) => (payload.params.on === true ? { on: true } : { error: 'deviceStuck' }),
  );
  return house;
}

describe('fulfillment', () => {
  let house: House;
  beforeEach(async () => {
    house = await furnished();
  });
  afterEach(() => house.home.close());

  const failure = async (body: unknown): Promise<unknown> => {
    const { payload } = (await fulfill(house.home, ANNA, body)) as { payload: JsonObject };
    assert.equal(payload.status, 'ERROR');
    return payload.errorCode;
  };

  it('lists the devices with what Google wants of each', async () => {
    const answer = await house.post({ requestId: '1', inputs: [{ intent: 'action.devices.SYNC' }] });
    const { agentUserId, devices } = answer.payload as { agentUserId: string; devices: JsonObject[] };
    assert.equal(agentUserId, ANNA.agentUserId);
    assert.deepEqual(
      devices.map(({ id, type, traits }) => [id, type, traits]),
      [
        [
          'door',
          'action.devices.types.LOCK',
          ['action.devices.traits.LockUnlock', 'action.devices.traits.EnergyStorage'],
        ],
        ['lamp', 'action.devices.types.LIGHT', ['action.devices.traits.OnOff']],
        [
          'panel',
          'action.devices.types.SECURITYSYSTEM',
          ['action.devices.traits.StatusReport', 'action.devices.traits.ArmDisarm'],
        ],
      ],
    );
    assert.ok(!JSON.stringify(answer).includes('1234'));
  });

  it('answers a query for every device asked, known or not, once', async () => {
    const devices = ['door', 'nowhere', 'door', '__proto__'].map((id) => ({ id }));
    const answer = await house.post({
      requestId: '1',
      inputs: [{ intent: 'action.devices.QUERY', payload: { devices } }],
    });
    const answered = (answer.payload as { devices: Record<string, JsonObject> }).devices;
    assert.deepEqual(Object.keys(answered).sort(), ['__proto__', 'door', 'nowhere']);
    assert.equal(answered.nowhere!.errorCode, 'deviceNotFound');
  });

  it('ends the link that was used, and answers with nothing', async () => {
    const answer = await house.post({ requestId: '1', inputs: [{ intent: 'action.devices.DISCONNECT' }] });
    assert.deepEqual(answer, {});
    assert.deepEqual(house.disconnected, ['user123/link-1']);
  });

  it('says what is wrong with a request that it does not understand', async () => {
    for (const body of [null, 5, 'x', [], {}, { requestId: '1' }, { inputs: [] }, { inputs: [{}] }, { inputs: {} }]) {
      assert.equal(await failure(body), 'hardError', JSON.stringify(body));
    }
    assert.equal(await failure({ inputs: [{ intent: 'action.devices.IDENTIFY' }] }), 'notSupported');
  });

  it('gives the request id back as it came', async () => {
    for (const [given, back] of [
      ['6894439706274654512', '6894439706274654512'],
      ['ff36a3cc-ec34-11e6-b1a0-64510650abcf', 'ff36a3cc-ec34-11e6-b1a0-64510650abcf'],
      [17, '17'],
    ] as const) {
      const answer = await fulfill(house.home, ANNA, { requestId: given, inputs: [{ intent: 'action.devices.SYNC' }] });
      assert.equal(answer.requestId, back);
    }
  });

  it('ignores what it does not know, as Google adds fields without a word', async () => {
    const answer = await house.post({
      requestId: '1',
      future: true,
      inputs: [
        {
          intent: 'action.devices.EXECUTE',
          context: { locale_country: 'US', locale_language: 'en' },
          payload: {
            future: 1,
            commands: [
              {
                future: [],
                devices: [{ id: 'lamp', customData: { a: 1 }, future: {} }],
                execution: [{ command: 'action.devices.commands.OnOff', params: { on: true, future: 1 }, future: 0 }],
              },
            ],
          },
        },
      ],
    });
    assert.equal((answer.payload as { commands: { status: string }[] }).commands[0]!.status, 'SUCCESS');
  });

  it('carries out each of several inputs, though Google sends one', async () => {
    const commands = (id: string): object[] => [
      { devices: [{ id }], execution: [{ command: 'action.devices.commands.OnOff', params: { on: true } }] },
    ];
    const intent = 'action.devices.EXECUTE';
    const answer = await fulfill(house.home, ANNA, {
      requestId: '1',
      inputs: ['lamp', 'nothing here'].map((id) => ({ intent, payload: { commands: commands(id) } })),
    });
    const { commands: results } = answer.payload as { commands: { ids: string[]; status: string }[] };
    assert.deepEqual(
      results.map(({ ids, status }) => [ids[0], status]),
      [
        ['lamp', 'SUCCESS'],
        ['nothing here', 'ERROR'],
      ],
    );
  });

  it('answers whatever comes, and every device that was asked for once', async () => {
    const id = fc.oneof(fc.constantFrom(...DEVICES), fc.string(), fc.constantFrom('__proto__', 'constructor', ''));
    const device = fc.oneof(fc.record({ id }), fc.jsonValue());
    const execution = fc.record(
      {
        command: fc.oneof(
          fc.constantFrom(
            'action.devices.commands.ArmDisarm',
            'action.devices.commands.LockUnlock',
            'action.devices.commands.OnOff',
          ),
          fc.jsonValue(),
        ),
        params: fc.oneof(
          fc.record(
            { arm: fc.boolean(), lock: fc.boolean(), on: fc.boolean(), armLevel: fc.string(), cancel: fc.jsonValue() },
            { requiredKeys: [] },
          ),
          fc.jsonValue(),
        ),
        challenge: fc.oneof(
          fc.record({ pin: fc.oneof(fc.constant('1234'), fc.jsonValue()), ack: fc.jsonValue() }, { requiredKeys: [] }),
          fc.jsonValue(),
        ),
      },
      { requiredKeys: [] },
    );
    const group = fc.record(
      {
        devices: fc.oneof(fc.array(device, { maxLength: 4 }), fc.jsonValue()),
        execution: fc.oneof(fc.array(fc.oneof(execution, fc.jsonValue()), { maxLength: 3 }), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const payload = fc.oneof(
      fc.record({ commands: fc.array(fc.oneof(group, fc.jsonValue()), { maxLength: 4 }) }),
      fc.record({ devices: fc.array(device, { maxLength: 5 }) }),
      fc.jsonValue(),
    );
    const intent = fc.oneof(
      fc.constantFrom('EXECUTE', 'QUERY', 'SYNC', 'DISCONNECT').map((name) => `action.devices.${name}`),
      fc.jsonValue(),
    );
    const body = fc.oneof(
      fc.record({ requestId: fc.string(), inputs: fc.array(fc.record({ intent, payload }), { maxLength: 1 }) }),
      fc.anything(),
    );
    await fc.assert(
      fc.asyncProperty(body, async (request) => {
        const fresh = await furnished();
        const answer = await fulfill(fresh.home, ANNA, request);
        assert.doesNotThrow(() => JSON.stringify(answer));
        assert.deepEqual(answeredIn(answer), askedIn(request));
        await fresh.home.close();
      }),
      { numRuns: 400 },
    );
  });
});

/** The ids that a request asks for, as the format has it, each once. */
function askedIn(request: unknown): string[] | undefined {
  const input = (request as { inputs?: { intent?: unknown; payload?: unknown }[] } | null)?.inputs;
  const first = Array.isArray(input) && typeof input[0] === 'object' ? input[0] : undefined;
  const payload = first?.payload as { commands?: unknown; devices?: unknown } | null | undefined;
  const idsOf = (devices: unknown): string[] =>
    (Array.isArray(devices) ? (devices as ({ id?: unknown } | null)[]) : []).flatMap((device) => {
      const { id } = typeof device === 'object' && !Array.isArray(device) ? (device ?? {}) : {};
      return typeof id === 'string' ? [id] : typeof id === 'number' ? [String(id)] : [];
    });
  if (first?.intent === 'action.devices.QUERY') return unique(idsOf(payload?.devices));
  if (first?.intent !== 'action.devices.EXECUTE') return undefined;
  const groups = Array.isArray(payload?.commands) ? (payload.commands as ({ devices?: unknown } | null)[]) : [];
  return unique(groups.flatMap((group) => (Array.isArray(group) ? [] : idsOf(group?.devices))));
}

function answeredIn(answer: JsonObject): string[] | undefined {
  const { commands, devices } = (answer.payload ?? {}) as { commands?: { ids: string[] }[]; devices?: object };
  if (commands !== undefined) return commands.flatMap(({ ids }) => ids).sort();
  return devices === undefined || Array.isArray(devices) ? undefined : Object.keys(devices).sort();
}

function unique(ids: string[]): string[] {
  return [...new Set(ids)].sort();
}
