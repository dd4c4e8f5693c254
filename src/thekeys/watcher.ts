/**
 * Watching locks: one timer for a gateway, however many watch it. Each poll reads the gateway's list, which costs no
 * Bluetooth, and asks a lock only when its log counter has changed or it has none. Outages are told once, and so is their
 * end. Where several processes share the gateway, one of them polls and the others take over what it found.
 */
import type { Clock } from '../common/clock';
import { CodedError, textOf } from '../common/errors';
import { StateError, type Json, type State } from '../state/state';
import type { ListedLock, LockReading } from './wire';
import type { Share } from './calls';
import { gatewayError, type GatewayError, type GatewayErrorCode } from './errors';
import { sharedStateLost } from './outcome';

export interface Watch {
  share: Share;
  /** Milliseconds between polls; each is moved by up to a tenth, so that gateways and processes do not beat in time. */
  intervalMs: number;
  /** Milliseconds for one answer. */
  timeoutMs: number;
}

export interface WatchListener {
  /** After each poll: the last reading. Its `at` says when the lock was read. */
  onReading(reading: LockReading): void;
  /** Once for an outage: the gateway is gone, or no longer sees the lock (`LOCK_NOT_DETECTED`), or refuses. */
  onTrouble(error: GatewayError): void;
  /** After each further poll that fails while the outage that was told lasts: whatever was shown since, it is not over. */
  onTroubleLasts(error: GatewayError): void;
  /** Once, when the outage is over. */
  onRecovered(): void;
}

/** What the watcher asks of a gateway. */
export interface Watched {
  list(options: PollOptions, rank: 'poll'): Promise<ListedLock[]>;
  lockStatus(share: Share, options: PollOptions, rank: 'poll'): Promise<LockReading>;
}
export interface PollOptions {
  deadlineMs: number;
  timeoutMs: number;
  signal: AbortSignal;
}

export interface WatcherOptions {
  gateway: Watched;
  /** `host:port`. */
  key: string;
  clock: Clock;
  state: State;
  /** From 0 to 1. */
  random: () => number;
  /** When the bolt of a lock that was moved from here is at rest, on the clock's `elapsed()`. */
  restsAt?: (identifier: string) => number;
}

/** Watches that begin together, at a deploy, share the first poll. */
const GATHER_MS = 50;
/** Polls due within this part of the interval are made together. */
const TOGETHER = 0.1;
const JITTER = 0.1;
/** A poll that has not had its turn by then makes room for the next. */
const POLL_DEADLINE_MS = 30_000;
/** How long others wait for a process that died while it polled. */
const LEASE_MS = 8000;
/** What another process read counts as this one's poll when it is no older than this part of the interval. */
const FRESH = 0.75;

/** Not an outage: the gateway does something else, and the next poll will tell. */
const PASSING: readonly GatewayErrorCode[] = ['GATEWAY_BUSY', 'EXPIRED', 'QUEUE_FULL'];
/**
 * Unless it lasts: a gateway synchronizes for 4 minutes and more (field measurement), and a firmware is given 10. One that
 * is busy for longer hangs, and nobody knows the lock's state any more.
 */
const PASSING_MS = 15 * 60_000;
/** One and the same outage shows itself in several ways: a gateway that goes down hangs, resets, refuses. */
const OUTAGES: Readonly<Partial<Record<GatewayErrorCode, string>>> = {
  GATEWAY_UNREACHABLE: 'gateway',
  GATEWAY_TIMEOUT: 'gateway',
  GATEWAY_BUSY: 'gateway',
  EXPIRED: 'gateway',
  BAD_RESPONSE: 'gateway',
  LOCK_NOT_DETECTED: 'lock',
  LOCK_ERROR: 'lock',
};

interface Entry {
  watch: Watch;
  listener: WatchListener;
  dueAt: number;
  /** The outage that was told and is not over. */
  trouble: string | undefined;
  /** Since when polls have come to nothing for a reason that passes, on the clock's `elapsed()`. */
  heldUpSince: number | undefined;
}

/** The last reading of a lock, and the log counter that stands for it; undefined where the lock is to be asked again. */
interface Known {
  reading: LockReading;
  lastLog?: number | undefined;
}

/** What processes that share the gateway tell each other. Times are milliseconds since 1970. */
interface Snapshot {
  at: number;
  locks: ListedLock[];
  known: Record<string, Known>;
}

export class Watcher {
  private readonly entries = new Set<Entry>();
  private readonly known = new Map<string, Known>();
  private cancelTimer: (() => void) | undefined;
  private polling = false;
  private stopping = new AbortController();
  private unsubscribe: (() => void) | undefined;
  /** Tells this process's polls from those of others. */
  private readonly id: string;

