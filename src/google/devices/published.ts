/**
 * What Google publishes of its traits: the states that a report may hold, the results of commands, the states that a
 * command leads to, and what follow-ups and notifications say. Data only. From google-home/smart-home-schema (traits/) and
 * the pages on the traits.
 */
import { isRecord } from '../../common/json';
import type { JsonObject, States } from '../types';

const STATES: Readonly<Record<string, string>> = {
  AppSelector: 'currentApplication',
  ArmDisarm: 'isArmed currentArmLevel exitAllowance',
  Brightness: 'brightness',
  CameraStream: '',
  Channel: '',
  ColorSetting: 'color',
  Cook: 'currentCookingMode currentFoodPreset currentFoodQuantity currentFoodUnit',
  Dispense: 'dispenseItems',
  Dock: 'isDocked',
  EnergyStorage: 'descriptiveCapacityRemaining capacityRemaining capacityUntilFull isCharging isPluggedIn',
  FanSpeed: 'currentFanSpeedSetting currentFanSpeedPercent',
  Fill: 'isFilled currentFillLevel currentFillPercent',
  HumiditySetting: 'humiditySetpointPercent humidityAmbientPercent',
  InputSelector: 'currentInput',
  LightEffects: 'activeLightEffect lightEffectEndUnixTimestampSec',
  Locator: '',
  LockUnlock: 'isLocked isJammed',
  MediaState: 'activityState playbackState',
  Modes: 'currentModeSettings',
  NetworkControl:
    'guestNetworkEnabled guestNetworkSettings lastNetworkDownloadSpeedTest lastNetworkUploadSpeedTest networkEnabled ' +
    'networkSettings networkSpeedTestInProgress networkUsageLimitMB networkUsageMB networkUsageUnlimited numConnectedDevices',
  ObjectDetection: '',
  OnOff: 'on',
  OpenClose: 'openPercent openState',
  Reboot: '',
  Rotation: 'rotationDegrees rotationPercent targetRotationPercent',
  RunCycle: 'currentRunCycle currentTotalRemainingTime currentCycleRemainingTime',
  Scene: '',
  SensorState: 'currentSensorStateData',
  SoftwareUpdate: 'lastSoftwareUpdateUnixTimestampSec',
  StartStop: 'isRunning isPaused activeZones',
  StatusReport: 'currentStatusReport',
  TemperatureControl: 'temperatureSetpointCelsius temperatureAmbientCelsius',
  TemperatureSetting:
    'activeThermostatMode targetTempReachedEstimateUnixTimestampSec thermostatHumidityAmbient thermostatMode ' +
    'thermostatTemperatureAmbient thermostatTemperatureSetpoint thermostatTemperatureSetpointHigh thermostatTemperatureSetpointLow',
  Timer: 'timerRemainingSec timerPaused',
  Toggles: 'currentToggleSettings',
  TransportControl: '',
  Volume: 'currentVolume isMuted',
};

/** The names of a trait's states; undefined for a trait of which Google publishes no list. */
export function publishedStates(trait: string): readonly string[] | undefined {
  return Object.hasOwn(STATES, trait) ? STATES[trait]?.split(' ').filter((name) => name !== '') : undefined;
}

/** What a command gives back beside states. It may be a secret, and goes into the answer to that command alone. */
const RESULTS: Readonly<Record<string, RegExp>> = {
  GetCameraStream: /^cameraStream/,
  GetGuestNetworkPassword: /^guestNetworkPassword$/,
  Locate: /^generatedAlert$/,
  TestNetworkSpeed: /^network(Down|Up)loadSpeedMbps$/,
};

export function isResultOf(command: string, name: string): boolean {
  return Object.hasOwn(RESULTS, command) && RESULTS[command]?.test(name) === true;
}

export function isResult(name: string): boolean {
  return Object.values(RESULTS).some((pattern) => pattern.test(name));
}

