/**
 * The badge of a lock that homes command: what keeps its bridge from being reached comes first, then what keeps the lock from
 * being reached, then that no home knows it yet, and then the state, as it was read, with its time.
 */
import { CodedError } from '../../src/common/errors';
import type { BridgeStatus } from '../../src/matter/bridge';
import type { Refusal } from '../../src/matter/port';
import { LockBadge } from './lock-badge';

export class MatterBadge extends LockBadge {
  private status: BridgeStatus = { state: 'starting' };
  private port = 0;

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

  /** A home's command did not come through: nothing was sent. */
  refused(refusal: Refusal): void {
    if (!this.following) this.node.badge.show('warning', refusal === 'locked out' ? 'lockedOut' : 'wrongPin');
  }

  override show(): void {
    const { status } = this;
    const { badge } = this.node;
    if (status.state === 'failed') badge.show('down', status.reason, { port: this.port });
    else if (status.state === 'starting') badge.show('working', 'starting');
    // How a command is going is worth more than the state from before it.
    else if (this.following || this.outage !== undefined) super.show();
    else if (status.state === 'unpaired') badge.show('waiting', 'scan');
    else if (this.reading !== undefined) super.show();
    else badge.show('idle', 'homes', { count: status.homes });
  }
}
