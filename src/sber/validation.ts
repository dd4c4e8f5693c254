/**
 * What is checked before anything is sent, and the form in which it is sent. What Sber's structure forbids is refused
 * with INVALID_INPUT and its path; what only the catalogue has doubts about becomes a warning, for the cloud knows more
 * than the catalogue. Comparing models is left to `models`, single values to `values`.
 */
import { isRecord } from '../common/json';
import { categoryFacts, functionFacts, functionRange } from './catalogue';
import { allowedType, dependencySpelling, dependencyValues, meaningOfModel, whyLeftOut } from './models';
import { Place, refuse } from './place';
import type { AllowedValues, Dependency, Device, Model, Raw, Remark, Warning } from './shapes';
import { finiteNumber, integerText, typedValue } from './values';
import type { Pace } from './yield-loop';

/**
 * Models in their writing form, with what the catalogue has to say about them.
 * @throws INVALID_INPUT for the first item that is no model, or an id that comes twice: then nothing may be sent
 */
export async function checkModels(
  items: readonly unknown[],
  pace: Pace,
): Promise<{ models: Model[]; warnings: Warning[] }> {
  const { checked, remarks } = await checkAll(items, 'models', checkModel, pace);
  return { models: checked, warnings: remarks.map(([modelId, remark]) => ({ modelId, ...remark })) };
}

/** Devices in their writing form. Errors as in `checkModels`. */
export async function checkDevices(
  items: readonly unknown[],
  pace: Pace,
): Promise<{ devices: Device[]; warnings: Warning[] }> {
  const models = new Map<string, string>();
  const check = (item: unknown, place: Place): Device => {
    const device = checkDevice(item, place);
    const { model } = device;
    if (model === undefined) return device;
    const meaning = meaningOfModel(model);
    // Sber keeps models by their ids and passes over the second one.
    if ((models.get(model.id) ?? meaning) !== meaning) {
      refuse(place.at('model').at('id'), `"${model.id}" is in the list already, with other content`);
    }
    models.set(model.id, meaning);
    return device;
  };
  const { checked, remarks } = await checkAll(items, 'devices', check, pace);
  return { devices: checked, warnings: remarks.map(([deviceId, remark]) => ({ deviceId, ...remark })) };
}

async function checkAll<T extends { id: string }>(
  items: readonly unknown[],
  name: string,
  check: (item: unknown, place: Place) => T,
  pace: Pace,
): Promise<{ checked: T[]; remarks: [id: string, remark: Remark][] }> {
  const checked: T[] = [];
  const remarks: [string, Remark][] = [];
  const ids = new Set<string>();
  for (const [index, item] of items.entries()) {
    const own: Remark[] = [];
    const place = Place.of(`${name}[${index}]`, own);
    const one = check(item, place);
    if (ids.has(one.id)) refuse(place.at('id'), `"${one.id}" stands in the list twice`);
    ids.add(one.id);
    checked.push(one);
    for (const remark of own) remarks.push([one.id, remark]);
    if (pace.due()) await pace.yieldLoop();
  }
  return { checked, remarks };
}

const MODEL_FIELDS = [
  'id',
  'manufacturer',
  'model',
  'hw_version',
  'sw_version',
  'description',
  'category',
  'features',
  'allowed_values',
  'dependencies',
];

