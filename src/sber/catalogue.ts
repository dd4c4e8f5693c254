/**
 * What Sber documents of its smart home: the functions a device may have and the categories of devices, as data. Reading
 * and judging models by it is left to others. The catalogue is open-ended (the vendor's own examples use functions that
 * have no page), so whatever is missing here is unknown, not wrong. Source: the function and category pages below
 * https://developers.sber.ru/docs/ru/smarthome/c2c/functions, read on 3 July 2026.
 */

export type ValueType = 'BOOL' | 'INTEGER' | 'FLOAT' | 'STRING' | 'ENUM' | 'COLOUR';

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
}

export interface CategoryFacts {
  /** Functions that every model of the category has. */
  readonly mandatory: readonly string[];
  /** Of these a model has at least one; empty: no such rule. */
  readonly oneOf: readonly string[];
  readonly optional: readonly string[];
}

/** Bounds of a COLOUR's hue, saturation and value, inclusive. Before October 2025 the value began at 0. */
export const COLOUR_BOUNDS = {
  h: { min: 0, max: 360 },
  s: { min: 0, max: 1000 },
  v: { min: 100, max: 1000 },
} as const;

/** Names, as one text. */
const names = (text: string): string[] => text.split(' ');
const oneOf = (words: string): FunctionFacts => ({ type: 'ENUM', values: names(words) });
const whole = (min: number, max: number, unit?: string): FunctionFacts => ({
  type: 'INTEGER',
  min,
  max,
  ...(unit !== undefined && { unit }),
});
const float = (min: number, max: number): FunctionFacts => ({ type: 'FLOAT', min, max });
/** Functions with the same facts. */
const each = (functions: readonly string[], facts: FunctionFacts): Record<string, FunctionFacts> =>
  Object.fromEntries(functions.map((name) => [name, facts]));

const BUTTONS = [
  'button_event',
  ...Array.from({ length: 10 }, (_, index) => `button_${index + 1}_event`),
  ...['left', 'right', 'top_left', 'top_right', 'bottom_left', 'bottom_right'].map((side) => `button_${side}_event`),
];
const SWITCHES = names(
  'online on_off child_lock mute incoming_call battery_low_power tamper_alarm alarm_mute doorcontact_state ' +
    'water_leak_state smoke_state gas_leak_state hvac_ionization hvac_night_mode hvac_aromatization hvac_decontaminate ' +
    'hvac_replace_filter hvac_replace_ionizator hvac_water_low_level kitchen_water_low_level',
);
const PERCENTAGES = names(
  'battery_percentage humidity light_transmission_percentage open_percentage open_left_percentage ' +
    'open_right_percentage hvac_water_percentage',
);

/** The 96 documented functions. */
export const FUNCTIONS: Readonly<Record<string, FunctionFacts>> = {
  ...each(SWITCHES, { type: 'BOOL' }),
  ...each(PERCENTAGES, whole(0, 100, '%')),
  ...each(BUTTONS, oneOf('click double_click long_press')),

  // Sensors
  signal_strength: oneOf('low medium high'),
  // The page has three words; the categories' own examples use `auto`.
  sensor_sensitive: oneOf('auto low medium high'),
  pir: oneOf('pir'),
  temperature: whole(-400, 2000, '0.1 °C'),
  temp_unit_view: oneOf('c f'),
  air_pressure: whole(200, 800, 'mmHg'),
  co2: whole(0, 10000),
  ...each(names('pm1_0 pm2_5'), whole(0, 500)),
  pm10: whole(0, 1000),
  tvoc_float: float(0, 9.999),
  hcho_float: float(0, 1.999),

  // Light and electricity
  light_brightness: whole(50, 1000),
  light_colour: { type: 'COLOUR' },
  light_colour_temp: whole(0, 1000, '‰'),
  light_mode: oneOf('white colour'),
  current: whole(0, 30000, 'mA'),
  power: whole(0, 50000, 'W'),
  voltage: whole(0, 5000, 'V'),

  // Covers, gates, valves and intercoms
  ...each(names('open_set open_left_set open_right_set'), oneOf('open close stop')),
  ...each(names('open_state open_left_state open_right_state'), oneOf('open close opening closing')),
  open_rate: oneOf('auto low medium high'),
  unlock: oneOf('unlock'),
  reject_call: oneOf('reject'),

  // Climate and kitchen
  hvac_temp_set: { ...whole(5, 50, '°C'), step: 1 },
  hvac_humidity_set: whole(30, 90, '%'),
  hvac_air_flow_power: oneOf('auto high low medium quiet turbo'),
  hvac_air_flow_direction: oneOf('auto horizontal no rotation swing vertical'),
  hvac_work_mode: oneOf(
    'air_purification auto comfortable_sleep cooling dehumidification eco fast_cooling fast_heating heating ' +
      'self_cleaning turbo ventilation',
  ),
  hvac_thermostat_mode: oneOf('auto cooling eco fast_cooling fast_heating heating turbo'),
  hvac_heating_rate: oneOf('auto high low medium 1 2 3 4 5 6 7 8 9 10'),
  hvac_direction_set: oneOf('left right up down'),
  ...each(names('hvac_water_level kitchen_water_level'), float(0, 50)),
  ...each(names('kitchen_water_temperature kitchen_water_temperature_set'), whole(0, 100, '°C')),

  // Vacuum cleaner and television
  vacuum_cleaner_command: oneOf('start pause return_to_dock resume'),
  vacuum_cleaner_status: oneOf('cleaning docked pause returning_to_dock'),
  vacuum_cleaner_program: oneOf('perimeter spot smart random_route'),
  vacuum_cleaner_cleaning_type: oneOf('dry wet mixed'),
  ...each(names('channel volume'), oneOf('+ -')),
  ...each(names('channel_int volume_int'), whole(0, 999)),
  number: whole(0, 9),
  source: oneOf('hdmi1 hdmi2 hdmi3 tv av content screencast + -'),
  direction: oneOf('up down left right'),
  custom_key: oneOf('confirm back home play pause previous next'),
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
  hvac_boiler: switched('hvac_heating_rate hvac_temp_set hvac_thermostat_mode temperature'),
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

/** The function's page ends at 50; the boiler's own example uses 25 to 80. */
const BOILER_RANGE = { min: 5, max: 80 };

/** The range of a function in a category; without one, what any category allows. Undefined where it has none. */
export function functionRange(name: string, category = 'hvac_boiler'): { min: number; max: number } | undefined {
  if (name === 'hvac_temp_set' && category === 'hvac_boiler') return BOILER_RANGE;
  const { min, max } = functionFacts(name) ?? {};
  return min === undefined || max === undefined ? undefined : { min, max };
}
