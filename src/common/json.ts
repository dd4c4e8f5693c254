/**
 * JSON values and the two questions that are asked of them everywhere. Free of Node.js, for the editor uses it too.
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
