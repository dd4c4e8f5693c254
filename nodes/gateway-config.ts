/**
 * The configuration node of a share: joins the gateway at its address, leaves at close. What is wrong with the settings
 * shows in the nodes that use it.
 */
import { seconds, text } from '../src/common/settings';
import { parseRedisUrl } from '../src/state/redis-url';
import { parseAddress } from '../src/thekeys/address';
import { defineConfig } from './shared/define-config';
import { checkedCode, type GatewayAccess } from './shared/gateway-access';
import { Member } from './shared/gateways';
import { addSetupRoutes } from './shared/setup-routes';

/** As it was typed: only a lock that is opened with it minds whether it can be a code. A variable may be a number. */
const code = {
  parse: (value: unknown) => (typeof value === 'number' ? String(value) : typeof value === 'string' ? value : ''),
};

export = defineConfig({
  type: 'gateway-config',
  settings: {
    host: text('the address of the gateway'),
    identifier: text('the identifier of the lock'),
    timeout: seconds('the time limit of the gateway', { fallback: 30, most: 600 }),
  },
  credentials: { code, sharedState: text('the shared state') },
  open: ({ RED, settings: { host, identifier, timeout }, credentials, log, onClose }): GatewayAccess => {
    const { sharedState } = credentials;
    if (sharedState !== '') parseRedisUrl(sharedState);
    const warn = (message: string): void => log.warn(message);
    const address = parseAddress(host);
    const member = Member.join({ address, sharedState, RED, identifier, code: credentials.code, warn });
    onClose(() => member.leave());
    return {
      get gateway() {
        return member.gateway;
      },
      timeoutMs: timeout,
      identifier,
      share: (lock) => ({ identifier: lock, code: checkedCode(member.codeFor(lock)) }),
    };
  },
  register: addSetupRoutes,
});
