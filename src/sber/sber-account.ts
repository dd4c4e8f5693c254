/**
 * One Sber project as the nodes use it: one operation at a time for models and one for devices, in the order in which the
 * messages came, and the models for the editor beside them. What an operation does is left to others.
 */
import { setMaxListeners } from 'node:events';
import { abortable } from '../common/abort';
import { systemClock } from '../common/clock';
import type { SberClient } from './client';
import { connect, type ClientOptions, type Work } from './client';
import type { AccountSettings } from './endpoint';
import { SberError } from './failures';
import type { Raw } from './shapes';

/** More than that many waiting messages mean that the cloud does not keep up; waiting longer only costs memory. */
const MOST_WAITING = 1000;

/** Operations of these kinds do not wait for each other: a long sync must not hold back states. */
export type Lane = 'models' | 'devices';

export class SberAccount {
  private readonly client: SberClient;
  private readonly lanes: Record<Lane, { last: Promise<unknown>; waiting: number }> = {
    models: { last: Promise.resolve(), waiting: 0 },
    devices: { last: Promise.resolve(), waiting: 0 },
  };
  /** What all open editors wait for. */
  private editorRead: Promise<Raw[]> | undefined;

  constructor(settings: AccountSettings, options: Partial<ClientOptions> = {}) {
    this.client = connect({ settings, clock: systemClock, random: Math.random, ...options });
  }

  /** Runs `operation` when those before it in its lane have ended. @throws QUEUE_FULL; the signal's reason */
  async inTurn<T>(
    lane: Lane,
    work: Work & { signal: AbortSignal },
    operation: (client: SberClient) => Promise<T>,
  ): Promise<T> {
    const queue = this.lanes[lane];
    if (queue.waiting >= MOST_WAITING) {
      throw new SberError('QUEUE_FULL', `${MOST_WAITING} messages wait for Sber already`, { sent: false });
    }
    // All messages of a node share its signal; that many may wait is known here.
    setMaxListeners(MOST_WAITING, work.signal);
    const before = queue.last;
    queue.waiting += 1;
    const turn = abortable(before, work.signal).finally(() => {
      queue.waiting -= 1;
    });
    const result = turn.then(() => operation(this.client.for(work)));
    // Of nothing: it would hold all results that there ever were.
    queue.last = Promise.allSettled([before, result]).then(() => undefined);
    return result;
  }

  /** The models for an editor: a thousand editors cost one request at a time, and no message waits for them. */
  modelsForEditor(signal: AbortSignal): Promise<Raw[]> {
    this.editorRead ??= this.client.listModels().finally(() => {
      this.editorRead = undefined;
    });
    return abortable(this.editorRead, signal);
  }
}
