/**
 * Watching locks: one timer for a gateway, however many watch it. A poll reads the gateway's list, which costs no Bluetooth,
 * and asks a lock only when its log counter changed, and once more when the bolt has had time to travel: some firmware counts
 * a movement when it begins. Where several processes share the gateway, one of them polls and the others adopt what it found.
 */
import { CodedError, textOf } from '../common/errors';
import { isRecord } from '../common/json';
import { StateError, type Json } from '../state/state';
import type { ListedLock, LockReading } from './wire';
import type { Share } from './calls';
import type { Channel } from './command';
import { gatewayError, type GatewayError, type GatewayErrorCode } from './gateway-errors';
import type { CommandOptions } from './options';
import { sharedStateLost } from './outcome';
import { Sightings } from './sightings';

export interface Watch {
  share: Share;
  /** Milliseconds between polls; each is moved by up to a tenth, so that gateways and processes do not poll in step. */
  intervalMs: number;
  /** Milliseconds for one answer. */
  timeoutMs: number;
}

export interface WatchListener {
  /**
   * With every reading of the lock, whichever node asked for it, and with the last one after each poll (`polled`). Its `at`
   * says when the lock was read.
   */
  onReading(reading: LockReading, polled: boolean): void;
  /** Once for an outage: the gateway is gone, or no longer sees the lock (`LOCK_NOT_DETECTED`), or refuses. */
  onTrouble(error: GatewayError): void;
  /** After each further poll that fails while the outage lasts: whatever was shown since, it is not over. */
  onTroubleLasts(error: GatewayError): void;
  onRecovered(): void;
}

export interface WatcherOptions extends Pick<Channel, 'key' | 'clock' | 'state' | 'log' | 'readings'> {
  /** The locks that the gateway sees, asked for with the rank of a poll. */
  list(options: CommandOptions): Promise<ListedLock[]>;
  /** What a lock says of itself, asked for with the rank of a poll, and added to `readings`. */
  read(share: Share, options: CommandOptions): Promise<LockReading>;
  /** From 0 to 1. */
  random: () => number;
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
/** What another process found counts as this one's poll when it is no older than this part of the interval. */
const FRESH = 0.75;
/** A reading is no older than this when it arrives: the lock says its state at the end of a Bluetooth connection. */
const READING_AGE_MS = 1000;
/** Not an outage: the gateway does something else, and the next poll will show. */
const PASSING: readonly GatewayErrorCode[] = ['GATEWAY_BUSY', 'EXPIRED', 'QUEUE_FULL'];
/**
 * Unless it lasts: a gateway synchronizes for 4 minutes and more (field measurement), and a firmware is given 10. One that
 * is busy for longer hangs, and the lock's state is not known any more.
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
  readonly watch: Watch;
  readonly listener: WatchListener;
  readonly lock: string;
  dueAt: number;
  /** The outage that was reported and is not over. */
  trouble?: string | undefined;
  /** Since when polls have come to nothing for a reason that passes, on the clock's `elapsed()`. */
  heldUpSince?: number | undefined;
  /** The poll in which it last got a reading. */
  servedBy?: Poll;
}

interface Poll {
  readonly due: readonly Entry[];
  readonly signal: AbortSignal;
  /** The number of the lock that it reads now. */
  reading?: string | undefined;
}

/** What a process that polled passes on to the others. */
interface Finding {
  from: string;
  /** Milliseconds since it listed the locks. */
  ageMs: number;
  locks: ListedLock[];
  /** Numbers of the locks that have no news beyond what it has read. */
  read: string[];
}

export class Watcher {
  private readonly entries = new Set<Entry>();
  private readonly sightings = new Sightings();
  /** What cancels the reading of a lock whose bolt is to come to rest, by its number. */
  private readonly atRest = new Map<string, () => void>();
  private cancelTimer: (() => void) | undefined;
  private poll: Poll | undefined;
  private stopping = new AbortController();
  private unsubscribe: (() => void) | undefined;
  private found = { at: -Infinity, locks: [] as readonly ListedLock[] };
  /** Marks this process's polls among those of others. */
  private readonly id: string;

  constructor(private readonly options: WatcherOptions) {
    this.id = String(options.random());
  }

  /** Polls from now on, until the returned function is called. The first poll comes at once. */
  watch(watch: Watch, listener: WatchListener): () => void {
    const { clock, readings } = this.options;
    const lock = watch.share.identifier;
    const entry: Entry = { watch, listener, lock, dueAt: clock.elapsed() + GATHER_MS };
    if (this.entries.size === 0) this.start();
    this.entries.add(entry);
    const unsubscribe = readings.subscribe(lock, (reading) => {
      this.sightings.noteRead(lock, clock.elapsed() - READING_AGE_MS);
      this.deliver(entry, reading, this.poll?.reading === lock ? this.poll : undefined);
    });
    this.schedule();
    return () => {
      if (!this.entries.delete(entry)) return;
      unsubscribe();
      if (this.entries.size === 0) this.stop();
      else this.schedule();
    };
  }

