/**
 * Models compared by what they mean, and the plan that leads from what the cloud has to what a flow wants. Reads every
 * edition of the structure; whether a wanted model may be sent at all is decided before, in `validation`.
 */
import { isRecord } from '../common/json';
import type { Model, Raw } from './shapes';
import { finiteNumber, integerText, plainValue, typeOf } from './values';
import type { Pace } from './yield-loop';

export interface Plan {
  create: Model[];
  update: Model[];
  delete: string[];
  unchanged: string[];
}

/**
 * A text that is equal for models that mean the same: whatever the order of features, words and fields; numbers as text
 * or not; a field left out, null, or at its default; `value` or `values`. Passed over is what cannot be sent: fields that no
 * model has, and allowed values that restrict nothing.
 */
export function meaningOfModel(model: Raw | Model): string {
  const raw = model as Raw;
  const { features, allowed_values, dependencies } = raw;
  return JSON.stringify([
    ...TEXTS.map((name) => meaningOfText(raw[name])),
    Array.isArray(features) ? unique(features) : [],
    entries(allowed_values)
      .filter(([name, allowed]) => whyLeftOut(name, allowed, features) === undefined)
      .map(([name, allowed]) => [name, meaningOfAllowed(allowed)]),
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
  deleteMissing: boolean,
  pace: Pace,
): Promise<Plan> {
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
    if (pace.due()) await pace.yieldLoop();
  }
  if (deleteMissing) plan.delete = [...there.keys()].filter((id) => !kept.has(id));
  return plan;
}

/** A number where a text belongs (`"hw_version": 3`) is the text. */
function meaningOfText(text: unknown): unknown {
  return typeof text === 'number' ? String(text) : (text ?? '');
}

/** The type of allowed values; where they name none, the one that their field shows. */
export function allowedType(allowed: Raw): unknown {
  const { type, integer_values, float_values, enum_values } = allowed;
  if (type !== undefined && type !== null) return type;
  if (isRecord(integer_values)) return 'INTEGER';
  return isRecord(float_values) ? 'FLOAT' : isRecord(enum_values) ? 'ENUM' : undefined;
}

/**
 * Why allowed values are not sent, though a cloud may have returned them; undefined where they are. Sber is known to drop
 * models silently that restrict what cannot be restricted.
 */
export function whyLeftOut(name: string, allowed: unknown, features: unknown): string | undefined {
  if (!isRecord(allowed)) return undefined;
  const type = allowedType(allowed);
  if (Array.isArray(features) && !features.includes(name)) return `${name} is not among the features`;
  if (type !== 'INTEGER' && type !== 'FLOAT' && type !== 'ENUM') {
    return 'only INTEGER, FLOAT and ENUM can be restricted';
  }
  const field = `${type.toLowerCase()}_values`;
  const inner = allowed[field] ?? undefined;
  if (inner === undefined) {
    return Object.keys(allowed).every((each) => each === 'type' || each === field) ? 'it restricts nothing' : undefined;
  }
  if (!isRecord(inner)) return undefined;
  const { min, max, step, values } = inner;
  if (type === 'ENUM') {
    return values === undefined || values === null || (Array.isArray(values) && values.length === 0)
      ? 'it has no words'
      : undefined;
  }
  const isEmpty = [min, max].every((end) => Number(end ?? 0) === 0) && Number(integerText(step ?? 0) ?? -1) >= 0;
  return isEmpty ? 'a range from 0 to 0 restricts nothing' : undefined;
}

function meaningOfAllowed(allowed: unknown): unknown {
  if (!isRecord(allowed)) return allowed;
  const { integer_values, float_values, enum_values } = allowed;
  switch (allowedType(allowed)) {
    case 'INTEGER': {
      const { min, max, step } = isRecord(integer_values) ? integer_values : {};
      const every = whole(step);
      // No step, 0 and 1 all say: every whole number.
      return ['INTEGER', whole(min), whole(max), every === '0' ? '1' : every];
    }
    case 'ENUM': {
      const { values } = isRecord(enum_values) ? enum_values : {};
      return ['ENUM', Array.isArray(values) ? unique(values.map(String)) : []];
    }
    case 'FLOAT': {
      const { min, max } = isRecord(float_values) ? float_values : {};
      return ['FLOAT', finiteNumber(min ?? 0) ?? min, finiteNumber(max ?? 0) ?? max];
    }
    default:
      return allowed;
  }
}

function meaningOfDependency(dependency: unknown): unknown {
  if (!isRecord(dependency)) return dependency;
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
  // What is not understood is compared as it is.
  return isRecord(value) ? [typeOf(value), plainValue(value) ?? value] : value;
}

/** proto3 leaves 0 out. What is no whole number at all stays what it is, and so differs from everything we would send. */
function whole(value: unknown): unknown {
  return integerText(value ?? 0) ?? value;
}

/** Entries of a map in the order of their names; none of what is no map. */
function entries(map: unknown): [string, unknown][] {
  if (!isRecord(map)) return [];
  return Object.entries(map)
    .filter(([, value]) => value !== null && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function unique(list: readonly unknown[]): unknown[] {
  return [...new Set(list)].sort();
}
