/** What the process under test is made to suffer from within, in milliseconds. */
export interface Ills {
  /** By how much its wall clock is wrong. */
  clockMs: number;
  /** Added to each flush of a file. */
  flushMs: number;
  /** Added to each look-up of a name. */
  lookupMs: number;
}

export const HEALTHY: Ills = { clockMs: 0, flushMs: 0, lookupMs: 0 };
