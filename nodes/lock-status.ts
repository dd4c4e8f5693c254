/** Reads a lock for each message, and watches it where an interval is set. */
import { defineLockNode } from './shared/lock-node';
import { LockStatus, SETTINGS } from './shared/lock-status';

export = defineLockNode('lock-status', SETTINGS, (node, access) => {
  const status = new LockStatus(node, access);
  node.onInput((message, input) => status.read(message, input));
  node.onClose(status.follow());
});
