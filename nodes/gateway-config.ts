/**
 * The configuration node of a share: joins the gateway at its address, leaves at close. What is wrong with the settings
 * shows in the nodes that use it.
 */
import { seconds, secret, text } from '../src/common/settings';
import { parseRedisUrl } from '../src/state/redis-url';
import { parseAddress } from '../src/thekeys/gateway-address';
import { defineConfig } from './shared/define-config';
import { checkedCode, type GatewayAccess } from './shared/gateway-access';
import { gatewaysOf } from './shared/gateways';
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
    const { sharedState } = credentials;
    if (sharedState !== '') parseRedisUrl(sharedState);
    const address = parseAddress(host);
    const gateways = gatewaysOf(RED);
    const { code } = credentials;
    const member = gateways.join({ address, sharedState, identifier, code, name: node.name ?? '', log });
    onClose(() => member.leave());
    return {
      address: address.key,
      run: (options, command) => member.run(options, command),
      attach: (use) => member.attach(use),
      readings: { known: async (lock) => (await member.gateway()).readings.known(lock) },
      timeoutMs: timeout,
      identifier: member.identifier,
      named: (name) => gateways.identifierNamed(name),
      nameOf: (lock) => gateways.nameOf(lock),
      notice: () => member.notice,
      share: (lock) => ({ identifier: lock, code: checkedCode(member.codeFor(lock)) }),
    };
  },
  register: addSetupRoutes,
});
