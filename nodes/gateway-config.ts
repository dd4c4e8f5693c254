/**
 * The configuration node of a share: reads its settings at start, joins the gateway at its address, leaves at close. What
 * is wrong with the settings is told by the nodes that use it.
 */
import type { NodeAPI } from 'node-red';
import { CodedError } from '../src/common/errors';
import { secondsSetting, textSetting } from '../src/common/settings';
import { parseRedisUrl } from '../src/state/redis-url';
import { parseAddress } from '../src/thekeys/address';
import {
  checkedCode,
  noAccess,
  type Access,
  type GatewayConfigDef,
  type GatewayConfigNode,
  type GatewayCredentials,
} from './shared/gateway-node';
import { Member } from './shared/gateways';
import { addSetupRoutes } from './shared/setup-routes';

const TIMEOUT = { name: 'the time limit of the gateway', fallback: 30, most: 600 } as const;

function init(RED: NodeAPI): void {
  function join(node: GatewayConfigNode, config: GatewayConfigDef): { member: Member; timeoutMs: number } {
    // Undefined where nothing was ever typed, whatever the types say.
    const credentials = node.credentials as GatewayCredentials | undefined;
    const address = parseAddress(textSetting(config.host, 'the address of the gateway'));
    const timeoutMs = secondsSetting(config.timeout, TIMEOUT);
    const identifier = textSetting(config.identifier, 'the identifier of the lock');
    const sharedState = textSetting(credentials?.sharedState, 'the shared state');
    if (sharedState !== '') parseRedisUrl(sharedState);
    const member = Member.join({
      address,
      sharedState,
      RED,
      identifier,
      code: codeOf(credentials),
      warn: (message) => node.warn(message),
    });
    return { member, timeoutMs };
  }

  function GatewayConfig(this: GatewayConfigNode, config: GatewayConfigDef): void {
    RED.nodes.createNode(this, config);
    try {
      const { member, timeoutMs } = join(this, config);
      this.access = accessThrough(member, timeoutMs);
      this.on('close', (done: () => void) => {
        void member.leave().finally(done);
      });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.access = noAccess(error as CodedError, (config.host ?? '') === '' ? 'noGateway' : 'settings');
    }
  }

  addSetupRoutes(RED);
  RED.nodes.registerType('gateway-config', GatewayConfig, {
    credentials: { code: { type: 'password' }, sharedState: { type: 'password' } },
  });
}

/** As it was typed: only a lock that is opened with it minds whether it can be one. A number where `${ENV}` stands for one. */
function codeOf(credentials: GatewayCredentials | undefined): string {
  const { code } = credentials ?? {};
  return typeof code === 'string' || typeof code === 'number' ? String(code) : '';
}

function accessThrough(member: Member, timeoutMs: number): Access {
  return {
    check: () => undefined,
    get gateway() {
      return member.gateway;
    },
    timeoutMs,
    identifier: member.identifier,
    share: (identifier) => ({ identifier, code: checkedCode(member.codeFor(identifier)) }),
    fault: (lock) => {
      try {
        if (lock !== undefined) checkedCode(member.codeFor(lock));
        return undefined;
      } catch {
        return 'noCode';
      }
    },
  };
}

export = init;
