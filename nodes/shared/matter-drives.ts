/**
 * Who carries out what a home asks of a `matter-lock`, and says what the lock is: its gateway, or a flow. A lock whose settings
 * are wrong is shown as out of reach rather than taken away: a home that misses it for a moment forgets its room and rules.
 */
import { randomUUID } from 'node:crypto';
import { abortable } from '../../src/common/abort';
import { systemClock } from '../../src/common/clock';
import { invalidInput, type CodedError } from '../../src/common/errors';
import { choice, flag, number, text, textSetting } from '../../src/common/settings';
import type { BoltCommand, BridgedLock } from '../../src/matter/bridge';
import { isPin, LONGEST_REPLY_MS, REPLY_TIMEOUT_MS } from '../../src/matter/bridge-settings';
import { contradiction, fromFlow, type FromFlow } from '../../src/matter/lock-messages';
import type { BoltAction } from '../../src/matter/port';
import { readIdentifier } from '../../src/thekeys/commands';
import type { GatewayError } from '../../src/thekeys/gateway-errors';
import { accountOf } from './define-config';
import type { Message, RunningNode } from './define-node';
import { asCoded } from './errors';
import type { GatewayAccess } from './gateway-access';
import { logRecovery } from './lock-node';
import { MatterBadge } from './matter-badge';

export const SETTINGS = {
  lockName: text('the name of the lock'),
  drives: choice('what the node drives', ['gateway', 'flow'], 'gateway'),
  identifier: text('the lock of the node'),
  pinFor: choice('when the node asks for a PIN', ['none', 'release', 'always'], 'release'),
  replyTimeout: number('the reply time', { fallback: REPLY_TIMEOUT_MS, least: 1, most: LONGEST_REPLY_MS }),
  battery: flag('the battery', true),
  door: flag('the door', false),
  appCodes: flag('the codes of apps', false),
};

type MatterNode = RunningNode<typeof SETTINGS>;

interface Drive {
  readonly badge: MatterBadge;
  /** The lock's own number, and what it is called where the node has no name for it. */
  readonly serial: string;
  readonly name: string;
  /** From now on the homes are shown what is read of the lock. */
  begin(lock: BridgedLock): void;
  run(command: BoltCommand, lock: BridgedLock): Promise<void>;
  /** @throws CodedError INVALID_INPUT */
  receive(message: Message, lock: BridgedLock): Promise<null>;
}

/** Milliseconds between looks at the gateway's list, which cost the lock nothing. */
const WATCH_MS = 15_000;
/** Milliseconds. The slowest flow has answered by then, or it never will. */
const KEPT_MS = 10 * 60_000;

export function driveOf(node: MatterNode): Drive {
  try {
    const pin = textSetting(node.pin, 'the PIN');
    if (pin !== '' && !isPin(pin)) {
      const hint = 'Type a PIN of 4 to 8 digits: apps pass nothing else on.';
      throw invalidInput('the PIN is not made of 4 to 8 digits', hint, 'oddPin');
    }
    return node.settings.drives === 'flow' ? new FlowDrive(node) : new GatewayDrive(node);
  } catch (error) {
    node.report(error);
    return brokenDrive(node, asCoded(error));
  }
}

function brokenDrive(node: MatterNode, error: CodedError): Drive {
  const badge = new MatterBadge(node);
  const begin = (lock: BridgedLock): void => {
    lock.update({ reachable: false });
    badge.down(error);
  };
  const fail = (): Promise<never> => Promise.reject(error);
  return { badge, serial: node.settings.identifier, name: '', begin, run: fail, receive: fail };
}

class GatewayDrive implements Drive {
  readonly badge: MatterBadge;
  readonly serial: string;
  readonly name: string;
  private readonly access: GatewayAccess;

  /** @throws CodedError INVALID_INPUT */
  constructor(private readonly node: MatterNode) {
    this.access = accountOf(node.RED, 'gateway-config', node.config.gateway);
    this.serial = readIdentifier({}, { node: node.settings.identifier, gateway: this.access.identifier });
    this.access.share(this.serial);
    this.name = this.access.nameOf(this.serial);
    this.badge = new MatterBadge(node, this.access);
  }

  begin(lock: BridgedLock): void {
    const { access, badge, node, serial } = this;
    const onTroubleLasts = (error: GatewayError): void => {
      lock.update({ reachable: false });
      badge.down(error);
    };
    const stop = access.watch(serial, WATCH_MS, {
      onReading: (reading) => {
        const { state, batteryPercent, version } = reading;
        const firmware = version === null ? {} : { firmware: String(version) };
        lock.update({ state, reachable: true, batteryPercent, ...firmware });
        badge.read(reading);
      },
      onTrouble: (error) => {
        node.report(error);
        onTroubleLasts(error);
      },
      onTroubleLasts,
      onRecovered: () => logRecovery(node, serial),
    });
    node.onClose(stop);
  }

  async run({ action, deadlineMs, signal }: BoltCommand, lock: BridgedLock): Promise<void> {
    const { access, badge, node, serial } = this;
    try {
      const following = badge.follow(action === 'open' ? 'opening' : 'closing', (onProgress) => {
        const options = { confirm: true, deadlineMs, signal, onProgress };
        return access.run(options, (gateway, rest) => gateway[action](access.share(serial), rest));
      });
      // What was read meanwhile is shown then.
      const { state } = await following.finally(() => badge.show());
      const wrong = contradiction(action, { state });
      if (wrong !== undefined) throw wrong;
    } catch (error) {
      // What was read before it may not hold any more.
      if (asCoded(error).code === 'RESULT_UNKNOWN') lock.update({ state: null });
      node.report(error);
      throw error;
    }
  }

  receive(message: Message, lock: BridgedLock): Promise<null> {
    const said = fromFlow(message);
    if (said.kind === 'failure' || said.update.state !== undefined) {
      const hint = 'Send { isJammed } or { door } only, or let the flow drive the lock.';
      throw invalidInput('the gateway says what this lock is, not the flow', hint);
    }
    lock.update(said.update);
    return Promise.resolve(null);
  }
}

interface Pending {
  action: BoltAction;
  done: () => void;
  failed: (error: CodedError) => void;
}

/** A lock that a flow drives: each command leaves as a message, and what comes back is its result, or what the lock is. */
class FlowDrive implements Drive {
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
