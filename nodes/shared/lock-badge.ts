/**
 * How a command is going, and what a lock said, as a badge. Several commands of a node may be under way: the one that has
 * its turn is shown rather than those that wait. A state appears only as it was read, and a result with its time.
 */
import type { Progress } from '../../src/thekeys/gateway';
import type { LockReading } from '../../src/thekeys/wire';
import { BADGE_LENGTH, type Badge, type Picture } from './badge';
import type { Words } from './words';

/** A gateway's own words for what it works on, and ours. The longest of its phrases seen is "Synchronizing 45961123". */
const WORKS: readonly [RegExp, string][] = [
  [/synchroni[sz]/i, 'synchronizing'],
  [/updat|upgrad|download|flash|firmware/i, 'updating'],
  [/reboot|restart/i, 'restarting'],
];
/** Percent, below which a battery is worth a change. */
const LOW_BATTERY = 20;

export class LockBadge {
  /** Commands that have their turn. */
  private readonly busy = new Set<symbol>();

  constructor(
    private readonly badge: Badge,
    private readonly words: Words,
    /** Why what answers may be another gateway than before; undefined where nothing speaks for it. */
    private readonly notice: () => string | undefined,
  ) {}

  /**
   * Follows one command to its end.
   * @param doing the badge word for its being sent: `opening`, `reading`
   */
  async follow<T>(doing: string, run: (onProgress: (progress: Progress) => void) => Promise<T>): Promise<T> {
    const command = Symbol(doing);
    try {
      return await run((progress) => {
        if (progress.step === 'waiting') {
          if (this.busy.size === 0) this.badge.show('waiting', 'waiting');
          return;
        }
        this.busy.add(command);
        const isOther = this.notice() !== undefined;
        if (progress.step === 'sending')
          this.badge.show(isOther ? 'warning' : 'working', isOther ? 'otherGateway' : doing);
        else if (progress.step === 'confirming') this.badge.show('working', 'confirming');
        else if (progress.step === 'retrying') this.retrying(progress.code);
        else this.working(progress.status, progress.forMs, doing);
      });
    } finally {
      this.busy.delete(command);
    }
  }

  /** True while a command has its turn, whose progress is worth more than the state read last. */
  get following(): boolean {
    return this.busy.size > 0;
  }

  /** What the lock is, kept up to date: with its battery. */
  state({ state, batteryPercent }: Pick<LockReading, 'state' | 'batteryPercent'>): void {
    this.reading(state, batteryPercent, batteryPercent === null ? '' : ` · ${batteryPercent} %`, false);
  }

  /** What the lock was when it was read: with the time. `surprising`: it was asked for something else. */
  result(reading: Pick<LockReading, 'state' | 'batteryPercent' | 'at'>, surprising = false): void {
    this.reading(reading.state, reading.batteryPercent, ` · ${timeOf(reading.at)}`, surprising);
  }

  private reading(state: LockReading['state'], battery: number | null, addition: string, surprising: boolean): void {
    const word = this.words(`badge.${state}`) ?? state;
    // Where both do not fit, the battery would lose digits: "10…" is not 100 %.
    const text = word.length + addition.length < BADGE_LENGTH ? word + addition : word;
    const isLow = battery !== null && battery < LOW_BATTERY;
    const picture: Picture = state !== 'unknown' && (surprising || isLow) ? 'warning' : state;
    this.badge.text(picture, text);
  }

  private retrying(code: string): void {
    const isKnown = this.words(`badge.retrying.${code}`) !== undefined;
    this.badge.show('retrying', `retrying.${isKnown ? code : 'other'}`);
  }

  private working(status: string, forMs: number, doing: string): void {
    const seconds = Math.floor(forMs / 1000);
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const known = WORKS.find(([pattern]) => pattern.test(status));
    this.badge.text('working', `${this.words(`badge.work.${known?.[1] ?? doing}`) ?? ''} ${time}`);
  }
}

/** Hours and minutes of an ISO time on this machine's clock: `17:58`. */
function timeOf(at: string): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}
