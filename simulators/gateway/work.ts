/**
 * What occupies a simulated gateway for long: synchronizations and updates, asked for or of its own accord. While one lasts,
 * its locks are out of reach.
 */
import type { SimulatedGateway, SimulatedGatewayOptions } from './gateway';
import type { SimulatedLock } from './lock';
import type { Outcome } from './wire';

/** The gateway's own round: it scans, then synchronizes itself with the cloud, then each lock. */
export interface BackgroundRound {
  scanMs: number;
  gatewayMs: number;
  lockMs: number;
}

type Stop = AbortSignal | undefined;
type Fields = Readonly<Record<string, string>>;

const BUSY: Outcome = { kind: 'busy', moving: false };
const refused = (code: number, cause: string): Outcome => ({ kind: 'refused', code, cause });

export class LongWork {
  private current: { text: string; until: number; finish: () => void } | undefined;
  private readonly started: number;

  constructor(
    private readonly gateway: SimulatedGateway,
    private readonly options: Pick<SimulatedGatewayOptions, 'answerWork' | 'background'>,
  ) {
    this.started = gateway.clock.elapsed();
  }

  /** What `/status` says of it; undefined while there is none. */
  get text(): string | undefined {
    this.settle();
    return this.current?.text ?? this.backgroundPhase();
  }

  /** Lets happen what has fallen due. The world has no timers: it is brought up to date whenever somebody looks. */
  settle(): void {
    if (this.current === undefined || this.gateway.clock.elapsed() < this.current.until) return;
    const { finish } = this.current;
    this.current = undefined;
    finish();
  }

  async synchronize(stop: Stop): Promise<Outcome> {
    if (this.text !== undefined) return BUSY;
    await this.begin('Synchronizing gw', this.gateway.times.synchronizeMs, stop, () => {
      this.gateway.clockInvalid = false;
      for (const lock of this.gateway.locks.values()) lock.shareKnown = true;
    });
    return { kind: 'ok', of: 'gateway' };
  }

  async update(stop: Stop): Promise<Outcome> {
    const { gateway } = this;
    if (this.text !== undefined) return BUSY;
    if (gateway.cloud === 'invalid') return refused(1, 'invalid firmware');
    if (gateway.cloud === 'unavailable') return refused(2, 'no firmware');
    const { updateMs, restartMs } = gateway.times;
    const restart = gateway.clock.elapsed() + updateMs;
    if (restartMs > 0) gateway.leave({ from: restart, until: restart + restartMs });
    await this.begin('Updating gw', updateMs, stop, () => {
      gateway.version += 1;
    });
    return { kind: 'ok', of: 'gateway' };
  }

  async synchronizeLock(fields: Fields, stop: Stop): Promise<Outcome> {
    if (this.gateway.cloud === 'invalid' && 'lock' in this.serviceable(fields)) {
      return refused(3, 'invalid synchronization data');
    }
    return this.serve('Synchronizing', this.gateway.times.synchronizeMs, fields, stop, (lock) => {
      lock.keyKnown = true;
    });
  }

  async updateLock(fields: Fields, stop: Stop): Promise<Outcome> {
    return this.serve('Updating', this.gateway.times.updateMs, fields, stop, (lock) => {
      lock.version += 1;
      lock.reboot();
    });
  }

  private async serve(
    text: string,
    ms: number,
    fields: Fields,
    stop: Stop,
    finish: (lock: SimulatedLock) => void,
  ): Promise<Outcome> {
    const found = this.serviceable(fields);
    if ('refusal' in found) return found.refusal;
    const { lock } = found;
    await this.gateway.wait(this.gateway.times.bleMs, stop);
    if (lock.radioFails) return refused(4, 'connection to the lock failed');
    lock.spoken();
    await this.begin(`${text} ${lock.identifier}`, ms, stop, () => finish(lock));
    return { kind: 'ok', of: 'lock-service' };
  }

  /** The checks that synchronizing and updating a lock share. Neither asks for a signature. */
  private serviceable({ identifier = '' }: Fields): { refusal: Outcome } | { lock: SimulatedLock } {
    if (identifier === '') return { refusal: { kind: 'missing', parameter: 'identifier' } };
    if (this.text !== undefined) return { refusal: BUSY };
    const lock = this.gateway.locks.get(identifier);
    if (!lock?.inSight) return { refusal: refused(1, 'locker not found') };
    if (!lock.compatible) return { refusal: refused(2, 'locker not compatible') };
    return { lock };
  }

  /** Starts long work. Resolves when it may be answered. */
  private async begin(text: string, ms: number, stop: Stop, finish: () => void): Promise<void> {
    this.current = { text, until: this.gateway.clock.elapsed() + ms, finish };
    if (this.options.answerWork !== 'at-once') await this.gateway.wait(ms, stop);
    this.settle();
  }

  private backgroundPhase(): string | undefined {
    const round = this.options.background;
    if (round === undefined) return undefined;
    const locks = [...this.gateway.locks.values()].filter(({ inSight }) => inSight);
    const wholeMs = round.scanMs + round.gatewayMs + round.lockMs * locks.length;
    const at = (this.gateway.clock.elapsed() - this.started) % wholeMs;
    if (at < round.scanMs) return undefined;
    if (at < round.scanMs + round.gatewayMs) return 'Synchronizing gw';
    const lock = locks[Math.floor((at - round.scanMs - round.gatewayMs) / round.lockMs)];
    return lock === undefined ? undefined : `Synchronizing ${lock.identifier}`;
  }
}
