/**
 * What is checked before anything is sent, and the form in which it is sent. What Sber's structure forbids is refused
 * with INVALID_INPUT and its path; what only the catalogue has doubts about becomes a remark, for the cloud knows more
 * than the catalogue. Comparing models is left to `models`, single values to `values`.
 */
import { invalidInput } from '../common/errors';
import type { Breath } from './breath';
import { categoryFacts, functionFacts } from './catalogue';
import { dependencySpelling, dependencyValues } from './models';
import {
  isObject,
  type AllowedValues,
  type Dependency,
  type Device,
  type Model,
  type Raw,
  type Remark,
  type Warning,
} from './shapes';
import { finiteNumber, integerText, refuse, typedValue } from './values';

type Tell = (remark: Remark) => void;

/** A place in the message: where it is for the user (`models[2].features`), and inside its item (`features`). */
class Place {
  private constructor(
    readonly whole: string,
    readonly inside: string,
  ) {}

  static of(item: string): Place {
    return new Place(item, '');
  }

  at(name: string | number): Place {
    const step = typeof name === 'number' ? `[${name}]` : `.${name}`;
    const inside = this.inside + step;
    return new Place(this.whole + step, inside.startsWith('.') ? inside.slice(1) : inside);
  }
}

/**
 * Models in their writing form, with what the catalogue has to say about them.
 * @throws INVALID_INPUT for the first item that is no model, or an id that comes twice: then nothing may be sent
 */
export async function checkModels(
  items: readonly unknown[],
  breath: Breath,
): Promise<{ models: Model[]; warnings: Warning[] }> {
  const warnings: Warning[] = [];
  const models: Model[] = [];
  const ids = new Set<string>();
  for (const [index, item] of items.entries()) {
    const place = Place.of(`models[${index}]`);
    const remarks: Remark[] = [];
    const model = checkModel(item, place, (remark) => remarks.push(remark));
    if (ids.has(model.id)) refuse(place.at('id').whole, `"${model.id}" stands in the list twice`);
    ids.add(model.id);
    models.push(model);
    for (const remark of remarks) warnings.push({ modelId: model.id, ...remark });
    if (breath.due()) await breath.take();
  }
  return { models, warnings };
}

