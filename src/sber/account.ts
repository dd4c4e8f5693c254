/**
 * One Sber project as the nodes use it: a client made when it is first needed, and one operation at a time for models and
 * one for devices, in the order in which the messages came. What an operation does is left to `run`.
 */
import { setMaxListeners } from 'node:events';
import { systemClock, type Clock } from '../common/clock';
import { SberClient } from './client';
import { sberError } from './errors';
import { accountSettings, type AccountFields } from './settings';

/** More than that many waiting messages mean that the cloud does not keep up; waiting longer only costs memory. */
const MOST_WAITING = 1000;

export interface AccountOptions {
  clock?: Clock;
  random?: () => number;
}

/** Operations of these kinds do not wait for each other: a long sync must not hold back states. */
export type Lane = 'models' | 'devices';

export class SberAccount {
  private client: SberClient | undefined;
  private readonly lanes: Record<Lane, { last: Promise<unknown>; waiting: number }> = {
    models: { last: Promise.resolve(), waiting: 0 },
    devices: { last: Promise.resolve(), waiting: 0 },
  };

  constructor(
    private readonly fields: AccountFields,
    private readonly options: AccountOptions = {},
  ) {}

  /**
   * Runs `operation` when those before it in its lane have ended.
   * @throws INVALID_INPUT where the account's settings cannot work; QUEUE_FULL; the signal's reason
   */
  async inTurn<T>(lane: Lane, signal: AbortSignal, operation: (client: SberClient) => Promise<T>): Promise<T> {
    this.client ??= new SberClient({
      settings: accountSettings(this.fields),
      clock: this.options.clock ?? systemClock,
      random: this.options.random ?? Math.random,
    });
    const { client } = this;
    const queue = this.lanes[lane];
    if (queue.waiting >= MOST_WAITING) throw sberError('QUEUE_FULL', `${MOST_WAITING} messages wait for Sber already`);
    queue.waiting += 1;
    // All messages of a node share its signal; that many may wait is known here.
    setMaxListeners(MOST_WAITING, signal);
    return new Promise((resolve, reject) => {
      let waiting = true;
      const leave = (): void => {
        if (!waiting) return;
        waiting = false;
        queue.waiting -= 1;
        signal.removeEventListener('abort', stop);
      };
      // Whoever waits is told at once that the wait is over; whoever is at work ends by itself, and knows how.
      const stop = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      queue.last = queue.last.then(async () => {
        if (!waiting) return;
        leave();
        // Within the chain even what throws at once is a rejection, and never ends the queue.
        await Promise.resolve(client).then(operation).then(resolve, reject);
      });
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop);
    });
  }
}
