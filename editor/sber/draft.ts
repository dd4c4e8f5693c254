/**
 * A device model as it is being edited, the JSON that is saved from it, and what is worth saying about it, by Sber's
 * catalogue. Free of the page; showing it is left to `builder`.
 */
import { isRecord } from '../../src/common/json';
import {
  categoryFacts,
  functionFacts,
  functionRange,
  type CategoryFacts,
  type FunctionFacts,
} from '../../src/sber/catalogue';
import type { Words } from '../rules';

/** What a model has as texts. */
export const TEXTS = ['id', 'manufacturer', 'model', 'description', 'hw_version', 'sw_version'] as const;
/** Without these the structure of a model is broken, so the node is marked as not ready. */
const REQUIRED = ['id', 'manufacturer', 'model', 'category'] as const;
export const GROUPS = ['mandatory', 'oneOf', 'optional', 'other'] as const;
export type Group = (typeof GROUPS)[number];

export const RANGE = ['min', 'max', 'step'] as const;

export interface Range extends Record<(typeof RANGE)[number], string> {
  /** Its own type, where the catalogue may not know it or say otherwise. */
  type?: 'INTEGER' | 'FLOAT';
}
/** How a model narrows a function: to a range, to some words, or in a way that the form does not know. */
export type Limit = Range | { values: string[] } | { raw: unknown };

/**
 * A draft remembers what was ticked and limited under any category, so that passing through other categories with the
 * arrow keys loses nothing.
 */
export interface Draft extends Record<(typeof TEXTS)[number] | 'category', string> {
  chosen: Set<string>;
  /** Functions that the category does not list: brought by the saved model or typed in. */
  extra: Set<string>;
  /** By function. */
  limits: Map<string, Limit>;
  /** Whatever else the saved model holds (`dependencies`, for example) is kept as it is. */
  rest: Record<string, unknown>;
}

export interface Remark {
  code: string;
  /** A function. */
  name?: string;
  values?: object;
  /** Sber cannot accept the model like this; everything else is only likely to be refused. */
  grave?: boolean;
}

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const isTyped = (value: string): boolean => value.trim() !== '';

const categoryOf = (name: string): CategoryFacts => categoryFacts(name) ?? { mandatory: [], oneOf: [], optional: [] };
const isListed = ({ mandatory, oneOf, optional }: CategoryFacts, name: string): boolean =>
  [mandatory, oneOf, optional].some((group) => group.includes(name));

/** Readable name of a function or a category; one that the catalogue lacks is called by its own name. */
export function nameOf(words: Words, kind: 'function' | 'category', name: string): string {
  // Only what is known is looked up: a word may mean something to the catalogue of words (`a:b`).
  if ((kind === 'function' ? functionFacts(name) : categoryFacts(name)) === undefined) return name;
  const key = `${kind}.${name}`;
  const found = words(key);
  return found === '' || found.endsWith(key) ? name : found;
}

/** What is documented of a function, with the range of the draft's own category. */
export function factsOf({ category }: Draft, name: string): FunctionFacts | undefined {
  const facts = functionFacts(name);
  return facts && { ...facts, ...functionRange(name, category) };
}

export function draftOf(saved: unknown): Draft {
  const { features, category, allowed_values: allowed, ...rest } = isRecord(saved) ? saved : {};
  const names = (Array.isArray(features) ? features : []).filter((each) => typeof each === 'string');
  const own = categoryOf(text(category));
  const texts = Object.fromEntries(TEXTS.map((key) => [key, text(rest[key])]));
  for (const key of TEXTS) Reflect.deleteProperty(rest, key);
  return {
    ...(texts as Record<(typeof TEXTS)[number], string>),
    category: text(category),
    chosen: new Set(names),
    extra: new Set(names.filter((name) => !isListed(own, name))),
    limits: new Map(Object.entries(isRecord(allowed) ? allowed : {}).map(([name, entry]) => [name, limitOf(entry)])),
    rest,
  };
}

