/**
 * The line to one gateway: calls go out one at a time, in the queue's order, are tried again where that is safe and never
 * where it is not, and end in a value or in an error of the contract. What calls mean to people is left to `gateway.ts`.
 */
import type { Clock } from '../common/clock';
import { HttpFailure, type HttpAnswer, type HttpFailureKind } from '../common/http';
import { Latch } from '../common/latch';
import { onAbort } from '../common/on-abort';
import { StateError, type Lease, type State } from '../state/state';
import type { Refusal, Reply } from './answers';
import { statusCall, synchronizeCall, type Call } from './calls';
import { gatewayError, type GatewayError, type GatewayErrorCode } from './errors';
import { Queue, type AfterTurn, type Job, type Rank } from './queue';
import { sign } from './signature';
import { Timestamps } from './timestamps';
import type { Transport } from './transport';

export interface LineOptions {
  /** `host:port`: names the sequence of timestamps and, where processes share the gateway, the right to speak. */
  key: string;
  transport: Transport;
  state: State;
  clock: Clock;
  warn: (message: string) => void;
  /** Milliseconds that polls and read-backs leave the gateway to itself after its last answer. */
  breatherMs: number;
  /** False where short-lived processes share the sequence of timestamps (the command line). */
  reserveAhead: boolean;
}

export interface Request<T> {
  call: Call<T>;
  rank: Rank;
  /** On the clock's `elapsed()`: nothing is sent from then on. */
  expiresAt: number;
  /** Milliseconds to wait for an answer, given those that remain until the deadline. */
  answerMs: (remainingMs: number) => number;
  /** Gives up. What it is given up with is the signal's reason, unless the call may have been sent and acts. */
  signal?: AbortSignal | undefined;
  /** The lock whose bolt it may move. */
  moves?: string;
  /** False: the first obstacle ends it (polls). */
  patient: boolean;
  /** Milliseconds after which a gateway that cannot be reached is tried no more. Absent: until the deadline. */
  unreachableMs?: number | undefined;
  /** A call to make first, in the same place of the queue; it decides about the call itself. */
  first?: {
    call: Call<unknown>;
    decide: (value: unknown) => Call<T>;
    /** Milliseconds for which it is too early for it; asked when it has its turn. */
    tooEarlyMs?: () => number;
  };
  /** Equal requests that wait at the same time are answered by one call. */
  mergeKey?: string;
  onSend?: () => void;
  /** Called when it has ended in a result, before anything else has its turn. */
  onAnswer?: () => void;
  onRetry?: (code: GatewayErrorCode) => void;
}

/** `lost`: it may have reached the gateway, and no usable answer came. Only calls that act end so; others throw. */
export type Result<T> = { kind: 'ok'; value: T; sentAt: number } | Lost;
export interface Lost {
  kind: 'lost';
  why: string;
  httpStatus?: number;
  sentAt: number;
}

/** Milliseconds before the next attempt. A gateway that is busy moves a bolt for about 5 s, or a lock is being read. */
const PAUSES = {
  refused: [250, 500, 1000, 2000],
  busy: [1000, 1500, 2000, 3000],
  synchronizing: [5000],
  signature: [1000],
  cured: [500],
} as const;

/** How long others wait for a process that died while it had the right to speak to the gateway. */
const LEASE_MS = 8000;

/**
 * No gateway answers sooner (a mere list takes it 0.1 s, field measurement). With less time left, a request would be given
 * up as soon as it was sent: a bolt would turn and nobody would be told, and the next request would meet it.
 */
const LEAST_ANSWER_MS = 100;

/**
 * A gateway that was too slow to be waited for may be at work still. It is left alone as long as one that says it is busy:
 * what overlaps is dropped by some gateways, or leaves them with wrong answers afterwards (field reports).
 */
const AFTER_SILENCE_MS = 1000;

/** A cure makes all locks unreachable for minutes, and where it did not help, another one soon after will not. */
const BETWEEN_CURES_MS = 600_000;

/** The deadline passed, or the request was given up, while the connection was being made. */
class TooLate extends Error {}

interface Utterance {
  call: Call<unknown>;
  timeoutMs: number;
  /** Asked when the connection stands, and again immediately before the first byte leaves. */
  mayLeave: () => boolean;
  detach: Latch;
  onLeave?: () => void;
  onTimestamp?: (timestamp: number) => void;
}

