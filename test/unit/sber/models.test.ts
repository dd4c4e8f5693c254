import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CodedError } from '../../../src/common/errors';
import { yieldLoop } from '../../../src/sber/items';
import { CATEGORIES, FUNCTIONS, type FunctionFacts } from '../../../src/sber/catalogue';
import type { SberClient } from '../../../src/sber/client';
import { connect } from '../../../src/sber/client';
import { carryOut, foretold, planOf, type Plan } from '../../../src/sber/sync';
import { accountSettings } from '../../../src/sber/endpoint';
import type { Model, Raw } from '../../../src/sber/shapes';
import { checkModels, meaningOf, writingForm } from '../../../src/sber/validation';
import { startSberCloud, type SberFault } from '../../../simulators/sber/cloud';
import { HurriedClock } from '../../support/hurried-clock';
import { ALLOWED_VALUES, lamp, sentLamp, socket } from '../../support/sber-examples';

const same = (a: Raw, b: Raw): boolean => meaningOf(writingForm(a)) === meaningOf(writingForm(b));

describe('Models compared by meaning', () => {
  const heater = {
    ...socket('H'),
    category: 'hvac_humidifier',
    features: ['online', 'on_off', ...Object.keys(ALLOWED_VALUES)],
    allowed_values: ALLOWED_VALUES,
  };

  const metered = (more: Raw): Raw => socket('A', { features: ['online', 'on_off', 'power'], ...more });

  const equal: [string, Raw, Raw][] = [
    ['the order of features', socket('A'), socket('A', { features: ['on_off', 'online'] })],
    ['a feature that stands there twice', socket('A'), socket('A', { features: ['online', 'on_off', 'online'] })],
    ['the order of fields', socket('A'), Object.fromEntries(Object.entries(socket('A')).reverse())],
    [
      'a field left out, null, or empty',
      socket('A'),
      socket('A', { description: '', hw_version: null, allowed_values: {}, dependencies: null }),
    ],
    ['both spellings of dependencies', lamp(), sentLamp()],
    [
      'both spellings at once, one of them empty',
      lamp(),
      {
        ...lamp(),
        dependencies: {
          light_colour: { key: 'light_mode', values: [], value: [{ type: 'ENUM', enum_value: 'colour' }] },
        },
      },
    ],
    ['a version that is a number', socket('A', { hw_version: '3' }), socket('A', { hw_version: 3 })],
    [
      'integers as text and as numbers',
      heater,
      {
        ...heater,
        allowed_values: {
          ...ALLOWED_VALUES,
          hvac_humidity_set: { type: 'INTEGER', integer_values: { min: 35, max: 85, step: 5 } },
        },
      },
    ],
    [
      'numbers as text, and the order of an enum’s words and of the map',
      heater,
      {
        ...heater,
        allowed_values: {
          hvac_air_flow_power: { type: 'ENUM', enum_values: { values: ['medium', 'low', 'high', 'auto'] } },
          hvac_humidity_set: ALLOWED_VALUES.hvac_humidity_set,
          hvac_water_level: { type: 'FLOAT', float_values: { min: '0.50', max: '5' } },
        },
      },
    ],
    [
      'zeros that an answer leaves out',
      metered({
        allowed_values: { power: { type: 'INTEGER', integer_values: { min: '0', max: '9', step: '1' } } },
      }),
      metered({ allowed_values: { power: { type: 'INTEGER', integer_values: { max: '9' } } } }),
    ],
    [
      'defaults of a value that an answer leaves out',
      socket('A', {
        dependencies: {
          power: {
            key: 'on_off',
            values: [
              { type: 'BOOL', bool_value: false },
              { type: 'BOOL', bool_value: true },
            ],
          },
        },
      }),
      socket('A', {
        dependencies: { power: { key: 'on_off', value: [{ type: 'BOOL', bool_value: true }, { type: 'BOOL' }] } },
      }),
    ],
    [
      'values as a cloud may write them: as text, without their type, one without a list',
      socket('A', { dependencies: { power: { key: 'on_off', values: [{ type: 'BOOL', bool_value: true }] } } }),
      socket('A', { dependencies: { power: { key: 'on_off', values: { bool_value: 'true' } } } }),
    ],
    [
      'an empty list that an answer leaves out',
      socket('A', { dependencies: { power: { key: 'on_off', values: [] } } }),
      socket('A', { dependencies: { power: { key: 'on_off' } } }),
    ],
    ['fields that no model has', socket('A'), socket('A', { created_at: 'yesterday' })],
  ];
  for (const [name, a, b] of equal) it(`does not mind ${name}`, () => assert.ok(same(a, b)));

  const different: [string, Raw, Raw][] = [
    ['another feature', socket('A'), socket('A', { features: ['online', 'on_off', 'power'] })],
    ['a field that came', socket('A'), socket('A', { description: 'new' })],
    ['a field that went', lamp(), { ...lamp(), dependencies: undefined }],
    [
      'another bound',
      lamp(),
      {
        ...lamp(),
        allowed_values: { light_brightness: { type: 'INTEGER', integer_values: { min: '10', max: '901', step: '1' } } },
      },
    ],
    [
      'another value in a dependency',
      lamp(),
      {
        ...lamp(),
        dependencies: { light_colour: { key: 'light_mode', value: [{ type: 'ENUM', enum_value: 'white' }] } },
      },
    ],
    [
      'the step',
      heater,
      {
        ...heater,
        allowed_values: {
          ...ALLOWED_VALUES,
          hvac_humidity_set: { type: 'INTEGER', integer_values: { min: '35', max: '85' } },
        },
      },
    ],
    [
      'integers beyond the exact numbers of JavaScript',
      metered({ allowed_values: { power: { type: 'INTEGER', integer_values: { max: '9007199254740993' } } } }),
      metered({ allowed_values: { power: { type: 'INTEGER', integer_values: { max: '9007199254740992' } } } }),
    ],
  ];
  for (const [name, a, b] of different) it(`sees ${name}`, () => assert.ok(!same(a, b)));

  it('copes with whatever a cloud may hold', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(lamp())), fc.jsonValue()), (raw) => {
        assert.ok(same(raw, JSON.parse(JSON.stringify(raw)) as Raw));
      }),
    );
  });

  it('plans around models without an id', async () => {
    const plan = await planOf([{ model: 'x' }, { id: 7 }], [], true, yieldLoop);
    assert.deepEqual(plan, { create: [], update: [], delete: [], unchanged: [] });
  });
});

