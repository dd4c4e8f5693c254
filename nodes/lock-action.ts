/**
 * Opens, closes, toggles or calibrates a lock for each message, and sends on what the lock then said.
 */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { flagSetting, secondsSetting } from '../src/common/settings';
import { readLockCommand } from '../src/thekeys/commands';
import { TRANSPORT_CODES } from '../src/thekeys/errors';
import type { ActionOptions, ActionResult, Gateway, LockAction } from '../src/thekeys/gateway';
import type { Share } from '../src/thekeys/calls';
import { payloadOf } from '../src/thekeys/payload';
import { Adapter, type Message } from './shared/adapter';
import { accessOf, answer, configuredLock, gatewayWords } from './shared/gateway-node';
import { LockBadge } from './shared/lock-badge';

interface LockActionDef extends NodeDef {
  gateway?: unknown;
  identifier?: unknown;
  action?: unknown;
  confirm?: unknown;
  deadline?: unknown;
}

const DEADLINE = { name: 'the deadline of the node', fallback: 30, most: 86_400 } as const;
/** Badge words while an action is on its way. */
const DOING: Readonly<Record<LockAction, string>> = {
  open: 'opening',
  close: 'closing',
  toggle: 'toggling',
  calibrate: 'calibrating',
};

function init(RED: NodeAPI): void {
  function LockActionNode(this: Node, config: LockActionDef): void {
    RED.nodes.createNode(this, config);
    const access = accessOf(RED, config.gateway);
    const fault = access.fault(configuredLock(config.identifier, access));
    const words = gatewayWords(RED, fault);
    const adapter = new Adapter(this, { RED, words, transportCodes: TRANSPORT_CODES });
    const badge = new LockBadge(adapter, words);

    badge.begin(fault);

    adapter.onInput(async (message: Message, { signal }) => {
      access.check();
      const command = readLockCommand(config.action, message, { node: config.identifier, gateway: access.identifier });
      const options = {
        confirm: flagSetting(config.confirm, 'the confirmation of the node', true),
        deadlineMs: secondsSetting(config.deadline, DEADLINE),
        timeoutMs: access.timeoutMs,
        signal,
      };
      const progress = badge.follow(DOING[command.action]);
      try {
        const share = access.share(command.identifier);
        const result = await act(access.gateway, command.action, share, {
          ...options,
          onProgress: progress.onProgress,
        });
        progress.end();
        show(badge, result);
        return answer(message, payloadOf(result), result.identifier);
      } finally {
        progress.end();
      }
    });
  }

  RED.nodes.registerType('lock-action', LockActionNode);
}

function act(gateway: Gateway, action: LockAction, share: Share, options: ActionOptions): Promise<ActionResult> {
  return gateway[action](share, options);
}

function show(badge: LockBadge, { state, confirmed, reading }: ActionResult): void {
  if (state === null) badge.show('ok', 'sent');
  else badge.reading({ state, batteryPercent: reading?.batteryPercent ?? null }, !confirmed);
}

export = init;