function checkModel(item: unknown, place: Place): Model {
  if (!isRecord(item)) refuse(place, 'is no model (an object with id, manufacturer, model, category, features)');
  warnOfOthers(item, MODEL_FIELDS, place, 'a model');
  const features = checkFeatures(item.features, place.at('features'));
  const category = mandatoryText(item.category, place.at('category'));
  const checked: Model = {
    id: mandatoryText(item.id, place.at('id')),
    manufacturer: mandatoryText(item.manufacturer, place.at('manufacturer')),
    model: mandatoryText(item.model, place.at('model')),
    ...optionalText('hw_version', item, place),
    ...optionalText('sw_version', item, place),
    ...optionalText('description', item, place),
    category,
    features,
    ...checkAllowedValues(item.allowed_values, { features, category }, place.at('allowed_values')),
    ...checkDependencies(item.dependencies, features, place.at('dependencies')),
  };
  for (const name of ['hw_version', 'sw_version'] as const) {
    // Observed by a public bridge; undocumented.
    if (checked[name]?.toLowerCase() === 'unknown') {
      place.at(name).warn('Sber is known to refuse "Unknown"; leave the version out');
    }
  }
  warnOfCategory(checked, place);
  return checked;
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

function checkAllowedValues(
  map: unknown,
  of: { features: readonly string[]; category: string },
  place: Place,
): { allowed_values?: Record<string, AllowedValues> } {
  const entries: [string, AllowedValues][] = [];
  for (const [name, allowed] of entriesOf(map, place)) {
    const at = place.at(name);
    // What a cloud has returned can be sent back.
    const why = whyLeftOut(name, allowed, of.features);
    if (why === undefined) entries.push([name, checkAllowed(name, allowed, of.category, at)]);
    else at.warn(`${why}; it is not sent`);
  }
  return entries.length === 0 ? {} : { allowed_values: Object.fromEntries(entries) };
}

function checkAllowed(name: string, allowed: unknown, category: string, place: Place): AllowedValues {
  if (!isRecord(allowed)) refuse(place, 'must be an object with a type');
  const type = allowedType(allowed) as AllowedValues['type'];
  const facts = functionFacts(name);
  const isKnown = facts?.type === type;
  if (facts !== undefined && !isKnown) place.at('type').warn(`the catalogue says ${facts.type}, not ${type}`);
  const field = `${type.toLowerCase()}_values`;
  warnOfOthers(allowed, ['type', field], place, `allowed values of type ${type}`);
  const at = place.at(field);
  if (type === 'ENUM') {
    const values = checkWords(allowed[field], at);
    const known = isKnown ? (facts.values ?? []) : values;
    for (const value of values.filter((word) => !known.includes(word))) {
      at.at('values').warn(`"${value}" is none of the documented ${known.join(', ')}`);
    }
    return { type, enum_values: { values } };
  }
  const range = type === 'INTEGER' ? checkIntegers(allowed[field], at) : checkFloats(allowed[field], at);
  const { min = -Infinity, max = Infinity } = (isKnown ? functionRange(name, category) : undefined) ?? {};
  for (const end of ['min', 'max'] as const) {
    const given = Number(range[end]);
    if (given >= min && given <= max) continue;
    at.at(end).warn(`${range[end]} is outside the documented range ${min} to ${max}; a range may only be narrowed`);
  }
  return type === 'INTEGER'
    ? { type, integer_values: range as { min: string; max: string; step?: string } }
    : { type, float_values: range as { min: number; max: number } };
}

function checkIntegers(values: unknown, place: Place): { min: string; max: string; step?: string } {
  const range = checkedRange(values, ['min', 'max', 'step'], place);
  const part = (name: string): string => {
    const text = integerText(range[name] ?? 0);
    return text ?? refuse(place.at(name), 'must be a whole number');
  };
  const [min, max, step] = [part('min'), part('max'), part('step')];
  if (BigInt(min) > BigInt(max)) refuse(place, `min (${min}) is above max (${max})`);
  if (BigInt(step) < 0n) refuse(place.at('step'), 'must be above 0');
  return { min, max, ...(step === '0' ? {} : { step }) };
}

function checkFloats(values: unknown, place: Place): { min: number; max: number } {
  const range = checkedRange(values, ['min', 'max'], place);
  const part = (name: string): number => finiteNumber(range[name] ?? 0) ?? refuse(place.at(name), 'must be a number');
  const [min, max] = [part('min'), part('max')];
  if (min > max) refuse(place, `min (${min}) is above max (${max})`);
  return { min, max };
}

/** A range, of which answers leave out what is 0. */
function checkedRange(values: unknown, fields: readonly string[], place: Place): Raw {
  if (!isRecord(values)) refuse(place, `must be an object with ${fields.join(', ')}`);
  warnOfOthers(values, fields, place, 'a range');
  return values;
}

function checkWords(enumValues: unknown, place: Place): string[] {
  if (!isRecord(enumValues)) refuse(place, 'must be an object with a list "values"');
  warnOfOthers(enumValues, ['values'], place, 'a list of words');
  const at = place.at('values');
  if (!Array.isArray(enumValues.values)) refuse(at, 'must be a list of words');
  const words = enumValues.values.map((word: unknown, index) => {
    // hvac_heating_rate has the words 1 to 10.
    const text = typeof word === 'number' && Number.isSafeInteger(word) ? String(word) : word;
    return typeof text === 'string' && text !== '' ? text : refuse(at.at(index), 'must be text');
  });
  return [...new Set(words)];
}

/** Legacy: Sber dropped it from the structure in October 2025. Sent only where it is given, and then as `values`. */
function checkDependencies(
  map: unknown,
  features: readonly string[],
  place: Place,
): { dependencies?: Record<string, Dependency> } {
  const entries = entriesOf(map, place).map(([name, dependency]): [string, Dependency] => {
    const at = place.at(name);
    if (!isRecord(dependency)) refuse(at, 'must be an object with key and values');
    const key = mandatoryText(dependency.key, at.at('key'));
    warnOfOthers(dependency, ['key', 'value', 'values'], at, 'a dependency');
    const spelling = dependencySpelling(dependency);
    const given = at.at(spelling);
    if (!Array.isArray(dependency[spelling])) refuse(given, 'must be a list of values');
    for (const each of [name, key]) {
      if (!features.includes(each)) at.warn(`${each} is not among the features`);
    }
    const values = dependencyValues(dependency).map((one, index) => typedValue(key, one, given.at(index)));
    return [name, { key, values }];
  });
  return entries.length === 0 ? {} : { dependencies: Object.fromEntries(entries) };
}

const DEVICE_FIELDS = [
  'id',
  'parent_id',
  'name',
  'default_name',
  'home',
  'room',
  'groups',
  'model_id',
  'model',
  'hw_version',
  'sw_version',
  'partner_meta',
];
/** Characters of the JSON form of `partner_meta` that Sber keeps (`device`, 28 October 2025). */
const LARGEST_META = 1024;

function checkDevice(item: unknown, place: Place): Device {
  if (!isRecord(item)) refuse(place, 'is no device (an object with id, name, default_name, model_id or model)');
  warnOfOthers(item, DEVICE_FIELDS, place, 'a device');
  const inline = item.model ?? undefined;
  const reference = optionalText('model_id', item, place);
  if ((inline === undefined) === (reference.model_id === undefined)) {
    refuse(place.at('model_id'), 'exactly one of model_id and model must be given');
  }
  return {
    id: mandatoryText(item.id, place.at('id')),
    ...optionalText('parent_id', item, place),
    name: mandatoryText(item.name, place.at('name')),
    default_name: mandatoryText(item.default_name, place.at('default_name')),
    ...optionalText('home', item, place),
    ...optionalText('room', item, place),
    ...checkGroups(item.groups ?? undefined, place.at('groups')),
    ...reference,
    ...(inline === undefined ? {} : { model: checkModel(inline, place.at('model')) }),
    ...optionalText('hw_version', item, place),
    ...optionalText('sw_version', item, place),
    ...checkMeta(item.partner_meta ?? undefined, place.at('partner_meta')),
  };
}

function checkMeta(meta: unknown, place: Place): { partner_meta?: Raw } {
  if (meta === undefined) return {};
  if (!isRecord(meta)) refuse(place, 'must be an object');
  if (jsonLength(meta) > LARGEST_META) refuse(place, `must have a JSON form of at most ${LARGEST_META} characters`);
  return { partner_meta: meta };
}

/** Infinite for what has no JSON form, such as an object that contains itself. */
function jsonLength(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    return Infinity;
  }
}

