/** Messages as they travel through flows: whether one can be read and written at all, and how it is answered. */
import type { NodeAPI, NodeMessageInFlow } from 'node-red';
import { invalidInput } from '../../src/common/errors';

/** `payload` may be anything. */
export type Message = NodeMessageInFlow & Record<string, unknown>;

export const UNREADABLE = invalidInput(
  'the message holds something that cannot be read or copied',
  'Send plain values: texts, numbers, lists and objects, not nested without end.',
);

/** Whether Node-RED can copy it: no getter throws, and its depth has an end. */
export function isCopyable(RED: NodeAPI, message: Message): boolean {
  try {
    RED.util.cloneMessage({ ...message });
    return true;
  } catch {
    return false;
  }
}

/**
 * The message itself where a result can be written into it; of one that is frozen, or whose payload cannot be set, a copy.
 * It must not turn out when the door is open already.
 */
export function writable<T extends object>(message: T): T {
  const payload = Object.getOwnPropertyDescriptor(message, 'payload');
  const settable = payload === undefined || (payload.writable === true && payload.configurable === true);
  return Object.isExtensible(message) && settable ? message : { ...message };
}

/** The message that came, with a result: everything else in it stays, and a topic is set only where there was none. */
export function answer(message: Message, payload: unknown, lock?: string): Message {
  message.payload = payload;
  if (lock !== undefined && (message.topic === undefined || message.topic === '')) message.topic = lock;
  return message;
}
