/**
 * What Sber documents of its smart home: the functions a device may have and the categories of devices, as data. Reading
 * and judging models by it is left to others. The catalogue is open-ended (the vendor's own examples use functions that
 * have no page), so whatever is missing here is unknown, not wrong.
 */

/** Where the tables below come from, and when they were read. */
export const CATALOGUE_SOURCE = {
  name: 'Sber smart home documentation: function pages and category pages',
  url: 'https://developers.sber.ru/docs/ru/smarthome/c2c/functions',
  date: '2026-07-03',
} as const;

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

const PERCENT = { type: 'INTEGER', min: 0, max: 100, unit: '%' } as const;
const LEVELS = ['low', 'medium', 'high'] as const;
const COVER_COMMAND = { type: 'ENUM', values: ['open', 'close', 'stop'], use: 'W' } as const;
const COVER_STATE = { type: 'ENUM', values: ['open', 'close', 'opening', 'closing'], use: 'R' } as const;
/** The vendor's pages say "stores a state and can change it" for buttons too. */
const BUTTON = { type: 'ENUM', values: ['click', 'double_click', 'long_press'], use: 'RW' } as const;
const BOOL = { type: 'BOOL' } as const;

/** The 96 documented functions. */
export const FUNCTIONS: Readonly<Record<string, FunctionFacts>> = {
  // What most devices have
  online: { type: 'BOOL', use: 'R' },
  on_off: { type: 'BOOL', use: 'RW' },
  child_lock: BOOL,
  battery_low_power: BOOL,
  battery_percentage: PERCENT,
  signal_strength: { type: 'ENUM', values: LEVELS, use: 'R' },

  // Sensors
  tamper_alarm: { type: 'BOOL', use: 'R' },
  alarm_mute: { type: 'BOOL', use: 'R' },
  // The page has three words; the categories' own examples use `auto`.
  sensor_sensitive: { type: 'ENUM', values: ['auto', ...LEVELS], use: 'R' },
  doorcontact_state: { type: 'BOOL', use: 'R' },
  water_leak_state: BOOL,
  smoke_state: BOOL,
  gas_leak_state: BOOL,
  pir: { type: 'ENUM', values: ['pir'], use: 'EV' },
  temperature: { type: 'INTEGER', min: -400, max: 2000, unit: '0.1 °C', use: 'R' },
  humidity: PERCENT,
  air_pressure: { type: 'INTEGER', min: 200, max: 800, unit: 'mmHg' },
  temp_unit_view: { type: 'ENUM', values: ['c', 'f'] },
  co2: { type: 'INTEGER', min: 0, max: 10000 },
  pm1_0: { type: 'INTEGER', min: 0, max: 500 },
  pm2_5: { type: 'INTEGER', min: 0, max: 500 },
  pm10: { type: 'INTEGER', min: 0, max: 1000 },
  tvoc_float: { type: 'FLOAT', min: 0, max: 9.999 },
  hcho_float: { type: 'FLOAT', min: 0, max: 1.999 },

  // Light
  light_brightness: { type: 'INTEGER', min: 50, max: 1000 },
  light_colour: { type: 'COLOUR' },
  light_colour_temp: { type: 'INTEGER', min: 0, max: 1000, unit: '‰', use: 'RW' },
  light_mode: { type: 'ENUM', values: ['white', 'colour'], use: 'RW' },
  light_transmission_percentage: PERCENT,

  // Electricity
  current: { type: 'INTEGER', min: 0, max: 30000, unit: 'mA' },
  power: { type: 'INTEGER', min: 0, max: 50000, unit: 'W' },
  voltage: { type: 'INTEGER', min: 0, max: 5000, unit: 'V' },

  // Covers, gates and valves
  open_set: COVER_COMMAND,
  open_left_set: COVER_COMMAND,
  open_right_set: COVER_COMMAND,
  open_state: COVER_STATE,
  open_left_state: COVER_STATE,
  open_right_state: COVER_STATE,
  open_percentage: PERCENT,
  open_left_percentage: PERCENT,
  open_right_percentage: PERCENT,
  open_rate: { type: 'ENUM', values: ['auto', 'low', 'medium', 'high'], use: 'RW' },

  // Climate
  hvac_temp_set: { type: 'INTEGER', min: 5, max: 50, step: 1, unit: '°C', use: 'RW' },
  hvac_humidity_set: { type: 'INTEGER', min: 30, max: 90, unit: '%' },
  hvac_air_flow_power: { type: 'ENUM', values: ['auto', 'high', 'low', 'medium', 'quiet', 'turbo'], use: 'RW' },
  hvac_air_flow_direction: {
    type: 'ENUM',
    values: ['auto', 'horizontal', 'no', 'rotation', 'swing', 'vertical'],
    use: 'RW',
  },
  hvac_work_mode: {
    type: 'ENUM',
    values: [
      'air_purification',
      'auto',
      'comfortable_sleep',
      'cooling',
      'dehumidification',
      'eco',
      'fast_cooling',
      'fast_heating',
      'heating',
      'self_cleaning',
      'turbo',
      'ventilation',
    ],
    use: 'RW',
  },
  hvac_thermostat_mode: {
    type: 'ENUM',
    values: ['auto', 'cooling', 'eco', 'fast_cooling', 'fast_heating', 'heating', 'turbo'],
    use: 'RW',
  },
  hvac_heating_rate: {
    type: 'ENUM',
    values: ['auto', 'high', 'low', 'medium', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10'],
    use: 'RW',
  },
  hvac_direction_set: { type: 'ENUM', values: ['left', 'right', 'up', 'down'], use: 'W' },
  hvac_ionization: BOOL,
  hvac_night_mode: BOOL,
  hvac_aromatization: BOOL,
  hvac_decontaminate: BOOL,
  hvac_replace_filter: BOOL,
  hvac_replace_ionizator: BOOL,
  hvac_water_low_level: BOOL,
  hvac_water_percentage: PERCENT,
  hvac_water_level: { type: 'FLOAT', min: 0, max: 50 },

  // Kitchen
  kitchen_water_level: { type: 'FLOAT', min: 0, max: 50 },
  kitchen_water_low_level: BOOL,
  kitchen_water_temperature: { type: 'INTEGER', min: 0, max: 100, unit: '°C' },
  kitchen_water_temperature_set: { type: 'INTEGER', min: 0, max: 100, unit: '°C' },

  // Intercom
  incoming_call: { type: 'BOOL', use: 'R' },
  unlock: { type: 'ENUM', values: ['unlock'], use: 'W' },
  reject_call: { type: 'ENUM', values: ['reject'], use: 'W' },

  // Scenario buttons
  button_event: BUTTON,
  button_1_event: BUTTON,
  button_2_event: BUTTON,
  button_3_event: BUTTON,
  button_4_event: BUTTON,
  button_5_event: BUTTON,
  button_6_event: BUTTON,
  button_7_event: BUTTON,
  button_8_event: BUTTON,
  button_9_event: BUTTON,
  button_10_event: BUTTON,
  button_left_event: BUTTON,
  button_right_event: BUTTON,
  button_top_left_event: BUTTON,
  button_top_right_event: BUTTON,
  button_bottom_left_event: BUTTON,
  button_bottom_right_event: BUTTON,

  // Vacuum cleaner
  vacuum_cleaner_command: { type: 'ENUM', values: ['start', 'pause', 'return_to_dock', 'resume'], use: 'RW' },
  vacuum_cleaner_status: { type: 'ENUM', values: ['cleaning', 'docked', 'pause', 'returning_to_dock'], use: 'RW' },
  vacuum_cleaner_program: { type: 'ENUM', values: ['perimeter', 'spot', 'smart', 'random_route'], use: 'RW' },
  vacuum_cleaner_cleaning_type: { type: 'ENUM', values: ['dry', 'wet', 'mixed'], use: 'RW' },

  // Television
  channel: { type: 'ENUM', values: ['+', '-'], use: 'W' },
  volume: { type: 'ENUM', values: ['+', '-'], use: 'W' },
  channel_int: { type: 'INTEGER', min: 0, max: 999 },
  volume_int: { type: 'INTEGER', min: 0, max: 999 },
  number: { type: 'INTEGER', min: 0, max: 9, use: 'W' },
  mute: BOOL,
  source: {
    type: 'ENUM',
    values: ['hdmi1', 'hdmi2', 'hdmi3', 'tv', 'av', 'content', 'screencast', '+', '-'],
    use: 'RW',
  },
  direction: { type: 'ENUM', values: ['up', 'down', 'left', 'right'], use: 'W' },
  custom_key: { type: 'ENUM', values: ['confirm', 'back', 'home', 'play', 'pause', 'previous', 'next'], use: 'W' },
};

const BATTERY = ['battery_low_power', 'battery_percentage'] as const;
const BATTERY_AND_SIGNAL = [...BATTERY, 'signal_strength'] as const;
const SIDES = [
  'open_left_percentage',
  'open_left_set',
  'open_left_state',
  'open_rate',
  'open_right_percentage',
  'open_right_set',
  'open_right_state',
] as const;
const COVER = { mandatory: ['online', 'open_state'], oneOf: ['open_percentage', 'open_set'] } as const;
const SWITCHED = { mandatory: ['online', 'on_off'], oneOf: [] } as const;
const LIGHT = ['light_brightness', 'light_colour', 'light_colour_temp', 'light_mode'] as const;

/** The 29 documented categories. There is none for locks or alarm panels: an `intercom` opens, a `sensor_door` shows. */
export const CATEGORIES: Readonly<Record<string, CategoryFacts>> = {
  curtain: { ...COVER, optional: [...BATTERY, ...SIDES, 'signal_strength'] },
  gate: { ...COVER, optional: [...SIDES, 'signal_strength'] },
  hub: { mandatory: ['online'], oneOf: [], optional: [] },
  hvac_ac: {
    mandatory: ['online', 'on_off', 'hvac_temp_set'],
    oneOf: [],
    optional: [
      'humidity',
      'hvac_air_flow_direction',
      'hvac_air_flow_power',
      'hvac_humidity_set',
      'hvac_ionization',
      'hvac_night_mode',
      'hvac_work_mode',
      'temperature',
    ],
  },
  hvac_air_purifier: {
    ...SWITCHED,
    optional: [
      'hvac_air_flow_power',
      'hvac_aromatization',
      'hvac_decontaminate',
      'hvac_ionization',
      'hvac_night_mode',
      'hvac_replace_filter',
      'hvac_replace_ionizator',
    ],
  },
  hvac_boiler: {
    ...SWITCHED,
    optional: ['hvac_heating_rate', 'hvac_temp_set', 'hvac_thermostat_mode', 'temperature'],
    // The function's page ends at 50; the category's own example uses 25 to 80.
    ranges: { hvac_temp_set: { min: 5, max: 80 } },
  },
  hvac_fan: { ...SWITCHED, optional: ['hvac_air_flow_power', 'hvac_direction_set'] },
  hvac_heater: {
    ...SWITCHED,
    optional: ['hvac_air_flow_power', 'hvac_temp_set', 'hvac_thermostat_mode', 'temperature'],
  },
  hvac_humidifier: {
    ...SWITCHED,
    optional: [
      'humidity',
      'hvac_air_flow_power',
      'hvac_humidity_set',
      'hvac_ionization',
      'hvac_night_mode',
      'hvac_replace_filter',
      'hvac_replace_ionizator',
      'hvac_water_level',
      'hvac_water_low_level',
      'hvac_water_percentage',
    ],
  },
  hvac_radiator: { ...SWITCHED, optional: ['hvac_temp_set', 'temperature'] },
  hvac_underfloor_heating: {
    ...SWITCHED,
    optional: ['hvac_heating_rate', 'hvac_temp_set', 'hvac_thermostat_mode', 'temperature'],
  },
  intercom: { mandatory: ['online'], oneOf: [], optional: ['incoming_call', 'reject_call', 'unlock'] },
  kettle: {
    ...SWITCHED,
    optional: [
      'child_lock',
      'kitchen_water_level',
      'kitchen_water_low_level',
      'kitchen_water_temperature',
      'kitchen_water_temperature_set',
    ],
  },
  led_strip: { ...SWITCHED, optional: LIGHT },
  light: { ...SWITCHED, optional: LIGHT },
  relay: { ...SWITCHED, optional: ['current', 'power', 'voltage'] },
  scenario_button: {
    mandatory: ['online'],
    oneOf: [
      'button_event',
      'button_1_event',
      'button_2_event',
      'button_3_event',
      'button_4_event',
      'button_5_event',
      'button_6_event',
      'button_7_event',
      'button_8_event',
      'button_9_event',
      'button_10_event',
      'button_left_event',
      'button_right_event',
      'button_top_left_event',
      'button_top_right_event',
      'button_bottom_left_event',
      'button_bottom_right_event',
    ],
    optional: BATTERY_AND_SIGNAL,
  },
  sensor_air: {
    mandatory: ['online'],
    oneOf: ['co2', 'hcho_float', 'humidity', 'pm10', 'pm1_0', 'pm2_5', 'temperature', 'tvoc_float'],
    optional: [...BATTERY_AND_SIGNAL, 'temp_unit_view'],
  },
  sensor_door: {
    mandatory: ['online', 'doorcontact_state'],
    oneOf: [],
    optional: [...BATTERY, 'sensor_sensitive', 'signal_strength', 'tamper_alarm'],
  },
  sensor_gas: {
    mandatory: ['online', 'gas_leak_state'],
    oneOf: [],
    optional: ['alarm_mute', ...BATTERY, 'sensor_sensitive', 'signal_strength'],
  },
  sensor_pir: {
    mandatory: ['online', 'pir'],
    oneOf: [],
    optional: [...BATTERY, 'sensor_sensitive', 'signal_strength'],
  },
  sensor_smoke: { mandatory: ['online', 'smoke_state'], oneOf: [], optional: ['alarm_mute', ...BATTERY_AND_SIGNAL] },
  sensor_temp: {
    mandatory: ['online'],
    oneOf: ['humidity', 'temperature'],
    optional: ['air_pressure', ...BATTERY, 'sensor_sensitive', 'signal_strength', 'temp_unit_view'],
  },
  sensor_water_leak: { mandatory: ['online', 'water_leak_state'], oneOf: [], optional: BATTERY_AND_SIGNAL },
  socket: { ...SWITCHED, optional: ['child_lock', 'current', 'power', 'voltage'] },
  tv: {
    ...SWITCHED,
    optional: ['channel', 'channel_int', 'custom_key', 'direction', 'mute', 'number', 'source', 'volume', 'volume_int'],
  },
  vacuum_cleaner: {
    mandatory: ['online'],
    oneOf: [],
    optional: [
      'battery_percentage',
      'child_lock',
      'vacuum_cleaner_cleaning_type',
      'vacuum_cleaner_command',
      'vacuum_cleaner_program',
      'vacuum_cleaner_status',
    ],
  },
  valve: { ...COVER, optional: BATTERY_AND_SIGNAL },
  window_blind: { ...COVER, optional: [...BATTERY, 'light_transmission_percentage', 'open_rate', 'signal_strength'] },
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