function checkGroups(groups: unknown, place: Place): { groups?: string[] } {
  if (groups === undefined) return {};
  if (!Array.isArray(groups)) refuse(place, 'must be a list of names');
  const names = groups.map((group: unknown, index) => mandatoryText(group, place.at(index)));
  return names.length === 0 ? {} : { groups: names };
}

/** Unknown fields can make the cloud refuse the whole object, so they are not sent. */
function warnOfOthers(item: Raw, fields: readonly string[], place: Place, what: string): void {
  for (const [name, value] of Object.entries(item)) {
    if (!fields.includes(name) && value !== undefined && value !== null) {
      place.at(name).warn(`not part of ${what}; it is not sent`);
    }
  }
}

function entriesOf(map: unknown, place: Place): [string, unknown][] {
  if (map === undefined || map === null) return [];
  if (!isRecord(map)) refuse(place, 'must be an object with function names as keys');
  return Object.entries(map).filter(([, value]) => value !== undefined && value !== null);
}

function mandatoryText(value: unknown, place: Place): string {
  if (typeof value === 'string' && value !== '') return value;
  return refuse(place, value === undefined || value === null || value === '' ? 'is missing' : 'must be text');
}

function optionalText<N extends string>(name: N, item: Raw, place: Place): Partial<Record<N, string>> {
  const value = item[name] ?? '';
  if (value === '') return {};
  if (typeof value !== 'string') refuse(place.at(name), 'must be text');
  return { [name]: value } as Partial<Record<N, string>>;
}
