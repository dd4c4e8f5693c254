/**
 * Questions to Sber's catalogue: what is known of a function or a category. The facts are in `catalogue-data`; what
 * follows from them for a model or a value is decided by the callers.
 */
import { CATEGORIES, FUNCTIONS, type CategoryFacts, type FunctionFacts } from './catalogue-data';

export * from './catalogue-data';

/** Facts of a function; undefined where the catalogue does not know it (which is no error: the cloud knows more). */
export function functionFacts(name: string): FunctionFacts | undefined {
  return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
}

/** Facts of a category; undefined where the catalogue does not know it. */
export function categoryFacts(name: string): CategoryFacts | undefined {
  return Object.hasOwn(CATEGORIES, name) ? CATEGORIES[name] : undefined;
}