  constructor(private readonly options: WatcherOptions) {
    this.id = String(options.random());
  }

  /** Polls from now on, until the returned function is called. The first poll comes at once. */
  watch(watch: Watch, listener: WatchListener): () => void {
    const dueAt = this.options.clock.elapsed() + GATHER_MS;
    const entry: Entry = { watch, listener, dueAt, trouble: undefined, heldUpSince: undefined };
    if (this.entries.size === 0) this.start();
    this.entries.add(entry);
    this.schedule();
    return () => {
      if (!this.entries.delete(entry)) return;
      if (this.entries.size === 0) this.stop();
      else this.schedule();
    };
  }

  /** A lock was read for somebody else: what is remembered of it is older, though the list may not show that yet. */
  heard(reading: LockReading): void {
    const known = this.known.get(reading.identifier);
    if (known !== undefined) known.reading = reading;
  }

  private start(): void {
    this.stopping = new AbortController();
    // Also where nobody shares the state now: its home may be moved.
    this.unsubscribe = this.options.state.subscribe(this.stateKey, (poller) => {
      if (poller === this.id) return;
      // Another process has polled: what is due soon is answered by that.
      for (const entry of this.entries) {
        const now = this.options.clock.elapsed();
        if (entry.dueAt - now < entry.watch.intervalMs * FRESH) entry.dueAt = now;
      }
      this.schedule();
    });
  }

  private stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.stopping.abort(gatewayError('EXPIRED', { message: 'nobody watches any more' }));
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    // Whoever watches next shall see the lock itself, not a memory.
    this.known.clear();
  }

  private schedule(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    if (this.polling || this.entries.size === 0) return;
    const next = Math.min(...[...this.entries].map(({ dueAt }) => dueAt));
    this.cancelTimer = this.options.clock.after(next - this.options.clock.elapsed(), () => void this.tick());
  }

  private async tick(): Promise<void> {
    const now = this.options.clock.elapsed();
    const due = [...this.entries].filter(({ dueAt, watch }) => dueAt <= now + watch.intervalMs * TOGETHER);
    if (due.length === 0) {
      this.schedule();
      return;
    }
    this.polling = true;
    const { signal } = this.stopping;
    try {
      await this.poll(due, signal);
    } catch (error) {
      for (const entry of due) this.trouble(entry, error, signal);
    } finally {
      if (!signal.aborted) {
        const after = this.options.clock.elapsed();
        // The same for all, or those that poll together would drift apart and poll twice as often.
        const jitter = 1 - JITTER + 2 * JITTER * this.options.random();
        for (const entry of due) {
          // Also where another process polled meanwhile, and this one has it from there.
          if (entry.dueAt <= after + entry.watch.intervalMs * TOGETHER)
            entry.dueAt = after + entry.watch.intervalMs * jitter;
        }
      }
      this.polling = false;
      this.schedule();
    }
  }

  private async poll(due: readonly Entry[], signal: AbortSignal): Promise<void> {
    const { state } = this.options;
    if (!state.shared) {
      await this.readAll(await this.list(due, signal), due, signal);
      return;
    }
    // One process polls; the others wait for it, and find what it found.
    const turn = await state.lease(this.stateKey, { ttlMs: LEASE_MS, signal });
    try {
      const found = await this.foundLately(due);
      if (found === undefined) {
        const locks = await this.list(due, signal);
        await this.readAll(locks, due, signal);
        await this.tellOthers(locks);
      } else {
        for (const [identifier, known] of Object.entries(found.known)) {
          this.known.set(identifier, later(known, this.known.get(identifier)));
        }
        await this.readAll(found.locks, due, signal);
      }
    } finally {
      await turn.release();
    }
  }

  private list(due: readonly Entry[], signal: AbortSignal): Promise<ListedLock[]> {
    return this.options.gateway.list(pollOptions(due, signal), 'poll');
  }

  /** Asks the locks that have something new to tell, each once, and tells all who watch them. */
  private async readAll(locks: readonly ListedLock[], due: readonly Entry[], signal: AbortSignal): Promise<void> {
    const byLock = new Map<string, Entry[]>();
    for (const entry of due) {
      const { identifier, code } = entry.watch.share;
      const key = `${identifier} ${code}`;
      byLock.set(key, [...(byLock.get(key) ?? []), entry]);
    }
    for (const entries of byLock.values()) {
      const [first] = entries;
      if (first === undefined || signal.aborted) continue;
      const { share } = first.watch;
      try {
        const listed = locks.find(({ identifier }) => identifier === share.identifier);
        if (listed === undefined) {
          this.known.delete(share.identifier);
          throw gatewayError('LOCK_NOT_DETECTED');
        }
        const reading = await this.readIfNew(share, listed, entries, signal);
        for (const entry of entries) this.reading(entry, reading);
      } catch (error) {
        for (const entry of entries) this.trouble(entry, error, signal);
      }
    }
  }

  private async readIfNew(
    share: Share,
    listed: ListedLock,
    entries: readonly Entry[],
    signal: AbortSignal,
  ): Promise<LockReading> {
    const known = this.known.get(share.identifier);
    // Any difference counts: a lock that was reset starts to count anew.
    if (known !== undefined && listed.lastLog !== undefined && listed.lastLog === known.lastLog) return known.reading;
    const { clock, gateway, restsAt } = this.options;
    const began = clock.elapsed();
    const reading = await gateway.lockStatus(share, pollOptions(entries, signal), 'poll');
    // Some locks count a movement when it begins, and read as what they were until it ends.
    const travelled = (restsAt?.(share.identifier) ?? -Infinity) > began;
    this.known.set(share.identifier, { reading, lastLog: travelled ? undefined : listed.lastLog });
    return reading;
  }

  private reading(entry: Entry, reading: LockReading): void {
    if (!this.entries.has(entry)) return;
    entry.heldUpSince = undefined;
    if (entry.trouble !== undefined) {
      entry.trouble = undefined;
      entry.listener.onRecovered();
    }
    entry.listener.onReading(reading);
  }

  private trouble(entry: Entry, thrown: unknown, signal: AbortSignal): void {
    if (signal.aborted || !this.entries.has(entry)) return;
    const error = asGatewayError(thrown);
    if (this.isPassing(entry, error)) return;
    const outage = OUTAGES[error.code] ?? error.code;
    if (entry.trouble === outage) {
      entry.listener.onTroubleLasts(error);
      return;
    }
    entry.trouble = outage;
    entry.listener.onTrouble(error);
  }

  private isPassing(entry: Entry, error: GatewayError): boolean {
    if (!PASSING.includes(error.code)) {
      entry.heldUpSince = undefined;
      return false;
    }
    const now = this.options.clock.elapsed();
    entry.heldUpSince ??= now;
    return now - entry.heldUpSince < PASSING_MS;
  }

  private get stateKey(): string {
    return `watch/${this.options.key}`;
  }

  /** What another process has found so lately that it counts as this one's poll. */
  private async foundLately(due: readonly Entry[]): Promise<Snapshot | undefined> {
    const shortest = Math.min(...due.map(({ watch }) => watch.intervalMs));
    const snapshot = asSnapshot(await this.options.state.get(this.stateKey));
    // Two machines never show quite the same time, so what another one found just now may seem to come from the future.
    const age = Math.abs(this.options.clock.now() - snapshot.at);
    return age < shortest * FRESH ? snapshot : undefined;
  }

  private async tellOthers(locks: ListedLock[]): Promise<void> {
    const { state, clock } = this.options;
    await state.change(this.stateKey, (current) => {
      const known = { ...asSnapshot(current).known, ...Object.fromEntries(this.known) };
      return { value: asJson({ at: clock.now(), locks, known }), result: undefined };
    });
    await state.publish(this.stateKey, this.id);
  }
}

