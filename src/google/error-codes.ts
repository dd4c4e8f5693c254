/**
 * The words in which Google lets a fulfilment speak of failures and conditions, and which of them stands for each error
 * code of this package. Data only; who answers with them is told by `answers.ts` and `home.ts`.
 */

/**
 * Error codes of Google's published schema (google-home/smart-home-schema, platform/errors), as of its last revision.
 */
const SCHEMA_CODES = [
  'aboveMaximumLightEffectsDuration',
  'aboveMaximumTimerDuration',
  'actionNotAvailable',
  'actionUnavailableWhileRunning',
  'alreadyArmed',
  'alreadyAtMax',
  'alreadyAtMin',
  'alreadyClosed',
  'alreadyDisarmed',
  'alreadyDocked',
  'alreadyInState',
  'alreadyLocked',
  'alreadyOff',
  'alreadyOn',
  'alreadyOpen',
  'alreadyPaused',
  'alreadyStarted',
  'alreadyStopped',
  'alreadyUnlocked',
  'amountAboveLimit',
  'appLaunchFailed',
  'armFailure',
  'armLevelNeeded',
  'authFailure',
  'bagFull',
  'belowMinimumLightEffectsDuration',
  'belowMinimumTimerDuration',
  'binFull',
  'cancelArmingRestricted',
  'cancelTooLate',
  'carbonMonoxideDetected',
  'channelSwitchFailed',
  'commandInsertFailed',
  'degreesOutOfRange',
  'deviceBusy',
  'deviceClogged',
  'deviceCurrentlyDispensing',
  'deviceDoorOpen',
  'deviceHandleClosed',
  'deviceJammingDetected',
  'deviceLidOpen',
  'deviceMoved',
  'deviceNotDocked',
  'deviceNotFound',
  'deviceNotReady',
  'deviceOpen',
  'deviceStuck',
  'deviceTampered',
  'deviceUnplugged',
  'directResponseOnlyUnreachable',
  'disarmFailure',
  'discreteOnlyOpenClose',
  'dispenseAmountAboveLimit',
  'dispenseAmountBelowLimit',
  'dispenseAmountRemainingExceeded',
  'dispenseFractionalAmountNotSupported',
  'dispenseFractionalUnitNotSupported',
  'dispenseUnitNotSupported',
  'doorClosedTooLong',
  'emergencyHeatOn',
  'floorUnreachable',
  'functionNotSupported',
  'genericDispenseNotSupported',
  'hardError',
  'hardwareFailure',
  'inAutoMode',
  'inAwayMode',
  'inDryMode',
  'inEcoMode',
  'inFanOnlyMode',
  'inHeatOrCool',
  'inHumidifierMode',
  'inOffMode',
  'inPurifierMode',
  'inSleepMode',
  'inSoftwareUpdate',
  'isBypassed',
  'lockedState',
  'lockedToRange',
  'lockFailure',
  'lowBattery',
  'maxSettingReached',
  'maxSpeedReached',
  'minSettingReached',
  'minSpeedReached',
  'monitoringServiceConnectionLost',
  'motionDetected',
  'needsAttachment',
  'needsBin',
  'needsPads',
  'needsSoftwareUpdate',
  'needsWater',
  'networkJammingDetected',
  'networkProfileNotRecognized',
  'networkSpeedTestInProgress',
  'noAvailableApp',
  'noAvailableChannel',
  'noChannelSubscription',
  'noTimerExists',
  'notSupported',
  'obstructionDetected',
  'offline',
  'onRequiresMode',
  'passphraseIncorrect',
  'percentOutOfRange',
  'pinIncorrect',
  'rainDetected',
  'rangeTooClose',
  'relinkRequired',
  'remoteSetDisabled',
  'roomsOnDifferentFloors',
  'runCycleFinished',
  'safetyShutOff',
  'sceneCannotBeApplied',
  'securityRestriction',
  'smokeDetected',
  'softwareUpdateNotAvailable',
  'startRequiresTime',
  'stillWarmingUp',
  'streamUnavailable',
  'streamUnplayable',
  'tankEmpty',
  'targetAlreadyReached',
  'timerValueOutOfRange',
  'tooManyFailedAttempts',
  'transientError',
  'turnedOff',
  'unableToLocateDevice',
  'unknownFoodPreset',
  'unlockFailure',
  'unpausableState',
  'userCancelled',
  'usingCellularBackup',
  'valueOutOfRange',
  'waterLeakDetected',
] as const;

