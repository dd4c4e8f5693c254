/**
 * JSON values and what is asked of them everywhere. Free of Node.js, for the editor uses it too.
 */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** An object with named fields: neither `null` nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a JSON text, or undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The same text for equal JSON values, whatever the order of their names. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isRecord(value)) return typeof value === 'string' ? JSON.stringify(value) : String(value);
  const fields = Object.entries(value)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`);
  return `{${fields.join(',')}}`;
}

/** The fields that are wanted. `__proto__` never is: what is assigned to it is no field. */
export function pickFields<T>(
  values: Readonly<Record<string, T>>,
  wanted: (name: string, value: T) => boolean,
): Record<string, T> {
  const picked: Record<string, T> = {};
  for (const name in values) {
    const value = values[name] as T;
    if (name !== '__proto__' && wanted(name, value)) picked[name] = value;
  }
  return picked;
}
