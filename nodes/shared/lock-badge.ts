/**
 * How a command is going, as a badge. Several commands of a node may be under way: the one that has its turn is shown
 * rather than those that wait. A state appears only as it was read.
 */
import type { LockReading } from '../../src/thekeys/answers';
import type { Progress } from '../../src/thekeys/gateway';
import { BADGE_LENGTH, type Adapter, type Picture } from './adapter';
import type { Fault } from './gateway-node';
import type { Words } from './words';

/** A gateway's own words for what it works on, and ours. The longest of its phrases seen is "Synchronizing 45961123". */
const WORKS: readonly [RegExp, string][] = [
  [/synchroni[sz]/i, 'synchronizing'],
  [/updat|upgrad|download|flash|firmware/i, 'updating'],
  [/reboot|restart/i, 'restarting'],
];

export class LockBadge {
  /** Commands that have their turn. */
  private readonly busy = new Set<symbol>();

  constructor(
    private readonly adapter: Adapter,
    private readonly words: Words,
  ) {}

  /**
   * Follows one command. `doing` is the badge word for its being sent (`opening`, `reading`, …).
   * The returned object is told of progress, and that the command is over.
   */
  follow(doing: string): { onProgress: (progress: Progress) => void; end: () => void } {
    const command = Symbol(doing);
    return {
      onProgress: (progress) => {
        if (progress.step === 'waiting') {
          if (this.busy.size === 0) this.show('waiting', 'waiting');
          return;
        }
        this.busy.add(command);
        if (progress.step === 'sending') this.show('working', doing);
        else if (progress.step === 'confirming') this.show('working', 'confirming');
        else if (progress.step === 'retrying') this.retrying(progress.code);
        else this.working(progress.status, progress.forMs, doing);
      },
      end: () => {
        this.busy.delete(command);
      },
    };
  }

  /** What the lock said. `surprising`: it was asked for something else. */
  reading({ state, batteryPercent }: Pick<LockReading, 'state' | 'batteryPercent'>, surprising = false): void {
    const word = this.words(`badge.${state}`);
    const whole = batteryPercent === null ? word : `${word} · ${batteryPercent} %`;
    // Where both do not fit, the battery would lose digits: "10…" is not 100 %.
    const text = whole.length < BADGE_LENGTH ? whole : word;
    this.adapter.badge(surprising && state !== 'unknown' ? 'warning' : state, text);
  }

  /** At start: nothing yet, or what keeps every command from being sent. */
  begin(fault: Fault | undefined): void {
    if (fault === undefined) this.adapter.clearBadge();
    else this.show('failed', fault);
  }

  /** True while a command has its turn, whose progress is worth more than the state last polled. */
  get following(): boolean {
    return this.busy.size > 0;
  }

  show(picture: Picture, key: string, values?: Record<string, string | number>): void {
    this.adapter.badge(picture, this.words(`badge.${key}`, values));
  }

  private retrying(code: string): void {
    const key = `badge.retrying.${code}`;
    const text = this.words(key);
    this.adapter.badge('retrying', text === key ? this.words('badge.retrying.other') : text);
  }

  private working(status: string, forMs: number, doing: string): void {
    const seconds = Math.floor(forMs / 1000);
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const known = WORKS.find(([pattern]) => pattern.test(status));
    this.adapter.badge('working', `${this.words(`badge.work.${known?.[1] ?? doing}`)} ${time}`);
  }
}