export class Line {
  readonly queue: Queue;
  readonly timestamps: Timestamps;
  private readonly merged = new Map<string, Attempts<unknown>>();
  private lastAnswerAt = -Infinity;
  private curedAt = -Infinity;

  constructor(readonly options: LineOptions) {
    this.queue = new Queue(options.clock);
    this.timestamps = new Timestamps({
      state: options.state,
      key: `timestamp/${options.key}`,
      clock: options.clock,
      warn: options.warn,
      reserveAhead: options.reserveAhead,
    });
  }

  /** @throws GatewayError, or the reason of the request's signal */
  async request<T>(request: Request<T>): Promise<Result<T>> {
    if (request.signal?.aborted) throw request.signal.reason as Error;
    const { mergeKey } = request;
    if (mergeKey !== undefined) {
      const waiting = this.merged.get(mergeKey);
      // Equal keys mean equal calls, hence equal types.
      if (waiting !== undefined && this.queue.waits(waiting)) return waiting.join(request) as Promise<Result<T>>;
    }
    const attempts = new Attempts<T>(this, request);
    const result = attempts.join(request);
    if (mergeKey !== undefined) {
      this.merged.set(mergeKey, attempts as Attempts<unknown>);
      const forget = (): void => {
        if (this.merged.get(mergeKey) === (attempts as Attempts<unknown>)) this.merged.delete(mergeKey);
      };
      result.then(forget, forget);
    }
    if (request.call.code !== undefined) this.timestamps.prepare();
    if (!this.queue.add(attempts)) attempts.fail(gatewayError('QUEUE_FULL'));
    return result;
  }

  /** One call, in the turn of the caller. */
  async speak({ call, timeoutMs, mayLeave, detach, onLeave, onTimestamp }: Utterance): Promise<HttpAnswer> {
    try {
      return await this.options.transport({
        method: call.method,
        path: call.path,
        timeoutMs,
        detach,
        mayLeave: () => {
          if (!mayLeave()) return false;
          onLeave?.();
          return true;
        },
        form: async () => {
          // No timestamp is used up for what will not leave.
          if (!mayLeave()) throw new TooLate();
          const form: Record<string, string> = {};
          if (call.identifier !== undefined) form.identifier = call.identifier;
          if (call.code !== undefined) {
            const timestamp = await this.timestamps.next();
            onTimestamp?.(timestamp);
            form.ts = String(timestamp);
            form.hash = sign(call.code, timestamp);
          }
          return form;
        },
      });
    } catch (error) {
      if (error instanceof HttpFailure && error.sent && error.kind === 'timeout') this.queue.pause(AFTER_SILENCE_MS);
      throw error;
    } finally {
      this.lastAnswerAt = this.options.clock.elapsed();
    }
  }

  /** The right to speak, where other processes speak to the same gateway. */
  async floor(expiresAt: number): Promise<Lease | undefined> {
    const { state, clock, key, reserveAhead } = this.options;
    if (!state.shared && reserveAhead) return undefined;
    const late = new AbortController();
    const cancel = clock.after(expiresAt - clock.elapsed(), () => late.abort(new TooLate()));
    try {
      return await state.lease(`gateway/${key}`, { ttlMs: LEASE_MS, signal: late.signal });
    } catch (error) {
      // A folder that cannot be written keeps nobody from their door: then calls typed side by side may meet at the gateway.
      if (!state.shared && error instanceof StateError) return undefined;
      throw error;
    } finally {
      cancel();
    }
  }

  /** It was asked to synchronize itself, to set its clock. */
  cured(): void {
    this.curedAt = this.options.clock.elapsed();
  }

  get curedLately(): boolean {
    return this.options.clock.elapsed() - this.curedAt < BETWEEN_CURES_MS;
  }

  breatherFor(rank: Rank): number {
    if (rank === 'action' || rank === 'read') return 0;
    return Math.max(0, this.lastAnswerAt + this.options.breatherMs - this.options.clock.elapsed());
  }
}

/** What one attempt came to, before it is judged. */
type Attempt =
  { reply: Reply<unknown>; httpStatus: number } | { failure: HttpFailure } | { obstacle: GatewayError | null };

