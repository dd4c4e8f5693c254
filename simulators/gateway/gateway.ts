/**
 * The simulated The Keys gateway: a small world of locks behind the vendor's local interface, as strict as the real one
 * about signatures, timestamps and one thing at a time. It runs without sockets, under the clock it is given;
 * `server.ts` puts it on HTTP, `wire.ts` and `sloppy.ts` hold its ways of speaking, `faults.ts` what goes wrong.
 */
import { pause, systemClock, type Clock } from '../../src/common/clock';
import { Faults, type Strike } from './faults';
import { Journal, type JournalRequest } from './journal';
import { SimulatedLock, type SimulatedLockOptions } from './lock';
import {
  decodeForm,
  FORGED,
  isSigned,
  nameOf,
  refused,
  render,
  USELESS,
  type Outcome,
  type SimulatedAnswer,
  type SimulatedRequest,
  type WireOptions,
} from './wire';
import type { SimulatedGatewayOptions, SimulatedTimes } from './options';
import { LongWork } from './work';
import { note } from '../latest';
import { seeded } from '../random';

export type { Fault, FaultKind, RandomFaults } from './faults';
export type { SimulatedLockOptions } from './lock';
export { REALISTIC_TIMES, type SimulatedGatewayOptions, type SimulatedTimes } from './options';
export type { SimulatedAnswer, SimulatedRequest, WireOptions } from './wire';

/** Ends of a request that are not the gateway's doing. */
export interface RequestSignals {
  /** The server is closed: stop waiting, answer nothing. */
  stop?: AbortSignal;
  /** The sender has left. The gateway goes on with what it was asked. */
  gone?: AbortSignal;
}

type Signed = 'open' | 'close' | 'calibrate' | 'locker_status';

const READS = new Set(['/', '/status', '/lockers']);
const SIGNED: Readonly<Record<string, Signed>> = {
  '/open': 'open',
  '/close': 'close',
  '/calibrate': 'calibrate',
  '/locker_status': 'locker_status',
};
const STATE_CODE = { unknown: 48, closed: 49, open: 50 } as const;
const SCANNING = 'Scanning...';

export class SimulatedGateway {
  readonly journal = new Journal();
  readonly faults: Faults;
  readonly clock: Clock;
  readonly locks = new Map<string, SimulatedLock>();

  /** How it speaks. May be changed between requests. */
  readonly wire: WireOptions;
  /** How long things take. May be changed between requests. */
  readonly times: Required<SimulatedTimes>;
  version: number;
  /** True: the gateway does not know the time (38 for signed requests) until it is synchronized. */
  clockInvalid = false;
  /** Milliseconds by which the gateway's clock is ahead of the given one. */
  clockOffsetMs = 0;
  /** What the vendor's cloud has for it: `invalid` makes synchronizations and updates fail, `unavailable` updates. */
  cloud: 'ok' | 'invalid' | 'unavailable' = 'ok';

  private readonly options: SimulatedGatewayOptions;
  private readonly random: () => number;
  private readonly absenceListeners = new Set<() => void>();
  private previousTs = -1;
  private readonly work: LongWork;
  private absence: { from: number; until: number } | undefined;
  private serving = false;
  /** Requests whose senders wait. */
  private readonly flying = new Set<JournalRequest>();

  constructor(options: SimulatedGatewayOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? seeded(1);
    this.wire = { ...options };
    this.times = {
      latencyMs: 0,
      bleMs: 0,
      travelMs: 0,
      synchronizeMs: 0,
      updateMs: 0,
      restartMs: 0,
      ...options.times,
    };
    this.version = options.version ?? 65;
    this.work = new LongWork(this, options);
    this.faults = new Faults((ms) => {
      if (this.absenceListeners.size === 0) return false;
      this.goAway(ms);
      return true;
    });
    for (const lock of options.locks) this.addLock(lock);
  }

