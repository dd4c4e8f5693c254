import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CodedError } from '../../../src/common/errors';
import { yieldLoop } from '../../../src/sber/items';
import { planOf } from '../../../src/sber/sync';
import type { Raw } from '../../../src/sber/shapes';
import { checkDevices, checkModels } from '../../../src/sber/validation';
import { ALLOWED_VALUES, lamp, sentLamp, socket } from '../../support/sber-examples';

async function refusal(
  items: unknown[],
  check: typeof checkModels | typeof checkDevices = checkModels,
): Promise<string> {
  try {
    await check(items, yieldLoop);
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error));
    assert.equal(error.code, 'INVALID_INPUT');
    return error.message;
  }
  return assert.fail('not refused');
}

async function remarks(model: unknown): Promise<string[]> {
  const { warnings } = await checkModels([model], yieldLoop);
  return warnings.map(({ path, message }) => `${path}: ${message}`);
}

const humidifier = {
  ...socket('H'),
  category: 'hvac_humidifier',
  features: ['online', 'on_off', ...Object.keys(ALLOWED_VALUES)],
  allowed_values: ALLOWED_VALUES,
};

const withRange = (integer_values: unknown): unknown => ({
  ...humidifier,
  allowed_values: { hvac_humidity_set: { type: 'INTEGER', integer_values } },
});

