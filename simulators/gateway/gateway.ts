/**
 * The simulated The Keys gateway: a small world of locks behind the vendor's local interface, as strict as the real one
 * about signatures, timestamps and one thing at a time. It runs without sockets, under the clock it is given;
 * `gateway-server.ts` puts it on HTTP, `gateway-wire.ts` holds its ways of speaking, `gateway-faults.ts` what goes wrong.
 */
import { pause, systemClock, type Clock } from '../../src/common/clock';
import { Faults, type Strike } from './faults';
import { Journal, type JournalRequest } from './journal';
import { SimulatedLock, type SimulatedLockOptions } from './lock';
import {
  decodeForm,
  isSigned,
  render,
  USELESS,
  type Outcome,
  type SimulatedAnswer,
  type SimulatedRequest,
  type WireOptions,
} from './wire';
import { note } from '../latest';
import { seeded } from '../random';

export type { Fault, FaultKind, RandomFaults } from './faults';
export type { SimulatedLockOptions } from './lock';
export type { SimulatedAnswer, SimulatedRequest, WireOptions } from './wire';

/** Durations in milliseconds. All default to 0: no test has to wait for what it is not about. */
export interface SimulatedTimes {
  /** Added to every answer. */
  latencyMs?: number;
  /** A radio round trip to a lock, before the lock acts or reads. */
  bleMs?: number;
  /** The bolt's way from one end to the other. */
  travelMs?: number;
  /** How long a synchronization (of the gateway, or of a lock) lasts. */
  synchronizeMs?: number;
  /** How long an update (of the gateway, or of a lock) lasts, without the restart. */
  updateMs?: number;
  /** How long the gateway is gone after its own update. */
  restartMs?: number;
}

/** Measured on a gateway in the field, rounded; synchronizations and updates there may take minutes. */
export const REALISTIC_TIMES = {
  latencyMs: 130,
  bleMs: 3300,
  travelMs: 5000,
  synchronizeMs: 60_000,
  updateMs: 45_000,
  restartMs: 8000,
} as const satisfies SimulatedTimes;

/** The gateway's own round: it scans, then synchronizes itself with the cloud, then each lock. */
export interface BackgroundRound {
  scanMs: number;
  gatewayMs: number;
  lockMs: number;
}

export interface SimulatedGatewayOptions extends WireOptions {
  locks: readonly SimulatedLockOptions[];
  clock?: Clock;
  /** For signal noise. Default: a generator with a fixed seed. */
  random?: () => number;
  times?: SimulatedTimes;
  /** Whether open, close and calibrate are answered before or after the bolt's way. Default `after`. */
  answerMoves?: 'before' | 'after';
  /** Whether synchronizations and updates are answered at once, going on behind, or when done. Default `when-done`. */
  answerWork?: 'at-once' | 'when-done';
  /** What `/update` takes; the sources disagree, so both by default. */
  updateMethods?: readonly ('GET' | 'POST')[];
  /** Firmware version of the gateway. Default 65. */
  version?: number;
  /** Seconds that a timestamp may be away from the gateway's clock. Default: any. */
  clockTolerance?: number;
  /** Code for a timestamp out of tolerance. Default 33. */
  clockRefusal?: 33 | 38;
  /** What meets a request that comes while another is worked on. Default `busy`. */
  overlap?: 'busy' | 'drop';
  /** True: `/status`, `/` and `/lockers` are answered all the same then. Default false. */
  overlappingReads?: boolean;
  /** The gateway's background round. Default: none, it only scans. */
  background?: BackgroundRound;
}

/** Ends of a request that are not the gateway's doing. */
export interface RequestSignals {
  /** The server is closed: stop waiting, answer nothing. */
  stop?: AbortSignal;
  /** The sender has left. The gateway goes on with what it was asked. */
  gone?: AbortSignal;
}

