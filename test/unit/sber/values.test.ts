import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CodedError } from '../../../src/common/errors';
import { yieldLoop } from '../../../src/sber/items';
import { FUNCTIONS } from '../../../src/sber/catalogue';
import { isLockReading, lockDeviceIds, lockStates } from '../../../src/sber/lock-states';
import { Place } from '../../../src/sber/items';
import { checkDevices, checkModels } from '../../../src/sber/validation';
import { checkStates, plainDevices, plainValue, typedValue, type PlainValue } from '../../../src/sber/values';
import { STATE_ANSWER } from '../../support/sber-examples';
import { lockDevices, lockModels } from '../../support/sber-lock';

async function typed(values: Record<string, unknown>): Promise<unknown[]> {
  const { states } = await checkStates({ D: values }, yieldLoop);
  return states.D!.states;
}

describe('Values of functions', () => {
  it('get the types that the catalogue asks for', async () => {
    assert.deepEqual(
      await typed({
        on_off: true,
        temperature: 215,
        hvac_water_level: 0.5,
        open_state: 'opening',
        light_colour: { h: 360, s: 1000, v: 100 },
        hvac_heating_rate: 3,
        battery_percentage: '80',
      }),
      [
        { key: 'on_off', value: { type: 'BOOL', bool_value: true } },
        { key: 'temperature', value: { type: 'INTEGER', integer_value: '215' } },
        { key: 'hvac_water_level', value: { type: 'FLOAT', float_value: 0.5 } },
        { key: 'open_state', value: { type: 'ENUM', enum_value: 'opening' } },
        { key: 'light_colour', value: { type: 'COLOUR', colour_value: { h: 360, s: 1000, v: 100 } } },
        { key: 'hvac_heating_rate', value: { type: 'ENUM', enum_value: '3' } },
        { key: 'battery_percentage', value: { type: 'INTEGER', integer_value: '80' } },
      ],
    );
  });

  it('get a type by their look where the catalogue does not know the function, and a remark', async () => {
    const { states, warnings } = await checkStates(
      { D: { flag: false, count: 5, level: 1.5, word: 'auto', hue: { h: 1, s: 2, v: 3 } } },
      yieldLoop,
    );
    assert.deepEqual(
      states.D!.states.map(({ value }) => value.type),
      ['BOOL', 'INTEGER', 'FLOAT', 'ENUM', 'COLOUR'],
    );
    assert.deepEqual(
      warnings.map((warning) => 'deviceId' in warning && [warning.deviceId, warning.path]),
      ['flag', 'count', 'level', 'word', 'hue'].map((path) => ['D', path]),
    );
  });

  it('may be typed already, alone or in Sber’s own list of states', async () => {
    const value = { type: 'STRING', string_value: 'any' };
    assert.deepEqual(await typed({ label: value }), [{ key: 'label', value }]);
    assert.deepEqual(await typed({ on_off: { bool_value: true } }), [
      { key: 'on_off', value: { type: 'BOOL', bool_value: true } },
    ]);
    assert.deepEqual(await typed(STATE_ANSWER.devices.ABCD_003), STATE_ANSWER.devices.ABCD_003.states);
  });

  const refused: [string, unknown, unknown][] = [
    ['no reading for a switch', 'on_off', null],
    ['no reading for a number', 'temperature', null],
    ['no reading for a colour', 'light_colour', null],
    ['a word for a switch', 'on_off', 'on'],
    ['a number for a switch', 'on_off', 1],
    ['a fraction for an integer', 'temperature', 21.5],
    ['nothing for an integer', 'temperature', 'warm'],
    ['true for a number', 'hvac_water_level', true],
    ['infinity', 'hvac_water_level', Infinity],
    ['an empty word', 'open_set', ''],
    ['true for a word', 'open_set', true],
    ['a fraction in a colour', 'light_colour', { h: 0.5, s: 1, v: 100 }],
    ['a word for a colour', 'light_colour', 'red'],
    ['a list of something unknown', 'thing', [1]],
    ['a value of a type that is none', 'on_off', { type: 'BOOLEAN', bool_value: true }],
    ['a switch whose value has another name', 'doorcontact_state', { type: 'BOOL', value: true }],
    ['a number whose value has another name', 'temperature', { type: 'INTEGER', value: 215 }],
    ['red, green and blue', 'light_colour', { r: 255, g: 0, b: 0 }],
    ['red, green and blue in Sber’s form', 'light_colour', { type: 'COLOUR', colour_value: { r: 255 } }],
    ['half a colour', 'light_colour', { h: 120 }],
    ['nothing under the name of a switch’s value', 'on_off', { bool_value: null }],
    ['values of two types', 'on_off', { bool_value: false, integer_value: '0' }],
    ['a value of another type than it says', 'on_off', { type: 'BOOL', bool_value: 'yes' }],
  ];
  for (const [name, key, value] of refused) {
    it(`are not ${name}`, async () => {
      await assert.rejects(checkStates({ D: { [key as string]: value } }, yieldLoop), (error: unknown) => {
        assert.ok(error instanceof CodedError);
        assert.equal(error.code, 'INVALID_INPUT');
        assert.ok(error.message.startsWith(`devices.D.${key as string}`), error.message);
        return true;
      });
    });
  }

  it('say what to write where tenths are meant', async () => {
    await assert.rejects(typed({ temperature: 21.5 }), /write 215 for 21\.5 °C/);
    await assert.rejects(typed({ hvac_temp_set: 21.5 }), (error: Error) => !error.message.includes('tenths'));
  });

  it('of a boiler may be as hot as its own example', async () => {
    const { warnings } = await checkStates({ D: { hvac_temp_set: 80, sensor_sensitive: 'auto' } }, yieldLoop);
    assert.deepEqual(warnings, []);
  });

  for (const devices of [
    null,
    [],
    'D',
    { D: 5 },
    { D: {} },
    { D: { '': true } },
    { '': { on_off: true } },
    { D: { states: [{}] } },
  ]) {
    it(`are not looked for in ${JSON.stringify(devices)}`, async () => {
      await assert.rejects(checkStates(devices, yieldLoop), { code: 'INVALID_INPUT' });
    });
  }

  it('are remarked on where the documentation says otherwise, and sent all the same', async () => {
    const { states, warnings } = await checkStates(
      {
        D: {
          humidity: 101,
          pir: 'none',
          light_colour: { h: 361, s: 0, v: 99 },
          on_off: { type: 'ENUM', enum_value: 'x' },
        },
      },
      yieldLoop,
    );
    assert.equal(states.D!.states.length, 4);
    assert.deepEqual(
      warnings.map(({ path }) => path),
      ['humidity', 'pir', 'light_colour.h', 'light_colour.v', 'on_off'],
    );
  });

  it('come back plain, also where the answer leaves defaults out', () => {
    const { values } = plainDevices(
      new Map<string, unknown>([
        ['ABCD_003', STATE_ANSWER.devices.ABCD_003.states],
        ['E', undefined],
      ]),
    );
    assert.deepEqual(values, { ABCD_003: { online: true, on_off: true }, E: {} });
    const cases: [unknown, PlainValue][] = [
      [{ type: 'BOOL' }, false],
      [{ type: 'INTEGER' }, 0],
      [{ type: 'INTEGER', integer_value: '-40' }, -40],
      [{ type: 'INTEGER', integer_value: 256 }, 256],
      [{ type: 'INTEGER', integer_value: '9223372036854775807' }, '9223372036854775807'],
      [{ type: 'FLOAT' }, 0],
      [{ type: 'FLOAT', float_value: '0.25' }, 0.25],
      [{ type: 'STRING' }, ''],
      [{ type: 'ENUM', enum_value: 'open' }, 'open'],
      [
        { type: 'COLOUR', colour_value: { h: 12 } },
        { h: 12, s: 0, v: 0 },
      ],
      [{ type: 'COLOUR' }, { h: 0, s: 0, v: 0 }],
      [{ bool_value: true }, true],
      [{}, null],
      [null, null],
      [{ type: 'NEW', new_value: 1 }, null],
    ];
    for (const [value, plain] of cases) assert.deepEqual(plainValue(value), plain, JSON.stringify(value));
  });

  const notUnderstood: [string, unknown][] = [
    ['nothing', {}],
    ['a type that is none', { type: 'DOUBLE', float_value: 1 }],
    ['another spelling of a type', { type: 'COLOR', color_value: { h: 1, s: 1, v: 100 } }],
    ['a value under another name', { type: 'BOOL', value: true }],
    ['a word for a switch', { type: 'BOOL', bool_value: 'open' }],
    ['a number for a switch', { type: 'BOOL', bool_value: 1 }],
    ['red, green and blue', { type: 'COLOUR', colour_value: { r: 255, g: 0, b: 0 } }],
    ['a word for a number', { type: 'INTEGER', integer_value: 'warm' }],
    ['text for a float', { type: 'FLOAT', float_value: 'NaN' }],
    ['a list', []],
    ['a bare value', true],
  ];
  for (const [name, value] of notUnderstood) {
    it(`are null with a warning, never false, 0 or black, where ${name} was read`, async () => {
      const { values, warnings } = plainDevices(new Map([['D', [{ key: 'doorcontact_state', value }]]]));
      assert.deepEqual(values, { D: { doorcontact_state: null } });
      assert.deepEqual(
        warnings.map((warning) => 'deviceId' in warning && [warning.deviceId, warning.path]),
        [['D', 'doorcontact_state']],
      );
      // Read and reported back, a door does not close by that.
      await assert.rejects(checkStates(values, yieldLoop), { code: 'INVALID_INPUT' });
    });
  }

  it('that have no place are warned of', () => {
    const { values, warnings } = plainDevices(
      new Map<string, unknown>([
        ['D', [{ value: 1 }, 'x']],
        ['E', { a: 1 }],
      ]),
    );
    assert.deepEqual(values, { D: {}, E: {} });
    assert.deepEqual(
      warnings.map(({ path }) => path),
      ['states[0]', 'states[1]', 'states'],
    );
  });

  it('survive the way there and back, for every function of the catalogue', () => {
    const anyValue = ([name, facts]: [string, (typeof FUNCTIONS)[string]]): fc.Arbitrary<[string, unknown]> => {
      const value: fc.Arbitrary<unknown> =
        facts.type === 'BOOL'
          ? fc.boolean()
          : facts.values !== undefined
            ? fc.constantFrom(...facts.values)
            : facts.type === 'INTEGER'
              ? fc.integer({ min: facts.min!, max: facts.max! })
              : facts.type === 'FLOAT'
                ? fc.double({ min: facts.min!, max: facts.max!, noNaN: true }).map((number) => number + 0)
                : fc.record(
                    {
                      h: fc.integer({ min: 0, max: 360 }),
                      s: fc.integer({ min: 0, max: 1000 }),
                      v: fc.integer({ min: 100, max: 1000 }),
                    },
                    { noNullPrototype: true },
                  );
      return value.map((one) => [name, one]);
    };
    fc.assert(
      fc.property(fc.constantFrom(...Object.entries(FUNCTIONS)).chain(anyValue), ([key, value]) => {
        const remarks: never[] = [];
        const sent = JSON.parse(JSON.stringify(typedValue(key, value, new Place(key, remarks)))) as unknown;
        assert.deepEqual(remarks, []);
        assert.deepEqual(plainValue(sent), value === 0 ? 0 : value);
      }),
    );
  });
});