describe('Models before they are sent', () => {
  it('leaves Sber’s own lamp as it is, dependencies in the spelling that the cloud takes', async () => {
    const { models } = await checkModels([lamp()], yieldLoop);
    assert.deepEqual(models, [sentLamp()]);
  });

  it('takes a dependency in either spelling, and in both at once', async () => {
    const given = [{ type: 'ENUM', enum_value: 'colour' }];
    for (const lists of [
      { values: given },
      { value: given },
      { value: given, values: [] },
      { values: given, value: [] },
    ]) {
      const dependencies = { light_colour: { key: 'light_mode', ...lists } };
      assert.deepEqual((await checkModels([{ ...lamp(), dependencies }], yieldLoop)).models, [sentLamp()]);
    }
    const dependencies = { light_colour: { key: 'light_mode', value: [] } };
    const { models } = await checkModels([{ ...lamp(), dependencies }], yieldLoop);
    assert.deepEqual(models[0]?.dependencies, { light_colour: { key: 'light_mode', values: [] } });
  });

  it('leaves Sber’s example of allowed values as it is', async () => {
    const { models, warnings } = await checkModels([humidifier], yieldLoop);
    assert.deepEqual(models, [humidifier]);
    assert.deepEqual(warnings, []);
  });

  it('writes integers as text, floats as numbers and enum words as text, whatever was given', async () => {
    const { models } = await checkModels(
      [
        {
          ...humidifier,
          allowed_values: {
            hvac_water_level: { type: 'FLOAT', float_values: { min: '0.5', max: 5 } },
            hvac_humidity_set: { type: 'INTEGER', integer_values: { min: 35, max: '085', step: 0 } },
            hvac_air_flow_power: { type: 'ENUM', enum_values: { values: ['auto', 'auto', 1] } },
          },
        },
      ],
      yieldLoop,
    );
    assert.deepEqual(models[0]?.allowed_values, {
      hvac_water_level: { type: 'FLOAT', float_values: { min: 0.5, max: 5 } },
      hvac_humidity_set: { type: 'INTEGER', integer_values: { min: '35', max: '85' } },
      hvac_air_flow_power: { type: 'ENUM', enum_values: { values: ['auto', '1'] } },
    });
  });

  it('sends nothing that says nothing', async () => {
    const { models } = await checkModels(
      [socket('A', { description: '', hw_version: null, sw_version: undefined, allowed_values: {}, dependencies: {} })],
      yieldLoop,
    );
    assert.deepEqual(models, [socket('A')]);
  });

  const refused: [string, unknown, RegExp][] = [
    ['what is no object', 'A', /^models\[0\]: is no model/],
    ['a list in the list', [socket('A')], /^models\[0\]: is no model/],
    ['a missing id', { ...socket('A'), id: undefined }, /^models\[0\]\.id: is missing/],
    ['an id that is a number', { ...socket('A'), id: 5 }, /^models\[0\]\.id: must be text/],
    ['an empty manufacturer', socket('A', { manufacturer: '' }), /^models\[0\]\.manufacturer: is missing/],
    ['a missing category', { ...socket('A'), category: null }, /^models\[0\]\.category: is missing/],
    ['a version that is a number', socket('A', { hw_version: 3.1 }), /^models\[0\]\.hw_version: must be text/],
    ['missing features', { ...socket('A'), features: undefined }, /^models\[0\]\.features: must be a list/],
    ['a feature that is no text', socket('A', { features: ['online', 7] }), /^models\[0\]\.features\[1\]/],
    ['allowed values that are a list', { ...humidifier, allowed_values: [] }, /^models\[0\]\.allowed_values: must be/],
    [
      'the placeholder of the documentation',
      {
        ...humidifier,
        allowed_values: { hvac_humidity_set: { type: 'INTEGER', type_values: { min: '1', max: '2' } } },
      },
      /hvac_humidity_set\.integer_values: must be an object/,
    ],
    ['a fraction for an integer', withRange({ min: 1.5, max: 2 }), /integer_values\.min: must be a whole number/],
    ['a word for an integer', withRange({ min: '1', max: 'many' }), /integer_values\.max: must be a whole number/],
    ['an integer of more than 64 bits', withRange({ min: '1', max: '9223372036854775808' }), /integer_values\.max/],
    ['a range upside down', withRange({ min: 10, max: 9 }), /integer_values: min \(10\) is above max \(9\)/],
    ['a step backwards', withRange({ min: 1, max: 2, step: -1 }), /integer_values\.step: must be above 0/],
    [
      'a float that is none',
      { ...humidifier, allowed_values: { hvac_water_level: { type: 'FLOAT', float_values: { min: 0, max: NaN } } } },
      /float_values\.max: must be a number/,
    ],
    ['a dependency without a key', { ...lamp(), dependencies: { light_colour: { values: [] } } }, /light_colour\.key/],
    [
      'a dependency without a list',
      { ...lamp(), dependencies: { light_colour: { key: 'light_mode', vals: ['colour'] } } },
      /dependencies\.light_colour\.values: must be a list/,
    ],
    [
      'a dependency on one value that is no list',
      { ...lamp(), dependencies: { light_colour: { key: 'light_mode', value: 'colour' } } },
      /dependencies\.light_colour\.value: must be a list/,
    ],
    [
      'a dependency on a value of no type',
      { ...lamp(), dependencies: { light_colour: { key: 'light_mode', values: [{ type: 'WORD' }] } } },
      /dependencies\.light_colour\.values\[0\]\.type/,
    ],
  ];
  for (const [name, model, message] of refused) {
    it(`refuses ${name}`, async () => assert.match(await refusal([model]), message));
  }

  it('names the item, and refuses an id that comes twice', async () => {
    assert.match(await refusal([socket('A'), socket('B'), socket('A')]), /^models\[2\]\.id: "A"/);
  });

  const returned: [string, Record<string, unknown>][] = [
    ['a colour, which cannot be restricted', { light_colour: { type: 'COLOUR' } }],
    ['a switch, which cannot be restricted', { on_off: { type: 'BOOL' } }],
    ['a range of what the model has not', { power: { type: 'INTEGER', integer_values: { min: '1', max: '2' } } }],
    ['a range whose ends are left out', { light_brightness: { type: 'INTEGER', integer_values: {} } }],
    ['a step without a range', { light_brightness: { type: 'INTEGER', integer_values: { step: '1' } } }],
    ['a type and nothing else', { light_brightness: { type: 'INTEGER' } }],
    ['a list without words', { light_mode: { type: 'ENUM', enum_values: { values: [] } } }],
    ['a list that is left out', { light_mode: { type: 'ENUM', enum_values: {} } }],
  ];
  for (const [name, allowed_values] of returned) {
    it(`can be sent back with ${name}: that is left out with a warning, and is no change`, async () => {
      const cloud: Raw = { ...lamp(), allowed_values };
      const { models, warnings } = await checkModels([cloud], yieldLoop);
      assert.equal(models[0]?.allowed_values, undefined);
      const [restricted] = Object.keys(allowed_values);
      assert.ok(
        warnings.some(({ path, message }) => path === `allowed_values.${restricted}` && message.includes('not sent')),
      );
      const { unchanged } = await planOf([cloud], models, true, yieldLoop);
      assert.deepEqual(unchanged, [cloud.id]);
    });
  }

  it('have no doubts about Sber’s own examples of a boiler and of a sensor', async () => {
    const boiler = {
      ...socket('B'),
      category: 'hvac_boiler',
      features: ['online', 'on_off', 'hvac_temp_set'],
      allowed_values: { hvac_temp_set: { type: 'INTEGER', integer_values: { min: '25', max: '80', step: '5' } } },
    };
    const sensor = {
      ...socket('S'),
      category: 'sensor_door',
      features: ['online', 'doorcontact_state', 'sensor_sensitive'],
      allowed_values: { sensor_sensitive: { type: 'ENUM', enum_values: { values: ['auto', 'high'] } } },
    };
    assert.deepEqual((await checkModels([boiler, sensor], yieldLoop)).warnings, []);
  });

  const doubted: [string, unknown, RegExp][] = [
    ['an unknown category', socket('A', { category: 'ipc' }), /^category: .*ipc/],
    [
      'an unknown function',
      socket('A', { features: ['online', 'on_off', 'sleep_timer'] }),
      /^features\[2\]: .*sleep_timer/,
    ],
    ['a missing mandatory function', socket('A', { features: ['on_off'] }), /^features: .*must have online/],
    [
      'none of those of which one must be there',
      socket('A', { category: 'sensor_temp', features: ['online'] }),
      /^features: .*at least one of humidity, temperature/,
    ],
    ['a function of another category', socket('A', { features: ['online', 'on_off', 'pir'] }), /^features\[2\]: .*pir/],
    [
      'a range wider than the function’s',
      withRange({ min: 20, max: 95 }),
      /integer_values\.min: 20 is outside.*30 to 90/,
    ],
    [
      'a word that the function has not',
      { ...humidifier, allowed_values: { hvac_air_flow_power: { type: 'ENUM', enum_values: { values: ['storm'] } } } },
      /enum_values\.values: "storm"/,
    ],
    [
      'another type than the catalogue’s',
      { ...humidifier, allowed_values: { hvac_humidity_set: { type: 'ENUM', enum_values: { values: ['a'] } } } },
      /hvac_humidity_set\.type: .*INTEGER/,
    ],
    ['a field that is not part of a model', socket('A', { nicknames: ['x'] }), /^nicknames: .*not sent/],
    ['a version that Sber refuses', socket('A', { hw_version: 'Unknown' }), /^hw_version/],
  ];
  for (const [name, model, message] of doubted) {
    it(`only remarks on ${name}`, async () => {
      const all = await remarks(model);
      assert.ok(
        all.some((remark) => message.test(remark)),
        all.join('\n'),
      );
    });
  }

  it('does not send what is not part of a model', async () => {
    const { models } = await checkModels([socket('A', { nicknames: ['x'], power: 5 })], yieldLoop);
    assert.deepEqual(models, [socket('A')]);
  });

  it('takes names of JavaScript’s own for what they are: unknown functions', async () => {
    const text =
      '{"id":"A","manufacturer":"m","model":"m","category":"constructor","features":["__proto__","toString"]}';
    const { models, warnings } = await checkModels([JSON.parse(text)], yieldLoop);
    assert.deepEqual(models[0]?.features, ['__proto__', 'toString']);
    assert.equal(warnings.length, 3);
  });

  it('ends in models or INVALID_INPUT, whatever comes', async () => {
    const anything = fc.record(Object.fromEntries(Object.keys(lamp()).map((name) => [name, fc.jsonValue()])), {
      requiredKeys: [],
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(anything, fc.jsonValue()), fc.boolean(), async (item, inline) => {
        const device = { id: 'D', name: 'n', default_name: 'n', model: item };
        try {
          await (inline ? checkDevices([device], yieldLoop) : checkModels([item], yieldLoop));
        } catch (error) {
          assert.ok(error instanceof CodedError, String(error));
          assert.equal(error.code, 'INVALID_INPUT');
        }
      }),
    );
  });
});