/** What another process found, unless this one has read the lock since, and nothing else has happened to it. */
function later(found: Known, own: Known | undefined): Known {
  if (own?.lastLog === undefined || own.lastLog !== found.lastLog) return found;
  return Date.parse(own.reading.at) > Date.parse(found.reading.at) ? own : found;
}

function pollOptions(entries: readonly Entry[], signal: AbortSignal): PollOptions {
  return { deadlineMs: POLL_DEADLINE_MS, timeoutMs: Math.max(...entries.map(({ watch }) => watch.timeoutMs)), signal };
}

function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof StateError) return sharedStateLost(thrown);
  if (thrown instanceof CodedError) return thrown as GatewayError;
  return gatewayError('BAD_RESPONSE', { message: `unexpected: ${textOf(thrown)}` });
}

/** What is kept was written by this class, in this or another process; or by somebody else, and then tells nothing. */
function asSnapshot(value: Json | undefined): Snapshot {
  const empty: Snapshot = { at: 0, locks: [], known: {} };
  if (!isRecord(value)) return empty;
  const { at, locks, known } = value;
  const isListed = (lock: Json): boolean => isRecord(lock) && typeof lock.identifier === 'string';
  const isKnown = (lock: Json): boolean => isRecord(lock) && isRecord(lock.reading) && isListed(lock.reading);
  const usable =
    typeof at === 'number' &&
    Array.isArray(locks) &&
    locks.every(isListed) &&
    isRecord(known) &&
    Object.values(known).every(isKnown);
  return usable ? (value as unknown as Snapshot) : empty;
}

function isRecord(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asJson(snapshot: Snapshot): Json {
  return snapshot as unknown as Json;
}
