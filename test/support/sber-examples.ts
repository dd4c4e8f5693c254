/** Sber's own examples, as its documentation prints them (trailing commas aside). */

/** The answer of `get models`, 25 May 2023: one lamp, with the legacy spelling of dependencies. */
export const LAMP_ANSWER = `{
  "models": [
    {
      "id": "QWERTY123",
      "manufacturer": "Xiaqara",
      "model": "SM0123456789",
      "hw_version": "3.2",
      "sw_version": "5.7",
      "description": "Умная лампа Xiaqara",
      "category": "light",
      "features": ["online", "on_off", "light_mode", "light_brightness", "light_colour", "light_colour_temp", "sleep_timer"],
      "dependencies": {
        "light_colour": { "key": "light_mode", "value": [{ "type": "ENUM", "enum_value": "colour" }] }
      },
      "allowed_values": {
        "light_brightness": { "type": "INTEGER", "integer_values": { "min": "10", "max": "900", "step": "1" } }
      }
    }
  ]
}`;

export function lamp(): Record<string, unknown> {
  return (JSON.parse(LAMP_ANSWER) as { models: Record<string, unknown>[] }).models[0]!;
}

/** The lamp as it may be sent: dependencies in the spelling that a live cloud takes. */
export function sentLamp(): Record<string, unknown> {
  return {
    ...lamp(),
    dependencies: { light_colour: { key: 'light_mode', values: [{ type: 'ENUM', enum_value: 'colour' }] } },
  };
}

/** `common-error`, 15 August 2025, and its variant with details. */
export const COMMON_ERROR = { code: 500, message: 'Internal server error', details: [] };
export const COMMON_ERROR_WITH_DETAILS = { code: 400, message: 'Invalid argument', details: ['key1', 'key2'] };
/** `error`, 19 February 2025. */
export const ITEM_ERRORS = { errors: [{ id: 'ABCD_005', code: 500, message: 'System error' }] };

/** `allowed_values`, 13 April 2025. */
export const ALLOWED_VALUES = {
  hvac_water_level: { type: 'FLOAT', float_values: { min: 0.5, max: 5 } },
  hvac_humidity_set: { type: 'INTEGER', integer_values: { min: '35', max: '85', step: '5' } },
  hvac_air_flow_power: { type: 'ENUM', enum_values: { values: ['auto', 'high', 'low', 'medium'] } },
};

/** The answer of `get state`, 13 April 2025. */
export const STATE_ANSWER = {
  devices: {
    ABCD_003: {
      states: [
        { key: 'online', value: { type: 'BOOL', bool_value: true } },
        { key: 'on_off', value: { type: 'BOOL', bool_value: true } },
      ],
    },
  },
};

/** A small model in the form of the category pages' examples. */
export function socket(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id,
    manufacturer: 'Xiaqara',
    model: 'SM1123456789',
    category: 'socket',
    features: ['online', 'on_off'],
    ...more,
  };
}
