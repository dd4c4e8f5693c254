/**
 * Commands that a flow has: the one time-out of a request, after which Google is answered PENDING, and the handles by which
 * the flow answers. Those that were used are remembered, so that a second answer is noticed.
 */
import type { Clock } from '../common/clock';
import type { Device } from './devices/device';
import type { Command } from './devices/trait';
import type { Result } from './results';
import type { Caller, Identity } from './types';

/**
 * How long after the first command of a request the flow may get a further one, where Google was answered long ago: as
 * long as `lock-action` tries by default. A door that opens later opens for someone who has gone.
 */
const GOES_ON_MS = 30_000;
/** How long after a command its answer is still of use: longer than any door takes, and than Google keeps its tokens. */
const LIFE_MS = 10 * 60_000;
/** Commands that may wait at once: a hundred requests with a hundred devices each. */
const MOST_OPEN = 10_000;
/** Handles remembered after their end, at least. */
const MOST_REMEMBERED = 2000;

/** One request of Google to one device. */
export class Session {
  /** Google has been answered `PENDING`; what comes now goes by report and follow-up. */
  late = false;
  /** The last command that the flow got. */
  latest: Command | undefined;
  /** When the flow got the first one, by the clock's `elapsed`. */
  private begun: number | undefined;
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

export type Found<T> =
  | { kind: 'open'; command: T }
  /** Answered, expired, or never known here; `warned` when that was said before. */
  | { kind: 'spent'; warned: boolean };

interface Spent {
  deviceId: string | undefined;
  warned: boolean;
}

export class PendingCommands<T extends { readonly deviceId: string }> {
  /** In the order in which they came, which is that of their end. `until` by the clock's `elapsed`. */
  private readonly open = new Map<string, { command: T; until: number }>();
  /** The latest that ended, and those before them: forgotten as a whole, which costs a tenth of one by one. */
  private spent = new Map<string, Spent>();
  private spentBefore = new Map<string, Spent>();

  constructor(
    private readonly clock: Clock,
    /** A new handle: unguessable, unique. */
    private readonly newHandle: () => string,
  ) {}

  /** The handle by which the command is answered. */
  add(command: T): string {
    const now = this.clock.elapsed();
    // By no timer: what is over is noticed where it matters.
    for (const [oldest, { command, until }] of this.open) {
      if (until > now && this.open.size < MOST_OPEN) break;
      this.end(oldest, command.deviceId);
    }
    const handle = this.newHandle();
    this.open.set(handle, { command, until: now + LIFE_MS });
    return handle;
  }

  /** The device of a handle, spent or not; undefined for one that was never known here. */
  deviceOf(handle: string): string | undefined {
    return this.open.get(handle)?.command.deviceId ?? this.spentOf(handle)?.deviceId;
  }

  /** The command of a handle, which is spent from then on. */
  redeem(handle: string): Found<T> {
    const found = this.open.get(handle);
    if (found !== undefined) {
      this.end(handle, found.command.deviceId);
      if (found.until > this.clock.elapsed()) return { kind: 'open', command: found.command };
    }
    const { deviceId, warned = false } = this.spentOf(handle) ?? { deviceId: undefined };
    this.spent.set(handle, { deviceId, warned: true });
    return { kind: 'spent', warned };
  }

  /** Forgets all, and gives those that were not answered. */
  close(): T[] {
    const left = [...this.open.values()].map(({ command }) => command);
    this.open.clear();
    return left;
  }

  private end(handle: string, deviceId: string): void {
    this.open.delete(handle);
    this.spent.set(handle, { deviceId, warned: false });
    if (this.spent.size < MOST_REMEMBERED) return;
    this.spentBefore = this.spent;
    this.spent = new Map();
  }

  private spentOf(handle: string): Spent | undefined {
    return this.spent.get(handle) ?? this.spentBefore.get(handle);
  }
}