/**
 * Codes of Google's pages "Errors and exceptions" and "Two-factor authentication" that are younger than the schema, and
 * `doorOpen`, `windowOpen`, `isOpen` of the security system guide.
 */
const LATER_CODES = [
  'authExpired',
  'challengeFailedNotSetup',
  'deadBattery',
  'deviceAtExtremeTemperature',
  'deviceOffline',
  'deviceTurnedOff',
  'doorOpen',
  'isOpen',
  'noIssuesReported',
  'protocolError',
  'timeout',
  'unknownError',
  'windowOpen',
] as const;

export type GoogleCode = (typeof SCHEMA_CODES)[number] | (typeof LATER_CODES)[number];

const KNOWN: ReadonlySet<string> = new Set([...SCHEMA_CODES, ...LATER_CODES]);

/** Whether Google knows a word for this code. An unknown one is spoken as "something went wrong". */
export function isGoogleCode(code: string): code is GoogleCode {
  return KNOWN.has(code);
}

/** Stands in the table below for the failure that the command itself has a word for: `lockFailure`, `armFailure`, …. */
const OF_THE_COMMAND = Symbol('of the command');

/**
 * Google's nearest word for each error code that a node of this package ends with. Chosen by what the Assistant says for
 * it (Google's page "Errors and exceptions"), so that it sends a person to the right place.
 */
const NEAREST: Readonly<Record<string, GoogleCode | typeof OF_THE_COMMAND>> = {
  // The flow or its configuration asks for something this device cannot do.
  INVALID_INPUT: 'notSupported',
  // "[device] can't be controlled remotely right now": the share was withdrawn, or never made.
  NOT_SHARED: 'remoteSetDisabled',
  // "check that it is fully set up": the share code is wrong.
  INVALID_HMAC: 'authFailure',
  LOCK_NOT_DETECTED: 'deviceOffline',
  LOCK_INCOMPATIBLE: 'notSupported',
  KEY_REFUSED: 'securityRestriction',
  LOCK_ERROR: OF_THE_COMMAND,
  GATEWAY_CLOCK: 'deviceNotReady',
  MISSING_PARAMETER: 'commandInsertFailed',
  GATEWAY_BUSY: 'deviceBusy',
  SYNC_DATA_INVALID: 'hardError',
  FIRMWARE_INVALID: 'hardError',
  FIRMWARE_UNAVAILABLE: 'softwareUpdateNotAvailable',
  GATEWAY_UNREACHABLE: 'deviceOffline',
  GATEWAY_TIMEOUT: 'timeout',
  // Nobody knows what the lock did. Never "it failed", never "done".
  RESULT_UNKNOWN: 'unknownError',
  BAD_RESPONSE: 'transientError',
  EXPIRED: 'timeout',
  STATE_UNKNOWN: 'deviceNotReady',
  QUEUE_FULL: 'deviceBusy',
  CLOUD_REFUSED: 'authFailure',
  CLOUD_UNREACHABLE: 'transientError',
  NOT_FOUND: 'deviceNotFound',
  SBER_VALIDATION: 'notSupported',
  SBER_UNAUTHORIZED: 'authFailure',
  SBER_FORBIDDEN: 'authFailure',
  SBER_INTERNAL: 'transientError',
  SBER_UNAVAILABLE: 'transientError',
  SBER_UNREACHABLE: 'transientError',
  SBER_TIMEOUT: 'timeout',
  SBER_TLS: 'transientError',
  INTERNAL: 'unknownError',
};

/**
 * Google's code for any code that a flow gives: its own, one of this package, or one that nobody knows, which is answered
 * with `failure`, the word of the command that failed.
 */
export function googleCodeFor(code: unknown, failure: GoogleCode): GoogleCode {
  if (typeof code !== 'string') return failure;
  if (isGoogleCode(code)) return code;
  const nearest = Object.hasOwn(NEAREST, code) ? NEAREST[code] : undefined;
  return typeof nearest === 'string' ? nearest : failure;
}

/** The codes of this package that have a nearest word of Google's; for the test that none was forgotten. */
export const MAPPED_CODES: readonly string[] = Object.keys(NEAREST);