/** Devices in their writing form. Errors as in `checkModels`. */
export async function checkDevices(
  items: readonly unknown[],
  breath: Breath,
): Promise<{ devices: Device[]; warnings: Warning[] }> {
  const warnings: Warning[] = [];
  const devices: Device[] = [];
  const ids = new Set<string>();
  for (const [index, item] of items.entries()) {
    const place = Place.of(`devices[${index}]`);
    const remarks: Remark[] = [];
    const device = checkDevice(item, place, (remark) => remarks.push(remark));
    if (ids.has(device.id)) refuse(place.at('id').whole, `"${device.id}" stands in the list twice`);
    ids.add(device.id);
    devices.push(device);
    for (const remark of remarks) warnings.push({ deviceId: device.id, ...remark });
    if (breath.due()) await breath.take();
  }
  return { devices, warnings };
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

function checkModel(item: unknown, place: Place, tell: Tell): Model {
  if (!isObject(item)) refuse(place.whole, 'is no model (an object with id, manufacturer, model, category, features)');
  const { id, manufacturer, model, hw_version, sw_version, description, category, features } = item;
  const { allowed_values, dependencies } = item;
  passOver(item, MODEL_FIELDS, place, tell, 'a model');
  const names = checkFeatures(features, place.at('features'), tell);
  const checked: Model = {
    id: mandatoryText(id, place.at('id')),
    manufacturer: mandatoryText(manufacturer, place.at('manufacturer')),
    model: mandatoryText(model, place.at('model')),
    ...optionalText('hw_version', hw_version, place),
    ...optionalText('sw_version', sw_version, place),
    ...optionalText('description', description, place),
    category: mandatoryText(category, place.at('category')),
    features: names,
    ...checkAllowedValues(allowed_values, names, place.at('allowed_values'), tell),
    ...checkDependencies(dependencies, names, place.at('dependencies'), tell),
  };
  for (const name of ['hw_version', 'sw_version'] as const) {
    // Observed by a public bridge; undocumented.
    if (checked[name]?.toLowerCase() === 'unknown') {
      tell({ path: place.at(name).inside, message: 'Sber is known to refuse "Unknown"; leave the version out' });
    }
  }
  tellCategory(checked, place, tell);
  return checked;
}

function checkFeatures(features: unknown, place: Place, tell: Tell): string[] {
  if (!Array.isArray(features)) refuse(place.whole, 'must be a list of function names');
  const names = new Set<string>();
  for (const [index, name] of (features as unknown[]).entries()) {
    const at = place.at(index);
    if (typeof name !== 'string' || name === '') refuse(at.whole, 'must be the name of a function, as text');
    if (names.has(name)) tell({ path: at.inside, message: `${name} stands in the list twice; it is sent once` });
    else if (functionFacts(name) === undefined) {
      tell({ path: at.inside, message: `the catalogue does not know the function ${name}` });
    }
    names.add(name);
  }
  return [...names];
}

/** What Sber's page for the category asks for. Models that fall short are known to vanish without an error. */
function tellCategory(model: Model, place: Place, tell: Tell): void {
  const facts = categoryFacts(model.category);
  if (facts === undefined) {
    tell({ path: place.at('category').inside, message: `the catalogue does not know the category ${model.category}` });
    return;
  }
  const path = place.at('features');
  const missing = facts.mandatory.filter((name) => !model.features.includes(name));
  if (missing.length > 0) {
    tell({ path: path.inside, message: `category ${model.category} must have ${missing.join(', ')}` });
  }
  if (facts.oneOf.length > 0 && !facts.oneOf.some((name) => model.features.includes(name))) {
    tell({
      path: path.inside,
      message: `category ${model.category} must have at least one of ${facts.oneOf.join(', ')}`,
    });
  }
  for (const [index, name] of model.features.entries()) {
    const listed = [facts.mandatory, facts.oneOf, facts.optional].some((group) => group.includes(name));
    if (!listed && functionFacts(name) !== undefined) {
      tell({ path: path.at(index).inside, message: `category ${model.category} is not known to have ${name}` });
    }
  }
}

function checkAllowedValues(
  map: unknown,
  features: readonly string[],
  place: Place,
  tell: Tell,
): { allowed_values?: Record<string, AllowedValues> } {
  const entries = entriesOf(map, place).map(([name, allowed]): [string, AllowedValues] => {
    const at = place.at(name);
    // Sber is known to drop such models silently.
    if (!features.includes(name)) refuse(at.whole, `${name} is not among the features`);
    return [name, checkAllowed(name, allowed, at, tell)];
  });
  return entries.length === 0 ? {} : { allowed_values: Object.fromEntries(entries) };
}

function checkAllowed(name: string, allowed: unknown, place: Place, tell: Tell): AllowedValues {
  if (!isObject(allowed)) refuse(place.whole, 'must be an object with a type');
  const { type, integer_values, float_values, enum_values } = allowed;
  const facts = functionFacts(name);
  if (type !== 'INTEGER' && type !== 'FLOAT' && type !== 'ENUM') {
    refuse(place.at('type').whole, 'must be INTEGER, FLOAT or ENUM: only these can be restricted');
  }
  if (facts !== undefined && facts.type !== type) {
    tell({ path: place.at('type').inside, message: `the catalogue says ${facts.type}, not ${type}` });
  }
  const field = `${type.toLowerCase()}_values`;
  passOver(allowed, ['type', field], place, tell, `allowed values of type ${type}`);
  const at = place.at(field);
  if (type === 'ENUM') {
    const values = checkWords(enum_values, at, tell);
    const known = facts?.type === 'ENUM' ? facts.values : undefined;
    for (const value of values) {
      if (known !== undefined && !known.includes(value)) {
        tell({ path: at.at('values').inside, message: `"${value}" is none of the documented ${known.join(', ')}` });
      }
    }
    return { type, enum_values: { values } };
  }
  const range = type === 'INTEGER' ? checkIntegers(integer_values, at, tell) : checkFloats(float_values, at, tell);
  if (facts?.type === type && facts.min !== undefined && facts.max !== undefined) {
    for (const end of ['min', 'max'] as const) {
      if (Number(range[end]) < facts.min || Number(range[end]) > facts.max) {
        tell({
          path: at.at(end).inside,
          message: `${range[end]} is outside the documented range ${facts.min} to ${facts.max}; a range may only be narrowed`,
        });
      }
    }
  }
  return 'float' in range
    ? { type: 'FLOAT', float_values: { min: range.min, max: range.max } }
    : {
        type: 'INTEGER',
        integer_values: { min: range.min, max: range.max, ...(range.step === undefined ? {} : { step: range.step }) },
      };
}

function checkIntegers(values: unknown, place: Place, tell: Tell): { min: string; max: string; step?: string } {
  const range = rangeOf(values, place, ['min', 'max', 'step'], tell);
  const [min, max, step] = (['min', 'max', 'step'] as const).map((name) => {
    const text = integerText(range[name] ?? 0);
    if (text === undefined) refuse(place.at(name).whole, 'must be a whole number');
    return text;
  }) as [string, string, string];
  if (BigInt(min) > BigInt(max)) refuse(place.whole, `min (${min}) is above max (${max})`);
  if (BigInt(step) < 0n) refuse(place.at('step').whole, 'must be above 0');
  return { min, max, ...(step === '0' ? {} : { step }) };
}

function checkFloats(values: unknown, place: Place, tell: Tell): { min: number; max: number; float: true } {
  const range = rangeOf(values, place, ['min', 'max'], tell);
  const [min, max] = (['min', 'max'] as const).map((name) => {
    const number = finiteNumber(range[name] ?? 0);
    if (number === undefined) refuse(place.at(name).whole, 'must be a number');
    return number;
  }) as [number, number];
  if (min > max) refuse(place.whole, `min (${min}) is above max (${max})`);
  return { min, max, float: true };
}

/** A range, of which answers leave out what is 0. One without either end is none. */
function rangeOf(values: unknown, place: Place, fields: readonly string[], tell: Tell): Raw {
  if (!isObject(values)) refuse(place.whole, `must be an object with ${fields.join(', ')}`);
  passOver(values, fields, place, tell, 'a range');
  const { min, max } = values;
  if ((min ?? max ?? undefined) === undefined) refuse(place.whole, 'must have min and max');
  return values;
}

function checkWords(enumValues: unknown, place: Place, tell: Tell): string[] {
  if (!isObject(enumValues)) refuse(place.whole, 'must be an object with a list "values"');
  const { values } = enumValues;
  passOver(enumValues, ['values'], place, tell, 'a list of words');
  const at = place.at('values');
  if (!Array.isArray(values) || values.length === 0) refuse(at.whole, 'must be a list of words');
  const words = values.map((word: unknown, index) => {
    // hvac_heating_rate has the words 1 to 10.
    const text = typeof word === 'number' && Number.isSafeInteger(word) ? String(word) : word;
    return typeof text === 'string' && text !== '' ? text : refuse(at.at(index).whole, 'must be text');
  });
  return [...new Set(words)];
}

/** Legacy: Sber dropped it from the structure in October 2025. Sent only where it is given, and then as `values`. */
function checkDependencies(
  map: unknown,
  features: readonly string[],
  place: Place,
  tell: Tell,
): { dependencies?: Record<string, Dependency> } {
  const entries = entriesOf(map, place).map(([name, dependency]): [string, Dependency] => {
    const at = place.at(name);
    if (!isObject(dependency)) refuse(at.whole, 'must be an object with key and values');
    const { key: controlling } = dependency;
    const key = mandatoryText(controlling, at.at('key'));
    passOver(dependency, ['key', 'value', 'values'], at, tell, 'a dependency');
    const spelling = dependencySpelling(dependency);
    const given = at.at(spelling);
    if (!Array.isArray(dependency[spelling])) refuse(given.whole, 'must be a list of values');
    for (const each of [name, key]) {
      if (!features.includes(each)) tell({ path: at.inside, message: `${each} is not among the features` });
    }
    return [
      name,
      {
        key,
        values: dependencyValues(dependency).map((one, index) => {
          const { whole, inside } = given.at(index);
          return typedValue(key, one, whole, (remark) => tell({ ...remark, path: inside }));
        }),
      },
    ];
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

function checkDevice(item: unknown, place: Place, tell: Tell): Device {
  if (!isObject(item)) refuse(place.whole, 'is no device (an object with id, name, default_name, model_id or model)');
  const { id, parent_id, name, default_name, home, room, groups, model_id, model, hw_version, sw_version } = item;
  const { partner_meta: meta = null } = item;
  passOver(item, DEVICE_FIELDS, place, tell, 'a device');
  const inline = model ?? undefined;
  const reference = optionalText('model_id', model_id, place);
  if ((inline === undefined) === (reference.model_id === undefined)) {
    refuse(place.at('model_id').whole, 'exactly one of model_id and model must be given');
  }
  if (meta !== null) {
    const at = place.at('partner_meta').whole;
    if (!isObject(meta)) refuse(at, 'must be an object');
    if (jsonLength(meta) > LARGEST_META) refuse(at, `must have a JSON form of at most ${LARGEST_META} characters`);
  }
  return {
    id: mandatoryText(id, place.at('id')),
    ...optionalText('parent_id', parent_id, place),
    name: mandatoryText(name, place.at('name')),
    default_name: mandatoryText(default_name, place.at('default_name')),
    ...optionalText('home', home, place),
    ...optionalText('room', room, place),
    ...checkGroups(groups, place.at('groups')),
    ...reference,
    ...(inline === undefined ? {} : { model: checkModel(inline, place.at('model'), tell) }),
    ...optionalText('hw_version', hw_version, place),
    ...optionalText('sw_version', sw_version, place),
    ...(isObject(meta) ? { partner_meta: meta } : {}),
  };
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
  if (groups === undefined || groups === null) return {};
  if (!Array.isArray(groups)) refuse(place.whole, 'must be a list of names');
  const names = groups.map((group: unknown, index) => mandatoryText(group, place.at(index)));
  return names.length === 0 ? {} : { groups: names };
}

/** Unknown fields can make the cloud refuse the whole object, so they are not sent; that is told, not refused. */
function passOver(item: Raw, fields: readonly string[], place: Place, tell: Tell, what: string): void {
  for (const name of Object.keys(item)) {
    if (!fields.includes(name) && item[name] !== undefined && item[name] !== null) {
      tell({ path: place.at(name).inside, message: `not part of ${what}; it is not sent` });
    }
  }
}

function entriesOf(map: unknown, place: Place): [string, unknown][] {
  if (map === undefined || map === null) return [];
  if (!isObject(map)) refuse(place.whole, 'must be an object with function names as keys');
  return Object.entries(map).filter(([, value]) => value !== undefined && value !== null);
}

function mandatoryText(value: unknown, place: Place): string {
  if (typeof value === 'string' && value !== '') return value;
  return refuse(place.whole, value === undefined || value === null || value === '' ? 'is missing' : 'must be text');
}

function optionalText<N extends string>(name: N, value: unknown, place: Place): Partial<Record<N, string>> {
  if (value === undefined || value === null || value === '') return {};
  if (typeof value !== 'string') refuse(place.at(name).whole, 'must be text');
  return { [name]: value } as Partial<Record<N, string>>;
}

/** Ids as a message gives them: one, or a list. Repeated ones count once. @throws INVALID_INPUT */
export function checkIds(ids: unknown, path: string): string[] {
  const list: unknown[] = Array.isArray(ids) ? ids : [ids];
  for (const [index, id] of list.entries()) {
    if (typeof id !== 'string' || id === '') {
      throw invalidInput(
        `${Array.isArray(ids) ? `${path}[${index}]` : path}: is no id`,
        'Ids are texts: give one, or a list of them.',
      );
    }
  }
  return [...new Set(list as string[])];
}
