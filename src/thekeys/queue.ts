/**
 * Whose turn it is on one gateway: one request at a time, actions before read-backs before reads before polls, actions in
 * the order they came. A command waits for its turn, keeps its place while it pauses between two tries, and may go on
 * holding its lock, or all but light requests, when its turn is over. What is done in a turn is for the command.
 */
import { onAbort, type Lifetime } from '../common/abort';
import type { Clock } from '../common/clock';
import { gatewayError, type GatewayError } from './gateway-errors';

/** In order of precedence. `settle` is the reading back of an action that was sent. */
export const RANKS = ['action', 'settle', 'read', 'poll'] as const;
export type Rank = (typeof RANKS)[number];

export interface TurnRequest {
  rank: Rank;
  /** The lock whose bolt it may move. Nothing else that moves it has a turn before this turn's `end()`. */
  lock?: string;
  /** True for what a gateway answers even while it works on something long: its list, its status. */
  light: boolean;
  /** Ends the waiting: at the deadline, or when the caller gives up. */
  life: Lifetime;
  /** How many commands this one request answers. */
  commands: number;
}

/** Commands that may wait. More would mean minutes of waiting: each takes the gateway seconds. */
const MOST_WAITING = 100;

/**
 * So long polls and read-backs wait for an action that pauses between two tries: they take the gateway seconds, in which the
 * action would find it busy again.
 */
const STAND_BACK_MS = 10_000;

/** How long what is under way may go on when an action waits, and what it ends with then. A healthy answer is sooner. */
const GIVE_WAY: Readonly<Partial<Record<Rank, { ms: number; error: () => GatewayError }>>> = {
  poll: { ms: 2000, error: () => gatewayError('GATEWAY_BUSY', { message: 'the poll gave way to a command' }) },
  read: { ms: 10_000, error: () => gatewayError('GATEWAY_TIMEOUT') },
};

/** The right to send to the gateway, for one command. */
export interface Turn {
  readonly request: TurnRequest;
  /** Its place among those of the same rank. */
  readonly order: number;
  /** Lets others have their turns, and waits for another one in the old place. @throws why the request's life ended */
  stepAside(ms: number): Promise<void>;
  /** The turn is over, but until `end()` nothing else moves its lock, or only light requests reach the gateway. */
  hold(what: 'lock' | 'gateway'): void;
  /** All is over. */
  end(): void;
}

interface Waiting {
  turn: Turn;
  /** On the clock's `elapsed()`. */
  notBefore: number;
  begin: () => void;
}

export class Queue {
  private readonly waiting = new Set<Waiting>();
  /** The turn that goes on, and those that are over but go on holding something. */
  private current: Turn | undefined;
  private readonly locks = new Map<string, Turn>();
  private readonly longWork = new Set<Turn>();
  private backOffUntil = -Infinity;
  private lastEndAt = -Infinity;
  private turns = 0;
  private cancelAlarm: (() => void) | undefined;
  private cancelGiveWay: (() => void) | undefined;
  private idle: (() => void)[] = [];

  /** @param gapMs what polls and read-backs leave the gateway to itself after the last turn */
  constructor(
    private readonly clock: Clock,
    private readonly gapMs: number,
  ) {}

  /** Waits for a turn. Call its `end()` in a `finally`. @throws QUEUE_FULL, or the reason why the request's life ended */
  async turn(request: TurnRequest): Promise<Turn> {
    if (isCommand(request)) this.admit();
    const turn: Turn = {
      request,
      order: this.turns++,
      stepAside: (ms) => {
        const again = this.wait(turn, ms);
        this.leave(turn, 'nothing');
        return again;
      },
      hold: (what) => this.leave(turn, what),
      end: () => this.leave(turn, 'nothing'),
    };
    await this.wait(turn, 0);
    return turn;
  }

  /** One more command is to be answered by this request. False where it waits no longer. @throws QUEUE_FULL */
  join(request: TurnRequest, rank: Rank): boolean {
    if (![...this.waiting].some(({ turn }) => turn.request === request)) return false;
    if (rank !== 'poll') this.admit();
    request.commands += 1;
    if (RANKS.indexOf(rank) < RANKS.indexOf(request.rank)) {
      request.rank = rank;
      this.pump();
    }
    return true;
  }

  /** No turn begins for so many milliseconds, but for finding out how an action ended. */
  backOff(ms: number): void {
    this.backOffUntil = Math.max(this.backOffUntil, this.clock.elapsed() + ms);
  }

  /** True where another command waits to move this lock. */
  isWanted(lock: string): boolean {
    return [...this.waiting].some(({ turn }) => turn.request.lock === lock);
  }

  get busy(): boolean {
    return this.current !== undefined;
  }

