/**
 * What lock-status does: reads a lock for each message, and watches it where an interval is set: sends when the state changes
 * (or after each poll), an error once for an outage. The polling itself is the gateway's watcher.
 */
import { choice, seconds } from '../../src/common/settings';
import { named, readIdentifier } from '../../src/thekeys/commands';
import type { GatewayError } from '../../src/thekeys/gateway-errors';
import { SaidStates } from '../../src/thekeys/readings';
import type { WatchListener } from '../../src/thekeys/watcher';
import type { LockReading } from '../../src/thekeys/wire';
import type { Input, Message, RunningNode } from './define-node';
import type { GatewayAccess } from './gateway-access';
import { LockBadge } from './lock-badge';
import { answer, LONGEST, lockSetting, logRecovery, ownLock, READ_DEADLINE_MS } from './lock-node';

const LEAST_INTERVAL_MS = 1000;
export const SETTINGS = {
  identifier: lockSetting,
  interval: seconds('the interval of the node', { fallback: 0, zero: true, most: LONGEST }),
  emit: choice('what the node sends', ['change', 'always'], 'change'),
};

export class LockStatus implements WatchListener {
  private readonly said: SaidStates;
  private readonly badge: LockBadge;
  /** The node's own, which its badge is about; empty where only messages name one. */
  private readonly lock: string;
  private readonly isWatching: boolean;
  /** The last reading of that lock that went out. */
  private last: LockReading | undefined;
  /** Messages that wait for a reading of that lock. */
  private asking = 0;
  private hasPolled = false;

  constructor(
    private readonly node: RunningNode<typeof SETTINGS>,
    private readonly access: GatewayAccess,
  ) {
    this.said = new SaidStates(access);
    this.lock = ownLock(node, access);
    this.isWatching = node.settings.interval > 0;
    this.badge = new LockBadge(node, access, this.isWatching);
    if (this.lock !== '') this.said.begin(this.lock);
  }

  async read(message: Message, { signal, settings }: Input<typeof SETTINGS>): Promise<Message> {
    const { access, badge } = this;
    const identifier = readIdentifier(message, access.identifiers(settings.identifier));
    const share = access.share(identifier);
    const isOwn = identifier === this.lock;
    this.said.begin(identifier);
    if (isOwn) this.asking += 1;
    try {
      const reading = await badge.follow('reading', (onProgress) => {
        const options = { deadlineMs: READ_DEADLINE_MS, signal, onProgress };
        return access.run(options, (gateway, rest) => gateway.lockStatus(share, rest));
      });
      if (isOwn) this.last = reading;
      // A reading of another lock changes nothing in what the badge of a watching node is about.
      if (isOwn || !this.isWatching) badge.read(reading);
      else badge.show();
      return answer(message, await this.say(reading), identifier);
    } finally {
      if (isOwn) this.asking -= 1;
    }
  }

  /** Keeps up with what is read of the lock by any node, and polls where it is to. Gives what ends that. */
  follow(): () => void {
    const { access, badge, lock, node } = this;
    if (this.isWatching) {
      const identifier = readIdentifier({}, access.identifiers(node.settings.identifier));
      return access.watch(identifier, Math.max(LEAST_INTERVAL_MS, node.settings.interval), this);
    }
    if (lock === '') return () => undefined;
    return access.attach(({ readings }) => readings.subscribe(lock, (reading) => badge.read(reading)));
  }

  onReading(reading: LockReading, polled: boolean): void {
    const { node } = this;
    this.badge.read(reading);
    const isNews = !this.hasPolled || this.last?.state !== reading.state || this.last.code !== reading.code;
    // The first poll comes in a moment, and what a message waits for goes out as its answer.
    if (!polled && (!this.hasPolled || !isNews || this.asking > 0)) return;
    this.hasPolled = true;
    this.last = reading;
    if (!isNews && node.settings.emit === 'change') return;
    void this.say(reading).then((payload) => node.emit({ topic: reading.identifier, payload }));
  }

  onTrouble(error: GatewayError): void {
    this.badge.down(error);
    this.node.report(error);
  }

  onTroubleLasts(error: GatewayError): void {
    this.badge.down(error);
  }

  onRecovered(): void {
    logRecovery(this.node, this.lock);
  }

  private async say(reading: LockReading): Promise<object> {
    return named(await this.said.say(reading), this.access.nameOf(reading.identifier));
  }
}