  private start(): void {
    this.stopping = new AbortController();
    this.unsubscribe = this.options.state.subscribe(this.stateKey, (message) => this.receive(message));
  }

  private stop(): void {
    for (const cancel of [this.cancelTimer, this.unsubscribe, ...this.atRest.values()]) cancel?.();
    this.atRest.clear();
    this.stopping.abort(gatewayError('EXPIRED', { message: 'the lock is not watched any more' }));
    this.sightings.forget();
  }

  private schedule(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    if (this.poll !== undefined || this.entries.size === 0) return;
    const next = Math.min(...[...this.entries].map(({ dueAt }) => dueAt));
    this.cancelTimer = this.options.clock.after(next - this.options.clock.elapsed(), () => void this.tick());
  }

  private async tick(): Promise<void> {
    const now = this.options.clock.elapsed();
    const due = [...this.entries].filter(({ dueAt, watch }) => dueAt <= now + watch.intervalMs * TOGETHER);
    const { signal } = this.stopping;
    this.poll = { due, signal };
    try {
      if (due.length > 0) await this.run(this.poll);
    } catch (error) {
      for (const entry of due) this.trouble(entry, error, signal);
    } finally {
      this.poll = undefined;
      const after = this.options.clock.elapsed();
      // The same for all, or those that poll together would drift apart and poll twice as often.
      const jitter = 1 - JITTER + 2 * JITTER * this.options.random();
      for (const entry of due) {
        // Not where another process polled meanwhile, and this one has it from there.
        if (entry.dueAt <= after + entry.watch.intervalMs * TOGETHER)
          entry.dueAt = after + entry.watch.intervalMs * jitter;
      }
      this.schedule();
    }
  }

  /** One process polls; the others wait for it, and have what it found. */
  private async run(poll: Poll): Promise<void> {
    const { state, clock, log } = this.options;
    const isShared = state.shared && !this.isFresh(poll);
    const lease = isShared ? await state.lease(this.stateKey, { ttlMs: LEASE_MS, signal: poll.signal }) : undefined;
    try {
      // It may have come while this one waited.
      if (state.shared && this.isFresh(poll)) {
        await this.readAll(poll, this.found.locks);
        return;
      }
      log.trace('poll: the list of locks');
      const askedAt = clock.elapsed();
      const locks = await this.options.list(pollOptions(poll.due, poll.signal));
      this.sightings.note(locks, this.watched, clock.elapsed());
      await this.readAll(poll, locks);
      if (lease === undefined) return;
      const now = clock.elapsed();
      const read = [...this.watched].filter((lock) => !this.sightings.isNew(lock, now));
      const finding = { from: this.id, ageMs: now - askedAt, locks: locks.map((each) => ({ ...each })), read };
      await state.publish(this.stateKey, finding);
    } finally {
      await lease?.release();
    }
  }

  private receive(message: Json): void {
    if (!isFinding(message) || message.from === this.id) return;
    const { ageMs, locks, read } = message;
    const now = this.options.clock.elapsed();
    this.found = { at: now, locks };
    this.sightings.note(locks, this.watched, now, ageMs);
    for (const lock of read) {
      this.sightings.noteRead(lock, now - ageMs);
      // The other process does that, unless it dies.
      if (this.watched.has(lock)) this.readAtRest(lock, LEASE_MS);
    }
    for (const entry of this.entries) if (entry.dueAt - now < entry.watch.intervalMs * FRESH) entry.dueAt = now;
    this.schedule();
  }

  private isFresh({ due }: Poll): boolean {
    const shortest = Math.min(...due.map(({ watch }) => watch.intervalMs));
    return this.options.clock.elapsed() - this.found.at < shortest * FRESH;
  }

  /** Reads the locks that have something new to say, each once, and passes it on. */
  private async readAll(poll: Poll, locks: readonly ListedLock[]): Promise<void> {
    const present = new Set(locks.map(({ identifier }) => identifier));
    for (const entries of byShare(poll.due)) {
      if (poll.signal.aborted) return;
      const [{ lock }] = entries;
      try {
        const reading = this.lastUnlessNew(lock, present.has(lock)) ?? (await this.read(entries, poll.signal, poll));
        for (const entry of entries) if (entry.servedBy !== poll) this.deliver(entry, reading, poll);
      } catch (error) {
        for (const entry of entries) this.trouble(entry, error, poll.signal);
      }
    }
  }

