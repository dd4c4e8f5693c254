/**
 * Models and devices: what is checked before anything is sent, the form in which they are sent, and when two models mean the
 * same. What Sber's structure forbids is refused with INVALID_INPUT and its path; what only the catalogue has doubts about
 * becomes a warning, for the cloud knows more than the catalogue. What a cloud has returned can be sent back.
 */
import { isDeepStrictEqual } from 'node:util';
import { CodedError } from '../common/errors';
import { isRecord } from '../common/json';
import { categoryFacts, functionFacts, functionRange } from './catalogue';
import { inPortions, Place, refuse, type YieldLoop } from './items';
import type { AllowedValues, Dependency, Device, Model, Raw, Remark, Warning } from './shapes';
import { asSent, finiteNumber, integerText, typedValue } from './values';

/** One field as it is sent; undefined where it says nothing and is left out. `item`: what it is a field of. */
type Check<T> = (value: unknown, place: Place, item: Raw) => T | undefined;
type Checks<T> = { readonly [K in keyof T]-?: Check<NonNullable<T[K]>> };

const MODEL: Checks<Model> = {
  id: mandatory,
  manufacturer: mandatory,
  model: mandatory,
  hw_version: version,
  sw_version: version,
  description: optional,
  category: mandatory,
  features: checkFeatures,
  allowed_values: (map, place, { features, category }) =>
    checkMap(map, place, (name, allowed, at) => {
      const checked = checkAllowed(name, allowed, features as string[], category as string, at);
      if (typeof checked !== 'string') return checked;
      at.warn(`${checked}; it is not sent`);
      return undefined;
    }),
  dependencies: (map, place, { features }) =>
    checkMap(map, place, (name, dependency, at) => checkDependency(name, dependency, features as string[], at)),
};

const DEVICE: Checks<Device> = {
  id: mandatory,
  parent_id: optional,
  name: mandatory,
  default_name: mandatory,
  home: optional,
  room: optional,
  groups: checkGroups,
  model_id: (value, place, { model = null }) => {
    const id = optional(value, place);
    if ((model === null) === (id === undefined)) refuse(place, 'exactly one of model_id and model must be given');
    return id;
  },
  model: (value, place) => (value === undefined ? undefined : checkModel(value, place)),
  hw_version: optional,
  sw_version: optional,
  partner_meta: checkMeta,
};
/** Characters of the JSON form of `partner_meta` that Sber keeps (`device`, 28 October 2025). */
const LARGEST_META = 1024;

/**
 * Models in their writing form, with what the catalogue has to say about them.
 * @throws INVALID_INPUT for the first item that is no model, or an id that comes twice: then nothing may be sent
 */
export async function checkModels(
  items: readonly unknown[],
  yieldLoop: YieldLoop,
): Promise<{ models: Model[]; warnings: Warning[] }> {
  const { checked, remarks } = await checkAll(items, 'models', checkModel, yieldLoop);
  return { models: checked, warnings: remarks.map(({ id, ...remark }) => ({ modelId: id, ...remark })) };
}

/** Devices in their writing form. Errors as in `checkModels`. */
export async function checkDevices(
  items: readonly unknown[],
  yieldLoop: YieldLoop,
): Promise<{ devices: Device[]; warnings: Warning[] }> {
  const models = new Map<string, string>();
  const check = (item: unknown, place: Place): Device => {
    const device = checkItem(item, 'device', DEVICE, place);
    const { model } = device;
    if (model === undefined) return device;
    const meaning = meaningOf(model);
    // Sber keeps models by their ids and passes over the second one.
    if ((models.get(model.id) ?? meaning) !== meaning) {
      refuse(place.at('model').at('id'), `"${model.id}" is in the list already, with other content`);
    }
    models.set(model.id, meaning);
    return device;
  };
  const { checked, remarks } = await checkAll(items, 'devices', check, yieldLoop);
  return { devices: checked, warnings: remarks.map(({ id, ...remark }) => ({ deviceId: id, ...remark })) };
}

