/** What goes between a device's node, its flow, and the home. */
import type { Action, Command } from './devices/trait';
import type { Result } from './fulfillment';
import type { JsonObject } from './types';

/** What a flow gets of a command. */
export interface CommandMessage {
  payload: {
    command: string;
    params: JsonObject;
    action?: Action;
    deviceId: string;
    acknowledged?: true;
    /** The name under which the person who commands has linked. */
    user: string;
  };
  /** The handle by which the flow answers. */
  google: string;
}

/** What came of a flow's message: for the badge of the node that sent it. */
export type Received =
  | { kind: 'answered'; status: Result['status']; code?: string; late: boolean }
  /** `offline`: an error says that the device is out of reach. */
  | { kind: 'reported' | 'offline' | 'notified' }
  /** The handle was used before, or its time is over; `warned` when that was said already. */
  | { kind: 'spent'; warned: boolean }
  /** An error that no command led to, and that says nothing about the device. */
  | { kind: 'ignored' };

/** A device's node. */
export interface DeviceHandler {
  /** Sends a command into the flow. */
  onCommand: (message: CommandMessage) => void;
  /**
   * Called with the answer to each request of Google for the device; for a pending one again when the flow has answered.
   * `command` is the one that it is about: the last that the flow got, undefined where it got none.
   */
  onResult?: (result: Result, command: Command | undefined) => void;
}

export interface Addressed {
  deviceId: string;
  user: string;
  acknowledged: boolean;
  google: string;
}

export function commandMessage(command: Command, { deviceId, user, acknowledged, google }: Addressed): CommandMessage {
  // A copy of its own: flows change what they get, and devices of one request share theirs.
  const payload: CommandMessage['payload'] = { command: command.name, params: copyOf(command.params), deviceId, user };
  if (command.action !== undefined) payload.action = command.action;
  if (acknowledged) payload.acknowledged = true;
  return { payload, google };
}

/** A copy to change. Assigning serves for a member called `__proto__` too: the object has it of its own by then. */
function copyOf(object: JsonObject): JsonObject {
  const copy = { ...object };
  for (const name in copy) {
    const value = copy[name];
    if (typeof value === 'object' && value !== null) copy[name] = structuredClone(value);
  }
  return copy;
}