/** A model as somebody may write it: any category, some of its functions, some of them restricted. */
const anyModel = (id: string): fc.Arbitrary<Raw> =>
  fc.constantFrom(...Object.entries(CATEGORIES)).chain(([category, facts]) => {
    const optional = [...facts.oneOf, ...facts.optional];
    return fc
      .record(
        {
          id: fc.constant(id),
          manufacturer: fc.string({ minLength: 1, maxLength: 8 }),
          model: fc.string({ minLength: 1, maxLength: 8 }),
          hw_version: fc.constantFrom('', '1', '2.0'),
          sw_version: fc.constantFrom('', '1', '2.0'),
          description: fc.constantFrom('', 'лампа', '"quoted"'),
          category: fc.constant(category),
          features: fc.subarray(optional).map((more) => [...facts.mandatory, ...more, 'sleep_timer']),
        },
        { requiredKeys: ['id', 'manufacturer', 'model', 'category', 'features'] },
      )
      .chain((model) => {
        const restrictable = model.features.filter((name) => restriction(FUNCTIONS[name]) !== undefined);
        return fc.subarray(restrictable).chain((names) =>
          fc
            .tuple(
              fc.record(Object.fromEntries(names.map((name) => [name, restriction(FUNCTIONS[name])!]))),
              fc.boolean(),
              fc.constantFrom('value', 'values'),
            )
            .map(([allowed_values, depends, spelling]) => ({
              ...model,
              ...(names.length === 0 ? {} : { allowed_values }),
              ...(depends
                ? {
                    dependencies: {
                      [model.features[0]!]: { key: 'online', [spelling]: [{ type: 'BOOL', bool_value: true }] },
                    },
                  }
                : {}),
            })),
        );
      });
  });

function restriction(facts: FunctionFacts | undefined): fc.Arbitrary<unknown> | undefined {
  if (facts?.values !== undefined) {
    return fc
      .shuffledSubarray([...facts.values], { minLength: 1 })
      .map((values) => ({ type: 'ENUM', enum_values: { values } }));
  }
  if (facts?.min === undefined || facts.max === undefined) return undefined;
  if (facts.type === 'INTEGER') {
    const bound = fc.integer({ min: facts.min, max: facts.max });
    return fc.tuple(bound, bound, fc.constantFrom(undefined, 0, 1, 5), fc.boolean()).map(([a, b, step, text]) => {
      const write = (number: number): unknown => (text ? String(number) : number);
      const range = { min: write(Math.min(a, b)), max: write(Math.max(a, b)) };
      return { type: 'INTEGER', integer_values: { ...range, ...(step === undefined ? {} : { step: write(step) }) } };
    });
  }
  return fc
    .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }))
    .map(([a, b]) => ({ type: 'FLOAT', float_values: { min: Math.min(a, b) / 100, max: Math.max(a, b) / 100 } }));
}

/**
 * A range of nothing but 0 comes back without ends where the cloud leaves out what is 0. Sent like that it is refused, for
 * whoever writes a range without ends has more likely forgotten them.
 */
function hasRangeWithoutEnds({ allowed_values }: Raw): boolean {
  return Object.values((allowed_values ?? {}) as Record<string, Raw>).some((entry) => {
    const range = (entry.integer_values ?? entry.float_values) as Raw | undefined;
    return range !== undefined && range.min === undefined && range.max === undefined;
  });
}

const manyModels = fc
  .uniqueArray(fc.constantFrom('A', 'B', 'C', 'D', '__proto__', 'constructor', 'модель 1'), { maxLength: 7 })
  .chain((ids) => fc.tuple(...ids.map(anyModel)));

