/**
 * What `sber-models` and `sber-devices` have in common: their account, their badges, and `msg.sber`. What an operation
 * does is theirs.
 */
import type { NodeInitializer } from 'node-red';
import type { Settings } from '../../src/common/settings';
import { send, type Change } from '../../src/sber/changes';
import type { SberClient, Work } from '../../src/sber/client';
import { TRANSPORT_CODES } from '../../src/sber/failures';
import type { Lane, SberAccount } from '../../src/sber/sber-account';
import type { Outcome, Warning } from '../../src/sber/shapes';
import type { Badge } from './badge';
import { defineNode, type Input, type Message, type RunningNode } from './define-node';

/** What a sync does to models. */
const SIGNS: Readonly<Record<string, string>> = { created: '+', updated: '~', deleted: '−' };

/** `msg.sber`: of the last request, on success and, for Catch nodes, on failure. */
interface Stamp {
  requestId?: string;
  httpStatus?: number;
  warnings: Warning[];
}

export interface SberRun<S extends Settings> {
  readonly client: SberClient;
  readonly settings: Input<S>['settings'];
  /** Any sign of it counts: a message with a dry run in it must not change anything. */
  readonly isDry: boolean;
  readonly stamp: Stamp;
}

/** What the change does to its items; on a dry run, what it would do. */
export async function apply({ client, isDry }: SberRun<Settings>, change: Change): Promise<Outcome> {
  return isDry ? { applied: [...change.ids], failed: [] } : send(client, change);
}

/**
 * One way to be a node for Sber: `sber-<lane>`. Each message is read, and then worked on when its turn has come.
 * @param perform resolves with the payload of the answer
 */
export function defineSberNode<S extends Settings, C extends { operation: string }>(
  lane: Lane,
  settings: S,
  read: (message: Message, settings: Input<S>['settings']) => C,
  perform: (run: SberRun<S>, command: C) => Promise<unknown>,
): NodeInitializer {
  const start = (node: RunningNode<S>, account: SberAccount): void => {
    const { badge, log } = node;
    badge.clear();
    node.onInput(async (message, { signal, settings }) => {
      const stamp: Stamp = { warnings: [] };
      const isDry = ![undefined, null, false, 0, '', 'false', '0'].includes(message.dryRun as string);
      const work: Work & { signal: AbortSignal } = {
        signal,
        onExchange: (requestId, httpStatus) => {
          stamp.requestId = requestId;
          if (httpStatus === undefined) delete stamp.httpStatus;
          else stamp.httpStatus = httpStatus;
        },
        onRetry: () => badge.show('retrying', 'working'),
        onProgress: (done, total) => {
          if (done < total) badge.show('working', 'progress', { done, total });
        },
      };
      badge.show('working', 'working');
      try {
        const command = read(message, settings);
        log.debug(`${command.operation}: asked for`);
        message.payload = await account.inTurn(lane, work, (client) =>
          perform({ client, settings, isDry, stamp }, command),
        );
        const failed = showEnd(badge, command.operation, message.payload, isDry);
        log.debug(`${command.operation}: done${failed === '' ? '' : `, ${failed} failed`}`);
        return message;
      } finally {
        message.sber = stamp;
      }
    });
  };
  return defineNode({ type: `sber-${lane}`, account: 'sber-config', settings, transportCodes: TRANSPORT_CODES, start });
}

/**
 * The badge of a sync says what was done, or that nothing was; a plan that it is one. Gives how many of all items failed, in
 * words for the log; empty where none did.
 */
function showEnd(badge: Badge, operation: string, payload: unknown, isDry: boolean): string {
  const counts = Object.entries(payload ?? {}).flatMap(([name, list]: [string, unknown]): [string, number][] =>
    Array.isArray(list) && list.length > 0 ? [[name, list.length]] : [],
  );
  const failed = Object.fromEntries(counts).failed ?? 0;
  const done = counts.filter(([name]) => name in SIGNS);
  const [only] = done;
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  if (failed > 0) badge.show('warning', 'partial', { failed, total });
  else if (operation !== 'sync') badge.show('ok', 'ok');
  else if (only === undefined) badge.show('ok', 'nothing');
  else if (done.length === 1 && !isDry) badge.show('ok', only[0], { count: only[1] });
  else {
    const changes = done.map(([name, count]) => `${SIGNS[name] ?? ''}${count}`).join(' ');
    badge.show('ok', isDry ? 'plan' : 'changed', { changes });
  }
  return failed > 0 ? `${failed} of ${total}` : '';
}
