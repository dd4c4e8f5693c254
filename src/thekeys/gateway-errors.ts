/**
 * What can go wrong with a gateway, in the words of the contract: for each code what it means and what to do about it.
 */
import { CodedError, invalidInput } from '../common/errors';

export type GatewayErrorCode = keyof typeof ERRORS;
export type GatewayError = CodedError<GatewayErrorCode>;

interface Meaning {
  message: string;
  hint: string;
  retriable: boolean;
}

/** The same message can succeed later, without any change. */
const passing = (message: string, hint: string): Meaning => ({ message, hint, retriable: true });
const lasting = (message: string, hint: string): Meaning => ({ message, hint, retriable: false });

const ERRORS = {
  INVALID_INPUT: lasting(
    'the command cannot be carried out as asked',
    'Nothing was sent. Correct the message or the configuration.',
  ),
  NOT_SHARED: lasting(
    'the lock is not shared with this gateway',
    'Create a share between the lock and the gateway in the app of The Keys, and check the identifier (the "ID serrure", not the number in the portal\'s address).',
  ),
  INVALID_HMAC: lasting(
    'wrong share code: the gateway rejected the signature',
    'Copy the share code again: the letter O and the digit 0, or l, I and 1, look alike. If it worked before, check the clock of this machine.',
  ),
  LOCK_NOT_DETECTED: passing(
    'the gateway does not see the lock',
    "Move the gateway nearer, or check the lock's batteries.",
  ),
  LOCK_INCOMPATIBLE: lasting(
    'the lock is not compatible with this gateway',
    'Update the firmware of the lock and of the gateway.',
  ),
  KEY_REFUSED: lasting(
    'the lock refuses the key',
    'Check that the share still exists, then synchronize the lock (gateway-sync, synchronize-lock).',
  ),
  LOCK_ERROR: passing(
    'the lock could not be worked',
    'The Bluetooth connection to the lock failed or broke. Look at the door before trying again.',
  ),
  GATEWAY_CLOCK: passing(
    "the gateway's clock is wrong, and synchronizing the gateway did not help",
    'Check that the gateway reaches the internet, then restart it.',
  ),
  MISSING_PARAMETER: lasting(
    'the gateway misses a parameter',
    'Check the identifier of the lock. If it is right, please report this with the log.',
  ),
  GATEWAY_BUSY: passing(
    'the gateway was busy until the deadline',
    'It does one thing at a time. Try again, or allow a longer deadline.',
  ),
  SYNC_DATA_INVALID: passing(
    "the vendor's server sent invalid synchronization data",
    'The fault is on the side of The Keys. Try again later.',
  ),
  FIRMWARE_INVALID: passing(
    'the gateway could not download a valid firmware',
    "Check the gateway's internet connection and try again later.",
  ),
  FIRMWARE_UNAVAILABLE: passing("the vendor's server offers no firmware", 'Try again later.'),
  GATEWAY_UNREACHABLE: passing(
    'the gateway cannot be reached',
    'Check the address, and that the gateway is powered and in the same network.',
  ),
  GATEWAY_TIMEOUT: passing('the gateway did not answer in time', 'Try again. If it stays silent, restart the gateway.'),
  RESULT_UNKNOWN: lasting(
    'the command was sent, but what became of it is not known',
    'Look at the door, or read the lock (lock-status), before sending anything again.',
  ),
  BAD_RESPONSE: lasting(
    'the answer is not what a gateway sends',
    'Check that the address is that of a The Keys gateway.',
  ),
  EXPIRED: passing(
    'the deadline passed before the command had its turn; it was not sent and never will be',
    'Send it again if it is still wanted, or allow a longer deadline.',
  ),
  STATE_UNKNOWN: lasting(
    'the lock does not know whether it is open or closed',
    'It has just started. Send open or close once instead of toggle.',
  ),
  QUEUE_FULL: passing(
    'more than 100 commands wait for this gateway',
    'Send fewer commands: the gateway does one at a time, and each takes seconds.',
  ),
  CLOUD_REFUSED: lasting(
    "The Keys' cloud refuses",
    'Check the account, its password, and the ids of the lock and the gateway.',
  ),
  CLOUD_UNREACHABLE: passing("The Keys' cloud cannot be reached", 'Check the internet connection and try again later.'),
} as const satisfies Record<string, Meaning>;

export const GATEWAY_ERROR_CODES = Object.keys(ERRORS) as GatewayErrorCode[];

/** The codes that are about the way to the gateway rather than about the gateway or the lock. */
export const TRANSPORT_CODES = ['GATEWAY_UNREACHABLE', 'GATEWAY_TIMEOUT'] as const satisfies GatewayErrorCode[];

export interface ErrorDetails {
  /** In place of the usual message. */
  message?: string;
  /** In place of the usual advice. */
  hint?: string;
  gatewayCode?: number | undefined;
  httpStatus?: number | undefined;
  badge?: string | undefined;
}

export function gatewayError(code: GatewayErrorCode, details: ErrorDetails = {}): GatewayError {
  const meaning: Meaning = ERRORS[code];
  const { message = meaning.message, hint = meaning.hint, gatewayCode, httpStatus, badge } = details;
  const numbers = {
    ...(gatewayCode !== undefined && { gatewayCode }),
    ...(httpStatus !== undefined && { httpStatus }),
  };
  return new CodedError(code, message, { ...numbers, retriable: meaning.retriable, hint }, badge);
}

export function noLockNamed(): CodedError {
  return invalidInput(
    'no lock is named',
    'Set the lock\'s identifier (the "ID serrure") in the gateway configuration, in the node or in msg.identifier.',
  );
}