describe('A The Keys lock at Sber', () => {
  const reading = { identifier: '3718', state: 'closed' as const, batteryPercent: 64.4, rssi: -60, code: 1 };

  it('is an intercom that can unlock and an opening sensor, both without a remark', async () => {
    const { models, warnings } = await checkModels(lockModels(), yieldLoop);
    assert.deepEqual(
      models.map(({ category }) => category),
      ['intercom', 'sensor_door'],
    );
    assert.deepEqual(warnings, []);
    const { devices } = await checkDevices(lockDevices('3718', 'Дверь'), yieldLoop);
    assert.deepEqual(
      devices.map(({ id, model_id }) => [id, model_id]),
      [
        ['thekeys-3718-unlock', models[0]!.id],
        ['thekeys-3718-sensor', models[1]!.id],
      ],
    );
  });

  it('shows what lock-status read, in functions that its models have', async () => {
    const states = lockStates(reading);
    assert.deepEqual(states, {
      'thekeys-3718-unlock': { online: true },
      'thekeys-3718-sensor': {
        online: true,
        doorcontact_state: false,
        battery_percentage: 64,
        battery_low_power: false,
        signal_strength: 'high',
      },
    });
    const { warnings } = await checkStates(states, yieldLoop);
    assert.deepEqual(warnings, []);
    const features = lockModels().flatMap((model) => model.features);
    for (const values of Object.values(states)) {
      for (const name of Object.keys(values)) assert.ok(features.includes(name));
    }
  });

  it('keeps quiet about what was not read', () => {
    const { sensor } = lockDeviceIds('1');
    assert.deepEqual(lockStates({ identifier: '1', state: 'unknown' })[sensor], { online: true });
    assert.equal(lockStates({ identifier: '1', state: 'open' })[sensor]?.doorcontact_state, true);
    assert.equal(lockStates({ ...reading, batteryPercent: 20 })[lockDeviceIds('3718').sensor]?.battery_low_power, true);
    for (const [rssi, word] of [
      [-70, 'high'],
      [-71, 'medium'],
      [-85, 'medium'],
      [-86, 'low'],
    ] as const) {
      assert.equal(lockStates({ ...reading, rssi })[lockDeviceIds('3718').sensor]?.signal_strength, word);
    }
  });

  it('is not mistaken for states by device id', () => {
    assert.ok(isLockReading(reading));
    assert.ok(!isLockReading({ identifier: { on_off: true }, state: { on_off: true } }));
    assert.ok(!isLockReading({ identifier: '1', state: 'ajar' }));
    assert.ok(!isLockReading(null));
  });
});
