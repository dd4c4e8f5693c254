/**
 * Reading from a gateway: equal reads that wait at the same time are answered by one request, each of them until its own
 * deadline.
 */
import { abortable, lifetime } from '../common/abort';
import type { Call } from './calls';
import { begin, LIGHT_ANSWER_MS, read, type Channel, type Course } from './command';
import type { CommandOptions, Progress } from './options';
import type { Rank, TurnRequest } from './queue';

/** A healthy reading over Bluetooth takes 3.5 s; a poll holds nothing up for much longer. */
const POLL_ANSWER_MS = 10_000;

interface Reader {
  options: CommandOptions;
  /** On the clock's `elapsed()`. */
  expiresAt: number;
}

interface SharedRead {
  readonly request: TurnRequest;
  readonly course: Course;
  readonly readers: Set<Reader>;
  readonly answer: Promise<unknown>;
}

export class Reads {
  private readonly waiting = new Map<string, SharedRead>();

  constructor(private readonly channel: Channel) {}

  /** @param key equal keys mean equal calls, hence equal types */
  async read<T>(key: string, call: Call<T>, rank: Rank, options: CommandOptions): Promise<T> {
    const { clock, queue } = this.channel;
    options.signal?.throwIfAborted();
    const reader = { options, expiresAt: clock.elapsed() + options.deadlineMs };
    let shared = this.waiting.get(key);
    if (shared !== undefined && queue.join(shared.request, rank)) shared.readers.add(reader);
    else shared = this.begin(key, call, rank, reader);
    const { life } = begin(clock, options, shared.course);
    try {
      return await abortable(shared.answer as Promise<T>, life.signal);
    } finally {
      life.end();
      shared.readers.delete(reader);
      if (life.signal.aborted && shared.readers.size === 0) shared.request.life.abort(life.signal.reason as Error);
    }
  }

  private begin(key: string, call: Call<unknown>, rank: Rank, first: Reader): SharedRead {
    const life = lifetime({ clock: this.channel.clock });
    const request: TurnRequest = { rank, light: call.light, life, commands: 1 };
    const begun = { request, course: { sent: false }, readers: new Set([first]) };
    const answer = this.answer(call, begun).finally(() => {
      life.end();
      if (this.waiting.get(key) === shared) this.waiting.delete(key);
    });
    // All readers may have left before it ends.
    answer.catch(() => undefined);
    const shared = { ...begun, answer };
    this.waiting.set(key, shared);
    return shared;
  }

  private answer<T>(call: Call<T>, { request, course, readers }: Omit<SharedRead, 'answer'>): Promise<T> {
    const { clock } = this.channel;
    // Asked anew for each request: a reader may have joined that is no poll, or has more time.
    const isPoll = (): boolean => request.rank === 'poll';
    const most = (value: (reader: Reader) => number): number => Math.max(...[...readers].map(value));
    const report = (progress: Progress): void => readers.forEach(({ options }) => options.onProgress?.(progress));
    const longestMs = (): number => (call.light ? LIGHT_ANSWER_MS : isPoll() ? POLL_ANSWER_MS : Infinity);
    return read(this.channel, call, request, {
      course,
      policy: {
        isAction: false,
        get patient() {
          return !isPoll();
        },
        get unreachableMs() {
          return most(({ options }) => options.unreachableMs ?? Infinity);
        },
      },
      deadline: () => most(({ expiresAt }) => expiresAt),
      answerMs: () =>
        most(({ options, expiresAt }) => Math.min(longestMs(), options.timeoutMs, expiresAt - clock.elapsed())),
      onSend: () => report({ step: 'sending' }),
      onRetry: (code) => report({ step: 'retrying', code }),
    });
  }
}
