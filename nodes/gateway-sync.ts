/**
 * What can be asked of the gateway itself: its list of locks, its status, synchronizations and firmware updates. The badge
 * follows long work in the gateway's own words.
 */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { readGatewayCommand, type GatewayCommand } from '../src/thekeys/commands';
import { TRANSPORT_CODES } from '../src/thekeys/errors';
import type { CommandOptions, Gateway } from '../src/thekeys/gateway';
import { Adapter, type Message } from './shared/adapter';
import { accessOf, answer, gatewayWords, READ_DEADLINE_MS } from './shared/gateway-node';
import { LockBadge } from './shared/lock-badge';

interface GatewaySyncDef extends NodeDef {
  gateway?: unknown;
  identifier?: unknown;
  operation?: unknown;
}

interface Done {
  payload: unknown;
  /** What the badge then says. */
  badge: { key: string; values?: Record<string, string | number> };
}

/** Badge words while an operation is on its way. */
const DOING: Readonly<Record<GatewayCommand['operation'], string>> = {
  list: 'reading',
  status: 'reading',
  synchronize: 'synchronizing',
  'synchronize-lock': 'synchronizing',
  update: 'updating',
  'update-lock': 'updating',
};

function init(RED: NodeAPI): void {
  function GatewaySyncNode(this: Node, config: GatewaySyncDef): void {
    RED.nodes.createNode(this, config);
    const access = accessOf(RED, config.gateway);
    const fault = access.fault();
    const words = gatewayWords(RED, fault);
    const adapter = new Adapter(this, { RED, words, transportCodes: TRANSPORT_CODES });
    const badge = new LockBadge(adapter, words);
    badge.begin(fault);

    adapter.onInput(async (message: Message, { signal }) => {
      access.check();
      const from = { node: config.identifier, gateway: access.identifier };
      const command = readGatewayCommand(config.operation, message, from);
      const { onProgress, end } = badge.follow(DOING[command.operation]);
      try {
        const { timeoutMs } = access;
        const done = await carryOut(access.gateway, command, {
          deadlineMs: READ_DEADLINE_MS,
          timeoutMs,
          signal,
          onProgress,
        });
        end();
        badge.show('ok', done.badge.key, done.badge.values);
        return answer(message, done.payload, 'identifier' in command ? command.identifier : undefined);
      } finally {
        end();
      }
    });
  }

  RED.nodes.registerType('gateway-sync', GatewaySyncNode);
}

async function carryOut(gateway: Gateway, command: GatewayCommand, options: CommandOptions): Promise<Done> {
  switch (command.operation) {
    case 'list': {
      const locks = await gateway.list(options);
      return { payload: locks, badge: { key: 'locks', values: { count: locks.length } } };
    }
    case 'status': {
      const status = await gateway.status(options);
      return { payload: status, badge: { key: 'version', values: { version: status.version ?? '?' } } };
    }
    case 'synchronize':
      await gateway.synchronize(options);
      break;
    case 'update':
      await gateway.update(options);
      break;
    case 'synchronize-lock':
      await gateway.synchronizeLock(command.identifier, options);
      break;
    case 'update-lock':
      await gateway.updateLock(command.identifier, options);
  }
  return { payload: { ...command, ok: true }, badge: { key: 'done' } };
}

export = init;
