/**
 * The rules behind the model builder of sber-models, as the browser gets them, and the words it needs.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { yieldLoop } from '../../src/sber/items';
import { CATEGORIES, FUNCTIONS } from '../../src/sber/catalogue';
import { lockModels } from '../support/sber-lock';
import type { Model } from '../../src/sber/shapes';
import { checkModels } from '../../src/sber/validation';
import {
  copyOf,
  draftOf,
  firstFault,
  modelOf,
  nameOf,
  remarksOn,
  type Draft,
  type Limit,
} from '../../editor/sber/draft';
import { labelsOf, LANGUAGES, lookUp, ROOT } from './page';

const lamp = {
  id: 'QWERTY123',
  manufacturer: 'Xiaqara',
  model: 'SM0123456789',
  hw_version: '3.2',
  sw_version: '5.7',
  description: 'Умная лампа Xiaqara',
  category: 'light',
  features: ['online', 'on_off', 'light_mode', 'light_brightness', 'light_colour', 'light_colour_temp', 'sleep_timer'],
  dependencies: { light_colour: { key: 'light_mode', value: [{ type: 'ENUM', enum_value: 'colour' }] } },
  allowed_values: { light_brightness: { type: 'INTEGER', integer_values: { min: '10', max: '900', step: '1' } } },
};

describe('the model builder', () => {
  const saved = (model: Draft): Record<string, unknown> =>
    JSON.parse(JSON.stringify(modelOf(model))) as Record<string, unknown>;
  const codes = (...drafts: Draft[]): string[][] =>
    remarksOn(drafts).map((remarks) =>
      remarks.map(({ code, name }) => (name === undefined ? code : `${code} ${name}`)),
    );
  const door = (changes: object = {}): Draft =>
    draftOf({ id: 'D1', manufacturer: 'Acme', model: 'Door', category: 'sensor_door', features: [], ...changes });

  it("keeps the vendor's own example whole, unknown function and dependencies too", () => {
    const again = saved(draftOf(lamp)) as typeof lamp;
    assert.deepEqual(new Set(again.features), new Set(lamp.features));
    assert.deepEqual({ ...again, features: [] }, { ...lamp, features: [] });
  });

  it('says what is odd about the example: a bound below the documented one, a function without a page', () => {
    assert.deepEqual(codes(draftOf(lamp)), [['tooWide light_brightness', 'functionUnknown sleep_timer']]);
  });

  it('always has what the category demands, and only what was ticked besides', () => {
    const model = door();
    assert.deepEqual(saved(model).features, ['online', 'doorcontact_state']);
    model.chosen.add('tamper_alarm');
    assert.deepEqual(saved(model).features, ['online', 'doorcontact_state', 'tamper_alarm']);
    assert.deepEqual(codes(model), [[]]);
  });

  it('forgets nothing when the arrow keys pass through other categories', () => {
    const model = door();
    model.chosen.add('tamper_alarm');
    model.category = 'light';
    assert.deepEqual(saved(model).features, ['online', 'on_off']);
    model.category = 'sensor_door';
    assert.deepEqual(saved(model).features, ['online', 'doorcontact_state', 'tamper_alarm']);
  });

  it('leaves out what was left empty, and trims what was typed', () => {
    const model = door({ id: '  D1 ', hw_version: '', description: '  ' });
    assert.deepEqual(saved(model), {
      id: 'D1',
      manufacturer: 'Acme',
      model: 'Door',
      category: 'sensor_door',
      features: ['online', 'doorcontact_state'],
    });
  });

  it('writes whole numbers as text with a step, other numbers as numbers without', () => {
    const sensor = draftOf({ category: 'sensor_air', features: ['temperature', 'tvoc_float'] });
    sensor.limits.set('temperature', { min: '-200', max: '', step: '' });
    sensor.limits.set('tvoc_float', { min: '0.5', max: '', step: '' });
    assert.deepEqual(saved(sensor).allowed_values, {
      temperature: { type: 'INTEGER', integer_values: { min: '-200', max: '2000', step: '1' } },
      tvoc_float: { type: 'FLOAT', float_values: { min: 0.5, max: 9.999 } },
    });
  });

  it('limits nothing where all values or none are ticked, and limits only functions that the model has', () => {
    const strip = draftOf({ category: 'hvac_fan', features: ['hvac_air_flow_power'] });
    strip.limits.set('hvac_air_flow_power', { values: [...(FUNCTIONS.hvac_air_flow_power?.values ?? [])] });
    assert.equal(saved(strip).allowed_values, undefined);
    strip.limits.set('hvac_air_flow_power', { values: [] });
    assert.equal(saved(strip).allowed_values, undefined);
    strip.limits.set('hvac_air_flow_power', { values: ['low', 'high'] });
    assert.deepEqual(saved(strip).allowed_values, {
      hvac_air_flow_power: { type: 'ENUM', enum_values: { values: ['low', 'high'] } },
    });
    strip.chosen.delete('hvac_air_flow_power');
    assert.equal(saved(strip).allowed_values, undefined);
  });

  it('keeps the limits of a saved model as they are meant, also where the catalogue has other ideas of them', () => {
    const kept = (name: string, entry: object): unknown => {
      const { allowed_values } = saved(
        draftOf({ category: 'sensor_air', features: [name], allowed_values: { [name]: entry } }),
      );
      return (allowed_values as Record<string, unknown> | undefined)?.[name];
    };
    // A function that the catalogue lacks, and one that it calls INTEGER.
    const float = { type: 'FLOAT', float_values: { min: 0.5, max: 5 } };
    assert.deepEqual(kept('radon_float', float), float);
    assert.deepEqual(kept('humidity', float), float);
    const integer = { type: 'INTEGER', integer_values: { min: '1', max: '5', step: '1' } };
    assert.deepEqual(kept('tvoc_float', integer), integer);
    // Answers leave out what is 0: that is not the catalogue's own bound.
    assert.deepEqual(kept('temperature', { type: 'INTEGER', integer_values: { max: '500' } }), {
      type: 'INTEGER',
      integer_values: { min: '0', max: '500', step: '1' },
    });
    assert.deepEqual(kept('temperature', { type: 'INTEGER', integer_values: { min: -50, step: 0 } }), {
      type: 'INTEGER',
      integer_values: { min: '-50', max: '0', step: '1' },
    });
    assert.deepEqual(kept('tvoc_float', { float_values: { max: 2 } }), {
      type: 'FLOAT',
      float_values: { min: 0, max: 2 },
    });
    // All that the catalogue knows, and a word more.
    const words = { type: 'ENUM', enum_values: { values: ['c', 'f', 'k'] } };
    assert.deepEqual(kept('temp_unit_view', words), words);
  });

  it('writes numbers as Sber reads them, however a field for numbers shows them', () => {
    const sensor = draftOf({ category: 'sensor_air', features: ['temperature', 'tvoc_float'] });
    sensor.limits.set('temperature', { min: '-0', max: '1e3', step: '10.0' });
    sensor.limits.set('tvoc_float', { min: '1e-1', max: '', step: '' });
    assert.deepEqual(saved(sensor).allowed_values, {
      temperature: { type: 'INTEGER', integer_values: { min: '0', max: '1000', step: '10' } },
      tvoc_float: { type: 'FLOAT', float_values: { min: 0.1, max: 9.999 } },
    });
  });

  it('copies a model under an id of its own', () => {
    const copy = copyOf(draftOf(lamp), ['QWERTY123', 'QWERTY123-2']);
    assert.equal(copy.id, 'QWERTY123-3');
    assert.deepEqual({ ...saved(copy), id: '' }, { ...saved(draftOf(lamp)), id: '' });
  });

  it('warns of each thing Sber is known to refuse', () => {
    const temperature = (limit: object): Draft => {
      const model = draftOf({ ...lamp, category: 'sensor_temp', features: ['temperature'], dependencies: undefined });
      model.limits = new Map([['temperature', { min: '', max: '', step: '', ...limit }]]);
      return model;
    };
    const cases: [Draft, string[]][] = [
      [draftOf({}), ['idMissing', 'manufacturerMissing', 'modelMissing', 'categoryMissing']],
      [door({ hw_version: 'Unknown' }), ['versionUnknown']],
      [door({ category: 'lock', features: ['online'] }), ['categoryUnknown']],
      [door({ category: 'lock' }), ['noFunction', 'categoryUnknown']],
      [door({ category: 'gate' }), ['oneOfMissing']],
      [door({ category: 'hub', features: ['temperature'] }), ['functionForeign temperature']],
      [temperature({ min: '-500' }), ['tooWide temperature']],
      [temperature({ min: '10', max: '5' }), ['backwards temperature']],
      [temperature({ min: '1.5' }), ['notWhole temperature']],
      [temperature({ step: '0' }), ['badStep temperature']],
      [temperature({ min: '0', max: '400', step: '5' }), []],
    ];
    for (const [model, expected] of cases) assert.deepEqual(codes(model)[0]?.sort(), expected.sort());
    assert.deepEqual(codes(door(), door()), [[], ['idTwice']]);
  });

  it('holds a boiler to the range of its own category', () => {
    const boiler = door({ category: 'hvac_boiler', features: ['hvac_temp_set'] });
    boiler.limits.set('hvac_temp_set', { min: '30', max: '75', step: '' });
    assert.deepEqual(codes(boiler), [[]]);
    boiler.limits.set('hvac_temp_set', { min: '30', max: '', step: '' });
    const { allowed_values: allowed } = saved(boiler) as { allowed_values?: Record<string, unknown> };
    assert.deepEqual(allowed?.hvac_temp_set, {
      type: 'INTEGER',
      integer_values: { min: '30', max: '80', step: '1' },
    });
  });

  it('marks the node only for what cannot be sent, and says which model', () => {
    const good = saved(door());
    assert.equal(firstFault([]), null);
    assert.equal(firstFault([good]), null);
    assert.deepEqual(firstFault([good, { ...good, id: '' }]), { number: 2, code: 'idMissing' });
    assert.deepEqual(firstFault([good, good]), { number: 2, code: 'idTwice' });
    assert.deepEqual(firstFault([{ ...good, features: [] }]), { number: 1, code: 'noFunction' });
    assert.deepEqual(firstFault('[]'), { number: 0, code: 'notModels' });
  });

  it('marks the node for a range exactly where sending it is refused, and calls that grave', async () => {
    const limits = ['', '0', '-1', '5', '1.5', '1e2', '1e400', 'x'];
    for (const name of ['temperature', 'tvoc_float']) {
      for (const [min, max, step] of limits.flatMap((a) =>
        limits.flatMap((b) => limits.map((c) => [a, b, c] as const)),
      )) {
        const model = draftOf({
          id: 'S',
          manufacturer: 'Acme',
          model: 'Air',
          category: 'sensor_air',
          features: [name],
        });
        if (`${min}${max}${step}` !== '') {
          model.limits.set(name, { min, max, step: name === 'temperature' ? step : '' });
        }
        const made = saved(model);
        const refused = await checkModels([made], yieldLoop).then(
          () => false,
          () => true,
        );
        const [remarks] = remarksOn([model]);
        const shown = JSON.stringify([[...model.limits], made]);
        assert.equal(firstFault([made])?.code === 'badRange', refused, shown);
        assert.equal(
          remarks!.some(({ grave }) => grave),
          refused,
          shown,
        );
      }
    }
  });

  it('takes a function for nothing but a function, whatever it is called', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      const model = draftOf({ ...door(), id: 'D1', features: [name] });
      for (const kind of ['function', 'category'] as const) {
        assert.equal(
          nameOf(() => 'words', kind, name),
          name,
        );
      }
      assert.equal(model.limits.get(name), undefined);
      assert.ok((saved(model).features as string[]).includes(name));
    }
    assert.equal(
      nameOf(() => 'words', 'function', 'online'),
      'words',
    );
  });

  it('survives whatever stands in a flow file', () => {
    for (const odd of [null, 5, 'x', [], { features: 'online', allowed_values: [], category: 7 }, { features: [1] }]) {
      assert.doesNotThrow(() => {
        codes(draftOf(odd));
        saved(draftOf(odd));
      }, JSON.stringify(odd));
    }
  });
});

describe('the words of the model builder', () => {
  const code = ['builder.ts', 'functions.ts', 'draft.ts']
    .map((file) => readFileSync(path.join(ROOT, 'editor', 'sber', file), 'utf8'))
    .join('\n');
  const keys = [
    ...Object.keys(CATEGORIES).map((name) => `category.${name}`),
    ...Object.keys(FUNCTIONS).map((name) => `function.${name}`),
    ...[...code.matchAll(/\bwords\(\s*'([^']+)'/g)].map(([, key]) => key!),
    ...[...code.matchAll(/code: (?:isWhole \? )?'(\w+)'|(?:mild|grave)\('(\w+)'/g)]
      .map(([, code, said]) => code ?? said!)
      .filter((code) => !['notModels', 'badRange'].includes(code))
      .map((code) => `remark.${code}`),
    ...['id', 'manufacturer', 'model', 'category'].flatMap((key) => [`remark.${key}Missing`, `fault.${key}Missing`]),
    ...['notModels', 'idTwice', 'noFunction', 'badRange'].map((code) => `fault.${code}`),
    ...['id', 'manufacturer', 'model', 'hw_version', 'sw_version', 'description'].flatMap((field) => [
      `field.${field}`,
      `placeholder.${field}`,
    ]),
    ...['mandatory', 'oneOf', 'optional', 'other'].map((group) => `group.${group}`),
    ...['BOOL', 'STRING', 'COLOUR'].map((type) => `type.${type}`),
    ...['min', 'max', 'step'].map((key) => `builder.${key}`),
  ];

  for (const language of LANGUAGES) {
    it(`are complete in ${language}`, () => {
      const labels = labelsOf('sber-models', language);
      assert.deepEqual(
        keys.filter((key) => lookUp(labels, `sber-models.${key}`) === undefined),
        [],
      );
    });

    it(`tell categories and the functions of each category apart in ${language}`, () => {
      const labels = labelsOf('sber-models', language);
      const words = (kind: string, names: readonly string[]): (string | undefined)[] =>
        names.map((name) => lookUp(labels, `sber-models.${kind}.${name}`));
      const assertDistinct = (texts: (string | undefined)[]): void => {
        assert.equal(new Set(texts).size, texts.length, texts.join(', '));
      };
      assertDistinct(words('category', Object.keys(CATEGORIES)));
      for (const { mandatory, oneOf, optional } of Object.values(CATEGORIES)) {
        assertDistinct(words('function', [...mandatory, ...oneOf, ...optional]));
      }
    });
  }
});

describe('what the model builder makes', () => {
  it('is sent as it is, without a warning, for every kind of device with all that it can do', async () => {
    const made = Object.entries(CATEGORIES).map(([category, { mandatory, oneOf, optional }]) => {
      const draft = draftOf({ id: category, manufacturer: 'Acme', model: 'All of it', category });
      for (const name of [...mandatory, ...oneOf, ...optional]) {
        draft.chosen.add(name);
        const { type, min, values } = FUNCTIONS[name]!;
        const limit = (narrowed: Limit): unknown => draft.limits.set(name, narrowed);
        if (type === 'INTEGER' || type === 'FLOAT') limit({ min: String(min! + 1), max: '', step: '' });
        if (values !== undefined && values.length > 1) limit({ values: [values[0]!] });
      }
      return JSON.parse(JSON.stringify(modelOf(draft))) as object;
    });
    const { models, warnings } = await checkModels(made, yieldLoop);
    assert.deepEqual(warnings, []);
    assert.deepEqual(models, made);
  });
});

describe('the example flow "Sber models"', () => {
  interface Saved {
    id: string;
    features: string[];
  }
  const flow = JSON.parse(readFileSync(path.join(ROOT, 'examples', '08 - Sber models.json'), 'utf8')) as {
    type: string;
    models?: Saved[];
  }[];
  const saved = flow.flatMap(({ models = [] }) => models);

  it('has models that Sber takes', async () => {
    assert.ok(saved.length > 0);
    assert.deepEqual((await checkModels(saved, yieldLoop)).warnings, []);
  });

  it('has the models of a The Keys lock as the package knows them', () => {
    const plain = (model: Saved | Model): object => ({ ...model, features: [...model.features].sort() });
    for (const model of lockModels()) {
      const found = saved.find(({ id }) => id === model.id);
      assert.deepEqual(found && plain(found), plain(model));
    }
  });
});
