/** Reads a lock for each message, and watches it where an interval is set. */
import { TRANSPORT_CODES } from '../src/thekeys/gateway-errors';
import { defineNode } from './shared/define-node';
import { gatewayOf, startOf } from './shared/gateway-access';
import { LockStatus, SETTINGS } from './shared/lock-status';

export = defineNode({
  type: 'lock-status',
  catalogue: 'gateway-config',
  settings: SETTINGS,
  transportCodes: TRANSPORT_CODES,
  start: (node) => {
    const access = gatewayOf(node.RED, node.config.gateway);
    startOf(node, access, node.settings.identifier);
    const status = new LockStatus(node, access);
    node.onInput((message, input) => status.read(message, input));
    // At once, rather than when the commands under way have ended.
    node.signal.addEventListener('abort', status.follow(), { once: true });
  },
});