  async rest(): Promise<void> {
    if (this.busy) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private wait(turn: Turn, ms: number): Promise<void> {
    const { signal } = turn.request.life;
    return new Promise((resolve, reject) => {
      const leave = onAbort(signal, () => {
        this.waiting.delete(entry);
        reject(signal.reason as Error);
        this.pump();
      });
      const entry: Waiting = {
        turn,
        notBefore: this.clock.elapsed() + ms,
        begin: () => {
          leave();
          resolve();
        },
      };
      if (!signal.aborted) this.waiting.add(entry);
      this.pump();
    });
  }

  private leave(turn: Turn, holding: 'nothing' | 'lock' | 'gateway'): void {
    const { lock } = turn.request;
    if (holding === 'gateway') this.longWork.add(turn);
    else this.longWork.delete(turn);
    if (lock !== undefined && holding === 'lock') this.locks.set(lock, turn);
    else if (lock !== undefined && this.locks.get(lock) === turn) this.locks.delete(lock);
    if (this.current === turn) {
      this.current = undefined;
      this.lastEndAt = this.clock.elapsed();
      this.cancelGiveWay?.();
      this.cancelGiveWay = undefined;
    }
    this.pump();
    if (!this.busy) for (const resolve of this.idle.splice(0)) resolve();
  }

  private admit(): void {
    const commands = [...this.waiting].reduce(
      (sum, { turn }) => sum + (isCommand(turn.request) ? turn.request.commands : 0),
      0,
    );
    if (commands >= MOST_WAITING) throw gatewayError('QUEUE_FULL');
  }

  /** Lets the next one begin, if that is possible now, and sees to it that this is looked at again when it may be. */
  private pump(): void {
    // One look at the clock for the whole round: an entry that falls due between two looks would be neither chosen nor
    // waited for.
    const now = this.clock.elapsed();
    const next = this.current === undefined ? this.choose(now) : undefined;
    if (next !== undefined) {
      this.waiting.delete(next);
      this.current = next.turn;
      next.begin();
    }
    if (this.current !== undefined) this.askToGiveWay(this.current);
    this.setAlarm(now);
  }

  private choose(now: number): Waiting | undefined {
    const action = this.firstAction();
    const ready = [...this.waiting].filter(
      (entry) =>
        this.startOf(entry) <= now &&
        (this.longWork.size === 0 || entry.turn.request.light) &&
        // An action never overtakes another, not even while that one waits to try again.
        (entry.turn.request.rank !== 'action' || entry === action),
    );
    return ready.sort(byPrecedence)[0];
  }

  /** The action whose turn comes first. Those whose lock is held stand aside, but keep others of their lock behind them. */
  private firstAction(): Waiting | undefined {
    return [...this.waiting]
      .filter(({ turn }) => turn.request.rank === 'action' && !this.locks.has(turn.request.lock ?? ''))
      .sort(byPrecedence)[0];
  }

  /** When it may begin at the earliest. */
  private startOf({ turn, notBefore }: Waiting): number {
    const { rank } = turn.request;
    if (isCommand(turn.request)) return Math.max(notBefore, this.backOffUntil);
    const action = this.longWork.size === 0 ? this.firstAction() : undefined;
    const start = action !== undefined && action.notBefore > this.backOffUntil ? notBefore + STAND_BACK_MS : notBefore;
    return Math.max(start, this.lastEndAt + this.gapMs, rank === 'settle' ? 0 : this.backOffUntil);
  }

  /** A poll whose answer was lost keeps no door shut. */
  private askToGiveWay({ request }: Turn): void {
    const giveWay = GIVE_WAY[request.rank];
    if (giveWay === undefined || this.cancelGiveWay !== undefined || this.firstAction() === undefined) return;
    this.cancelGiveWay = this.clock.after(giveWay.ms, () => {
      if (this.firstAction() !== undefined) request.life.abort(giveWay.error());
      else this.cancelGiveWay = undefined;
    });
  }

  /** One timer for whatever may begin first. */
  private setAlarm(now: number): void {
    this.cancelAlarm?.();
    this.cancelAlarm = undefined;
    if (this.current !== undefined) return;
    const starts = [...this.waiting].map((entry) => this.startOf(entry)).filter((at) => at > now);
    if (starts.length > 0) this.cancelAlarm = this.clock.after(Math.min(...starts) - now, () => this.pump());
  }
}

/** Polls and read-backs do not count, and may always wait. */
function isCommand({ rank }: TurnRequest): boolean {
  return rank === 'action' || rank === 'read';
}

function byPrecedence({ turn: a }: Waiting, { turn: b }: Waiting): number {
  return RANKS.indexOf(a.request.rank) - RANKS.indexOf(b.request.rank) || a.order - b.order;
}