interface Work {
  readonly text: string;
  readonly until: number;
  readonly finish: () => void;
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
  private readonly started: number;
  private previousTs = -1;
  private work: Work | undefined;
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
    this.started = this.clock.elapsed();
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
    this.settle();
    return this.work?.text ?? this.backgroundPhase() ?? SCANNING;
  }

  /** False while connections to it are refused. */
  get present(): boolean {
    this.settle();
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
    return render(outcome, this.wire);
  }

  private async perform(
    { method, path }: SimulatedRequest,
    fields: Record<string, string>,
    stop: AbortSignal | undefined,
  ): Promise<Outcome> {
    this.settle();
    const allowed = this.methodsOf(path);
    if (allowed === undefined) return { kind: 'http', status: 404, text: 'Not Found' };
    if (!allowed.includes(method)) return { kind: 'http', status: 405, text: 'Method Not Allowed' };
    const signed = SIGNED[path];
    if (signed !== undefined) return await this.performSigned(signed, fields, stop);
    switch (path) {
      case '/lockers':
        return { kind: 'lockers', devices: this.devices() };
      case '/synchronize':
        return await this.synchronize(stop);
      case '/update':
        return await this.update(stop);
      case '/locker/synchronize':
        return await this.synchronizeLock(fields, stop);
      case '/locker/update':
        return await this.updateLock(fields, stop);
      default:
        return { kind: 'status', version: this.version, text: this.currentStatus };
    }
  }

  private methodsOf(path: string): readonly string[] | undefined {
    if (path === '/update') return this.options.updateMethods ?? ['GET', 'POST'];
    if (READS.has(path) || path === '/synchronize') return ['GET'];
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
    if (lock === undefined) return { refusal: refused(32) };
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
    const own = (this.clock.now() + this.clockOffsetMs) / 1000;
    return Math.abs(seconds - own) > (this.options.clockTolerance ?? Infinity) ? 'clock' : undefined;
  }

  /** True while it is occupied with the cloud or with a lock, of its own accord or because it was asked. */
  private get occupied(): boolean {
    return this.currentStatus !== SCANNING;
  }

  private async synchronize(stop: AbortSignal | undefined): Promise<Outcome> {
    if (this.occupied) return { kind: 'busy', moving: false };
    await this.begin('Synchronizing gw', this.times.synchronizeMs, stop, () => {
      this.clockInvalid = false;
    });
    return { kind: 'ok', of: 'gateway' };
  }

  private async update(stop: AbortSignal | undefined): Promise<Outcome> {
    if (this.occupied) return { kind: 'busy', moving: false };
    if (this.cloud !== 'ok') {
      return this.cloud === 'invalid'
        ? { kind: 'refused', code: 1, cause: 'invalid firmware' }
        : { kind: 'refused', code: 2, cause: 'no firmware' };
    }
    const { updateMs, restartMs } = this.times;
    const restart = this.clock.elapsed() + updateMs;
    if (restartMs > 0) this.leave({ from: restart, until: restart + restartMs });
    await this.begin('Updating gw', updateMs, stop, () => {
      this.version += 1;
    });
    return { kind: 'ok', of: 'gateway' };
  }

  private async synchronizeLock(fields: Record<string, string>, stop: AbortSignal | undefined): Promise<Outcome> {
    const found = this.serviceable(fields);
    if ('refusal' in found) return found.refusal;
    const { lock } = found;
    if (this.cloud === 'invalid') return { kind: 'refused', code: 3, cause: 'invalid synchronization data' };
    await this.wait(this.times.bleMs, stop);
    if (lock.radioFails) return { kind: 'refused', code: 4, cause: 'connection to the lock failed' };
    lock.spoken();
    await this.begin(`Synchronizing ${lock.identifier}`, this.times.synchronizeMs, stop, () => {
      lock.keyKnown = true;
    });
    return { kind: 'ok', of: 'lock-service' };
  }

  private async updateLock(fields: Record<string, string>, stop: AbortSignal | undefined): Promise<Outcome> {
    const found = this.serviceable(fields);
    if ('refusal' in found) return found.refusal;
    const { lock } = found;
    await this.wait(this.times.bleMs, stop);
    if (lock.radioFails) return { kind: 'refused', code: 4, cause: 'connection to the lock failed' };
    lock.spoken();
    await this.begin(`Updating ${lock.identifier}`, this.times.updateMs, stop, () => {
      lock.version += 1;
      lock.reboot();
    });
    return { kind: 'ok', of: 'lock-service' };
  }

  /** The checks that synchronizing and updating a lock share. Neither asks for a signature. */
  private serviceable(fields: Record<string, string>): { refusal: Outcome } | { lock: SimulatedLock } {
    const { identifier = '' } = fields;
    if (identifier === '') return { refusal: { kind: 'missing', parameter: 'identifier' } };
    if (this.occupied) return { refusal: { kind: 'busy', moving: false } };
    const lock = this.locks.get(identifier);
    if (!lock?.inSight) return { refusal: { kind: 'refused', code: 1, cause: 'locker not found' } };
    if (!lock.compatible) return { refusal: { kind: 'refused', code: 2, cause: 'locker not compatible' } };
    return { lock };
  }

  /** Starts long work. Resolves when it may be answered. */
  private async begin(text: string, ms: number, stop: AbortSignal | undefined, finish: () => void): Promise<void> {
    this.work = { text, until: this.clock.elapsed() + ms, finish };
    if (this.options.answerWork !== 'at-once') await this.wait(ms, stop);
    this.settle();
  }

  /** Lets happen what has fallen due. The world has no timers: it is brought up to date whenever somebody looks. */
  private settle(): void {
    if (this.work === undefined || this.clock.elapsed() < this.work.until) return;
    const { finish } = this.work;
    this.work = undefined;
    finish();
  }

  private backgroundPhase(): string | undefined {
    const round = this.options.background;
    if (round === undefined) return undefined;
    const locks = [...this.locks.values()].filter(({ inSight }) => inSight);
    const wholeMs = round.scanMs + round.gatewayMs + round.lockMs * locks.length;
    const at = (this.clock.elapsed() - this.started) % wholeMs;
    if (at < round.scanMs) return undefined;
    if (at < round.scanMs + round.gatewayMs) return 'Synchronizing gw';
    const lock = locks[Math.floor((at - round.scanMs - round.gatewayMs) / round.lockMs)];
    return lock === undefined ? undefined : `Synchronizing ${lock.identifier}`;
  }

  private leave(absence: { from: number; until: number } | undefined): void {
    this.absence = absence;
    for (const listener of this.absenceListeners) listener();
  }

  private async wait(ms: number, stop: AbortSignal | undefined): Promise<void> {
    if (ms > 0) await pause(this.clock, ms, stop);
  }
}

/** The gateway's codes for signed requests. The texts are ours; nobody has published those of the gateway. */
const CAUSES = {
  32: 'locker not shared',
  33: 'invalid hmac',
  34: 'locker not detected',
  35: 'locker not compatible',
  36: 'key refused',
  37: 'communication error',
  38: 'gateway time invalid',
} as const;

function refused(code: keyof typeof CAUSES): Outcome {
  return { kind: 'refused', code, cause: CAUSES[code] };
}

function nameOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'refused':
      return `refused ${outcome.code}`;
    case 'missing':
      return 'refused 400';
    case 'busy':
      return 'busy';
    case 'http':
      return `http ${outcome.status}`;
    default:
      return 'ok';
  }
}
