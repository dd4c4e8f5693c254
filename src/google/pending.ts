/**
 * Commands that a flow has: the one time-out of a request, after which Google is answered PENDING, and the handles by which
 * the flow answers. Those that were used are remembered, so that a second answer is noticed.
 */
import { randomBytes } from 'node:crypto';
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
/** Characters of a handle: 192 bits. Asking for random bytes is dear, so they are fetched for many handles at once. */
const HANDLE_LENGTH = 32;
const BYTES_FETCHED = 24 * 256;

/** One request of Google to one device. */
export class Session {
  /** What Google is answered. */
  readonly answer: Promise<Result>;
  resolve!: (result: Result) => void;
  /** Google has been answered `PENDING`; what comes now goes by report and follow-up. */
  late = false;
  /** The last command that the flow got. */
  latest: Command | undefined;
  /** When the flow has taken too long, by the clock's `elapsed`; undefined before it gets the first command. */
  due: number | undefined;

  constructor(
    readonly identity: Identity,
    readonly device: Device,
    readonly caller: Caller,
  ) {
    this.answer = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** Whether the flow took so long that nothing further may come of the request. @param now the clock's `elapsed` */
  isOver(now: number): boolean {
    return this.late && this.due !== undefined && now >= this.due - this.device.settings.replyTimeout + GOES_ON_MS;
  }
}

/**
 * The sessions whose flow is waited for, with one timer: a request may begin a hundred, and a timer for each is dear.
 */
export class ReplyTimeouts {
  private readonly waiting = new Set<Session>();
  private next = Infinity;
  private cancel: (() => void) | undefined;

  /** @param onExpired the flow of a session has taken too long; must not throw */
  constructor(
    private readonly clock: Clock,
    private readonly onExpired: (session: Session) => void,
  ) {}

  /** The flow gets the first command of a session. @param now the clock's `elapsed` */
  begin(session: Session, now: number): void {
    session.due = now + session.device.settings.replyTimeout;
    this.waiting.add(session);
    if (session.due < this.next) this.expireAt(session.due, now);
  }

  end(session: Session): void {
    this.waiting.delete(session);
  }

  close(): void {
    this.cancel?.();
  }

  private expireAt(due: number, now: number): void {
    this.cancel?.();
    this.next = due;
    this.cancel = this.clock.after(due - now, () => this.expire());
  }

  private expire(): void {
    const now = this.clock.elapsed();
    this.next = Infinity;
    let next = Infinity;
    for (const session of this.waiting) {
      const { due = 0 } = session;
      // Timers of the system may be early by less than a millisecond.
      if (due - now >= 1) next = Math.min(next, due);
      else if (this.waiting.delete(session)) this.onExpired(session);
    }
    if (next < this.next) this.expireAt(next, now);
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

export class PendingCommands {
  /** Those that wait for their answer, by their handles, in the order of their end: by then what they hold is let go. */
  private readonly open = new Map<string, Pending & { until: number }>();
  /**
   * The devices of handles that are spent: the latest, and those before them, forgotten as a whole, which costs a tenth of one
   * by one.
   */
  private spent = new Map<string, string>();
  private spentBefore = new Map<string, string>();
  private readonly warned = new Set<string>();
  private unused = '';

  constructor(private readonly clock: Clock) {}

  /** The handle by which the command is answered: unguessable, unique. @param now the clock's `elapsed` */
  add({ session, request, conclude }: Pending, now: number): string {
    for (const [oldest, command] of this.open) {
      if (command.until > now) break;
      this.spend(oldest, command);
    }
    if (this.unused === '') this.unused = randomBytes(BYTES_FETCHED).toString('base64url');
    const handle = this.unused.slice(0, HANDLE_LENGTH);
    this.unused = this.unused.slice(HANDLE_LENGTH);
    this.open.set(handle, { session, request, conclude, until: now + LIFE_MS });
    return handle;
  }

  /** The device of a handle, spent or not; undefined for one that was never known here. */
  deviceOf(handle: string): string | undefined {
    return this.open.get(handle)?.request.device.id ?? this.spent.get(handle) ?? this.spentBefore.get(handle);
  }

  /** The command of a handle, which is spent from then on. */
  redeem(handle: string): Found {
    const command = this.open.get(handle);
    if (command !== undefined) {
      this.spend(handle, command);
      if (command.until > this.clock.elapsed()) return { kind: 'open', command };
    }
    const warned = this.warned.has(handle);
    if (this.warned.size >= MOST_KNOWN) this.warned.clear();
    this.warned.add(handle);
    return { kind: 'spent', warned };
  }

  /** Forgets all, and gives those that were not answered. */
  close(): Pending[] {
    const all = [...this.open.values()];
    this.open.clear();
    this.spent.clear();
    this.spentBefore.clear();
    return all;
  }

  private spend(handle: string, { request }: Pending): void {
    this.open.delete(handle);
    if (this.spent.size >= MOST_KNOWN) {
      this.spentBefore = this.spent;
      this.spent = new Map();
    }
    this.spent.set(handle, request.device.id);
  }
}
