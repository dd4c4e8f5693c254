/** What is told of an action that has ended: by a node as the payload of its message, by the command as a line of JSON. */
import type { ActionResult } from './gateway';

/** What was asked, what became of it, and what the lock said. */
export function payloadOf({ reading, ...result }: ActionResult): object {
  if (reading === undefined) return result;
  const { batteryPercent, ...rest } = reading;
  // The result first, to be read first, and last: its values win.
  return { ...result, ...(batteryPercent === null ? {} : { batteryPercent }), ...rest, ...result };
}
