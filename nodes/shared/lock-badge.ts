/**
 * How a command is going, and what a lock said, as a badge. Several commands of a node may be under way: the one that has
 * its turn is shown rather than those that wait. A state appears only as it was read, and a result with its time.
 */
import type { CodedError } from '../../src/common/errors';
import type { Settings } from '../../src/common/settings';
import type { Progress } from '../../src/thekeys/gateway';
import type { LockReading } from '../../src/thekeys/wire';
import { BADGE_LENGTH, type Picture } from './badge';
import type { RunningNode } from './define-node';
import type { GatewayAccess } from './gateway-access';

/** A gateway's own words for what it works on, and ours. The longest of its phrases seen is "Synchronizing 45961123". */
const WORKS: readonly [RegExp, string][] = [
  [/synchroni[sz]/i, 'synchronizing'],
  [/updat|upgrad|download|flash|firmware/i, 'updating'],
  [/reboot|restart/i, 'restarting'],
];
/** Percent, below which a battery is worth a change. */
const LOW_BATTERY = 20;

export type Shown = Pick<LockReading, 'state' | 'batteryPercent' | 'at'>;
type NodeOfBadge = Pick<RunningNode<Settings>, 'badge' | 'words' | 'report' | 'showFailure'>;

export class LockBadge {
  /** Commands that have their turn. */
  private readonly busy = new Set<symbol>();
  protected reading: Shown | undefined;
  /** What was met instead of the lock, while that lasts. */
  protected outage: CodedError | undefined;

  constructor(
    protected readonly node: NodeOfBadge,
    /** Whether what answers may be another gateway than before. */
    private readonly access?: Pick<GatewayAccess, 'notice'>,
    /** The lock's state is kept up to date, and is shown with its battery instead of its time. */
    private readonly isCurrent = false,
  ) {}

  /**
   * Follows one command to its end.
   * @param doing the badge word for its being sent: `opening`, `reading`
   */
  async follow<T>(doing: string, run: (onProgress: (progress: Progress) => void) => Promise<T>): Promise<T> {
    const command = Symbol(doing);
    try {
      return await run((progress) => {
        if (progress.step !== 'waiting') this.busy.add(command);
        else if (this.busy.size > 0) return;
        this.progress(progress, doing);
      });
    } finally {
      this.busy.delete(command);
    }
  }

  /** True while a command has its turn, whose progress is worth more than what was read before. */
  get following(): boolean {
    return this.busy.size > 0;
  }

  read(reading: Shown): void {
    this.outage = undefined;
    this.reading = reading;
    this.show();
  }

  down(error: CodedError): void {
    this.outage = error;
    this.show();
  }

  show(): void {
    if (this.following) return;
    if (this.outage !== undefined) this.node.showFailure(this.outage);
    else if (this.reading !== undefined) this.result(this.reading);
    else this.node.badge.clear();
  }

  /** What the lock was when it was read. `surprising`: it was asked for something else. */
  result({ state, batteryPercent: battery, at }: Shown, surprising = false): void {
    const word = this.node.words(`badge.${state}`) ?? state;
    const percent = battery === null ? '' : ` · ${battery} %`;
    const addition = this.isCurrent ? percent : ` · ${timeOf(at)}`;
    // Where both do not fit, the battery would lose digits: "10…" is not 100 %.
    const text = word.length + addition.length < BADGE_LENGTH ? word + addition : word;
    const isLow = battery !== null && battery < LOW_BATTERY;
    const picture: Picture = state !== 'unknown' && (surprising || isLow) ? 'warning' : state;
    this.node.badge.text(picture, text);
  }

  private progress(progress: Progress, doing: string): void {
    const { badge, words } = this.node;
    if (progress.step === 'waiting') badge.show('waiting', 'waiting');
    else if (progress.step === 'sending' && this.access?.notice() !== undefined) badge.show('warning', 'otherGateway');
    else if (progress.step === 'sending') badge.show('working', doing);
    else if (progress.step === 'confirming') badge.show('working', 'confirming');
    else if (progress.step === 'retrying') {
      const isKnown = words(`badge.retrying.${progress.code}`) !== undefined;
      badge.show('retrying', `retrying.${isKnown ? progress.code : 'other'}`);
    } else {
      const seconds = Math.floor(progress.forMs / 1000);
      const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
      const [, work = doing] = WORKS.find(([pattern]) => pattern.test(progress.status)) ?? [];
      badge.text('working', `${words(`badge.work.${work}`) ?? ''} ${time}`);
    }
  }
}

/** Hours and minutes of an ISO time on this machine's clock: `17:58`. */
function timeOf(at: string): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}