const planTo = async (client: SberClient, wanted: Model[], deleteMissing: boolean): Promise<Plan> =>
  planOf(await client.listModels(), wanted, deleteMissing, yieldLoop);

describe('Plan and apply', () => {
  it('always reach what is wanted, and then find nothing more to do', async () => {
    await fc.assert(
      fc.asyncProperty(
        manyModels,
        manyModels,
        fc.boolean(),
        fc.boolean(),
        async (before, after, deleteMissing, omitDefaults) => {
          const { models: stored } = await checkModels(before, yieldLoop);
          const { models: wanted } = await checkModels(after, yieldLoop);
          const cloud = await startSberCloud({ models: stored, omitDefaults });
          try {
            const settings = accountSettings({ endpoint: cloud.url, token: cloud.token });
            const client = connect({ settings, clock: new HurriedClock(), random: Math.random });
            const plan = await planTo(client, wanted, deleteMissing);
            const promised = foretold(plan);
            assert.deepEqual(await carryOut(client, plan), promised);

            const wantedIds = wanted.map(({ id }) => id);
            const kept = stored.filter(({ id }) => !wantedIds.includes(id) && !deleteMissing);
            assert.deepEqual([...cloud.models.keys()].sort(), [...wantedIds, ...kept.map(({ id }) => id)].sort());
            for (const model of wanted) assert.ok(same(cloud.models.get(model.id) as Raw, model as unknown as Raw));

            const again = await planTo(client, wanted, deleteMissing);
            assert.deepEqual(again, { create: [], update: [], delete: [], unchanged: wantedIds });
            // What was read back may be sent as it is, and means the same.
            const sendable = (await client.listModels()).filter(
              (raw) => wantedIds.includes(raw.id as string) && !hasRangeWithoutEnds(raw),
            );
            const { models: readBack } = await checkModels(sendable, yieldLoop);
            const meant = wanted.filter(({ id }) => sendable.some((raw) => raw.id === id));
            assert.deepEqual(readBack.map(meaningOf).sort(), meant.map(meaningOf).sort());
          } finally {
            await cloud.close();
          }
        },
      ),
      { numRuns: 60 },
    );
  }).timeout(60_000);
});

/** What a bad day brings; each may hit a request that was carried out, or one that was not. */
const anyFault: fc.Arbitrary<SberFault> = fc
  .tuple(
    fc.constantFrom<SberFault>(
      { kind: 'reset' },
      { kind: 'error', code: 500 },
      { kind: 'html', status: 503 },
      { kind: 'html', status: 502 },
      { kind: 'empty', status: 500 },
      { kind: 'html', status: 200 },
    ),
    fc.boolean(),
    fc.constantFrom(undefined, 'GET', 'POST', 'PUT', 'DELETE'),
  )
  .map(([fault, carriedOut, method]) => ({ ...fault, carriedOut, ...(method === undefined ? {} : { method }) }));

describe('Plan and apply on a bad day', () => {
  it('claims nothing that is not so, posts nothing twice unseen, and reaches what is wanted the next day', async () => {
    const ids = fc.uniqueArray(fc.constantFrom('A', 'B', 'C', 'D', 'E'));
    await fc.assert(
      fc.asyncProperty(ids, ids, fc.array(anyFault, { maxLength: 8 }), async (before, after, faults) => {
        const cloud = await startSberCloud({ models: before.map((id) => socket(id, { description: 'old' })) });
        try {
          const settings = accountSettings({ endpoint: cloud.url, token: cloud.token });
          const client = connect({ settings, clock: new HurriedClock(), random: () => 0 });
          const { models: wanted } = await checkModels(
            after.map((id, index) => socket(id, { description: index % 2 === 0 ? 'new' : 'old' })),
            yieldLoop,
          );
          for (const fault of faults) cloud.strike(fault);
          try {
            const { created, updated, deleted } = await carryOut(client, await planTo(client, wanted, true));
            for (const id of [...created, ...updated]) {
              assert.ok(
                same(cloud.models.get(id) as Raw, wanted.find((model) => model.id === id) as unknown as Raw),
                id,
              );
            }
            for (const id of deleted) assert.ok(!cloud.models.has(id), id);
          } catch (error) {
            assert.ok(error instanceof CodedError, String(error));
          }
          let seen = true;
          for (const { method } of cloud.journal) {
            if (method === 'POST') assert.ok(seen, cloud.journal.map((entry) => entry.method).join(' '));
            seen = method === 'GET' || (seen && method !== 'POST');
          }

          const nextDay = await startSberCloud({ models: [...cloud.models.values()] });
          try {
            const settings = accountSettings({ endpoint: nextDay.url, token: nextDay.token });
            const again = connect({ settings, clock: new HurriedClock(), random: () => 0 });
            await carryOut(again, await planTo(again, wanted, true));
            assert.deepEqual([...nextDay.models.keys()].sort(), [...after].sort());
          } finally {
            await nextDay.close();
          }
        } finally {
          await cloud.close();
        }
      }),
      { numRuns: 150 },
    );
  }).timeout(60_000);
});
