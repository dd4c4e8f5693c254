/**
 * What Sber documents of its smart home: the functions a device may have and the categories of devices, as data. Reading
 * and judging models by it is left to others. The catalogue is open-ended (the vendor's own examples use functions that
 * have no page), so whatever is missing here is unknown, not wrong. Source: the function and category pages below
 * https://developers.sber.ru/docs/ru/smarthome/c2c/functions, read on 3 July 2026.
 */

export type ValueType = 'BOOL' | 'INTEGER' | 'FLOAT' | 'STRING' | 'ENUM' | 'COLOUR';

/** RW: keeps a state that can be commanded; R: a state only; W: a command without a state; EV: a notification. */
export type FunctionUse = 'RW' | 'R' | 'W' | 'EV';

export interface FunctionFacts {
  readonly type: ValueType;
  /** Inclusive bounds of INTEGER and FLOAT. A model may narrow them, never widen. */
  readonly min?: number;
  readonly max?: number;
  /** Where the vendor gives one; a model is free to choose another. */
  readonly step?: number;
  /** Unit of the number as it is sent. `0.1 °C` means that 215 stands for 21.5 °C. */
  readonly unit?: string;
  /** The words of an ENUM. A model may shorten the list, never lengthen it. */
  readonly values?: readonly string[];
  /** Left out where the vendor's page does not say. */
  readonly use?: FunctionUse;
}