async function checkAll<T extends { id: string }>(
  items: readonly unknown[],
  name: string,
  check: (item: unknown, place: Place) => T,
  yieldLoop: YieldLoop,
): Promise<{ checked: T[]; remarks: (Remark & { id: string })[] }> {
  const checked = new Map<string, T>();
  const remarks: (Remark & { id: string })[] = [];
  for await (const [index, item] of inPortions(items.entries(), yieldLoop)) {
    const own: Remark[] = [];
    const place = new Place(`${name}[${index}]`, own);
    const one = check(item, place);
    if (checked.has(one.id)) refuse(place.at('id'), `"${one.id}" stands in the list twice`);
    checked.set(one.id, one);
    remarks.push(...own.map((remark) => ({ id: one.id, ...remark })));
  }
  return { checked: [...checked.values()], remarks };
}

/** Whether a model as a cloud may have written it, in whatever edition of the structure, would be sent like this one. */
export function meansSame(there: Raw, wanted: Model): boolean {
  // Most stand there as they were sent, which is told in a tenth of the time.
  return isDeepStrictEqual(there, wanted) || meaningOf(writingForm(there)) === meaningOf(wanted);
}

/** A cloud's model as it would be sent; one that could not be sent is given back, and differs from all that could. */
export function writingForm(model: Raw): Raw {
  // A number where a text belongs (`"hw_version": 3`) is the text, and an answer leaves an empty list out.
  const texts = Object.entries(model).map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]);
  const raw: Raw = { ...(Object.fromEntries(texts) as Raw), features: model.features ?? [] };
  if (isRecord(raw.dependencies)) {
    const dependencies = Object.entries(raw.dependencies).map(([name, each]) => [name, dependencyAsSent(each)]);
    raw.dependencies = Object.fromEntries(dependencies) as Raw;
  }
  try {
    return { ...checkModel(raw, new Place('')) };
  } catch (error) {
    if (error instanceof CodedError) return model;
    throw error;
  }
}

/** A text that is equal for models that mean the same, in their writing form: all lists in it are sets. */
export function meaningOf(value: unknown): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(meaningOf))].sort().join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const fields = Object.entries(value)
    // No step and 1 both say: every whole number.
    .filter(([name, field]) => field !== undefined && (name !== 'step' || field !== '1'))
    .map(([name, field]) => `${JSON.stringify(name)}:${meaningOf(field)}`);
  return `{${fields.sort().join(',')}}`;
}

function checkModel(item: unknown, place: Place): Model {
  const model = checkItem(item, 'model', MODEL, place);
  warnOfCategory(model, place);
  return model;
}

/** An object of known fields, each checked in the order of its table. */
function checkItem<T>(item: unknown, what: string, checks: Checks<T>, place: Place): T {
  const names = Object.keys(checks);
  if (!isRecord(item)) refuse(place, `is no ${what} (an object with ${names.join(', ')})`);
  warnOfOthers(item, names, place, `a ${what}`);
  const checked: Raw = {};
  for (const [name, check] of Object.entries<Check<unknown>>(checks)) {
    const value = check(item[name] ?? undefined, place.at(name), item);
    if (value !== undefined) checked[name] = value;
  }
  return checked as T;
}

function checkFeatures(features: unknown, place: Place): string[] {
  if (!Array.isArray(features)) refuse(place, 'must be a list of function names');
  const names = new Set<string>();
  for (const [index, name] of (features as unknown[]).entries()) {
    const at = place.at(index);
    if (typeof name !== 'string' || name === '') refuse(at, 'must be the name of a function, as text');
    if (names.has(name)) at.warn(`${name} stands in the list twice; it is sent once`);
    else if (functionFacts(name) === undefined) at.warn(`the catalogue does not know the function ${name}`);
    names.add(name);
  }
  return [...names];
}

/** What Sber's page for the category asks for. Models that fall short are known to vanish without an error. */
function warnOfCategory({ category, features }: Model, place: Place): void {
  const facts = categoryFacts(category);
  if (facts === undefined) {
    place.at('category').warn(`the catalogue does not know the category ${category}`);
    return;
  }
  const at = place.at('features');
  const missing = facts.mandatory.filter((name) => !features.includes(name));
  if (missing.length > 0) at.warn(`category ${category} must have ${missing.join(', ')}`);
  if (facts.oneOf.length > 0 && !facts.oneOf.some((name) => features.includes(name))) {
    at.warn(`category ${category} must have at least one of ${facts.oneOf.join(', ')}`);
  }
  const listed = [...facts.mandatory, ...facts.oneOf, ...facts.optional];
  for (const [index, name] of features.entries()) {
    if (!listed.includes(name) && functionFacts(name) !== undefined) {
      at.at(index).warn(`category ${category} is not known to have ${name}`);
    }
  }
}