  /** The lock of that number. @throws Error where there is none: a slip in a test. */
  lock(identifier: string): SimulatedLock {
    const lock = this.locks.get(identifier);
    if (lock === undefined) throw new Error(`the simulated gateway has no lock ${identifier}`);
    return lock;
  }

  addLock(options: SimulatedLockOptions): SimulatedLock {
    const lock = new SimulatedLock(options, this.clock);
    this.locks.set(lock.identifier, lock);
    return lock;
  }

  /** The text that `/status` has under `current_status`. */
  get currentStatus(): string {
    return this.work.text ?? SCANNING;
  }

  /** False while connections to it are refused. */
  get present(): boolean {
    this.work.settle();
    const now = this.clock.elapsed();
    return this.absence === undefined || now < this.absence.from || now >= this.absence.until;
  }

  /** The gateway leaves the network for a time, or until `comeBack`. */
  goAway(ms = Infinity): void {
    const now = this.clock.elapsed();
    this.leave({ from: now, until: now + ms });
  }

  comeBack(): void {
    this.leave(undefined);
  }

  /** When it leaves and comes back, in `clock.elapsed()`: the server closes its door by it. */
  get plannedAbsence(): { readonly from: number; readonly until: number } | undefined {
    return this.absence;
  }

  /** Calls `listener` whenever `plannedAbsence` is another; the returned function ends that. */
  onAbsence(listener: () => void): () => void {
    this.absenceListeners.add(listener);
    return () => {
      this.absenceListeners.delete(listener);
    };
  }

  /** Takes one request as it comes off the wire. Never rejects. */
  async handle(request: SimulatedRequest, signals: RequestSignals = {}): Promise<SimulatedAnswer> {
    if (!this.present) return { kind: 'refused' };
    const fields = decodeForm(request.body ?? '');
    const entry = this.enter(request, fields, signals.gone);
    let answer: SimulatedAnswer;
    try {
      answer = await this.answer(request, fields, entry, signals.stop);
    } catch {
      // Only the stop signal ends a pause early.
      entry.outcome ??= 'stopped';
      answer = { kind: 'dropped' };
    }
    // Whoever hangs still waits, until leaving.
    if (answer.kind !== 'hang' || signals.gone === undefined || signals.gone.aborted) this.flying.delete(entry);
    return answer;
  }

  private enter(request: SimulatedRequest, fields: Record<string, string>, gone?: AbortSignal): JournalRequest {
    const { hash, ...shown } = fields;
    const entry: JournalRequest = {
      at: this.clock.elapsed(),
      method: request.method,
      path: request.path,
      fields: hash === undefined ? shown : { ...shown, hash: 'given' },
      inFlight: this.flying.size + 1,
    };
    note(this.journal.requests, entry, this.journal.most);
    this.flying.add(entry);
    gone?.addEventListener('abort', () => this.flying.delete(entry), { once: true });
    return entry;
  }

  private async answer(
    request: SimulatedRequest,
    fields: Record<string, string>,
    entry: JournalRequest,
    stop: AbortSignal | undefined,
  ): Promise<SimulatedAnswer> {
    const strike = this.faults.take(request.path);
    if (strike?.kind === 'clock-invalid') this.clockInvalid = true;
    if (strike !== undefined && !strike.acts) {
      entry.outcome = strike.kind;
      return await this.struck(strike, undefined, stop);
    }
    const answer = await this.respond(request, fields, entry, stop);
    if (strike === undefined || strike.kind === 'clock-invalid') return answer;
    entry.outcome = `${entry.outcome ?? ''}, ${strike.kind}`;
    return await this.struck(strike, answer, stop);
  }

