/** One request of Google to one device, and its one time-out: while the flow works, Google waits no longer than it. */
import type { Clock } from '../common/clock';
import type { Device } from './devices/device';
import type { Command } from './devices/trait';
import type { Result } from './fulfillment';
import type { Caller, Identity } from './types';

/**
 * How long after the first command of a request the flow may get a further one, where Google was answered long ago: as
 * long as `lock-action` tries by default. A door that opens later opens for someone who has gone.
 */
const GOES_ON_MS = 30_000;

export class Session {
  /** Google has been answered `PENDING`; what comes now goes by report and follow-up. */
  late = false;
  /** The last command that the flow got. */
  latest: Command | undefined;
  /** When the flow got the first one, by the clock's `elapsed`. */
  private begun: number | undefined;
  private turns = 0;
  private cancel: (() => void) | undefined;
  private answerPending: (result: Result) => void = () => undefined;

  constructor(
    private readonly clock: Clock,
    readonly identity: Identity,
    readonly device: Device,
    readonly caller: Caller,
  ) {}

  /** The result of the work, or `PENDING` when the flow has taken too long. The work goes on all the same. */
  inTime(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve) => {
      this.answerPending = resolve;
      void work().then((result) => {
        this.cancel?.();
        resolve(result);
      });
    });
  }

  /** When the turn of the next command began: the first came with the request, the others follow those before them. */
  nextTurn(): number {
    this.turns += 1;
    return this.turns === 1 ? this.caller.since : this.clock.elapsed();
  }

  /** The flow gets a command; with the first one the time-out begins. */
  begin(command: Command): void {
    this.latest = command;
    if (this.begun !== undefined) return;
    this.begun = this.clock.elapsed();
    this.cancel = this.clock.after(this.device.settings.replyTimeoutMs, () => {
      this.late = true;
      this.answerPending({ status: 'PENDING' });
    });
  }

  /** Whether the flow took so long that nothing further may come of the request. */
  get isOver(): boolean {
    return this.late && this.begun !== undefined && this.clock.elapsed() >= this.begun + GOES_ON_MS;
  }
}