/** A saved limit, for the form. A bound that is left out beside the other one is 0, as Sber's answers have it. */
function limitOf(entry: unknown): Limit {
  const { integer_values: whole, float_values: float, enum_values: words } = isRecord(entry) ? entry : {};
  const range = isRecord(whole) ? whole : float;
  if (isRecord(range)) {
    const [min = '', max = '', step = ''] = [range.min, range.max, range.step].map(text);
    const none = min + max === '' ? '' : '0';
    const type = range === whole ? 'INTEGER' : 'FLOAT';
    return { type, min: min || none, max: max || none, step: step === '0' ? '' : step };
  }
  return isRecord(words) && Array.isArray(words.values) ? { values: words.values.map(text) } : { raw: entry };
}

/** Names of the functions to show, by group; `other` are those that the category does not list. */
export function groupsOf(draft: Draft): Record<Group, readonly string[]> {
  const category = categoryOf(draft.category);
  return { ...category, other: [...draft.extra].filter((name) => !isListed(category, name)) };
}

function featuresOf(draft: Draft): string[] {
  const { mandatory, oneOf, optional, other } = groupsOf(draft);
  return [...mandatory, ...[...oneOf, ...optional, ...other].filter((name) => draft.chosen.has(name))];
}

/** An integer range is strings and has a step, a float range is numbers and has none: so the vendor writes them. */
function allowedValue(facts: FunctionFacts | undefined, limit: Limit): unknown {
  if ('raw' in limit) return limit.raw;
  if ('values' in limit) {
    const values = new Set(limit.values);
    const all = facts?.values ?? [];
    // A word that the catalogue lacks says more than no list at all.
    const isAll = values.size === all.length && all.every((each) => values.has(each));
    return values.size > 0 && !isAll ? { type: 'ENUM', enum_values: { values: [...limit.values] } } : undefined;
  }
  if (!RANGE.some((key) => isTyped(limit[key]))) return undefined;
  const [min, max, step] = RANGE.map((key) => limit[key].trim() || text(facts?.[key] ?? (key === 'step' ? 1 : '')));
  const isFloat = (limit.type ?? facts?.type) === 'FLOAT';
  return isFloat
    ? { type: 'FLOAT', float_values: { min: numberOf(min), max: numberOf(max) } }
    : { type: 'INTEGER', integer_values: { min: wholeOf(min), max: wholeOf(max), step: wholeOf(step) } };
}

/** What is no number stays as it was typed: null, which JSON makes of NaN, would pass for 0. */
function numberOf(typed = ''): number | string {
  return typed !== '' && Number.isFinite(Number(typed)) ? Number(typed) : typed;
}

/** A field for numbers accepts `1e3` and `10.0` too; Sber's integers have digits only. */
function wholeOf(typed = ''): string {
  return typed !== '' && Number.isSafeInteger(Number(typed)) ? String(Number(typed) || 0) : typed;
}

/** The model as it is saved in the node and sent to Sber. Fields left empty are left out. */
export function modelOf(draft: Draft): Record<string, unknown> & { features: string[] } {
  const features = featuresOf(draft);
  const allowed = features.flatMap((name): [string, unknown][] => {
    const limit = draft.limits.get(name);
    const value = limit === undefined ? undefined : allowedValue(factsOf(draft, name), limit);
    return value === undefined ? [] : [[name, value]];
  });
  const texts = TEXTS.filter((key) => isTyped(draft[key]) || (REQUIRED as readonly string[]).includes(key));
  return {
    ...Object.fromEntries(texts.map((key) => [key, draft[key].trim()])),
    category: draft.category.trim(),
    features,
    ...(allowed.length > 0 ? { allowed_values: Object.fromEntries(allowed) } : {}),
    ...draft.rest,
  };
}

/** A copy under an id that no other draft has: two models with one id overwrite each other in the cloud. */
export function copyOf(draft: Draft, others: readonly string[]): Draft {
  const copy = draftOf(structuredClone(modelOf(draft)));
  const stem = draft.id.trim();
  let number = 2;
  while (others.includes(`${stem}-${number}`)) number += 1;
  return stem === '' ? copy : { ...copy, id: `${stem}-${number}` };
}