  /** Carries a fault out. `answer` is what would have come, where the gateway did its work. */
  private async struck(
    strike: Strike,
    answer: SimulatedAnswer | undefined,
    stop: AbortSignal | undefined,
  ): Promise<SimulatedAnswer> {
    switch (strike.kind) {
      case 'refuse':
        return { kind: 'refused' };
      case 'reset-before':
      case 'reset-after':
        return { kind: 'dropped' };
      case 'hang':
        return { kind: 'hang' };
      case 'slow':
        await this.wait(strike.ms ?? 5000, stop);
        return answer ?? this.say({ kind: 'busy', moving: false });
      case 'truncated': {
        const whole =
          answer?.kind === 'answer' ? answer : { status: 200, headers: {}, body: '{"status":"ok","code":0}' };
        return { ...whole, kind: 'truncated' };
      }
      case 'garbage':
      case 'empty':
      case 'html':
      case 'huge':
      case 'redirect':
        return USELESS[strike.kind]();
      case 'busy':
        return this.say({ kind: 'busy', moving: false });
      case 'code':
        return this.say({ kind: 'refused', code: strike.code, cause: 'as told by the test' });
      case 'forged':
        return this.say({ kind: 'refused', code: strike.code, cause: FORGED });
      case 'clock-invalid':
        return answer ?? this.say({ kind: 'refused', code: 38, cause: 'gateway time invalid' });
    }
  }

  private async respond(
    request: SimulatedRequest,
    fields: Record<string, string>,
    entry: JournalRequest,
    stop: AbortSignal | undefined,
  ): Promise<SimulatedAnswer> {
    const overlapping = this.serving && !(this.options.overlappingReads === true && READS.has(request.path));
    if (overlapping && this.options.overlap === 'drop') {
      entry.outcome = 'dropped';
      return { kind: 'dropped' };
    }
    const holder = !this.serving;
    this.serving = true;
    try {
      const outcome: Outcome = overlapping
        ? { kind: 'busy', moving: false }
        : await this.perform(request, fields, stop);
      entry.outcome = nameOf(outcome);
      await this.wait(this.times.latencyMs, stop);
      return this.say(outcome);
    } finally {
      if (holder) this.serving = false;
    }
  }

  private say(outcome: Outcome): SimulatedAnswer {
    const answer = render(outcome, this.wire);
    if (answer.kind !== 'answer' || this.wire.date !== true) return answer;
    return { ...answer, headers: { ...answer.headers, Date: new Date(this.time).toUTCString() } };
  }

  /** What its own clock shows, in milliseconds since 1970. */
  private get time(): number {
    return this.clock.now() + this.clockOffsetMs;
  }

  private async perform(
    { method, path }: SimulatedRequest,
    fields: Record<string, string>,
    stop: AbortSignal | undefined,
  ): Promise<Outcome> {
    this.work.settle();
    const allowed = this.methodsOf(path);
    if (allowed === undefined) return { kind: 'http', status: 404, text: 'Not Found' };
    if (!allowed.includes(method)) return { kind: 'http', status: 405, text: 'Method Not Allowed' };
    const signed = SIGNED[path];
    if (signed !== undefined) return await this.performSigned(signed, fields, stop);
    switch (path) {
      case '/lockers':
        return { kind: 'lockers', devices: this.devices() };
      case '/synchronize':
        return await this.work.synchronize(stop);
      case '/update':
        return await this.work.update(stop);
      case '/locker/synchronize':
        return await this.work.synchronizeLock(fields, stop);
      case '/locker/update':
        return await this.work.updateLock(fields, stop);
      default:
        return { kind: 'status', version: this.version, text: this.currentStatus };
    }
  }

  private methodsOf(path: string): readonly string[] | undefined {
    if (path === '/update') return this.options.updateMethods ?? ['GET', 'POST'];
    // A published client sends POST everywhere.
    if (READS.has(path) || path === '/synchronize') return ['GET', 'POST'];
    if (path in SIGNED || path === '/locker/synchronize' || path === '/locker/update') return ['POST'];
    return undefined;
  }

