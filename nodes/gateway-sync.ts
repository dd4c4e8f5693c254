/**
 * What can be asked of the gateway itself: its list of locks, its status, synchronizations and firmware updates. The badge
 * follows long work in the gateway's own words.
 */
import { choice } from '../src/common/settings';
import { readGatewayCommand } from '../src/thekeys/commands';
import { TRANSPORT_CODES } from '../src/thekeys/gateway-errors';
import { defineNode } from './shared/define-node';
import { carryOut, DOING } from './shared/gateway-operations';
import { gatewayOf, lockSetting, READ_DEADLINE_MS, startOf } from './shared/gateway-access';
import { LockBadge } from './shared/lock-badge';
import { answer } from './shared/message';

const OPERATIONS = ['list', 'status', 'synchronize', 'update', 'synchronize-lock', 'update-lock', 'message'] as const;
const SETTINGS = {
  identifier: lockSetting,
  operation: choice('the operation of the node', OPERATIONS, 'list'),
};

export = defineNode({
  type: 'gateway-sync',
  catalogue: 'gateway-config',
  settings: SETTINGS,
  transportCodes: TRANSPORT_CODES,
  start: (node) => {
    const access = gatewayOf(node.RED, node.config.gateway);
    const badge = new LockBadge(node.badge, node.words, access.notice);
    startOf(node, access);

    node.onInput(async (message, { signal, settings }) => {
      const from = { node: settings.identifier, gateway: access.identifier, named: access.named };
      const command = readGatewayCommand(settings.operation, message, from);
      const { payload, word, values } = await badge.follow(DOING[command.operation], (onProgress) => {
        const options = { deadlineMs: READ_DEADLINE_MS, timeoutMs: access.timeoutMs, signal, onProgress };
        return access.run(options, (gateway, rest) => carryOut(gateway, access, command, rest));
      });
      node.badge.show('ok', word, values);
      return answer(message, payload, 'identifier' in command ? command.identifier : undefined);
    });
  },
});
