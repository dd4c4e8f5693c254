/**
 * The structures of Sber's vendor API as this package writes them (edition of 28 October 2025), and the small results its
 * operations end in. How they are read leniently, checked and compared is left to `validation` and `values`.
 */
import type { ValueType } from './catalogue';

export type { ValueType } from './catalogue';

/** A typed value as it travels. INTEGER is text, so that 64 bits survive JSON. */
export interface TypedValue {
  type: ValueType;
  bool_value?: boolean;
  integer_value?: string;
  float_value?: number;
  string_value?: string;
  enum_value?: string;
  colour_value?: Colour;
}

/** Hue 0-360, saturation 0-1000, value 100-1000. */
export interface Colour {
  h: number;
  s: number;
  v: number;
}

export interface State {
  key: string;
  value: TypedValue;
}

/** States of devices, by device id. */
export type States = Record<string, { states: State[] }>;

/** Which values of a function a model knows. A range may only be narrower than the function's own. */
export type AllowedValues =
  | { type: 'INTEGER'; integer_values: { min: string; max: string; step?: string } }
  | { type: 'FLOAT'; float_values: { min: number; max: number } }
  | { type: 'ENUM'; enum_values: { values: string[] } };

/** Legacy: the function works only while `key` has one of `values`. */
export interface Dependency {
  key: string;
  values: TypedValue[];
}

/** A model as it is sent. Optional fields that say nothing are absent. */
export interface Model {
  id: string;
  manufacturer: string;
  model: string;
  hw_version?: string;
  sw_version?: string;
  description?: string;
  category: string;
  features: string[];
  allowed_values?: Record<string, AllowedValues>;
  dependencies?: Record<string, Dependency>;
}

/** A user's device as it is sent. Exactly one of `model_id` and `model` is present. */
export interface Device {
  id: string;
  parent_id?: string;
  name: string;
  default_name: string;
  home?: string;
  room?: string;
  groups?: string[];
  model_id?: string;
  model?: Model;
  hw_version?: string;
  sw_version?: string;
  partner_meta?: Record<string, unknown>;
}

/** What the cloud sent, field for field, in whatever edition. Only its being an object is certain. */
export type Raw = Record<string, unknown>;

/** One item that Sber did not take. `code` is Sber's number, or the HTTP status of an answer without one; 0 where neither says why. */
export interface ItemFailure {
  id: string;
  code: number;
  message: string;
}

/** Something that may displease the cloud, or was not understood; it stops nothing. */
export interface Remark {
  /** Inside the model or device: `features[3]`, `allowed_values.temperature.integer_values.min`. */
  path: string;
  message: string;
}

/** A remark with the model, or the device, that it is about. */
export type Warning = Remark & ({ modelId: string } | { deviceId: string });

/** What `create`, `update`, `delete` and their like end in. */
export interface Outcome {
  applied: string[];
  failed: ItemFailure[];
}

/** What `sync` ends in, or would. */
export interface SyncOutcome {
  created: string[];
  updated: string[];
  deleted: string[];
  unchanged: string[];
  failed: ItemFailure[];
}
