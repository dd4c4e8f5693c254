/**
 * Holds everything we send to Google against schemas: our own strict ones, and, where the environment names a checkout of
 * google-home/smart-home-schema in SMART_HOME_SCHEMAS, Google's published ones too (with what is younger than they are).
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv, type AnySchemaObject, type ValidateFunction } from 'ajv';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = Record<string, Json>;

const FIXTURES = path.join(__dirname, '..', 'fixtures', 'google');
const TRAIT = 'action.devices.traits.';

const read = (file: string): AnySchemaObject => JSON.parse(readFileSync(file, 'utf8')) as AnySchemaObject;

const own = new Ajv({ strict: false, allErrors: true });
const intents = own.addSchema(read(path.join(FIXTURES, 'intents.json')), 'intents');
const traits = read(path.join(FIXTURES, 'traits.json')) as { definitions: Record<string, Record<string, object>> };

const published = process.env.SMART_HOME_SCHEMAS ?? '';
// `uuid` off: Google's own request ids are decimal numbers.
const theirs = new Ajv({ strict: false, allErrors: true, formats: { uuid: true, url: true } });
const compiled = new Map<string, ValidateFunction | undefined>();

/** Names of the published schemas that something was held against; undefined without the checkout. */
export const heldAgainst = published === '' ? undefined : new Set<string>();

function fits(schema: ValidateFunction | undefined, value: unknown, what: string): void {
  assert.ok(schema, `no schema for ${what}`);
  if (!schema(value)) assert.fail(`${what}: ${own.errorsText(schema.errors)} in ${JSON.stringify(value)}`);
}

function fitsTheirs(file: string, value: unknown, overlay: (schema: AnySchemaObject) => void = () => undefined): void {
  if (published === '') return;
  if (!compiled.has(file)) {
    const whole = path.join(published, file);
    const schema = existsSync(whole) ? read(whole) : undefined;
    if (schema !== undefined) overlay(schema);
    compiled.set(file, schema === undefined ? undefined : theirs.compile(schema));
  }
  const schema = compiled.get(file);
  if (schema === undefined) return;
  heldAgainst?.add(file);
  fits(schema, value, `published ${file}`);
}

/** Younger than the published schema of EXECUTE: challenges and the text for developers. */
function withChallenges(schema: AnySchemaObject): void {
  const entry = (schema as { properties: { payload: { properties: { commands: { items: AnySchemaObject } } } } })
    .properties.payload.properties.commands.items as { properties: Record<string, object> };
  entry.properties.challengeNeeded = {
    type: 'object',
    properties: { type: { enum: ['ackNeeded', 'pinNeeded', 'challengeFailedPinNeeded'] } },
    required: ['type'],
    additionalProperties: false,
  };
  entry.properties.debugString = { type: 'string' };
}

export interface Described {
  id: string;
  traits: string[];
  attributes: JsonObject;
}

/** All states of a device, as QUERY answers and Home Graph is told. */
export function checkStates(device: Described, states: JsonObject, which: 'all' | 'present' = 'all'): void {
  for (const full of device.traits) {
    const name = full.replace(TRAIT, '');
    const trait = traits.definitions[name];
    const words = Object.keys((trait?.states as { properties?: object } | undefined)?.properties ?? {});
    const present = words.some((word) => word in states);
    // Of a panel all is said always; of others nothing before anybody knows. An answer to a command leaves out whole
    // traits, never parts of one.
    if (!present && (which === 'present' || !['ArmDisarm', 'StatusReport'].includes(name))) continue;
    const withoutLevels = name === 'ArmDisarm' && device.attributes.availableArmLevels === undefined;
    const schema = trait?.[withoutLevels ? 'statesWithoutLevels' : 'states'];
    if (schema === undefined) continue;
    fits(own.compile(schema), states, `states of ${name}`);
    const file = `traits/${name.toLowerCase()}/${name.toLowerCase()}.states.schema.json`;
    // The published schema wants a level of every panel, its own description only of those that have levels.
    if (!withoutLevels) fitsTheirs(file, states);
  }
  const levels = device.attributes.availableArmLevels as { levels: { level_name: string }[] } | undefined;
  if (levels !== undefined && 'currentArmLevel' in states) {
    assert.ok(levels.levels.some((level) => level.level_name === states.currentArmLevel));
  }
}

/** Checks an answer to a request, every state in it, and that every device asked for is answered once. */
export function checkAnswer(request: unknown, answer: unknown, devices: readonly Described[]): void {
  const [input] = (request as { inputs: { intent: string; payload?: JsonObject }[] }).inputs;
  const intent = input!.intent.replace('action.devices.', '');
  const { payload } = answer as { payload?: JsonObject };
  if (payload !== undefined && 'status' in payload) {
    fits(intents.getSchema('intents#/definitions/failure'), answer, 'failure');
    return;
  }
  fits(intents.getSchema(`intents#/definitions/${intent}`), answer, intent);
  const name = intent.toLowerCase();
  fitsTheirs(`intents/${name}/${name}.response.schema.json`, answer, intent === 'EXECUTE' ? withChallenges : undefined);
  if (intent === 'SYNC') {
    for (const device of payload!.devices as unknown as Described[]) checkAttributes(device);
  }
  if (intent === 'QUERY') {
    const asked = (input!.payload!.devices as { id: string }[]).map(({ id }) => id);
    const answered = payload!.devices as Record<string, JsonObject>;
    assert.deepEqual(Object.keys(answered).sort(), [...new Set(asked)].sort());
    for (const device of devices) {
      const states = answered[device.id];
      if (states !== undefined) checkStates(device, states);
    }
  }
  if (intent === 'EXECUTE') {
    const groups = input!.payload!.commands as { devices: { id: string }[] }[];
    const asked = [...new Set(groups.flatMap((group) => group.devices.map(({ id }) => id)))];
    const results = payload!.commands as { ids: string[]; states?: JsonObject; challengeNeeded?: unknown }[];
    assert.deepEqual(results.flatMap(({ ids }) => ids).sort(), asked.sort());
    for (const { ids, states, challengeNeeded } of results) {
      const device = devices.find(({ id }) => id === ids[0]);
      // What a question shows is not what the device is; the guide shows parts and wishes there.
      if (device === undefined || states === undefined || challengeNeeded !== undefined) continue;
      checkStates(device, states, 'present');
    }
  }
}

function checkAttributes(device: Described): void {
  for (const full of device.traits) {
    const name = full.replace(TRAIT, '');
    const schema = traits.definitions[name]?.attributes;
    if (schema !== undefined) fits(own.compile(schema), device.attributes, `attributes of ${name}`);
    fitsTheirs(`traits/${name.toLowerCase()}/${name.toLowerCase()}.attributes.schema.json`, device.attributes);
  }
}

/** A follow-up as it is handed to Home Graph. */
export function checkFollowUp(trait: string, response: unknown): void {
  const schema = traits.definitions[trait]?.followUp;
  if (schema !== undefined) fits(own.compile(schema), response, `follow-up of ${trait}`);
  const file = `traits/${trait.toLowerCase()}/${trait.toLowerCase()}.followup.schema.json`;
  fitsTheirs(file, { [trait]: { priority: 0, followUpResponse: response } });
}