interface Attempted {
  call: Call<unknown>;
  attempt: Attempt;
  /** With which it was signed. */
  timestamp: number | undefined;
}

interface Waiter<T> {
  request: Request<T>;
  resolve: (result: Result<T>) => void;
  reject: (error: Error) => void;
  leave: () => void;
}

/** A request's life in the queue, from its first turn to its result. */
class Attempts<T> implements Job {
  rank: Rank;
  readonly light: boolean;
  expiresAt: number;
  readonly moves?: string;
  private waiters: Waiter<T>[] = [];
  private call: Call<T>;
  /** What to read before each try of the call itself. */
  private readonly reading: Request<T>['first'];
  private first: Request<T>['first'];
  /** Why the last attempt was none. */
  private obstacle: GatewayError | undefined;
  private readonly tries = { refused: 0, busy: 0, synchronizing: 0, signature: 0, cured: 0 };
  /** Whether the gateway is to be synchronized first, or is about it. */
  private curing: 'no' | 'ask' | 'wait' = 'no';
  private unreachableSince: number | undefined;
  private sentAt: number | undefined;
  private readonly detached = new Latch();

  constructor(
    private readonly line: Line,
    request: Request<T>,
  ) {
    this.rank = request.rank;
    this.light = request.call.light;
    this.expiresAt = request.expiresAt;
    this.call = request.call;
    this.reading = request.first;
    this.first = request.first;
    if (request.moves !== undefined) this.moves = request.moves;
  }

