/** A lock that a flow drives: each command leaves as a message, and what comes back is its result, or what the lock is. */
import { randomUUID } from 'node:crypto';
import { abortable } from '../../src/common/abort';
import { systemClock } from '../../src/common/clock';
import type { CodedError } from '../../src/common/errors';
import type { BoltCommand, BridgedLock } from '../../src/matter/bridge';
import { contradiction, fromFlow, type FromFlow } from '../../src/matter/lock-messages';
import type { BoltAction } from '../../src/matter/port';
import type { Message } from './define-node';
import { asCoded } from './errors';
import { MatterBadge } from './matter-badge';
import type { Drive, MatterNode } from './matter-drives';

/** Milliseconds. The slowest flow has answered by then, or it never will. */
const KEPT_MS = 10 * 60_000;

interface Pending {
  action: BoltAction;
  done: () => void;
  failed: (error: CodedError) => void;
}

export class FlowDrive implements Drive {
  readonly badge: MatterBadge;
  readonly serial: string;
  readonly name = '';
  /** By the handle that their message has. */
  private readonly pending = new Map<unknown, Pending>();

  constructor(private readonly node: MatterNode) {
    this.badge = new MatterBadge(node);
    this.serial = node.node.id;
  }

  begin(): void {
    // What the lock is comes with messages.
  }

  async run({ action, controller, signal }: BoltCommand): Promise<void> {
    signal.throwIfAborted();
    const { node, pending } = this;
    const matter = randomUUID();
    const answered = new Promise<void>((done, failed) => pending.set(matter, { action, done, failed }));
    const forget = systemClock.after(KEPT_MS, () => pending.get(matter)?.done(), true);
    node.badge.show('working', action === 'open' ? 'opening' : 'closing');
    const command = action === 'open' ? 'UnlockDoor' : 'LockDoor';
    node.emit({ payload: { command, action, lockId: node.node.id, controller }, matter });
    await abortable(answered, signal).finally(() => {
      forget();
      pending.delete(matter);
    });
  }

  receive(message: Message, lock: BridgedLock): Promise<null> {
    const command = this.pending.get(message.matter);
    this.pending.delete(message.matter);
    try {
      const said = fromFlow(message);
      if (said.kind === 'failure') this.failed(said, lock, command);
      else this.read(said, lock, command);
    } catch (error) {
      command?.failed(asCoded(error));
      throw error;
    }
    return Promise.resolve(null);
  }

  private read({ update }: FromFlow & { kind: 'state' }, lock: BridgedLock, command: Pending | undefined): void {
    lock.update(update);
    const { state, batteryPercent = null } = update;
    const wrong = command && contradiction(command.action, update);
    if (wrong === undefined) command?.done();
    else command?.failed(wrong);
    if (typeof state === 'string')
      this.badge.read({ state, batteryPercent, at: new Date(systemClock.now()).toISOString() });
    else if (command !== undefined && wrong === undefined) this.node.badge.show('ok', 'sent');
    if (wrong !== undefined) this.node.showFailure(wrong);
  }

  private failed(said: FromFlow & { kind: 'failure' }, lock: BridgedLock, command: Pending | undefined): void {
    const { error, isOutage } = said;
    // What was read before it may not hold any more.
    if (error.code === 'RESULT_UNKNOWN') lock.update({ state: null });
    if (command !== undefined) {
      command.failed(error);
      this.node.showFailure(error);
    } else if (isOutage) {
      lock.update({ reachable: false });
      this.badge.down(error);
    }
  }
}