  private devices(): { identifier: string; rssi: number; battery: number; lastLog: number }[] {
    return [...this.locks.values()]
      .filter(({ inSight }) => inSight)
      .map((lock) => ({
        identifier: lock.identifier,
        rssi: this.noisy(lock.rssi),
        battery: Math.round(lock.batteryMillivolts),
        lastLog: lock.lastLog,
      }));
  }

  private noisy(rssi: number): number {
    return Math.round(rssi + (this.random() - 0.5) * 6);
  }

  private async performSigned(
    action: Signed,
    fields: Record<string, string>,
    stop: AbortSignal | undefined,
  ): Promise<Outcome> {
    const verified = this.verify(fields);
    if ('refusal' in verified) return verified.refusal;
    const { lock, ts } = verified;
    const status = this.currentStatus;
    if (status.startsWith('Updating')) return { kind: 'busy', moving: false };
    if (status !== SCANNING || !lock.inSight) return refused(34);
    if ([...this.locks.values()].some(({ moving }) => moving)) return { kind: 'busy', moving: true };
    await this.wait(this.times.bleMs, stop);
    if (lock.radioFails) return refused(37);
    lock.spoken();
    if (!lock.compatible) return refused(35);
    if (!lock.keyKnown) return refused(36);
    if (action === 'locker_status') {
      const { identifier, version, position, batteryMillivolts } = lock;
      const battery = Math.round(batteryMillivolts);
      const code = STATE_CODE[lock.state];
      return {
        kind: 'reading',
        reading: { code, identifier, version, position, rssi: this.noisy(lock.rssi), battery },
      };
    }
    note(this.journal.actions, { lock: lock.identifier, action, ts, at: this.clock.elapsed() }, this.journal.most);
    if (action === 'calibrate') lock.calibrate(this.times.travelMs);
    else lock.move(action === 'open' ? 'open' : 'closed', this.times.travelMs);
    if (this.options.answerMoves !== 'before') await this.wait(this.times.travelMs, stop);
    return { kind: 'ok', of: 'lock-action' };
  }

  /** Parameters, share, signature, timestamp, clock: in this order, as far as anybody knows. */
  private verify(fields: Record<string, string>): { refusal: Outcome } | { lock: SimulatedLock; ts: number } {
    const { identifier = '', ts = '', hash = '' } = fields;
    if (identifier === '') return { refusal: { kind: 'missing', parameter: 'identifier' } };
    if (ts === '') return { refusal: { kind: 'missing', parameter: 'timestamp' } };
    if (hash === '') return { refusal: { kind: 'missing', parameter: 'hash' } };
    const lock = this.locks.get(identifier);
    if (lock?.shareKnown !== true) return { refusal: refused(32) };
    if (!/^\d{1,15}$/.test(ts) || !isSigned(lock.code, ts, hash)) return { refusal: refused(33) };
    if (this.clockInvalid) return { refusal: refused(38) };
    const seconds = Number(ts);
    const reason = this.objectionTo(seconds);
    if (reason !== undefined) {
      note(this.journal.refusedTimestamps, { ts, at: this.clock.elapsed(), reason }, this.journal.most);
      return { refusal: refused(reason === 'clock' ? (this.options.clockRefusal ?? 33) : 33) };
    }
    this.previousTs = seconds;
    return { lock, ts: seconds };
  }

  private objectionTo(seconds: number): 'repeated' | 'older' | 'clock' | undefined {
    if (seconds === this.previousTs) return 'repeated';
    if (seconds < this.previousTs) return 'older';
    return Math.abs(seconds - this.time / 1000) > (this.options.clockTolerance ?? Infinity) ? 'clock' : undefined;
  }

  /** Plans when it is gone; undefined: it stays. */
  leave(absence: { from: number; until: number } | undefined): void {
    this.absence = absence;
    for (const listener of this.absenceListeners) listener();
  }

  /** Lets time pass. @throws when the server is closed meanwhile */
  async wait(ms: number, stop: AbortSignal | undefined): Promise<void> {
    if (ms > 0) await pause(this.clock, ms, stop);
  }
}