const RESTRICTIONS: Readonly<Record<AllowedValues['type'], string>> = {
  INTEGER: 'integer_values',
  FLOAT: 'float_values',
  ENUM: 'enum_values',
};

/** Or why they are not sent: Sber is known to drop models silently that restrict what cannot be restricted. */
function checkAllowed(
  name: string,
  allowed: unknown,
  features: readonly string[],
  category: string,
  place: Place,
): AllowedValues | string {
  if (!isRecord(allowed)) refuse(place, 'must be an object with a type');
  if (!features.includes(name)) return `${name} is not among the features`;
  const types = Object.entries(RESTRICTIONS);
  const { type = null } = allowed;
  const [found, field = ''] =
    types.find(([each, its]) => (type === null ? isRecord(allowed[its]) : each === type)) ?? [];
  if (found === undefined) return 'only INTEGER, FLOAT and ENUM can be restricted';
  const { [field]: given = null } = allowed;
  if (given === null && Object.keys(allowed).every((each) => each === 'type' || each === field)) {
    return 'it restricts nothing';
  }
  const facts = functionFacts(name);
  const isKnown = facts?.type === found;
  if (facts !== undefined && !isKnown) place.at('type').warn(`the catalogue says ${facts.type}, not ${found}`);
  warnOfOthers(allowed, ['type', field], place, `allowed values of type ${found}`);
  const at = place.at(field);
  if (found === 'ENUM') {
    const values = checkWords(given, at);
    if (values.length === 0) return 'it has no words';
    const known = isKnown ? (facts.values ?? []) : values;
    for (const value of values.filter((word) => !known.includes(word))) {
      at.at('values').warn(`"${value}" is none of the documented ${known.join(', ')}`);
    }
    return { type: found, enum_values: { values } };
  }
  const range = checkRange(given, found === 'INTEGER', at);
  if (Number(range.min) === 0 && Number(range.max) === 0) return 'a range from 0 to 0 restricts nothing';
  const { min = -Infinity, max = Infinity } = (isKnown ? functionRange(name, category) : undefined) ?? {};
  for (const end of ['min', 'max'] as const) {
    const bound = Number(range[end]);
    if (bound >= min && bound <= max) continue;
    at.at(end).warn(`${range[end]} is outside the documented range ${min} to ${max}; a range may only be narrowed`);
  }
  return { type: found, [field]: range } as AllowedValues;
}

/** A range, of which answers leave out what is 0. INTEGER is written as text, and may have a step. */
function checkRange(values: unknown, isInteger: boolean, place: Place): { min: string; max: string; step?: string } {
  const names = isInteger ? ['min', 'max', 'step'] : ['min', 'max'];
  if (!isRecord(values)) refuse(place, `must be an object with ${names.join(', ')}`);
  warnOfOthers(values, names, place, 'a range');
  const read = isInteger ? integerText : finiteNumber;
  const must = isInteger ? 'must be a whole number' : 'must be a number';
  const [min = 0, max = 0, step = 0] = names.map((name) => read(values[name] ?? 0) ?? refuse(place.at(name), must));
  const number = isInteger ? BigInt : Number;
  if (number(min) > number(max)) refuse(place, `min (${min}) is above max (${max})`);
  if (number(step) < 0) refuse(place.at('step'), 'must be above 0');
  return { min, max, ...(Number(step) === 0 ? {} : { step }) } as { min: string; max: string; step?: string };
}

function checkWords(enumValues: unknown, place: Place): string[] {
  if (!isRecord(enumValues)) refuse(place, 'must be an object with a list "values"');
  warnOfOthers(enumValues, ['values'], place, 'a list of words');
  const at = place.at('values');
  const { values = null } = enumValues;
  if (values === null) return [];
  if (!Array.isArray(values)) refuse(at, 'must be a list of words');
  const words = values.map((word: unknown, index) => {
    // hvac_heating_rate has the words 1 to 10.
    const text = typeof word === 'number' && Number.isSafeInteger(word) ? String(word) : word;
    return typeof text === 'string' && text !== '' ? text : refuse(at.at(index), 'must be text');
  });
  return [...new Set(words)];
}

