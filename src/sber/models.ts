/**
 * Models compared by what they mean, and the plan that leads from what the cloud has to what a flow wants. Reads every
 * edition of the structure; whether a wanted model may be sent at all is decided before, in `validation`.
 */
import type { Breath } from './breath';
import { isObject, type Model, type Raw } from './shapes';
import { finiteNumber, integerText, plainValue, typeOf } from './values';

export interface Plan {
  create: Model[];
  update: Model[];
  delete: string[];
  unchanged: string[];
}

/**
 * A text that is equal for models that mean the same: whatever the order of features, words and fields; numbers as text
 * or not; a field left out, null, or at its default; `value` or `values`. Fields that no model has are passed over.
 */
export function meaningOfModel(model: Raw | Model): string {
  const raw = model as Raw;
  const { features, allowed_values, dependencies } = raw;
  return JSON.stringify([
    ...TEXTS.map((name) => meaningOfText(raw[name])),
    Array.isArray(features) ? unique(features) : [],
    entries(allowed_values).map(([name, allowed]) => [name, meaningOfAllowed(allowed)]),
    entries(dependencies).map(([name, dependency]) => [name, meaningOfDependency(dependency)]),
  ]);
}

const TEXTS = ['id', 'manufacturer', 'model', 'hw_version', 'sw_version', 'description', 'category'] as const;

/**
 * What has to be done so that the cloud has `wanted`. Models the cloud has besides are deleted only if `deleteMissing`.
 */
export async function planOf(
  current: readonly Raw[],
  wanted: readonly Model[],
  options: { deleteMissing: boolean; breath: Breath },
): Promise<Plan> {
  const { breath } = options;
  const there = new Map<string, Raw>();
  for (const raw of current) {
    const { id } = raw;
    if (typeof id === 'string') there.set(id, raw);
  }
  const plan: Plan = { create: [], update: [], delete: [], unchanged: [] };
  const kept = new Set<string>();
  for (const model of wanted) {
    kept.add(model.id);
    const raw = there.get(model.id);
    if (raw === undefined) plan.create.push(model);
    else if (meaningOfModel(raw) === meaningOfModel(model)) plan.unchanged.push(model.id);
    else plan.update.push(model);
    if (breath.due()) await breath.take();
  }
  if (options.deleteMissing) plan.delete = [...there.keys()].filter((id) => !kept.has(id));
  return plan;
}

/** A number where a text belongs (`"hw_version": 3`) is the text. */
function meaningOfText(text: unknown): unknown {
  return typeof text === 'number' ? String(text) : (text ?? '');
}

function meaningOfAllowed(allowed: unknown): unknown {
  if (!isObject(allowed)) return allowed;
  const { type, integer_values, float_values, enum_values } = allowed;
  if (type === 'INTEGER' || (type === undefined && integer_values !== undefined)) {
    const { min, max, step } = isObject(integer_values) ? integer_values : {};
    const every = whole(step);
    // No step, 0 and 1 all say: every whole number.
    return ['INTEGER', whole(min), whole(max), every === '0' ? '1' : every];
  }
  if (type === 'ENUM' || (type === undefined && enum_values !== undefined)) {
    const { values } = isObject(enum_values) ? enum_values : {};
    return ['ENUM', Array.isArray(values) ? unique(values.map(String)) : []];
  }
  if (type === 'FLOAT' || (type === undefined && float_values !== undefined)) {
    const { min, max } = isObject(float_values) ? float_values : {};
    return ['FLOAT', finiteNumber(min ?? 0) ?? min, finiteNumber(max ?? 0) ?? max];
  }
  return allowed;
}

function meaningOfDependency(dependency: unknown): unknown {
  if (!isObject(dependency)) return dependency;
  const { key } = dependency;
  return [key, unique(dependencyValues(dependency).map((value) => JSON.stringify(meaningOfValue(value))))];
}

/**
 * The list of a dependency in either spelling: `values`, or `value` as the pages of 2023 print it. A cloud that knows both
 * and writes defaults out has an empty list in the other one.
 */
export function dependencyValues(dependency: Raw): unknown[] {
  const list = dependency[dependencySpelling(dependency)] ?? [];
  return Array.isArray(list) ? list : [list];
}

/** Under which of its names a dependency has its list. */
export function dependencySpelling({ value = null, values = null }: Raw): 'value' | 'values' {
  const isEmpty = values === null || (Array.isArray(values) && values.length === 0);
  return isEmpty && value !== null ? 'value' : 'values';
}

function meaningOfValue(value: unknown): unknown {
  return isObject(value) ? [typeOf(value), plainValue(value)] : value;
}

/** proto3 leaves 0 out. What is no whole number at all stays what it is, and so differs from everything we would send. */
function whole(value: unknown): unknown {
  return integerText(value ?? 0) ?? value;
}

/** Entries of a map in the order of their names; none of what is no map. */
function entries(map: unknown): [string, unknown][] {
  if (!isObject(map)) return [];
  return Object.entries(map)
    .filter(([, value]) => value !== null && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function unique(list: readonly unknown[]): unknown[] {
  return [...new Set(list)].sort();
}
