/** What tests of hostile input draw from. */
import fc from 'fast-check';

/** Whatever JavaScript can hold in a variable. */
export const ANYTHING = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withTypedArray: true,
});