  join(request: Request<T>): Promise<Result<T>> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = { request, resolve, reject, leave: () => undefined };
      if (request.signal !== undefined) waiter.leave = onAbort(request.signal, () => this.leave(waiter));
      this.waiters.push(waiter);
      this.expiresAt = Math.min(...this.waiters.map((each) => each.request.expiresAt));
      if (RANK_ORDER[request.rank] < RANK_ORDER[this.rank]) this.rank = request.rank;
      this.line.queue.reconsider();
    });
  }

  fail(error: Error): void {
    for (const waiter of this.waiters.splice(0)) {
      waiter.leave();
      waiter.reject(error);
    }
  }

  expire(): boolean {
    this.endLate(this.obstacle ?? gatewayError('EXPIRED'));
    return this.waiters.length === 0;
  }

  private endLate(error: Error): void {
    const now = this.clock.elapsed();
    const late = this.waiters.filter((waiter) => waiter.request.expiresAt <= now);
    this.waiters = this.waiters.filter((waiter) => !late.includes(waiter));
    for (const waiter of late) {
      waiter.leave();
      waiter.reject(error);
    }
    this.expiresAt = Math.min(...this.waiters.map((waiter) => waiter.request.expiresAt));
  }

  private endOnTheWay(): void {
    const unsent = this.obstacle ?? gatewayError('EXPIRED');
    this.endLate(this.sentAt === undefined ? unsent : gatewayError('GATEWAY_TIMEOUT'));
    if (this.waiters.length === 0) this.abandon();
  }

  async take(): Promise<AfterTurn> {
    try {
      if (this.waiters.length === 0) return OVER;
      const breather = this.line.breatherFor(this.rank);
      if (breather > 0) return { again: true, inMs: breather };
      return await this.turn();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      return OVER;
    }
  }

  private get clock(): Clock {
    return this.line.options.clock;
  }

  private async turn(): Promise<AfterTurn> {
    if (this.curing !== 'no') return this.cure();
    const early = this.first?.tooEarlyMs?.() ?? 0;
    if (early > 0) return { again: true, inMs: early };
    const { call, attempt, timestamp } = await this.attempt(this.first?.call ?? this.call);
    return this.judge(call, attempt, timestamp);
  }

  /**
   * The floor where it is shared, one call, and the floor given back; where that call decides about another, that one too,
   * so that no other process can speak between the two and decide by the same reading.
   */
  private async attempt(call: Call<unknown>): Promise<Attempted> {
    const latest = Math.max(...this.waiters.map((waiter) => waiter.request.expiresAt));
    let floor: Lease | undefined;
    // Whoever shares the call with somebody who has more time ends in the own.
    const earlier = this.waiters.map(({ request }) => request.expiresAt).filter((expiresAt) => expiresAt < latest);
    const endings = earlier.map((at) => this.clock.after(at - this.clock.elapsed(), () => this.endOnTheWay()));
    try {
      floor = await this.line.floor(latest);
      const attempted = await this.send(call, latest, floor);
      const next = this.decided(attempted);
      return next === undefined ? attempted : await this.send(next, latest, floor);
    } catch (error) {
      return { call, attempt: asAttempt(error), timestamp: undefined };
    } finally {
      for (const cancel of endings) cancel();
      await floor?.release().catch(() => undefined);
    }
  }

  private async send(call: Call<unknown>, latest: number, floor: Lease | undefined): Promise<Attempted> {
    let timestamp: number | undefined;
    try {
      const now = this.clock.elapsed();
      const remaining = latest - now;
      const patience = Math.max(1, ...this.waiters.map(({ request }) => request.answerMs(remaining)));
      const lastMoment = Math.min(latest, now + patience - LEAST_ANSWER_MS);
      // A process that was stopped for a while may have lost the floor to another one.
      const mayLeave = (): boolean =>
        !this.detached.closed && this.clock.elapsed() < lastMoment && floor?.lost.aborted !== true;
      if (!mayLeave()) return { call, attempt: { obstacle: null }, timestamp };
      for (const { request } of this.waiters) request.onSend?.();
      const answer = await this.line.speak({
        call,
        timeoutMs: patience,
        mayLeave,
        detach: this.detached,
        onLeave: () => {
          if (call === this.call) this.sentAt = this.clock.elapsed();
        },
        onTimestamp: (used) => {
          timestamp = used;
        },
      });
      return { call, attempt: { reply: call.read(answer.body), httpStatus: answer.status }, timestamp };
    } catch (error) {
      return { call, attempt: asAttempt(error), timestamp };
    }
  }

  /** What was read to decide about the call has been read: then the call. @throws what the reading forbids */
  private decided({ call, attempt, timestamp }: Attempted): Call<T> | undefined {
    const { first } = this;
    if (call !== first?.call || !('reply' in attempt) || attempt.reply.kind !== 'ok') return undefined;
    if (timestamp !== undefined) this.line.timestamps.confirm(timestamp);
    this.first = undefined;
    this.call = first.decide(attempt.reply.value);
    return this.call;
  }

  private async judge(call: Call<unknown>, attempt: Attempt, timestamp: number | undefined): Promise<AfterTurn> {
    if ('obstacle' in attempt) return this.retry('refused', attempt.obstacle ?? undefined);
    if ('failure' in attempt) {
      const { failure } = attempt;
      if (!failure.sent) {
        if (failure.kind === 'protocol' && !call.acts) return this.lost(call, failure);
        return this.retry('refused', gatewayError('GATEWAY_UNREACHABLE', { message: unreachable(failure.reason) }));
      }
      return this.lost(call, failure);
    }
    const { reply, httpStatus } = attempt;
    switch (reply.kind) {
      case 'ok':
        if (timestamp !== undefined) this.line.timestamps.confirm(timestamp);
        // Whatever decides about the call has been dealt with, so this is its answer.
        return this.finish({ kind: 'ok', value: reply.value as T, sentAt: this.sent() });
      case 'unusable':
        if (call.acts) return this.finish({ kind: 'lost', why: reply.why, httpStatus, sentAt: this.sent() });
        this.fail(gatewayError('BAD_RESPONSE', { message: `${reply.why} (${call.path})`, httpStatus }));
        return OVER;
      case 'refused':
        return this.refused(reply, httpStatus, timestamp);
    }
  }

  private lost(call: Call<unknown>, failure: HttpFailure): AfterTurn {
    const httpStatus = failure.status;
    if (call.acts) {
      return this.finish({
        kind: 'lost',
        why: WHY_LOST[failure.kind] ?? 'the connection was lost before the answer',
        ...(httpStatus === undefined ? {} : { httpStatus }),
        sentAt: this.sent(),
      });
    }
    const why = WHY_LOST[failure.kind];
    if (failure.kind === 'timeout') this.fail(gatewayError('GATEWAY_TIMEOUT', { httpStatus }));
    else if (why !== undefined)
      this.fail(gatewayError('BAD_RESPONSE', { message: `${why} (${call.path})`, httpStatus }));
    else {
      const message = 'the gateway closed the connection before it answered';
      this.fail(gatewayError('GATEWAY_UNREACHABLE', { message, httpStatus }));
    }
    return OVER;
  }

  private async refused(refusal: Refusal, httpStatus: number, timestamp: number | undefined): Promise<AfterTurn> {
    const error = gatewayError(refusal.code, {
      gatewayCode: refusal.gatewayCode,
      httpStatus,
      ...(refusal.detail === undefined ? {} : { message: withDetail(refusal.code, refusal.detail) }),
    });
    switch (refusal.code) {
      case 'GATEWAY_BUSY':
        return this.retry('busy', error);
      case 'INVALID_HMAC': {
        // Either the share code is wrong, for good, or the timestamp was: one more try tells.
        if (timestamp === undefined) break;
        const advice = await this.line.timestamps.refused(timestamp);
        if (this.tries.signature > 0) break;
        const waitMs = advice.kind === 'wait' ? advice.ms : 0;
        return this.retry('signature', error, waitMs < this.expiresAt - this.clock.elapsed() ? waitMs : 0);
      }
      case 'GATEWAY_CLOCK':
        if (timestamp !== undefined) this.line.timestamps.spare(timestamp);
        // Some gateways answer `/synchronize` at once, and take minutes for it.
        if (this.line.curedLately && (await this.isSynchronizing())) return this.waitForCure(error);
        if (this.isCurable(timestamp)) {
          this.curing = 'ask';
          return this.retry('cured', error, 0, 0);
        }
        // The gateway's clock is right now. Was it ours that had been wrong?
        if (timestamp === undefined) break;
        if ((await this.line.timestamps.refused(timestamp)).kind !== 'restarted') break;
        return this.retry('signature', error);
      case 'LOCK_NOT_DETECTED':
        // While it synchronizes, a gateway sees no lock at all.
        if (timestamp === undefined || !(await this.isSynchronizing())) break;
        return this.retry('synchronizing', this.isPatient() ? error : gatewayError('GATEWAY_BUSY'));
      default:
        break;
    }
    // The others are said of a signature that was accepted.
    const isOfSignature = refusal.code === 'INVALID_HMAC' || refusal.code === 'GATEWAY_CLOCK';
    if (timestamp !== undefined && !isOfSignature) this.line.timestamps.confirm(timestamp);
    this.fail(error);
    return OVER;
  }

  /** Once; twice before it is held against the timestamps, which are never taken back lightly. For a poll, not again soon. */
  private isCurable(timestamp: number | undefined): boolean {
    const doubt = timestamp === undefined ? 'none' : this.line.timestamps.doubt(timestamp);
    if (this.rank === 'poll' && this.tries.cured === 0 && this.line.curedLately) return false;
    return this.tries.cured < { none: 1, some: 2, strong: 0 }[doubt];
  }

  /** `/synchronize` sets a gateway's clock (code 38; field reports). */
  private async cure(): Promise<AfterTurn> {
    if (this.curing === 'wait') {
      if (await this.isSynchronizing()) return this.waitForCure(this.obstacle);
      this.curing = 'no';
      return { again: true, inMs: 0 };
    }
    const { attempt } = await this.attempt(synchronizeCall());
    const unsent = 'obstacle' in attempt || ('failure' in attempt && !attempt.failure.sent);
    if (unsent) return this.retry('refused', this.obstacle);
    if ('reply' in attempt && attempt.reply.kind === 'refused' && attempt.reply.code === 'GATEWAY_BUSY') {
      return this.retry('busy', this.obstacle);
    }
    this.line.cured();
    this.curing = 'no';
    return { again: true, inMs: PAUSES.cured[0] };
  }

  private waitForCure(error: GatewayError | undefined): AfterTurn {
    this.curing = 'wait';
    return this.retry('synchronizing', this.isPatient() ? error : gatewayError('GATEWAY_BUSY'));
  }

  private async isSynchronizing(): Promise<boolean> {
    const { attempt } = await this.attempt(statusCall());
    if (!('reply' in attempt) || attempt.reply.kind !== 'ok') return false;
    return (attempt.reply.value as { synchronizing: boolean }).synchronizing;
  }

  /** Another turn after a pause, or the end for those who have no patience. */
  private retry(
    reason: keyof typeof PAUSES,
    obstacle: GatewayError | undefined,
    atLeastMs = 0,
    pauseMs?: number,
  ): AfterTurn {
    this.sentAt = undefined;
    if (reason !== 'refused') this.unreachableSince = undefined;
    else if (obstacle !== undefined && this.isGone()) {
      this.fail(obstacle);
      return OVER;
    }
    // Whatever was read before is old by the next turn.
    this.first = this.reading;
    if (obstacle !== undefined) this.obstacle = obstacle;
    if (obstacle !== undefined && !this.isPatient() && reason !== 'signature' && reason !== 'cured') {
      this.fail(obstacle);
      return OVER;
    }
    const pauses = PAUSES[reason];
    const pause = pauseMs ?? pauses[Math.min(this.tries[reason], pauses.length - 1)] ?? 0;
    this.tries[reason] += 1;
    if (obstacle !== undefined) for (const { request } of this.waiters) request.onRetry?.(obstacle.code);
    return { again: true, inMs: Math.max(atLeastMs, pause) };
  }

  private finish(result: Result<T>): AfterTurn {
    for (const waiter of this.waiters.splice(0)) {
      waiter.leave();
      waiter.request.onAnswer?.();
      waiter.resolve(result);
    }
    return OVER;
  }

  /** One who waited does so no longer. The job goes on for the others; for none, it ends, or nothing waits for its end. */
  private leave(waiter: Waiter<T>): void {
    this.waiters = this.waiters.filter((each) => each !== waiter);
    const reason = waiter.request.signal?.reason as Error;
    const given = this.call.acts && this.sentAt !== undefined;
    waiter.reject(given ? gatewayError('RESULT_UNKNOWN') : reason);
    if (this.waiters.length === 0) this.abandon();
  }

  private abandon(): void {
    this.detached.close();
    this.line.queue.remove(this);
  }

  /** It could not be reached for longer than anybody here wants to try. */
  private isGone(): boolean {
    const now = this.clock.elapsed();
    this.unreachableSince ??= now;
    const since = this.unreachableSince;
    return this.waiters.every(
      ({ request: { unreachableMs } }) => unreachableMs !== undefined && now - since >= unreachableMs,
    );
  }

  private isPatient(): boolean {
    return this.waiters.some(({ request }) => request.patient);
  }

  private sent(): number {
    return this.sentAt ?? this.clock.elapsed();
  }
}

