/** Messages as they travel through flows: whether one can be read and written at all, and how it is answered. */
import type { NodeMessageInFlow } from 'node-red';
import { invalidInput } from '../../src/common/errors';

/** `payload` may be anything. */
export type Message = NodeMessageInFlow & Record<string, unknown>;

export const UNREADABLE = invalidInput(
  'the message holds something that cannot be read or copied',
  'Send plain values: texts, numbers, lists and objects, not nested without end.',
);
/** Deeper than any message is meant to be, and than Node-RED can copy. */
const DEEPEST = 1000;

/** Whether everything in a value can be read: no getter throws, and its depth has an end. */
export function isReadable(value: unknown): boolean {
  const seen = new Set<unknown>();
  let level: unknown[] = [value];
  try {
    for (let depth = 0; level.length > 0; depth += 1) {
      if (depth > DEEPEST) return false;
      const next: unknown[] = [];
      for (const each of level) {
        if (typeof each !== 'object' || each === null || seen.has(each) || ArrayBuffer.isView(each)) continue;
        seen.add(each);
        for (const inner of Object.values(each)) if (typeof inner === 'object') next.push(inner);
      }
      level = next;
    }
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
