/**
 * What `sber-models` and `sber-devices` have in common: their account, their badges, and `msg.sber`. What an operation
 * does is theirs.
 */
import { systemClock } from '../../src/common/clock';
import type { Settings } from '../../src/common/settings';
import type { Lane, SberAccount } from '../../src/sber/sber-account';
import type { Work } from '../../src/sber/changes';
import type { SberClient } from '../../src/sber/client';
import type { SyncOutcome, Warning } from '../../src/sber/shapes';
import { pacing, type Pace } from '../../src/sber/yield-loop';
import { accountOf } from './define-config';
import type { Input, RunningNode } from './define-node';
import type { Message } from './message';

/** One message's operation: what is known of it, and what it is worked on with. */
export class SberRun {
  /** `msg.sber.warnings`. */
  warnings: Warning[] = [];
  /** The badge's word for success, where it is not the usual one. */
  word: { key: string; values?: Record<string, string | number> } = { key: 'ok' };
  /** Any sign of it counts: a message with a dry run in it must not change anything. */
  readonly isDry: boolean;
  readonly work: Work;
  readonly pace: Pace;
  private requestId: string | undefined;
  private httpStatus: number | undefined;

  constructor({ dryRun }: Message, signal: AbortSignal, badge: RunningNode<Settings>['badge']) {
    this.isDry = ![undefined, null, false, 0, '', 'false', '0'].includes(dryRun as string);
    this.pace = pacing(systemClock, signal);
    this.work = {
      signal,
      onExchange: (requestId, httpStatus) => {
        this.requestId = requestId;
        this.httpStatus = httpStatus;
      },
      onRetry: () => badge.show('retrying', 'working'),
      onProgress: (done, total) => {
        if (done < total) badge.show('working', 'progress', { done, total });
      },
    };
  }

  /** What `send` does to the items with these ids; on a dry run, or without an item, what it would do. */
  async change<R>(ids: readonly string[], send: () => Promise<R>): Promise<R | { applied: string[]; failed: [] }> {
    return this.isDry || ids.length === 0 ? { applied: [...ids], failed: [] } : send();
  }

  /** Says on a dry run how many models would be created and so on. */
  synchronized(outcome: SyncOutcome): SyncOutcome {
    const [created, updated, deleted] = [outcome.created.length, outcome.updated.length, outcome.deleted.length];
    const isNothing = created + updated + deleted === 0;
    if (this.isDry) this.word = isNothing ? { key: 'nothing' } : { key: 'plan', values: { created, updated, deleted } };
    return outcome;
  }

  /** `msg.sber`, on success and, for Catch nodes, on failure. */
  get stamp(): object {
    const { requestId, httpStatus, warnings } = this;
    return {
      ...(requestId === undefined ? {} : { requestId }),
      ...(httpStatus === undefined ? {} : { httpStatus }),
      warnings,
    };
  }
}

/** Works on each message: reads what it asks for, then does it when its turn has come. */
export function runSber<S extends Settings, C extends { operation: string }>(
  node: RunningNode<S>,
  lane: Lane,
  read: (message: Message, settings: Input<S>['settings']) => C,
  perform: (client: SberClient, command: C, run: SberRun, settings: Input<S>['settings']) => Promise<unknown>,
): void {
  const account = accountOf(node.RED, 'sber-config', node.config.account, 'Sber account') as SberAccount;
  node.badge.clear();
  node.onInput(async (message, { signal, settings }) => {
    const run = new SberRun(message, signal, node.badge);
    node.badge.show('working', 'working');
    try {
      const command = read(message, settings);
      node.log.debug(`${command.operation}: asked for`);
      message.payload = await account.inTurn(lane, signal, (client) => perform(client, command, run, settings));
      const { failed, total } = count(message.payload);
      if (failed > 0) node.badge.show('warning', 'partial', { failed, total });
      else node.badge.show('ok', run.word.key, run.word.values);
      node.log.debug(`${command.operation}: done${failed > 0 ? `, ${failed} of ${total} failed` : ''}`);
      return message;
    } finally {
      message.sber = run.stamp;
    }
  });
}

/** How many items an outcome has, and how many of them failed. */
function count(payload: unknown): { failed: number; total: number } {
  const lists = Object.entries(payload ?? {}).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const failed = lists.find(([name]) => name === 'failed')?.[1].length ?? 0;
  return { failed, total: failed === 0 ? 0 : lists.reduce((sum, [, list]) => sum + list.length, 0) };
}