const OVER: AfterTurn = { again: false };

const RANK_ORDER: Record<Rank, number> = { action: 0, settle: 1, read: 2, poll: 3 };

function asAttempt(error: unknown): Attempt {
  if (error instanceof HttpFailure && error.kind !== 'aborted') return { failure: error };
  if (error instanceof HttpFailure || error instanceof TooLate) return { obstacle: null };
  if (error instanceof StateError) return { obstacle: sharedStateLost(error) };
  throw error;
}

/** Without the shared state two processes could use the same timestamp, so nothing is sent. */
export function sharedStateLost(error: StateError): GatewayError {
  return gatewayError('GATEWAY_UNREACHABLE', {
    message: `the state shared with other processes cannot be reached (${error.reason}), so nothing was sent`,
    hint: 'Check the Redis server named in the gateway configuration.',
  });
}

/** Why there is no answer, where it is not that the connection was lost. */
const WHY_LOST: Partial<Record<HttpFailureKind, string>> = {
  timeout: 'no answer came in time',
  size: 'the answer was too large',
  protocol: 'what answers at the address of the gateway is none: it does not speak HTTP',
};

/** System words that people search for, with what they mean. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at its address',
  EHOSTUNREACH: 'no route to its address',
  ENETUNREACH: 'no route to its address',
  ENOTFOUND: 'its name is not known in this network',
  EAI_AGAIN: 'its name could not be looked up',
  ETIMEDOUT: 'nothing answers at its address',
};

function unreachable(reason: string): string {
  return `the gateway cannot be reached: ${REASONS[reason] ?? 'the connection failed'} (${reason})`;
}

function withDetail(code: GatewayErrorCode, detail: string): string {
  // A gateway may quote the request, and with it a hash.
  const harmless = detail.replace(/[A-Za-z0-9+/=%]{24,}/g, '…').slice(0, 80);
  return `${gatewayError(code).message}: "${harmless}"`;
}
