/**
 * A lease that is renewed for as long as it is held: by a lock file or by Redis, which differ only in how.
 *
 * A process that was stopped (a laptop's lid, a debugger) may believe that it holds a lease which others have taken over
 * long since. `lost` therefore compares times whenever it is read: read it right before acting. What still slips between
 * is for the resource to refuse: a lock gateway refuses a timestamp that is not greater than all before.
 */
import type { Clock } from '../common/clock';
import type { Log } from '../common/log';
import { StateError, type Lease } from './state';

/** The holder's own idea of the end is this much earlier than that of the others: clocks run at different speeds. */
const MARGIN = 0.1;
/** A living holder renews this many times before the others would take over. */
const RENEWALS = 3;

export interface Grant {
  /** For the log. */
  name: string;
  log: Log;
  clock: Clock;
  /** On the clock's `elapsed()`: when it was asked for, so that the answer's way makes the lease no longer than it is. */
  asked: number;
  /** Milliseconds that the grant lasts before it is first renewed; `ttlMs` where absent. */
  firstMs?: number;
  /** Milliseconds that each renewal adds. */
  ttlMs: number;
  /** False where another has it now. Where it throws, it is tried again as long as the lease lasts. */
  renew: () => Promise<boolean>;
  /** Gives it back. Where that fails, it ends by itself. */
  release: () => Promise<unknown>;
}

export class RenewedLease implements Lease {
  private readonly losing = new AbortController();
  private validUntil = 0;
  private cancelExpiry: () => void = () => undefined;
  private cancelRenewal: () => void = () => undefined;
  private released: Promise<void> | undefined;

  constructor(private readonly grant: Grant) {
    this.extend(grant.asked, grant.firstMs ?? grant.ttlMs);
  }

  get lost(): AbortSignal {
    if (this.grant.clock.elapsed() >= this.validUntil) this.lose('it has run out');
    return this.losing.signal;
  }

  release(): Promise<void> {
    this.cancelTimers();
    this.released ??= this.grant.release().then(
      () => this.trace('released'),
      () => this.trace('cannot be given back, so it will run out'),
    );
    return this.released;
  }

  private cancelTimers(): void {
    this.cancelExpiry();
    this.cancelRenewal();
  }

  private extend(asked: number, ms: number): void {
    const { clock } = this.grant;
    this.cancelTimers();
    this.validUntil = asked + ms * (1 - MARGIN);
    this.cancelExpiry = clock.after(this.validUntil - clock.elapsed(), () => this.lose('it has run out'));
    this.cancelRenewal = clock.after(ms / RENEWALS, () => void this.renew());
  }

  private async renew(): Promise<void> {
    const { clock, ttlMs, renew } = this.grant;
    const asked = clock.elapsed();
    const mine = await renew().catch(() => undefined);
    if (this.released !== undefined || this.lost.aborted) return;
    if (mine === true) this.extend(asked, ttlMs);
    else if (mine === false) this.lose('another process has it');
    else this.cancelRenewal = clock.after(ttlMs / 10, () => void this.renew());
  }

  private lose(why: string): void {
    if (this.released !== undefined || this.losing.signal.aborted) return;
    this.cancelTimers();
    this.trace(`lost: ${why}`);
    this.losing.abort(new StateError('the lease was lost', 'ESTALE'));
  }

  private trace(what: string): void {
    this.grant.log.trace(`lease ${this.grant.name}: ${what}`);
  }
}
