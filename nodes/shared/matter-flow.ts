/** A lock that a flow drives: each command leaves as a message, and what comes back is its result, or what the lock is. */
import { randomUUID } from 'node:crypto';
import { onAbort } from '../../src/common/abort';
import { systemClock } from '../../src/common/clock';
import type { CodedError } from '../../src/common/errors';
import type { BoltAction } from '../../src/matter/port';
import type { BoltCommand, BridgedLock } from '../../src/matter/bridge';
import { contradiction, fromFlow, type FromFlow } from '../../src/matter/lock-messages';
import { asCoded } from './errors';
import { MatterBadge } from './matter-badge';
import type { Drive, MatterNode } from './matter-drives';
import type { Message } from './message';

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
  private readonly pending = new Map<string, Pending>();
  private lock: BridgedLock | undefined;

  constructor(private readonly node: MatterNode) {
    this.badge = new MatterBadge(node);
    this.serial = node.node.id;
  }

  begin(lock: BridgedLock): void {
    this.lock = lock;
  }

  async run({ action, controller, signal }: BoltCommand): Promise<void> {
    signal.throwIfAborted();
    const { node, pending } = this;
    const handle = randomUUID();
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        if (!pending.delete(handle)) return;
        forget();
        leave();
        settle();
      };
      const forget = systemClock.after(KEPT_MS, end(resolve), true);
      const leave = onAbort(signal, () => end(() => reject(asCoded(signal.reason)))());
      pending.set(handle, { action, done: end(resolve), failed: (error) => end(() => reject(error))() });
      node.badge.show('working', action === 'open' ? 'opening' : 'closing');
      const command = action === 'open' ? 'UnlockDoor' : 'LockDoor';
      node.emit({
        _msgid: node.RED.util.generateId(),
        payload: { command, action, lockId: node.node.id, controller },
        matter: handle,
      });
    });
  }

  receive(message: Message): null {
    const command = typeof message.matter === 'string' ? this.pending.get(message.matter) : undefined;
    let said: FromFlow;
    try {
      said = fromFlow(message);
    } catch (error) {
      command?.failed(asCoded(error));
      throw error;
    }
    if (said.kind === 'failure') this.failed(said, command);
    else this.read(said, command);
    return null;
  }

  private read({ update }: FromFlow & { kind: 'state' }, command: Pending | undefined): void {
    this.lock?.update(update);
    const { state, batteryPercent = null } = update;
    const wrong = command === undefined ? undefined : contradiction(command.action, update);
    if (wrong === undefined) command?.done();
    else command?.failed(wrong);
    if (typeof state === 'string')
      this.badge.read({ state, batteryPercent, at: new Date(systemClock.now()).toISOString() });
    else if (command !== undefined && wrong === undefined) this.node.badge.show('ok', 'sent');
    if (wrong !== undefined) this.node.showFailure(wrong);
  }

  private failed({ error, isOutage }: FromFlow & { kind: 'failure' }, command: Pending | undefined): void {
    // What was read before it may not hold any more.
    if (error.code === 'RESULT_UNKNOWN') this.lock?.update({ state: null });
    if (command !== undefined) {
      command.failed(error);
      this.node.showFailure(error);
    } else if (isOutage) {
      this.lock?.update({ reachable: false });
      this.badge.down(error);
    }
  }
}
