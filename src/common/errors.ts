/**
 * The one error class of the package. Flows see `code` and `cause` in `msg.error`, so both are plain, small and free of
 * secrets. Which codes exist, and what to advise for each, stands in the tables of `thekeys`, `sber` and `google`.
 */

/** What a Catch node finds in `msg.error.cause`. */
export interface ErrorCause {
  /** The number that the gateway, or Sber's cloud, gave. */
  gatewayCode?: number;
  /** The HTTP status of the answer, where there was one. */
  httpStatus?: number;
  /** Whether sending the same message again later can succeed without any change by a person. */
  retriable: boolean;
  /** What to do about it, in a sentence. */
  hint: string;
}

/** An error with a code of the public contract. `C` narrows it to one vendor's codes. */
export class CodedError<C extends string = string> extends Error {
  readonly code: C;
  override readonly cause: ErrorCause;

  constructor(
    code: C,
    message: string,
    cause: ErrorCause,
    /** The key of the badge word that names what is at fault, where that is more than the code says: `noGateway`. */
    readonly badge?: string,
  ) {
    super(message);
    // Node-RED shows `name: message` in its log and in msg.error.message.
    this.name = code;
    this.code = code;
    this.cause = cause;
  }
}

/** The message or the configuration asks for something that cannot be done. Nothing was sent. */
export function invalidInput(message: string, hint = message, badge?: string): CodedError<'INVALID_INPUT'> {
  return new CodedError('INVALID_INPUT', message, { retriable: false, hint }, badge);
}

/** Text of anything that was thrown, for a log line. Never use it on errors of an HTTP library: they quote requests. */
export function textOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  try {
    return String(thrown);
  } catch {
    // An object that nothing makes a text of.
    return typeof thrown;
  }
}

/** The `code` that Node.js gives its system errors (`ECONNREFUSED`, `ENOSPC`, …), or undefined. */
export function systemCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
