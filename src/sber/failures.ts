/**
 * The errors of Sber's vendor API: which code of the contract stands for what, and what to advise. Every failure of the
 * client leaves through here; texts given to it are already free of the key.
 */
import { CodedError, type ErrorCause } from '../common/errors';

/** For each code whether the same message can succeed later without any change, and what to do. */
const ADVICE = {
  SBER_VALIDATION: [false, 'Sber did not accept the data. Compare it with the message, and look at msg.sber.warnings.'],
  SBER_UNAUTHORIZED: [
    false,
    'Sber does not accept the key. Copy the project key from Sber Studio again, and check whether Studio expects it in the header or in the query.',
  ],
  SBER_FORBIDDEN: [
    false,
    'The key was checked and refused. Use the key of the project that owns these models, as Sber Studio shows it.',
  ],
  SBER_INTERNAL: [true, 'An error inside Sber’s cloud. Try again later.'],
  SBER_UNAVAILABLE: [true, 'Sber’s cloud is not available at the moment. Try again later.'],
  SBER_UNREACHABLE: [
    true,
    'No connection to Sber’s cloud. Check the endpoint, the network, the name server, and the proxy where one is used.',
  ],
  SBER_TIMEOUT: [true, 'Sber’s cloud did not answer in time. Try again, or raise the timeout of the account.'],
  SBER_TLS: [
    false,
    'The server’s certificate is not trusted. Sber uses the Russian Trusted Root CA, which Node.js does not know: get it from gosuslugi.ru/crt and put it, or the path of its file, into the account’s CA field.',
  ],
  BAD_RESPONSE: [
    false,
    'This was not an answer of Sber’s API. Check the endpoint, and whether a proxy or a firewall answers instead.',
  ],
  NOT_FOUND: [false, 'Check the id. The list operation shows what the cloud has.'],
  QUEUE_FULL: [
    true,
    'Messages come faster than Sber’s cloud answers them. Send fewer, or put several items into one message.',
  ],
  RESULT_UNKNOWN: [
    true,
    'The request was on its way when the flow was stopped. List what the cloud has, then send again what is missing.',
  ],
} as const satisfies Record<string, readonly [retriable: boolean, hint: string]>;

export type SberCode = keyof typeof ADVICE;

/** Codes after which the connection, not the request, is to blame. */
export const TRANSPORT_CODES: readonly SberCode[] = [
  'SBER_UNREACHABLE',
  'SBER_TIMEOUT',
  'SBER_TLS',
  'SBER_UNAVAILABLE',
];

/** Sber's own numbers, listed for both of its error shapes (`common-error`, 15 August 2025; `error`, 19 February 2025). */
const NUMBERS: Readonly<Record<number, SberCode>> = {
  400: 'SBER_VALIDATION',
  401: 'SBER_UNAUTHORIZED',
  403: 'SBER_FORBIDDEN',
  500: 'SBER_INTERNAL',
  503: 'SBER_UNAVAILABLE',
  // Not documented. Too many requests mean the same to us.
  429: 'SBER_UNAVAILABLE',
};

/** The contract's code for one of Sber's numbers; undefined where Sber does not document it. */
export const codeOfNumber = (number: number): SberCode | undefined => NUMBERS[number];

/** The contract's code for an HTTP status: what a proxy on the way says counts too. Undefined where it says nothing. */
export const codeOfStatus = (status: number): SberCode | undefined =>
  status === 502 || status === 504 ? 'SBER_UNAVAILABLE' : NUMBERS[status];

/** What is known besides code and text. */
export interface FailureFacts extends Pick<ErrorCause, 'gatewayCode' | 'httpStatus'> {
  hint?: string;
  /** Default true. */
  sent?: boolean;
  retryAfterMs?: number | undefined;
}

export class SberError extends CodedError<SberCode> {
  /** False: nothing has left, and the same request may be made again without a second thought. */
  readonly sent: boolean;
  /** How long the cloud asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(code: SberCode, message: string, { sent = true, retryAfterMs, ...facts }: FailureFacts = {}) {
    const [retriable, hint] = ADVICE[code];
    super(code, message, { retriable, hint, ...facts });
    this.sent = sent;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A failure of the cloud's. All else is thrown on: defects, and that the caller stopped a change half way. */
export function cloudFailure(thrown: unknown): SberError {
  if (thrown instanceof SberError && thrown.code !== 'RESULT_UNKNOWN') return thrown;
  throw thrown;
}
