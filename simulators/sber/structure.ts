/**
 * What the simulated Sber cloud accepts: the documented structures to the letter. Written apart from the client's own
 * checks, on purpose: a mistake shared by both would stay unseen. Refusals are texts naming the place.
 */

type Fields = Readonly<Record<string, (value: unknown, at: string) => string | undefined>>;

interface Shape {
  mandatory: Fields;
  optional: Fields;
}

const object = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown, at: string): string | undefined =>
  typeof value === 'string' && value !== '' ? undefined : `${at}: string expected`;
const anyText = (value: unknown, at: string): string | undefined =>
  typeof value === 'string' ? undefined : `${at}: string expected`;
const bool = (value: unknown, at: string): string | undefined =>
  typeof value === 'boolean' ? undefined : `${at}: bool expected`;
const float = (value: unknown, at: string): string | undefined =>
  typeof value === 'number' ? undefined : `${at}: number expected`;
const int = (value: unknown, at: string): string | undefined =>
  Number.isInteger(value) ? undefined : `${at}: integer expected`;
/** A long travels as text. */
const long = (value: unknown, at: string): string | undefined =>
  typeof value === 'string' && /^(0|-?[1-9]\d*)$/.test(value) ? undefined : `${at}: string holding a long expected`;

const listOf =
  (item: Fields[string]): Fields[string] =>
  (value, at) => {
    if (!Array.isArray(value)) return `${at}: list expected`;
    return first(value.map((one, index) => () => item(one, `${at}[${index}]`)));
  };

const mapOf =
  (item: Fields[string]): Fields[string] =>
  (value, at) => {
    if (!object(value)) return `${at}: map expected`;
    return first(
      Object.entries(value).map(
        ([name, one]) =>
          () =>
            item(one, `${at}.${name}`),
      ),
    );
  };

const shaped =
  ({ mandatory, optional }: Shape): Fields[string] =>
  (value, at) => {
    if (!object(value)) return `${at}: object expected`;
    const unknown = Object.keys(value).find(
      (name) => !Object.hasOwn(mandatory, name) && !Object.hasOwn(optional, name),
    );
    if (unknown !== undefined) return `${at}.${unknown}: unknown field`;
    return first([
      ...Object.entries(mandatory).map(
        ([name, check]) =>
          () =>
            Object.hasOwn(value, name) ? check(value[name], `${at}.${name}`) : `${at}.${name}: missing`,
      ),
      ...Object.entries(optional).map(
        ([name, check]) =>
          () =>
            Object.hasOwn(value, name) ? check(value[name], `${at}.${name}`) : undefined,
      ),
    ]);
  };

/** One shape for each `type`. */
const byType =
  (shapes: Readonly<Record<string, Fields>>): Fields[string] =>
  (value, at) => {
    const { type } = object(value) ? value : {};
    const fields = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type] : undefined;
    if (fields === undefined) return `${at}.type: one of ${Object.keys(shapes).join(', ')} expected`;
    return shaped({ mandatory: { type: text, ...fields }, optional: {} })(value, at);
  };

function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const refusal = check();
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

const none: Fields = {};

/** `value`, 28 October 2025. */
const value = byType({
  BOOL: { bool_value: bool },
  INTEGER: { integer_value: long },
  FLOAT: { float_value: float },
  STRING: { string_value: anyText },
  ENUM: { enum_value: text },
  COLOUR: { colour_value: shaped({ mandatory: { h: int, s: int, v: int }, optional: none }) },
});

/** `allowed_values`, 13 April 2025. One literal answer without a `step` is known, so it is optional. */
const allowedValues = byType({
  INTEGER: { integer_values: shaped({ mandatory: { min: long, max: long }, optional: { step: long } }) },
  FLOAT: { float_values: shaped({ mandatory: { min: float, max: float }, optional: none }) },
  ENUM: { enum_values: shaped({ mandatory: { values: listOf(text) }, optional: none }) },
});

/** `dependencies`, 17 June 2024; a live cloud took `values` and refused `value`. */
const dependency = shaped({ mandatory: { key: text, values: listOf(value) }, optional: none });

/** `model`, 28 October 2025, with the dependencies of the editions before. */
const model = shaped({
  mandatory: { id: text, manufacturer: text, model: text, category: text, features: listOf(text) },
  optional: {
    hw_version: anyText,
    sw_version: anyText,
    description: anyText,
    allowed_values: mapOf(allowedValues),
    dependencies: mapOf(dependency),
  },
});

const meta = (value: unknown, at: string): string | undefined => {
  if (!object(value)) return `${at}: object expected`;
  return JSON.stringify(value).length > 1024 ? `${at}: longer than 1024 characters` : undefined;
};

/** `device`, 28 October 2025. */
const device = shaped({
  mandatory: { id: text, name: text, default_name: text },
  optional: {
    parent_id: text,
    home: anyText,
    room: anyText,
    groups: listOf(text),
    model_id: text,
    model,
    hw_version: anyText,
    sw_version: anyText,
    partner_meta: meta,
  },
});

/** `state`, 13 April 2025. */
const state = shaped({ mandatory: { key: text, value }, optional: none });
const deviceStates = shaped({ mandatory: { states: listOf(state) }, optional: none });

/** Each returns why the item is refused, or undefined. */
export function refusalOfModel(item: unknown): string | undefined {
  const refusal = model(item, 'model');
  if (refusal !== undefined) return refusal;
  const { features, allowed_values } = item as { features: string[]; allowed_values?: object };
  // Observed: a restriction of a function that the model has not makes the whole item vanish.
  const alien = Object.keys(allowed_values ?? {}).find((name) => !features.includes(name));
  return alien === undefined ? undefined : `model.allowed_values.${alien}: not among the features`;
}

export function refusalOfDevice(item: unknown): string | undefined {
  const refusal = device(item, 'device');
  if (refusal !== undefined) return refusal;
  const { model_id, model: inline } = item as { model_id?: string; model?: object };
  return (model_id === undefined) === (inline === undefined)
    ? 'device: exactly one of model_id and model expected'
    : undefined;
}

export function refusalOfStates(item: unknown): string | undefined {
  return deviceStates(item, 'device');
}

/** A body's own fields, all mandatory: lists, maps and texts. */
export function refusalOfBody(
  body: unknown,
  fields: Readonly<Record<string, 'list' | 'map' | 'text' | 'texts'>>,
): string | undefined {
  const checks = {
    list: (value: unknown, at: string) => (Array.isArray(value) ? undefined : `${at}: list expected`),
    map: (value: unknown, at: string) => (object(value) ? undefined : `${at}: map expected`),
    text,
    texts: listOf(text),
  };
  const mandatory = Object.fromEntries(Object.entries(fields).map(([name, kind]) => [name, checks[kind]]));
  return shaped({ mandatory, optional: none })(body, 'body');
}

/** Fields that hold longs, whose 0 proto3 leaves out as well. */
const LONGS = new Set(['min', 'max', 'step', 'integer_value']);

/** What a proto3 backend would send: whatever is at its default is not there. */
export function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (!object(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, one]) => {
        if (Array.isArray(one)) return one.length > 0;
        return one !== '' && one !== 0 && one !== false && !(one === '0' && LONGS.has(name));
      })
      .map(([name, one]) => [name, withoutDefaults(one)]),
  );
}
