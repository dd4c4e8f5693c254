import assert from 'node:assert/strict';
import { CATEGORIES, FUNCTIONS, categoryFacts, functionFacts, type FunctionFacts } from '../../../src/sber/catalogue';

const functions = Object.entries(FUNCTIONS);
const categories = Object.entries(CATEGORIES);

describe("Sber's catalogue", () => {
  it('has all documented functions and categories', () => {
    assert.equal(functions.length, 96);
    assert.equal(categories.length, 29);
  });

  for (const [name, facts] of functions) {
    it(`${name}: has what its type calls for and nothing else`, () => {
      const bounded = facts.type === 'INTEGER' || facts.type === 'FLOAT';
      assert.equal(facts.min !== undefined && facts.max !== undefined, bounded);
      if (bounded) assert.ok(facts.min! < facts.max!);
      else assert.equal(facts.step ?? facts.unit, undefined);
      if (facts.type === 'INTEGER') for (const bound of [facts.min, facts.max]) assert.ok(Number.isInteger(bound));
      assert.equal(facts.values !== undefined && facts.values.length > 0, facts.type === 'ENUM');
      if (facts.values) assert.equal(new Set(facts.values).size, facts.values.length);
    });
  }

  for (const [name, { mandatory, oneOf, optional }] of categories) {
    it(`${name}: names known functions, each in one group, and can tell whether it is online`, () => {
      const all = [...mandatory, ...oneOf, ...optional];
      for (const each of all) assert.ok(functionFacts(each), `${each} is no known function`);
      assert.equal(new Set(all).size, all.length);
      assert.ok(mandatory.includes('online'));
      assert.notEqual(oneOf.length, 1, 'a choice of one would be mandatory');
    });
  }

  it('has no function that no category uses', () => {
    const used = new Set(categories.flatMap(([, facts]) => [...facts.mandatory, ...facts.oneOf, ...facts.optional]));
    assert.deepEqual(
      functions.map(([name]) => name).filter((name) => !used.has(name)),
      [],
    );
  });

  it('offers the seventeen buttons of a scenario button as a choice', () => {
    assert.equal(CATEGORIES.scenario_button?.oneOf.length, 17);
  });

  it('keeps the facts that are easily mistaken', () => {
    const expected: Record<string, FunctionFacts> = {
      light_brightness: { type: 'INTEGER', min: 50, max: 1000 },
      pir: { type: 'ENUM', values: ['pir'] },
      doorcontact_state: { type: 'BOOL' },
      kitchen_water_level: { type: 'FLOAT', min: 0, max: 50 },
    };
    for (const [name, facts] of Object.entries(expected)) assert.deepEqual(functionFacts(name), facts);
    assert.deepEqual(categoryFacts('hub'), { mandatory: ['online'], oneOf: [], optional: [] });
  });

  it('does not mistake what every object has for a function or a category', () => {
    assert.equal(functionFacts('constructor'), undefined);
    assert.equal(categoryFacts('toString'), undefined);
  });
});
