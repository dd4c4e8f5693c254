/**
 * Commands that a flow has: the one time-out of a request, after which Google is answered PENDING, and the handles by which
 * the flow answers. Those that were used are remembered, so that a second answer is noticed.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../common/clock';
import type { Device } from './devices/device';
import type { Command } from './devices/trait';
import type { CommandRequest } from './permission';
import type { Result } from './results';
import type { Caller, Identity } from './types';

/**
 * How long after the first command of a request the flow may get a further one, where Google was answered long ago: as
 * long as `lock-action` tries by default. A door that opens later opens for someone who has gone.
 */
const GOES_ON_MS = 30_000;
/** How long after a command its answer is still of use: longer than any door takes, and than Google keeps its tokens. */
const LIFE_MS = 10 * 60_000;
/** Handles known at least: a hundred requests with a hundred devices each. */
const MOST_KNOWN = 10_000;

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
    this.cancel = this.clock.after(this.device.settings.replyTimeout, () => {
      this.late = true;
      this.answerPending({ status: 'PENDING' });
    });
  }

  /** Whether the flow took so long that nothing further may come of the request. */
  get isOver(): boolean {
    return this.late && this.begun !== undefined && this.clock.elapsed() >= this.begun + GOES_ON_MS;
  }
}

/** A command that the flow has. */
export interface Pending {
  readonly session: Session;
  readonly request: CommandRequest;
  readonly conclude: (result: Result) => void;
}

export type Found =
  | { kind: 'open'; command: Pending }
  /** Answered, expired, or never known here; `warned` when that was said before. */
  | { kind: 'spent'; warned: boolean };

interface Known {
  deviceId: string | undefined;
  /** Undefined once it was answered. */
  command: Pending | undefined;
  /** By the clock's `elapsed`. */
  until: number;
  warned: boolean;
}

export class PendingCommands {
  /** The latest, and those before them: forgotten as a whole, which costs a tenth of one by one. */
  private latest = new Map<string, Known>();
  private before = new Map<string, Known>();
  /** Those that wait for their answer, in the order of their end: by then what they hold is let go. */
  private readonly open = new Set<Known>();

  constructor(private readonly clock: Clock) {}

  /** The handle by which the command is answered: unguessable, unique. */
  add(command: Pending): string {
    const now = this.clock.elapsed();
    for (const oldest of this.open) {
      if (oldest.until > now) break;
      oldest.command = undefined;
      this.open.delete(oldest);
    }
    const handle = randomUUID();
    const known = { deviceId: command.request.device.id, command, until: now + LIFE_MS, warned: false };
    this.open.add(this.remember(handle, known));
    return handle;
  }

  /** The device of a handle, spent or not; undefined for one that was never known here. */
  deviceOf(handle: string): string | undefined {
    return this.known(handle)?.deviceId;
  }

  /** The command of a handle, which is spent from then on. */
  redeem(handle: string): Found {
    const unknown = { deviceId: undefined, command: undefined, until: 0, warned: false };
    const known = this.known(handle) ?? this.remember(handle, unknown);
    const { command, until, warned } = known;
    known.command = undefined;
    this.open.delete(known);
    if (command !== undefined && until > this.clock.elapsed()) return { kind: 'open', command };
    known.warned = true;
    return { kind: 'spent', warned };
  }

  /** Forgets all, and gives those that were not answered. */
  close(): Pending[] {
    const all = [...this.open];
    this.open.clear();
    this.before.clear();
    this.latest.clear();
    return all.flatMap(({ command }) => command ?? []);
  }

  private known(handle: string): Known | undefined {
    return this.latest.get(handle) ?? this.before.get(handle);
  }

  private remember(handle: string, known: Known): Known {
    if (this.latest.size >= MOST_KNOWN) {
      this.before = this.latest;
      this.latest = new Map();
    }
    this.latest.set(handle, known);
    return known;
  }
}