/**
 * Legacy: Sber dropped it from the structure in October 2025. Sent only where it is given, and then as `values`; the pages of
 * 2023 print `value`. A cloud that knows both and writes defaults out has an empty list in the other one.
 */
function checkDependency(name: string, dependency: unknown, features: readonly string[], place: Place): Dependency {
  if (!isRecord(dependency)) refuse(place, 'must be an object with key and values');
  const key = mandatory(dependency.key, place.at('key'));
  warnOfOthers(dependency, ['key', 'value', 'values'], place, 'a dependency');
  const spelling = spellingOf(dependency);
  const [list, given] = [dependency[spelling], place.at(spelling)];
  if (!Array.isArray(list)) refuse(given, 'must be a list of values');
  for (const each of [name, key]) {
    if (!features.includes(each)) place.warn(`${each} is not among the features`);
  }
  return { key, values: list.map((one, index) => typedValue(key, one, given.at(index))) };
}

/** Under which of its names a dependency has its list. */
function spellingOf({ value = null, values = null }: Raw): 'value' | 'values' {
  const isNew = value === null || (Array.isArray(values) ? values.length > 0 : values !== null);
  return isNew ? 'values' : 'value';
}

/** A dependency as a cloud may have written it, its list as it would be sent. */
function dependencyAsSent(dependency: unknown): unknown {
  if (!isRecord(dependency)) return dependency;
  const list = [dependency[spellingOf(dependency)] ?? []].flat();
  return { key: dependency.key, values: list.map(asSent) };
}

function checkGroups(groups: unknown, place: Place): string[] | undefined {
  if (groups === undefined) return undefined;
  if (!Array.isArray(groups)) refuse(place, 'must be a list of names');
  const names = groups.map((group: unknown, index) => mandatory(group, place.at(index)));
  return names.length === 0 ? undefined : names;
}

function checkMeta(meta: unknown, place: Place): Raw | undefined {
  if (meta === undefined) return undefined;
  if (!isRecord(meta)) refuse(place, 'must be an object');
  let length: number;
  try {
    length = JSON.stringify(meta).length;
  } catch {
    // An object that contains itself has no JSON form.
    length = Infinity;
  }
  if (length > LARGEST_META) refuse(place, `must have a JSON form of at most ${LARGEST_META} characters`);
  return meta;
}

/** A map by names of functions, in its writing form; undefined where nothing of it is sent. */
function checkMap<T>(
  map: unknown,
  place: Place,
  check: (name: string, value: unknown, place: Place) => T | undefined,
): Record<string, T> | undefined {
  if (map === undefined) return undefined;
  if (!isRecord(map)) refuse(place, 'must be an object with function names as keys');
  const entries = Object.entries(map)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]): [string, T | undefined] => [name, check(name, value, place.at(name))])
    .filter((entry): entry is [string, T] => entry[1] !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Unknown fields can make the cloud refuse the whole object, so they are not sent. */
function warnOfOthers(item: Raw, fields: readonly string[], place: Place, what: string): void {
  for (const [name, value] of Object.entries(item)) {
    if (!fields.includes(name) && value !== undefined && value !== null) {
      place.at(name).warn(`not part of ${what}; it is not sent`);
    }
  }
}

function mandatory(value: unknown, place: Place): string {
  if (typeof value === 'string' && value !== '') return value;
  return refuse(place, value === undefined || value === '' ? 'is missing' : 'must be text');
}

function optional(value: unknown, place: Place): string | undefined {
  if (value === undefined || value === '') return undefined;
  return typeof value === 'string' ? value : refuse(place, 'must be text');
}

function version(value: unknown, place: Place): string | undefined {
  const text = optional(value, place);
  // Observed by a public bridge; undocumented.
  if (text?.toLowerCase() === 'unknown') place.warn('Sber is known to refuse "Unknown"; leave the version out');
  return text;
}
