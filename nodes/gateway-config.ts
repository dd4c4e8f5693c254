/**
 * The configuration node of a share: joins the gateway at its address, leaves at close. What is wrong with the settings
 * shows in the nodes that use it.
 */
import { seconds, secret, text } from '../src/common/settings';
import { parseRedisUrl } from '../src/state/redis-url';
import { parseAddress } from '../src/thekeys/gateway-address';
import { defineConfig } from './shared/define-config';
import { accessTo, gatewaysOf, type GatewayAccess } from './shared/gateway-access';
import { addSetupRoutes } from './shared/setup-routes';

/** As it was typed: only a lock that is opened with it minds whether it can be a code. A variable may be a number. */
const codeSetting = {
  parse: (value: unknown) => (typeof value === 'number' ? String(value) : typeof value === 'string' ? value : ''),
};

export = defineConfig({
  type: 'gateway-config',
  settings: {
    host: text('the address of the gateway'),
    identifier: text('the identifier of the lock'),
    timeout: seconds('the time limit of the gateway', { fallback: 30, most: 600 }),
  },
  credentials: { code: codeSetting, sharedState: secret('the shared state') },
  open: ({ RED, node, settings: { host, identifier, timeout }, credentials, log, onClose }): GatewayAccess => {
    const { code, sharedState } = credentials;
    if (sharedState !== '') parseRedisUrl(sharedState);
    const gateways = gatewaysOf(RED);
    const name = node.name ?? '';
    const member = gateways.join({ address: parseAddress(host), sharedState, identifier, code, name, log });
    onClose(() => member.leave());
    return accessTo(member, gateways, timeout);
  },
  register: addSetupRoutes,
});
