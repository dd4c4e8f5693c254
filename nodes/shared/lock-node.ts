/** One way to be a node that commands or reads a lock. */
import type { NodeInitializer } from 'node-red';
import { text, typed, type Settings } from '../../src/common/settings';
import { TRANSPORT_CODES } from '../../src/thekeys/gateway-errors';
import { plainIdentifier } from '../../src/thekeys/wire';
import { defineNode, type Message, type RunningNode } from './define-node';
import { asCoded } from './errors';
import type { GatewayAccess } from './gateway-access';

/** Milliseconds until which a reading may have had its turn. */
export const READ_DEADLINE_MS = 30_000;
/** Seconds that a deadline or an interval may have. */
export const LONGEST = 86_400;
export const lockSetting = typed(text('the lock of the node'));

export function defineLockNode<S extends Settings>(
  type: string,
  settings: S,
  start: (node: RunningNode<S>, access: GatewayAccess) => void,
): NodeInitializer {
  return defineNode({ type, account: 'gateway-config', settings, transportCodes: TRANSPORT_CODES, start });
}

/** The node's own lock; empty where only messages name one. The badge shows, at deploy, that no share code is known for it. */
export function ownLock(
  node: Pick<RunningNode<Settings>, 'badge' | 'showFailure'> & { settings: { identifier: string } },
  access: GatewayAccess,
): string {
  const lock = plainIdentifier(node.settings.identifier) ?? access.identifier;
  try {
    if (lock !== '') access.share(lock);
    node.badge.clear();
  } catch (error) {
    node.showFailure(asCoded(error));
  }
  return lock;
}

export function logRecovery({ log, words }: Pick<RunningNode<Settings>, 'log' | 'words'>, lock: string): void {
  log.info(words('log.recovered', { lock }) ?? '');
}

/** The message that came, with a result: everything else in it stays, and a topic is set only where there was none. */
export function answer(message: Message, payload: unknown, lock?: string): Message {
  message.payload = payload;
  if (lock !== undefined && (message.topic === undefined || message.topic === '')) message.topic = lock;
  return message;
}