export interface CategoryFacts {
  /** Functions that every model of the category has. */
  readonly mandatory: readonly string[];
  /** Of these a model has at least one; empty: no such rule. */
  readonly oneOf: readonly string[];
  readonly optional: readonly string[];
  /** Where the category allows another range than the function's page. */
  readonly ranges?: Readonly<Record<string, Range>>;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Bounds of a COLOUR's hue, saturation and value, inclusive. Before October 2025 the value began at 0. */
export const COLOUR_BOUNDS = {
  h: { min: 0, max: 360 },
  s: { min: 0, max: 1000 },
  v: { min: 100, max: 1000 },
} as const;

/** Names, as one text. */
const names = (text: string): string[] => text.split(' ');
const bool = (use?: FunctionUse): FunctionFacts => ({ type: 'BOOL', ...(use && { use }) });
const oneOf = (words: string, use?: FunctionUse): FunctionFacts => ({
  type: 'ENUM',
  values: names(words),
  ...(use && { use }),
});
const whole = (min: number, max: number, more: Partial<FunctionFacts> = {}): FunctionFacts => ({
  type: 'INTEGER',
  min,
  max,
  ...more,
});
const float = (min: number, max: number): FunctionFacts => ({ type: 'FLOAT', min, max });

const percent = whole(0, 100, { unit: '%' });
const coverCommand = oneOf('open close stop', 'W');
const coverState = oneOf('open close opening closing', 'R');
/** The vendor's pages say "stores a state and can change it" for buttons too. */
const button = oneOf('click double_click long_press', 'RW');
const BUTTONS = [
  'button_event',
  ...Array.from({ length: 10 }, (_, index) => `button_${index + 1}_event`),
  ...['left', 'right', 'top_left', 'top_right', 'bottom_left', 'bottom_right'].map((side) => `button_${side}_event`),
];

/** The 96 documented functions. */
export const FUNCTIONS: Readonly<Record<string, FunctionFacts>> = {
  // What most devices have
  online: bool('R'),
  on_off: bool('RW'),
  child_lock: bool(),
  battery_low_power: bool(),
  battery_percentage: percent,
  signal_strength: oneOf('low medium high', 'R'),

  // Sensors
  tamper_alarm: bool('R'),
  alarm_mute: bool('R'),
  // The page has three words; the categories' own examples use `auto`.
  sensor_sensitive: oneOf('auto low medium high', 'R'),
  doorcontact_state: bool('R'),
  water_leak_state: bool(),
  smoke_state: bool(),
  gas_leak_state: bool(),
  pir: oneOf('pir', 'EV'),
  temperature: whole(-400, 2000, { unit: '0.1 °C', use: 'R' }),
  humidity: percent,
  air_pressure: whole(200, 800, { unit: 'mmHg' }),
  temp_unit_view: oneOf('c f'),
  co2: whole(0, 10000),
  pm1_0: whole(0, 500),
  pm2_5: whole(0, 500),
  pm10: whole(0, 1000),
  tvoc_float: float(0, 9.999),
  hcho_float: float(0, 1.999),

  // Light
  light_brightness: whole(50, 1000),
  light_colour: { type: 'COLOUR' },
  light_colour_temp: whole(0, 1000, { unit: '‰', use: 'RW' }),
  light_mode: oneOf('white colour', 'RW'),
  light_transmission_percentage: percent,

  // Electricity
  current: whole(0, 30000, { unit: 'mA' }),
  power: whole(0, 50000, { unit: 'W' }),
  voltage: whole(0, 5000, { unit: 'V' }),

  // Covers, gates and valves
  open_set: coverCommand,
  open_left_set: coverCommand,
  open_right_set: coverCommand,
  open_state: coverState,
  open_left_state: coverState,
  open_right_state: coverState,
  open_percentage: percent,
  open_left_percentage: percent,
  open_right_percentage: percent,
  open_rate: oneOf('auto low medium high', 'RW'),

  // Climate
  hvac_temp_set: whole(5, 50, { step: 1, unit: '°C', use: 'RW' }),
  hvac_humidity_set: whole(30, 90, { unit: '%' }),
  hvac_air_flow_power: oneOf('auto high low medium quiet turbo', 'RW'),
  hvac_air_flow_direction: oneOf('auto horizontal no rotation swing vertical', 'RW'),
  hvac_work_mode: oneOf(
    'air_purification auto comfortable_sleep cooling dehumidification eco fast_cooling fast_heating heating self_cleaning turbo ventilation',
    'RW',
  ),
  hvac_thermostat_mode: oneOf('auto cooling eco fast_cooling fast_heating heating turbo', 'RW'),
  hvac_heating_rate: oneOf('auto high low medium 1 2 3 4 5 6 7 8 9 10', 'RW'),
  hvac_direction_set: oneOf('left right up down', 'W'),
  hvac_ionization: bool(),
  hvac_night_mode: bool(),
  hvac_aromatization: bool(),
  hvac_decontaminate: bool(),
  hvac_replace_filter: bool(),
  hvac_replace_ionizator: bool(),
  hvac_water_low_level: bool(),
  hvac_water_percentage: percent,
  hvac_water_level: float(0, 50),

  // Kitchen
  kitchen_water_level: float(0, 50),
  kitchen_water_low_level: bool(),
  kitchen_water_temperature: whole(0, 100, { unit: '°C' }),
  kitchen_water_temperature_set: whole(0, 100, { unit: '°C' }),

  // Intercom
  incoming_call: bool('R'),
  unlock: oneOf('unlock', 'W'),
  reject_call: oneOf('reject', 'W'),

  // Scenario buttons
  ...Object.fromEntries(BUTTONS.map((name) => [name, button])),

  // Vacuum cleaner
  vacuum_cleaner_command: oneOf('start pause return_to_dock resume', 'RW'),
  vacuum_cleaner_status: oneOf('cleaning docked pause returning_to_dock', 'RW'),
  vacuum_cleaner_program: oneOf('perimeter spot smart random_route', 'RW'),
  vacuum_cleaner_cleaning_type: oneOf('dry wet mixed', 'RW'),

  // Television
  channel: oneOf('+ -', 'W'),
  volume: oneOf('+ -', 'W'),
  channel_int: whole(0, 999),
  volume_int: whole(0, 999),
  number: whole(0, 9, { use: 'W' }),
  mute: bool(),
  source: oneOf('hdmi1 hdmi2 hdmi3 tv av content screencast + -', 'RW'),
  direction: oneOf('up down left right', 'W'),
  custom_key: oneOf('confirm back home play pause previous next', 'W'),
};

const BATTERY = 'battery_low_power battery_percentage';
const BATTERY_AND_SIGNAL = `${BATTERY} signal_strength`;
const SIDES =
  'open_left_percentage open_left_set open_left_state open_rate open_right_percentage open_right_set open_right_state';
const LIGHT = 'light_brightness light_colour light_colour_temp light_mode';

const has = (mandatory: string, optional = '', choice: readonly string[] = []): CategoryFacts => ({
  mandatory: names(`online ${mandatory}`.trim()),
  oneOf: choice,
  optional: optional === '' ? [] : names(optional),
});
const switched = (optional: string): CategoryFacts => has('on_off', optional);
const cover = (optional: string): CategoryFacts => has('open_state', optional, ['open_percentage', 'open_set']);

/** The 29 documented categories. There is none for locks or alarm panels: an `intercom` opens, a `sensor_door` shows. */
export const CATEGORIES: Readonly<Record<string, CategoryFacts>> = {
  curtain: cover(`${BATTERY} ${SIDES} signal_strength`),
  gate: cover(`${SIDES} signal_strength`),
  hub: has(''),
  hvac_ac: has(
    'on_off hvac_temp_set',
    'humidity hvac_air_flow_direction hvac_air_flow_power hvac_humidity_set hvac_ionization ' +
      'hvac_night_mode hvac_work_mode temperature',
  ),
  hvac_air_purifier: switched(
    'hvac_air_flow_power hvac_aromatization hvac_decontaminate hvac_ionization hvac_night_mode ' +
      'hvac_replace_filter hvac_replace_ionizator',
  ),
  // The function's page ends at 50; the category's own example uses 25 to 80.
  hvac_boiler: {
    ...switched('hvac_heating_rate hvac_temp_set hvac_thermostat_mode temperature'),
    ranges: { hvac_temp_set: { min: 5, max: 80 } },
  },
  hvac_fan: switched('hvac_air_flow_power hvac_direction_set'),
  hvac_heater: switched('hvac_air_flow_power hvac_temp_set hvac_thermostat_mode temperature'),
  hvac_humidifier: switched(
    'humidity hvac_air_flow_power hvac_humidity_set hvac_ionization hvac_night_mode ' +
      'hvac_replace_filter hvac_replace_ionizator hvac_water_level hvac_water_low_level ' +
      'hvac_water_percentage',
  ),
  hvac_radiator: switched('hvac_temp_set temperature'),
  hvac_underfloor_heating: switched('hvac_heating_rate hvac_temp_set hvac_thermostat_mode temperature'),
  intercom: has('', 'incoming_call reject_call unlock'),
  kettle: switched(
    'child_lock kitchen_water_level kitchen_water_low_level kitchen_water_temperature ' +
      'kitchen_water_temperature_set',
  ),
  led_strip: switched(LIGHT),
  light: switched(LIGHT),
  relay: switched('current power voltage'),
  scenario_button: has('', BATTERY_AND_SIGNAL, BUTTONS),
  sensor_air: has(
    '',
    `${BATTERY_AND_SIGNAL} temp_unit_view`,
    names('co2 hcho_float humidity pm10 pm1_0 pm2_5 temperature tvoc_float'),
  ),
  sensor_door: has('doorcontact_state', `${BATTERY} sensor_sensitive signal_strength tamper_alarm`),
  sensor_gas: has('gas_leak_state', `alarm_mute ${BATTERY} sensor_sensitive signal_strength`),
  sensor_pir: has('pir', `${BATTERY} sensor_sensitive signal_strength`),
  sensor_smoke: has('smoke_state', `alarm_mute ${BATTERY_AND_SIGNAL}`),
  sensor_temp: has(
    '',
    `air_pressure ${BATTERY} sensor_sensitive signal_strength temp_unit_view`,
    names('humidity temperature'),
  ),
  sensor_water_leak: has('water_leak_state', BATTERY_AND_SIGNAL),
  socket: switched('child_lock current power voltage'),
  tv: switched('channel channel_int custom_key direction mute number source volume volume_int'),
  vacuum_cleaner: has(
    '',
    'battery_percentage child_lock vacuum_cleaner_cleaning_type vacuum_cleaner_command ' +
      'vacuum_cleaner_program vacuum_cleaner_status',
  ),
  valve: cover(BATTERY_AND_SIGNAL),
  window_blind: cover(`${BATTERY} light_transmission_percentage open_rate signal_strength`),
};

/** Facts of a function; undefined where the catalogue does not know it (which is no error: the cloud knows more). */
export function functionFacts(name: string): FunctionFacts | undefined {
  return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
}

/** Facts of a category; undefined where the catalogue does not know it. */
export function categoryFacts(name: string): CategoryFacts | undefined {
  return Object.hasOwn(CATEGORIES, name) ? CATEGORIES[name] : undefined;
}

/** The range of a function in a category; without one, what any category allows. Undefined where it has none. */
export function functionRange(name: string, category?: string): Range | undefined {
  const { min, max } = functionFacts(name) ?? {};
  if (min === undefined || max === undefined) return undefined;
  const own = category === undefined ? undefined : categoryFacts(category)?.ranges?.[name];
  if (category !== undefined) return own ?? { min, max };
  const others = Object.values(CATEGORIES).flatMap(({ ranges }) => ranges?.[name] ?? []);
  return { min: Math.min(min, ...others.map((one) => one.min)), max: Math.max(max, ...others.map((one) => one.max)) };
}
