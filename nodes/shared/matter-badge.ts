/**
 * The badge of a lock that homes command: what keeps its bridge from being reached comes first, then what keeps the lock from
 * being reached, then that no home knows it yet, and then the state, as it was read, with its time.
 */
import { CodedError } from '../../src/common/errors';
import type { Settings } from '../../src/common/settings';
import type { BridgeStatus } from '../../src/matter/bridge';
import type { Refusal } from '../../src/matter/port';
import type { Progress } from '../../src/thekeys/gateway';
import type { LockReading } from '../../src/thekeys/wire';
import type { RunningNode } from './define-node';
import { LockBadge } from './lock-badge';

type Read = Pick<LockReading, 'state' | 'batteryPercent' | 'at'>;

export class MatterBadge {
  private readonly lock: LockBadge;
  private status: BridgeStatus = { state: 'starting' };
  private port = 0;
  /** What the last message of the flow, or the last poll, met instead of the lock. */
  private outage: CodedError | undefined;
  private reading: Read | undefined;

  constructor(
    private readonly node: Pick<RunningNode<Settings>, 'badge' | 'words' | 'report' | 'showFailure'>,
    notice: () => string | undefined = () => undefined,
  ) {
    this.lock = new LockBadge(node.badge, node.words, notice);
  }

  /** How the bridge is doing. That it cannot work is an error to the Catch nodes, once for each reason. */
  bridge(status: BridgeStatus, port: number): void {
    const before = this.status;
    this.status = status;
    this.port = port;
    if (status.state === 'failed' && !(before.state === 'failed' && before.reason === status.reason)) {
      const hint = this.node.words(`error.${status.reason}`) ?? status.text;
      this.node.report(new CodedError('MATTER_UNAVAILABLE', status.text, { retriable: true, hint }, status.reason));
    }
    this.show();
  }

  /** A command of a home that goes to a gateway. */
  async follow<T>(doing: string, run: (onProgress: (progress: Progress) => void) => Promise<T>): Promise<T> {
    try {
      return await this.lock.follow(doing, run);
    } finally {
      // What was read meanwhile.
      this.show();
    }
  }

  /** A home's command did not come through: nothing was sent. */
  refused(refusal: Refusal): void {
    if (!this.lock.following) this.node.badge.show('warning', refusal === 'locked out' ? 'lockedOut' : 'wrongPin');
  }

  read(reading: Read): void {
    this.outage = undefined;
    this.reading = reading;
    this.show();
  }

  /** The lock is out of reach. */
  down(error: CodedError): void {
    this.outage = error;
    this.show();
  }

  private show(): void {
    const { node, status, outage, reading } = this;
    if (status.state === 'failed') node.badge.show('down', status.reason, { port: this.port });
    else if (status.state === 'starting') node.badge.show('working', 'starting');
    // How a command is going is worth more than the state from before it.
    else if (this.lock.following) return;
    else if (outage !== undefined) node.showFailure(outage);
    else if (status.state === 'unpaired') node.badge.show('waiting', 'scan');
    else if (reading !== undefined) this.lock.result(reading);
    else node.badge.show('idle', 'homes', { count: status.homes });
  }
}
