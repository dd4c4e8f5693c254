/**
 * What can go wrong with a gateway, in the words of the contract: for each code what it means and what to do about it.
 */
import { CodedError, type ErrorCause } from '../common/errors';

export type GatewayErrorCode = keyof typeof ERRORS;
export type GatewayError = CodedError<GatewayErrorCode>;

interface Meaning {
  message: string;
  hint: string;
  retriable: boolean;
}

const ERRORS = {
  INVALID_INPUT: {
    message: 'the command cannot be carried out as asked',
    hint: 'Nothing was sent. Correct the message or the configuration.',
    retriable: false,
  },
  NOT_SHARED: {
    message: 'the lock is not shared with this gateway',
    hint: 'Create a share between the lock and the gateway in the app of The Keys, and check the identifier (the "ID serrure", not the number in the portal\'s address).',
    retriable: false,
  },
  INVALID_HMAC: {
    message: 'the gateway refuses the signature',
    hint: 'The share code is wrong. Copy it again: the letter O and the digit 0, or l, I and 1, look alike. If it worked before, check the clock of this machine.',
    retriable: false,
  },
  LOCK_NOT_DETECTED: {
    message: 'the gateway does not see the lock',
    hint: "Move the gateway nearer, or check the lock's batteries.",
    retriable: true,
  },
  LOCK_INCOMPATIBLE: {
    message: 'the lock is not compatible with this gateway',
    hint: 'Update the firmware of the lock and of the gateway.',
    retriable: false,
  },
  KEY_REFUSED: {
    message: 'the lock refuses the key',
    hint: 'Check that the share still exists, then synchronize the lock (gateway-sync, synchronize-lock).',
    retriable: false,
  },
  LOCK_ERROR: {
    message: 'the lock could not be worked',
    hint: 'The Bluetooth connection to the lock failed or broke. Look at the door before trying again.',
    retriable: true,
  },
  GATEWAY_CLOCK: {
    message: "the gateway's clock is wrong and synchronizing did not cure it",
    hint: 'Check that the gateway reaches the internet, then restart it.',
    retriable: true,
  },
  MISSING_PARAMETER: {
    message: 'the gateway misses a parameter',
    hint: 'Check the identifier of the lock. If it is right, please report this with the log.',
    retriable: false,
  },
  GATEWAY_BUSY: {
    message: 'the gateway was busy until the deadline',
    hint: 'It does one thing at a time. Try again, or allow a longer deadline.',
    retriable: true,
  },
  SYNC_DATA_INVALID: {
    message: "the vendor's server sent invalid synchronization data",
    hint: 'The fault is on the side of The Keys. Try again later.',
    retriable: true,
  },
  FIRMWARE_INVALID: {
    message: 'the gateway could not download a valid firmware',
    hint: "Check the gateway's internet connection and try again later.",
    retriable: true,
  },
  FIRMWARE_UNAVAILABLE: {
    message: "the vendor's server offers no firmware",
    hint: 'Try again later.',
    retriable: true,
  },
  GATEWAY_UNREACHABLE: {
    message: 'the gateway cannot be reached',
    hint: 'Check the address, and that the gateway is powered and in the same network.',
    retriable: true,
  },
  GATEWAY_TIMEOUT: {
    message: 'the gateway did not answer in time',
    hint: 'Try again. If it stays silent, restart the gateway.',
    retriable: true,
  },
  RESULT_UNKNOWN: {
    message: 'the command was sent, but what became of it is not known',
    hint: 'Look at the door, or read the lock (lock-status), before sending anything again.',
    retriable: false,
  },
  BAD_RESPONSE: {
    message: 'the answer is not what a gateway sends',
    hint: 'Check that the address is that of a The Keys gateway.',
    retriable: false,
  },
  EXPIRED: {
    message: 'the deadline passed before the command had its turn; it was not sent and never will be',
    hint: 'Send it again if it is still wanted, or allow a longer deadline.',
    retriable: true,
  },
  STATE_UNKNOWN: {
    message: 'the lock does not know whether it is open or closed',
    hint: 'It has just started. Send open or close once instead of toggle.',
    retriable: false,
  },
  QUEUE_FULL: {
    message: 'more than 100 commands wait for this gateway',
    hint: 'Send fewer commands: the gateway does one at a time, and each takes seconds.',
    retriable: true,
  },
  CLOUD_REFUSED: {
    message: "The Keys' cloud refuses",
    hint: 'Check the account, its password, and the ids of the lock and the gateway.',
    retriable: false,
  },
  CLOUD_UNREACHABLE: {
    message: "The Keys' cloud cannot be reached",
    hint: 'Check the internet connection and try again later.',
    retriable: true,
  },
} as const satisfies Record<string, Meaning>;

export const GATEWAY_ERROR_CODES = Object.keys(ERRORS) as GatewayErrorCode[];

/** The codes that say something of the way to the gateway rather than of the gateway or the lock. */
export const TRANSPORT_CODES = ['GATEWAY_UNREACHABLE', 'GATEWAY_TIMEOUT'] as const satisfies GatewayErrorCode[];

export interface ErrorDetails {
  /** In place of the usual message. */
  message?: string;
  /** In place of the usual advice. */
  hint?: string;
  gatewayCode?: number | undefined;
  httpStatus?: number | undefined;
}

export function gatewayError(code: GatewayErrorCode, details: ErrorDetails = {}): GatewayError {
  const meaning: Meaning = ERRORS[code];
  const cause: ErrorCause = {
    ...(details.gatewayCode === undefined ? {} : { gatewayCode: details.gatewayCode }),
    ...(details.httpStatus === undefined ? {} : { httpStatus: details.httpStatus }),
    retriable: meaning.retriable,
    hint: details.hint ?? meaning.hint,
  };
  return new CodedError(code, details.message ?? meaning.message, cause);
}
