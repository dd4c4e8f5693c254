/**
 * All executions of one request for one device: one after the other, up to the first that fails, and answered once, with
 * `PENDING` where the flow takes longer than Google waits; the next one waits for the flow's word all the same, for it may
 * be that the one before failed. How an execution is carried out is told by `home.ts`. There is
 * one promise for each run and none for its steps: a hundred devices of a request are commanded and answer in one moment.
 */
import type { Deadlines, Wait } from './deadlines';
import type { Device } from './devices/device';
import type { Command } from './devices/trait';
import type { Execution, Result } from './fulfillment';
import type { Caller, Identity } from './types';

/** How it ended, or that the flow was told of it and will say. */
export type Outcome = Result | Asked;

export interface RunOptions {
  deadlines: Deadlines;
  /** One execution. */
  carryOut: (run: Run, execution: Execution) => Outcome | Promise<Outcome>;
  /** What is answered when carrying out threw. */
  failure: (error: unknown) => Result;
  /** Hears the answer to Google. Must not throw. */
  answered: (run: Run, result: Result) => void;
}

/**
 * How long after the first command of a run the flow may be told of a further one, where Google was answered long ago:
 * as long as `lock-action` tries by default. A door that opens later opens for somebody who has gone.
 */
const GOES_ON_MS = 30_000;

export class Run implements Wait {
  due = 0;
  /** Google has been answered `PENDING`; what comes now goes by report and follow-up. */
  late = false;
  /** When the flow is told of nothing further; set with the first command it is told of. By the clock's `elapsed`. */
  private until: number | undefined;
  /** The last command that the flow was told of. */
  latest: Asked | undefined;
  private next = 0;
  private whole: Result | undefined;
  private isAnswered = false;

  constructor(
    private readonly options: RunOptions,
    readonly identity: Identity,
    readonly device: Device,
    private readonly executions: readonly Execution[],
    private readonly resolve: (result: Result) => void,
    readonly caller: Caller,
  ) {}

  /** Goes on until something has to be waited for. */
  go(): void {
    try {
      for (;;) {
        const execution = this.executions[this.next];
        if (execution === undefined) {
          this.answer(this.whole ?? { status: 'SUCCESS' });
          return;
        }
        this.next += 1;
        const outcome = this.options.carryOut(this, execution);
        if (outcome instanceof Promise) {
          outcome.then(
            (known) => this.hear(known),
            (error: unknown) => this.fail(error),
          );
          return;
        }
        if (!this.takes(outcome)) return;
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** The flow is told of a command; with the first one the time begins that Google waits. */
  begin(asked: Asked, now: number): void {
    this.latest = asked;
    if (this.until !== undefined) return;
    this.until = now + GOES_ON_MS;
    this.options.deadlines.add(this.device.settings.replyTimeoutMs, this, now);
  }

  /** Whether the flow took so long for what it was told of that nothing further may come of the request. */
  isOver(now: number): boolean {
    return this.late && this.until !== undefined && now >= this.until;
  }

  /** The time that Google waits is over. What the flow was told of is waited for still. */
  expire(): void {
    this.late = true;
    this.answer({ status: 'PENDING' });
  }

  /** A step ended that had to be waited for. */
  hear(outcome: Outcome): void {
    if (this.takes(outcome)) this.go();
  }

  private fail(error: unknown): void {
    this.answer(this.options.failure(error));
  }

  /** Whether it goes on at once after this. */
  private takes(outcome: Outcome): boolean {
    const result = outcome instanceof Asked ? outcome.awaited() : outcome;
    if (result === undefined) return false;
    if (result.status !== 'SUCCESS') {
      this.answer(result);
      return false;
    }
    if (this.whole === undefined) this.whole = result;
    else this.whole = { status: 'SUCCESS', states: { ...this.whole.states, ...result.states } };
    return true;
  }

  private answer(result: Result): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.options.deadlines.delete(this.device.settings.replyTimeoutMs, this);
    this.resolve(result);
    this.options.answered(this, result);
  }
}

/** A command that the flow was told of. */
export class Asked {
  readonly deviceId: string;
  private result: Result | undefined;
  private isAwaited = false;

  constructor(
    readonly run: Run,
    readonly command: Command,
    readonly execution: Execution,
    readonly needsPin: boolean,
    /** When its turn began, by the clock's `elapsed`. */
    readonly since: number,
  ) {
    this.deviceId = run.device.id;
  }

  /** What came of it, if it is known already; else the run will hear of it. */
  awaited(): Result | undefined {
    this.isAwaited = true;
    return this.result;
  }

  /** What came of it, for the run; only the first word counts, for the run has gone on since. */
  tell(result: Result): void {
    if (this.result !== undefined) return;
    this.result = result;
    if (this.isAwaited) this.run.hear(result);
  }
}
