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
import type { Outcome, SyncOutcome, Warning } from '../../src/sber/shapes';
import { defineNode, type Input, type Message, type RunningNode } from './define-node';

/** `msg.sber`: of the last request, on success and, for Catch nodes, on failure. */
interface Stamp {
  requestId?: string;
  httpStatus?: number;
  warnings: Warning[];
}

/** What one message's operation is worked on with. */
export interface SberRun<S extends Settings> {
  readonly client: SberClient;
  readonly settings: Input<S>['settings'];
  /** Any sign of it counts: a message with a dry run in it must not change anything. */
  readonly isDry: boolean;
  readonly stamp: Stamp;
  /** The badge's word for success, where it is not the usual one. */
  word?: { key: string; values?: Record<string, string | number> } | undefined;
}

/** What the change does to its items; on a dry run, what it would do. */
export async function apply({ client, isDry }: SberRun<Settings>, change: Change): Promise<Outcome> {
  return isDry ? { applied: [...change.ids], failed: [] } : send(client, change);
}

/** The badge of a sync: nothing, the one thing that was done, or the numbers of all. A plan says that it is one. */
export function wordOfSync({ created, updated, deleted }: SyncOutcome, isDry: boolean): SberRun<Settings>['word'] {
  const done = Object.entries({ created, updated, deleted }).filter(([, ids]) => ids.length > 0);
  const [only] = done;
  if (only === undefined) return { key: 'nothing' };
  if (done.length === 1 && !isDry) return { key: only[0], values: { count: only[1].length } };
  const signs: Readonly<Record<string, string>> = { created: '+', updated: '~', deleted: '−' };
  const changes = done.map(([name, ids]) => `${signs[name] ?? ''}${ids.length}`).join(' ');
  return { key: isDry ? 'plan' : 'changed', values: { changes } };
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
        const { payload, word } = await account.inTurn(lane, work, async (client) => {
          const run: SberRun<S> = { client, settings, isDry, stamp };
          return { payload: await perform(run, command), word: run.word };
        });
        message.payload = payload;
        const { failed, total } = count(payload);
        if (failed > 0) badge.show('warning', 'partial', { failed, total });
        else badge.show('ok', word?.key ?? 'ok', word?.values);
        log.debug(`${command.operation}: done${failed > 0 ? `, ${failed} of ${total} failed` : ''}`);
        return message;
      } finally {
        message.sber = stamp;
      }
    });
  };
  return defineNode({ type: `sber-${lane}`, account: 'sber-config', settings, transportCodes: TRANSPORT_CODES, start });
}

/** How many items an outcome has, and how many of them failed. */
function count(payload: unknown): { failed: number; total: number } {
  const lists = Object.entries(payload ?? {}).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const failed = lists.find(([name]) => name === 'failed')?.[1].length ?? 0;
  return { failed, total: failed === 0 ? 0 : lists.reduce((sum, [, list]) => sum + list.length, 0) };
}