describe('Devices before they are sent', () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const device = { id: 'D', name: 'Лампа', default_name: 'Lamp', model_id: 'A', room: 'Кухня', groups: ['все'] };

  it('leaves a good one as it is, also with its own model', async () => {
    const whole = {
      ...device,
      parent_id: 'hub',
      home: 'Дом',
      hw_version: '1',
      sw_version: '2',
      partner_meta: { deep: { er: [1] } },
    };
    const inline = { id: 'E', name: 'n', default_name: 'n', model: lamp() };
    const { devices, warnings } = await checkDevices([whole, inline], yieldLoop);
    assert.deepEqual(devices, [whole, { ...inline, model: sentLamp() }]);
    assert.deepEqual(
      warnings.map((warning) => ('deviceId' in warning ? `${warning.deviceId} ${warning.path}` : '')),
      ['E model.features[6]', 'E model.allowed_values.light_brightness.integer_values.min'],
    );
  });

  const refused: [string, unknown, RegExp][] = [
    ['no name', { ...device, name: '' }, /^devices\[0\]\.name: is missing/],
    ['no default name', { ...device, default_name: undefined }, /default_name: is missing/],
    ['neither model nor model_id', { ...device, model_id: undefined }, /exactly one of model_id and model/],
    ['both', { ...device, model: lamp() }, /exactly one of model_id and model/],
    ['a bad model inside', { ...device, model_id: null, model: {} }, /^devices\[0\]\.model\.id: is missing/],
    ['groups that are no list', { ...device, groups: 'all' }, /groups: must be a list/],
    [
      'data of one’s own that is too long',
      { ...device, partner_meta: { text: 'x'.repeat(1020) } },
      /partner_meta: .*1024/,
    ],
    ['data of one’s own that contains itself', { ...device, partner_meta: circle }, /partner_meta: .*1024/],
    ['data of one’s own that is no object', { ...device, partner_meta: [1] }, /partner_meta: must be an object/],
  ];
  for (const [name, item, message] of refused) {
    it(`refuses ${name}`, async () => assert.match(await refusal([item], checkDevices), message));
  }

  it('refuses two models of one ID with different content, of which Sber would keep the first', async () => {
    const one = { id: 'D', name: 'n', default_name: 'n', model: socket('A') };
    const other = { ...one, id: 'E', model: socket('A', { description: 'other' }) };
    assert.match(await refusal([one, other], checkDevices), /^devices\[1\]\.model\.id: "A"/);
    const same = { ...one, id: 'E', model: socket('A', { features: ['on_off', 'online'] }) };
    assert.equal((await checkDevices([one, same], yieldLoop)).devices.length, 2);
  });

  it('leaves out nicknames, which Sber no longer knows, and says so', async () => {
    const { devices, warnings } = await checkDevices([{ ...device, nicknames: ['свет'] }], yieldLoop);
    assert.deepEqual(devices, [device]);
    assert.equal(warnings[0]?.path, 'nicknames');
  });
});
