/**
 * Reading from a gateway: equal reads that wait at the same time are answered by one request, each of them until its own
 * deadline.
 */
import { abortable, lifetime, type Lifetime } from '../common/abort';
import type { Call } from './calls';
import { LIGHT_ANSWER_MS, read, tooLate, type Channel, type Course } from './command';
import type { CommandOptions, Progress } from './options';
import type { Rank, TurnRequest } from './queue';

/** A healthy reading over Bluetooth takes 3.5 s; a poll holds nothing up for much longer. */
const POLL_ANSWER_MS = 10_000;

interface Reader {
  options: CommandOptions;
  /** On the clock's `elapsed()`. */
  expiresAt: number;
}

/** One request, and all who wait for its answer. */
interface SharedRead {
  readonly request: TurnRequest;
  readonly life: Lifetime;
  readonly course: Course;
  readonly readers: Set<Reader>;
  answer: Promise<unknown>;
}

export class Reads {
  private readonly waiting = new Map<string, SharedRead>();

  constructor(private readonly channel: Channel) {}

  /** @param key equal keys mean equal calls, hence equal types */
  async read<T>(key: string, call: Call<T>, rank: Rank, options: CommandOptions): Promise<T> {
    const { clock } = this.channel;
    options.signal?.throwIfAborted();
    const shared = this.joined(key, rank) ?? this.begin(key, call, rank);
    const reader: Reader = { options, expiresAt: clock.elapsed() + options.deadlineMs };
    const life = lifetime({
      clock,
      deadline: reader.expiresAt,
      late: () => tooLate(shared.course),
      caller: options.signal,
    });
    shared.readers.add(reader);
    try {
      return await abortable(shared.answer as Promise<T>, life.signal);
    } finally {
      life.end();
      shared.readers.delete(reader);
      if (life.signal.aborted && shared.readers.size === 0) shared.life.abort(life.signal.reason as Error);
    }
  }

  private joined(key: string, rank: Rank): SharedRead | undefined {
    const shared = this.waiting.get(key);
    return shared !== undefined && this.channel.queue.join(shared.request, rank) ? shared : undefined;
  }

  private begin(key: string, call: Call<unknown>, rank: Rank): SharedRead {
    const life = lifetime({ clock: this.channel.clock });
    const request: TurnRequest = { rank, light: call.light, life, commands: 1 };
    const shared = { request, life, course: { sent: false }, readers: new Set<Reader>() } as unknown as SharedRead;
    shared.answer = this.answer(call, shared).finally(() => {
      life.end();
      if (this.waiting.get(key) === shared) this.waiting.delete(key);
    });
    // All readers may have left before it ends.
    shared.answer.catch(() => undefined);
    this.waiting.set(key, shared);
    return shared;
  }

  private answer(call: Call<unknown>, { request, course, readers }: SharedRead): Promise<unknown> {
    const { clock } = this.channel;
    // Asked anew for each request: a reader may have joined that is no poll, or has more time.
    const isPoll = (): boolean => request.rank === 'poll';
    const of = (value: (reader: Reader) => number): number => Math.max(...[...readers].map(value));
    const report = (progress: Progress): void => {
      for (const { options } of readers) options.onProgress?.(progress);
    };
    return read(this.channel, call, request, {
      course,
      policy: {
        get patient() {
          return !isPoll();
        },
        signsAgain: false,
        get unreachableMs() {
          return of(({ options }) => options.unreachableMs ?? Infinity);
        },
      },
      deadline: () => of(({ expiresAt }) => expiresAt),
      answerMs: () =>
        Math.min(
          call.light ? LIGHT_ANSWER_MS : isPoll() ? POLL_ANSWER_MS : Infinity,
          of(({ options, expiresAt }) => Math.min(options.timeoutMs, expiresAt - clock.elapsed())),
        ),
      onSend: () => report({ step: 'sending' }),
      onRetry: (code) => report({ step: 'retrying', code }),
    });
  }
}
