/** Where the parts of `src` write what they do. The texts hold no secret. */
import { foreignText } from './foreign';

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

/** A log that writes each line with its level. */
export function logWith(write: (level: keyof Log, text: string) => void): Log {
  return {
    warn: (text) => write('warn', text),
    info: (text) => write('info', text),
    debug: (text) => write('debug', text),
    trace: (text) => write('trace', text),
  };
}

export const silent: Log = logWith(() => undefined);

/** Longer than any text of ours; a stack is. */
const LONGEST = 4000;

/**
 * The same log behind a filter for words of others, in every line: a gateway's, a cloud's or a file's must not
 * begin a line of their own.
 */
export function filtered(log: Log): Log {
  return logWith((level, text) => log[level](foreignText(text, LONGEST)));
}