  /** The last reading of a lock that has nothing new to say. @throws GatewayError where it is out of reach */
  private lastUnlessNew(lock: string, present: boolean): LockReading | undefined {
    const last = this.options.readings.last(lock);
    const isNew = last === undefined || this.sightings.isNew(lock, this.options.clock.elapsed());
    if (present && isNew) return undefined;
    if (last === undefined || this.sightings.isOutOfReach(lock)) throw gatewayError('LOCK_NOT_DETECTED');
    return last;
  }

  private async read(entries: readonly [Entry, ...Entry[]], signal: AbortSignal, poll?: Poll): Promise<LockReading> {
    const { clock, log } = this.options;
    const [{ lock, watch }] = entries;
    const began = clock.elapsed();
    log.trace(`poll: lock ${lock}, ${poll === undefined ? 'once more, now at rest' : 'which has news'}`);
    if (poll !== undefined) poll.reading = lock;
    try {
      const reading = await this.options.read(watch.share, pollOptions(entries, signal));
      this.sightings.noteRead(lock, began);
      this.readAtRest(lock);
      return reading;
    } finally {
      if (poll !== undefined) poll.reading = undefined;
    }
  }

  /** Reads a lock once more when its bolt has had time to travel. Where that fails, the next poll does it. */
  private readAtRest(lock: string, graceMs = 0): void {
    const { clock, log } = this.options;
    const restsAt = this.sightings.restsAt(lock);
    if (restsAt === undefined || this.atRest.has(lock)) return;
    const { signal } = this.stopping;
    const cancel = clock.after(restsAt + READING_AGE_MS + graceMs - clock.elapsed(), () => {
      this.atRest.delete(lock);
      const [entries] = byShare([...this.entries].filter((entry) => entry.lock === lock));
      if (entries === undefined || this.sightings.restsAt(lock) === undefined) return;
      this.read(entries, signal).catch((error: unknown) => log.trace(`poll: lock ${lock}, ${textOf(error)}`));
    });
    this.atRest.set(lock, cancel);
  }

  private deliver(entry: Entry, reading: LockReading, poll: Poll | undefined): void {
    if (!this.entries.has(entry)) return;
    const polled = poll?.due.includes(entry) === true;
    if (polled) {
      entry.servedBy = poll;
      entry.heldUpSince = undefined;
      if (entry.trouble !== undefined) entry.listener.onRecovered();
      entry.trouble = undefined;
    }
    entry.listener.onReading(reading, polled);
  }

  private trouble(entry: Entry, thrown: unknown, signal: AbortSignal): void {
    if (signal.aborted || !this.entries.has(entry)) return;
    const error = asGatewayError(thrown);
    this.options.log.trace(`poll: lock ${entry.lock}, ${error.code}`);
    if (this.isPassing(entry, error)) return;
    const outage = OUTAGES[error.code] ?? error.code;
    const lasts = entry.trouble === outage;
    entry.trouble = outage;
    if (lasts) entry.listener.onTroubleLasts(error);
    else entry.listener.onTrouble(error);
  }

  private isPassing(entry: Entry, error: GatewayError): boolean {
    const now = this.options.clock.elapsed();
    entry.heldUpSince = PASSING.includes(error.code) ? (entry.heldUpSince ?? now) : undefined;
    return entry.heldUpSince !== undefined && now - entry.heldUpSince < PASSING_MS;
  }

  private get watched(): Set<string> {
    return new Set([...this.entries].map(({ lock }) => lock));
  }

  private get stateKey(): string {
    return `watch/${this.options.key}`;
  }
}

/** Those that watch the same lock with the same code. */
function byShare(entries: readonly Entry[]): [Entry, ...Entry[]][] {
  const groups = new Map<string, [Entry, ...Entry[]]>();
  for (const entry of entries) {
    const key = `${entry.lock} ${entry.watch.share.code}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

function pollOptions(entries: readonly Entry[], signal: AbortSignal): CommandOptions {
  return { deadlineMs: POLL_DEADLINE_MS, timeoutMs: Math.max(...entries.map(({ watch }) => watch.timeoutMs)), signal };
}

function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof StateError) return sharedStateLost(thrown);
  if (thrown instanceof CodedError) return thrown as GatewayError;
  return gatewayError('BAD_RESPONSE', { message: `unexpected: ${textOf(thrown)}` });
}

function isFinding(message: unknown): message is Finding {
  if (!isRecord(message) || !Array.isArray(message.locks) || !Array.isArray(message.read)) return false;
  const isListed = (each: unknown): boolean => isRecord(each) && typeof each.identifier === 'string';
  const areIdentifiers = message.read.every((each) => typeof each === 'string');
  return typeof message.ageMs === 'number' && message.locks.every(isListed) && areIdentifiers;
}
