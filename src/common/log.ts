/**
 * Where the parts of `src` write what they do. The texts hold no secret, and no word of a foreign side that did not go
 * through `foreign.ts`.
 */
export interface Log {
  /** What a person should know. */
  warn(text: string): void;
  /** What a person may want to know: an outage that is over. */
  info(text: string): void;
  /** A command and its end, a line each. */
  debug(text: string): void;
  /** Each request, retry, wait and lease with its reason, a line each. */
  trace(text: string): void;
}

export const silent: Log = {
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  trace: () => undefined,
};
