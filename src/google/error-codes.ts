/**
 * The codes by which a fulfillment names failures and conditions to Google, and which of them stands for each error code
 * of this package. Data only.
 */

/** Google's page "Errors and exceptions" (developers.home.google.com, cloud-to-cloud/intents): errors. */
const ERRORS = [
  'aboveMaximumLightEffectsDuration aboveMaximumTimerDuration actionNotAvailable actionUnavailableWhileRunning',
  'alreadyArmed alreadyAtMax alreadyAtMin alreadyClosed alreadyDisarmed alreadyDocked alreadyInState alreadyLocked',
  'alreadyOff alreadyOn alreadyOpen alreadyPaused alreadyStarted alreadyStopped alreadyUnlocked ambiguousZoneName',
  'amountAboveLimit appLaunchFailed armFailure armLevelNeeded authFailure belowMinimumLightEffectsDuration',
  'belowMinimumTimerDuration cancelArmingRestricted cancelTooLate channelSwitchFailed chargerIssue',
  'commandInsertFailed deadBattery degreesOutOfRange deviceAlertNeedsAssistance deviceBusy deviceCharging',
  'deviceClogged deviceCurrentlyDispensing deviceDoorOpen deviceHandleClosed deviceLidOpen deviceNeedsRepair',
  'deviceNotDocked deviceNotFound deviceNotMounted deviceNotReady deviceOffline deviceStuck deviceThermalShutdown',
  'deviceTurnedOff directResponseOnlyUnreachable disarmFailure discreteOnlyOpenClose dispenseAmountAboveLimit',
  'dispenseAmountBelowLimit dispenseAmountRemainingExceeded dispenseFractionalAmountNotSupported',
  'dispenseFractionalUnitNotSupported dispenseUnitNotSupported doorClosedTooLong emergencyHeatOn faultyBattery',
  'functionNotSupported genericDispenseNotSupported hardError inAutoMode inAwayMode inDryMode inEcoMode',
  'inFanOnlyMode inHeatOrCool inHumidifierMode inOffMode inPurifierMode inSleepMode lockFailure lockedState',
  'lockedToRange maxSettingReached maxSpeedReached minSettingReached minSpeedReached',
  'monitoringServiceConnectionLost needsAttachment needsBin networkProfileNotRecognized networkSpeedTestInProgress',
  'noAvailableApp noAvailableChannel noChannelSubscription noTimerExists notSupported obstructionDetected offline',
  'onRequiresMode passphraseIncorrect percentOutOfRange pinIncorrect rainDetected rangeTooClose relinkRequired',
  'remoteSetDisabled safetyShutOff sceneCannotBeApplied softwareUpdateNotAvailable startRequiresTime',
  'stillCoolingDown stillWarmingUp streamUnavailable streamUnplayable targetAlreadyReached timerValueOutOfRange',
  'tooManyFailedAttempts transientError turnedOff unableToLocateDevice unknownFoodPreset unlockFailure',
  'unpausableState userCancelled valueOutOfRange',
  // The page "Two-factor authentication".
  'challengeFailedNotSetup',
] as const;

/** The same page: exceptions; and `doorOpen`, `windowOpen`, `isOpen` of the security system guide. */
const EXCEPTIONS = [
  'bagFull binFull carbonMonoxideDetected deviceAtExtremeTemperature deviceJammingDetected deviceMoved deviceOpen',
  'deviceTampered deviceUnplugged floorUnreachable hardwareFailure inSoftwareUpdate isBypassed lowBattery',
  'motionDetected needsPads needsSoftwareUpdate needsWater networkJammingDetected noIssuesReported',
  'roomsOnDifferentFloors runCycleFinished securityRestriction smokeDetected tankEmpty usingCellularBackup',
  'waterLeakDetected doorOpen isOpen windowOpen',
] as const;

type CodeIn<Line extends string> = Line extends `${infer First} ${infer Rest}` ? First | CodeIn<Rest> : Line;
export type GoogleCode = CodeIn<(typeof ERRORS)[number] | (typeof EXCEPTIONS)[number]>;

const KNOWN: ReadonlySet<string> = new Set([...ERRORS, ...EXCEPTIONS].flatMap((line) => line.split(' ')));

/** Whether Google has a sentence for this code. For any other it says that "something went wrong". */
export function isGoogleCode(code: string): code is GoogleCode {
  return KNOWN.has(code);
}

/**
 * Google's nearest code for each error code that a node of this package ends with. Chosen by the sentence that the
 * Assistant says for it (the page "Errors and exceptions"), so that it sends a person to the right place. Undefined: the code of the command that failed (`lockFailure`, `armFailure`, …).
 */
const NEAREST: Readonly<Record<string, GoogleCode | undefined>> = {
  // The flow or its configuration asks for something this device cannot do.
  INVALID_INPUT: 'notSupported',
  // The share was withdrawn, or never made.
  NOT_SHARED: 'remoteSetDisabled',
  // "check that it is fully set up": the share code is wrong.
  INVALID_HMAC: 'authFailure',
  LOCK_NOT_DETECTED: 'deviceOffline',
  LOCK_INCOMPATIBLE: 'notSupported',
  KEY_REFUSED: 'securityRestriction',
  LOCK_ERROR: undefined,
  GATEWAY_CLOCK: 'deviceNotReady',
  MISSING_PARAMETER: 'commandInsertFailed',
  GATEWAY_BUSY: 'deviceBusy',
  SYNC_DATA_INVALID: 'hardError',
  FIRMWARE_INVALID: 'hardError',
  FIRMWARE_UNAVAILABLE: 'softwareUpdateNotAvailable',
  GATEWAY_UNREACHABLE: 'deviceOffline',
  GATEWAY_TIMEOUT: 'deviceOffline',
  // What the lock did is not known: "something went wrong", and neither "could not be locked" nor "try again".
  RESULT_UNKNOWN: 'hardError',
  BAD_RESPONSE: 'transientError',
  EXPIRED: 'transientError',
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
  SBER_TIMEOUT: 'transientError',
  SBER_TLS: 'transientError',
  INTERNAL: 'hardError',
};

/** Whether a device is out of reach: whatever it was last, it is offline now. */
export function isOutOfReach(code: GoogleCode): boolean {
  return code === 'deviceOffline' || code === 'offline';
}

/**
 * Google's code for any code that a flow gives: its own, one of this package, or an unknown one, which is answered with
 * `failure`, the code of the command that failed.
 */
export function googleCodeFor(code: unknown, failure: GoogleCode): GoogleCode {
  if (typeof code !== 'string') return failure;
  if (isGoogleCode(code)) return code;
  return (Object.hasOwn(NEAREST, code) ? NEAREST[code] : undefined) ?? failure;
}
