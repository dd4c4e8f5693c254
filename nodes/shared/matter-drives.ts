/**
 * Who carries out what a home asks of a `matter-lock`, and says what the lock is: its gateway, or a flow. A lock whose settings
 * are wrong is shown as out of reach rather than taken away: a home that misses it for a moment forgets its room and rules.
 */
import { invalidInput, type CodedError } from '../../src/common/errors';
import { choice, flag, number, text, textSetting } from '../../src/common/settings';
import type { BoltCommand, BridgedLock } from '../../src/matter/bridge';
import { isPin, LONGEST_REPLY_MS, REPLY_TIMEOUT_MS } from '../../src/matter/bridge-settings';
import { contradiction, fromFlow } from '../../src/matter/lock-messages';
import { readIdentifier } from '../../src/thekeys/commands';
import type { GatewayError } from '../../src/thekeys/gateway-errors';
import type { WatchListener } from '../../src/thekeys/watcher';
import type { LockReading } from '../../src/thekeys/wire';
import type { RunningNode } from './define-node';
import { asCoded } from './errors';
import { gatewayOf, type GatewayAccess } from './gateway-access';
import { MatterBadge } from './matter-badge';
import { FlowDrive } from './matter-flow';
import type { Message } from './message';

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

export type MatterNode = RunningNode<typeof SETTINGS>;

export interface Drive {
  readonly badge: MatterBadge;
  /** The lock's own number, and what it is called where the node has no name for it. */
  readonly serial: string;
  readonly name: string;
  /** From now on the homes are shown what is read of the lock. */
  begin(lock: BridgedLock): void;
  run(command: BoltCommand): Promise<void>;
  /** @throws CodedError INVALID_INPUT */
  receive(message: Message): null;
}

/** Milliseconds between looks at the gateway's list, which cost the lock nothing. */
const WATCH_MS = 15_000;

/** @param pin as it was typed */
export function driveOf(node: MatterNode, pin: unknown): Drive {
  try {
    checkPin(pin);
    return node.settings.drives === 'flow' ? new FlowDrive(node) : new GatewayDrive(node);
  } catch (error) {
    node.report(error);
    return new BrokenDrive(node, asCoded(error));
  }
}

/** @throws CodedError INVALID_INPUT */
function checkPin(typed: unknown): void {
  const pin = textSetting(typed, 'the PIN');
  if (pin === '' || isPin(pin)) return;
  throw invalidInput(
    'the PIN is not made of 4 to 8 digits',
    'Type a PIN of 4 to 8 digits: apps pass nothing else on.',
    'oddPin',
  );
}

class GatewayDrive implements Drive, WatchListener {
  readonly badge: MatterBadge;
  readonly serial: string;
  readonly name: string;
  private readonly access: GatewayAccess;
  private lock: BridgedLock | undefined;

  /** @throws CodedError INVALID_INPUT */
  constructor(private readonly node: MatterNode) {
    this.access = gatewayOf(node.RED, node.config.gateway);
    this.serial = readIdentifier({}, { node: node.settings.identifier, gateway: this.access.identifier });
    this.access.share(this.serial);
    this.name = this.access.nameOf(this.serial);
    this.badge = new MatterBadge(node, this.access.notice);
  }

  begin(lock: BridgedLock): void {
    const { access, node, serial } = this;
    this.lock = lock;
    const watch = { share: access.share(serial), intervalMs: WATCH_MS, timeoutMs: access.timeoutMs };
    node.signal.addEventListener(
      'abort',
      access.attach((gateway) => gateway.watch(watch, this)),
      { once: true },
    );
  }

  async run({ action, deadlineMs, signal }: BoltCommand): Promise<void> {
    const { access, node, serial } = this;
    try {
      const { state } = await this.badge.follow(action === 'open' ? 'opening' : 'closing', (onProgress) => {
        const options = { confirm: true, deadlineMs, timeoutMs: access.timeoutMs, signal, onProgress };
        return access.run(options, (gateway, rest) => gateway[action](access.share(serial), rest));
      });
      const wrong = contradiction(action, { state });
      if (wrong !== undefined) throw wrong;
    } catch (error) {
      // What was read before it may not hold any more.
      if (asCoded(error).code === 'RESULT_UNKNOWN') this.lock?.update({ state: null });
      node.report(error);
      throw error;
    }
  }

  receive(message: Message): null {
    const said = fromFlow(message);
    if (said.kind === 'failure' || said.update.state !== undefined) {
      throw invalidInput(
        'the gateway says what this lock is, not the flow',
        'Send { isJammed } or { door } only, or let the flow drive the lock.',
      );
    }
    this.lock?.update(said.update);
    return null;
  }

  onReading(reading: LockReading): void {
    const { state, batteryPercent, version } = reading;
    const firmware = version === null ? {} : { firmware: String(version) };
    this.lock?.update({ state, reachable: true, batteryPercent, ...firmware });
    this.badge.read(reading);
  }

  onTrouble(error: GatewayError): void {
    this.node.report(error);
    this.onTroubleLasts(error);
  }

  onTroubleLasts(error: GatewayError): void {
    this.lock?.update({ reachable: false });
    this.badge.down(error);
  }

  onRecovered(): void {
    this.node.log.info(this.node.words('log.recovered', { lock: this.serial }) ?? '');
  }
}

/** A lock whose gateway cannot be used as it is set. */
class BrokenDrive implements Drive {
  readonly badge: MatterBadge;
  readonly serial: string;
  readonly name = '';

  constructor(
    node: MatterNode,
    private readonly error: CodedError,
  ) {
    this.badge = new MatterBadge(node);
    this.serial = node.settings.identifier;
  }

  begin(lock: BridgedLock): void {
    lock.update({ reachable: false });
    this.badge.down(this.error);
  }

  run(): Promise<void> {
    return Promise.reject(this.error);
  }

  receive(): never {
    throw this.error;
  }
}