const when = (isSo: boolean, remark: Remark): Remark[] => (isSo ? [remark] : []);

function rangeRemarks(facts: FunctionFacts | undefined, name: string, limit: Range): Remark[] {
  const [min, max, step] = RANGE.map((key) => (isTyped(limit[key]) ? Number(limit[key]) : undefined));
  const isWhole = (limit.type ?? facts?.type) === 'INTEGER';
  const isFine = isWhole ? Number.isInteger : Number.isFinite;
  if ([min, max, step].some((each) => each !== undefined && !isFine(each))) {
    return [{ code: isWhole ? 'notWhole' : 'notNumber', name, grave: true }];
  }
  const [least = -Infinity, most = Infinity] = [facts?.min, facts?.max];
  const [low, high] = [min ?? least, max ?? most];
  return [
    ...when(low > high, { code: 'backwards', name, grave: true }),
    ...when(low < least || high > most, { code: 'tooWide', name, values: { min: least, max: most } }),
    ...when(step !== undefined && step <= 0, { code: 'badStep', name, grave: Number(step) < 0 }),
  ];
}

function functionRemarks(name: string, draft: Draft, category: CategoryFacts | undefined): Remark[] {
  const facts = factsOf(draft, name);
  const limit = draft.limits.get(name) ?? { raw: undefined };
  const values = 'values' in limit ? limit.values : undefined;
  const unknown = values?.filter((each) => facts?.values?.includes(each) === false) ?? [];
  return [
    ...when(facts === undefined, { code: 'functionUnknown', name }),
    ...when(facts !== undefined && category !== undefined && !isListed(category, name), {
      code: 'functionForeign',
      name,
    }),
    ...('min' in limit ? rangeRemarks(facts, name, limit) : []),
    ...when(values?.length === 0, { code: 'noValue', name }),
    ...unknown.map((value) => ({ code: 'unknownValue', name, values: { value } })),
  ];
}

/** What is worth saying about each draft, in the order of the drafts; what keeps it from being sent comes first. */
export function remarksOn(drafts: readonly Draft[]): Remark[][] {
  const ids = drafts.map((draft) => draft.id.trim());
  return drafts.map((draft, index) => {
    const id = draft.id.trim();
    const features = featuresOf(draft);
    const category = categoryFacts(draft.category);
    const { oneOf } = categoryOf(draft.category);
    const hasCategory = isTyped(draft.category);
    const isUnknown = (version: string): boolean => version.trim().toLowerCase() === 'unknown';
    return [
      ...REQUIRED.flatMap((key) => when(!isTyped(draft[key]), { code: `${key}Missing`, grave: true })),
      ...when(id !== '' && ids.indexOf(id) !== index, { code: 'idTwice', grave: true }),
      ...when(hasCategory && features.length === 0, { code: 'noFunction', grave: true }),
      ...when([draft.hw_version, draft.sw_version].some(isUnknown), { code: 'versionUnknown' }),
      ...when(hasCategory && category === undefined, { code: 'categoryUnknown' }),
      ...when(oneOf.length > 0 && !oneOf.some((name) => draft.chosen.has(name)), { code: 'oneOfMissing' }),
      ...features.flatMap((name) => functionRemarks(name, draft, category)),
    ];
  });
}

/** What keeps saved models from being sent: for the node's own mark. Null: nothing. */
export function firstFault(models: unknown): { number: number; code: string } | null {
  if (!Array.isArray(models)) return { number: 0, code: 'notModels' };
  const remarks = remarksOn(models.map(draftOf));
  for (const [index, model] of (models as unknown[]).entries()) {
    const number = index + 1;
    if (!isRecord(model)) return { number, code: 'notModels' };
    const grave = remarks[index]?.find((remark) => remark.grave === true);
    if (grave !== undefined && grave.name === undefined) return { number, code: grave.code };
    // A draft has what its category demands, and a saved model only what it names.
    if (!Array.isArray(model.features) || model.features.length === 0) return { number, code: 'noFunction' };
    if (grave !== undefined) return { number, code: 'badRange' };
  }
  return null;
}