/** Parameters of commands that name a state by another name than the state has. */
const STATE_OF_PARAMETER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  appSelect: { newApplication: 'currentApplication' },
  Charge: { charge: 'isCharging' },
  Cook: {
    cookingMode: 'currentCookingMode',
    foodPreset: 'currentFoodPreset',
    quantity: 'currentFoodQuantity',
    unit: 'currentFoodUnit',
  },
  EnableDisableGuestNetwork: { enable: 'guestNetworkEnabled' },
  Fill: { fill: 'isFilled', fillLevel: 'currentFillLevel', fillPercent: 'currentFillPercent' },
  mute: { mute: 'isMuted' },
  PauseUnpause: { pause: 'isPaused' },
  SetFanSpeed: { fanSpeed: 'currentFanSpeedSetting', fanSpeedPercent: 'currentFanSpeedPercent' },
  SetHumidity: { humidity: 'humiditySetpointPercent' },
  SetInput: { newInput: 'currentInput' },
  SetModes: { updateModeSettings: 'currentModeSettings' },
  SetTemperature: { temperature: 'temperatureSetpointCelsius' },
  SetToggles: { updateToggleSettings: 'currentToggleSettings' },
  setVolume: { volumeLevel: 'currentVolume' },
  StartStop: { start: 'isRunning' },
  TimerStart: { timerTimeSec: 'timerRemainingSec' },
};
const COLORS: Readonly<Record<string, string>> = {
  temperature: 'temperatureK',
  spectrumRGB: 'spectrumRgb',
  spectrumHSV: 'spectrumHsv',
};

/** The states that a command asks for, as far as its parameters say. `kept`: maps of settings are completed by it. */
export function commandedStates(command: string, params: JsonObject, kept: Readonly<States>): States {
  const names = Object.hasOwn(STATE_OF_PARAMETER, command) ? STATE_OF_PARAMETER[command] : undefined;
  const states: States = command === 'Dock' ? { isDocked: true } : {};
  for (const [name, value] of Object.entries(params)) {
    const state = names?.[name] ?? name;
    if (name === 'color' && isRecord(value)) {
      states.color = Object.fromEntries(
        Object.entries(value).flatMap(([kind, color]) => {
          const known = COLORS[kind];
          return known === undefined ? [] : [[known, color]];
        }),
      );
    } else if (name === 'openPercent' && 'openDirection' in params) {
      states.openState = [{ openPercent: value, openDirection: params.openDirection ?? '' }];
    } else if (state.endsWith('Settings') && isRecord(value)) {
      const before = kept[state];
      states[state] = { ...(isRecord(before) ? before : {}), ...value };
    } else {
      states[state] = value;
    }
  }
  return states;
}

/**
 * Traits with follow-ups: the commands whose end they tell (LockUnlock and ArmDisarm have files of their own), the states of
 * a successful one, and those without which Google refuses it.
 */
export const FOLLOW_UP: Readonly<
  Record<string, { commands?: readonly string[]; states: readonly string[]; needed?: readonly string[] }>
> = {
  ArmDisarm: { states: ['isArmed', 'currentArmLevel', 'exitAllowance'], needed: ['isArmed'] },
  LockUnlock: { states: ['isLocked'], needed: ['isLocked'] },
  NetworkControl: {
    commands: [
      'EnableDisableGuestNetwork',
      'EnableDisableNetworkProfile',
      'GetGuestNetworkPassword',
      'TestNetworkSpeed',
    ],
    states: ['networkDownloadSpeedMbps', 'networkUploadSpeedMbps', 'guestNetworkEnabled', 'guestNetworkPassword'],
  },
  OpenClose: { commands: ['OpenClose', 'OpenCloseRelative'], states: ['openPercent'], needed: ['openPercent'] },
  StartStop: { commands: ['StartStop', 'PauseUnpause'], states: ['isRunning', 'isPaused'] },
};

export function followUpTraitOf(command: string): string | undefined {
  return Object.keys(FOLLOW_UP).find((trait) => FOLLOW_UP[trait]?.commands?.includes(command));
}

/** Traits that have notifications: follow-ups, or such as answer no command. */
export const NOTIFYING_TRAITS: ReadonlySet<string> = new Set([
  ...Object.keys(FOLLOW_UP),
  ...['ObjectDetection', 'RunCycle', 'SensorState'],
]);
