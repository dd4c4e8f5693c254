/** Small questions to values that came from outside. */
import type { Json } from '../state/state';

export type JsonObject = Record<string, Json>;

/** Whether it is an object with names: neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
