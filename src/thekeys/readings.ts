/**
 * What is known of each lock of a gateway. Every reading is added, whichever node asked for it, and whatever follows that
 * lock gets it at once, in other processes that share the state too. The last one of each lock is kept, so that after a
 * deploy or a restart a change differs from a first reading.
 */
import { randomUUID } from 'node:crypto';
import { textOf } from '../common/errors';
import { isRecord } from '../common/json';
import type { Json } from '../state/state';
import type { Channel } from './command';
import { plainIdentifier, type LockReading } from './wire';

export type ReadingListener = (reading: LockReading) => void;

export class Readings {
  private readonly readings = new Map<string, LockReading>();
  private readonly listeners = new Map<string, Set<ReadingListener>>();
  private readonly stateKey: string;
  /** By this a process recognises what it published itself. */
  private readonly self = randomUUID();
  private kept: Promise<Map<string, LockReading>> | undefined;
  private saving: Promise<void> | undefined;
  /** Identifiers of the locks whose reading is to be kept still. */
  private readonly unsaved = new Set<string>();
  private cannotKeep = false;
  private unsubscribe: (() => void) | undefined;

  constructor(private readonly options: Pick<Channel, 'state' | 'key' | 'log'>) {
    this.stateKey = `readings/${options.key}`;
  }

  add(reading: LockReading): void {
    const { state, log } = this.options;
    const before = this.last(reading.identifier);
    // A machine that is alone needs only what it asks for after a restart: the state. That spares a slow disk.
    if (state.shared || before?.state !== reading.state) this.save(reading.identifier);
    if (state.shared) {
      state.publish(this.stateKey, { from: this.self, reading: { ...reading } }).catch((error: unknown) => {
        log.debug(`a reading could not be passed on to other processes: ${textOf(error)}`);
      });
    }
    this.accept(reading);
  }

  /** The last reading, in this process or in one that shares the state while something here follows the lock. */
  last(identifier: string): LockReading | undefined {
    return this.readings.get(plain(identifier));
  }

  /** What is known of a lock at this moment, from before a restart too. Readings that come meanwhile do not count. */
  async known(identifier: string): Promise<LockReading | undefined> {
    return this.last(identifier) ?? (await this.loaded()).get(plain(identifier));
  }

  /** Calls `listener` with every reading of a lock from now on, until the returned function is called. */
  subscribe(identifier: string, listener: ReadingListener): () => void {
    const lock = plain(identifier);
    const listeners = this.listeners.get(lock) ?? new Set();
    // The same function may follow twice.
    const entry: ReadingListener = (reading) => listener(reading);
    listeners.add(entry);
    this.listeners.set(lock, listeners);
    this.unsubscribe ??= this.options.state.subscribe(
      this.stateKey,
      (message) => this.receive(message),
      () => void this.refresh().catch(() => undefined),
    );
    return () => {
      listeners.delete(entry);
      if (listeners.size === 0 && this.listeners.get(lock) === listeners) this.listeners.delete(lock);
      if (this.listeners.size > 0) return;
      this.unsubscribe?.();
      this.unsubscribe = undefined;
    };
  }

  /** Reads anew what other processes have kept. @throws StateError */
  async refresh(): Promise<void> {
    await this.saved();
    for (const [lock, reading] of readingsOf(await this.options.state.get(this.stateKey))) {
      if (this.unsaved.has(lock) || this.readings.get(lock)?.at === reading.at) continue;
      this.accept(reading);
    }
  }

  /** Resolves when everything that was added is kept, or cannot be. */
  async saved(): Promise<void> {
    await this.saving;
  }

  private accept(reading: LockReading): void {
    const lock = plain(reading.identifier);
    this.readings.set(lock, reading);
    for (const listener of [...(this.listeners.get(lock) ?? [])]) listener(reading);
  }

  /** Reads of one gateway follow one another, in other processes too: what arrives later was read later, whatever clocks say. */
  private receive(message: Json): void {
    if (!isRecord(message) || message.from === this.self || !isReading(message.reading)) return;
    this.accept(message.reading);
  }

  /** What was kept before this process kept anything. */
  private loaded(): Promise<Map<string, LockReading>> {
    this.kept ??= this.options.state.get(this.stateKey).then(readingsOf, (error: unknown) => {
      this.options.log.debug(`earlier readings are not known: ${textOf(error)}`);
      return new Map<string, LockReading>();
    });
    return this.kept;
  }

  private save(identifier: string): void {
    this.unsaved.add(plain(identifier));
    this.saving ??= this.saveAll().finally(() => (this.saving = undefined));
  }

  /** Nothing waits for it: a slow disk keeps no reading from its listeners. */
  private async saveAll(): Promise<void> {
    const { state, log } = this.options;
    await this.loaded();
    while (this.unsaved.size > 0) {
      const locks = [...this.unsaved];
      this.unsaved.clear();
      try {
        await state.change(this.stateKey, (current) => {
          const all = readingsOf(current);
          for (const lock of locks) {
            const reading = this.readings.get(lock);
            if (reading !== undefined) all.set(lock, reading);
          }
          const value = Object.fromEntries([...all].map(([lock, reading]) => [lock, { ...reading }]));
          return { value, result: undefined };
        });
        this.cannotKeep = false;
      } catch (error) {
        // With the next reading again.
        for (const lock of locks) this.unsaved.add(lock);
        if (!this.cannotKeep) log.warn(`the last readings of the locks cannot be kept: ${textOf(error)}`);
        this.cannotKeep = true;
        return;
      }
    }
  }
}

/** What one node has said of locks: each reading goes out with the state that was said before it, null the first time. */
export class SaidStates {
  private readonly states = new Map<string, Promise<LockReading['state'] | null>>();

  constructor(private readonly readings: Pick<Readings, 'known'>) {}

  /** From now on: what is known of the lock, from before a deploy or a restart too, counts as said. */
  begin(identifier: string): void {
    if (this.states.has(identifier)) return;
    const known = this.readings.known(identifier).then((reading) => reading?.state ?? null);
    this.states.set(identifier, known);
  }

  async say(reading: LockReading): Promise<LockReading & { previous: LockReading['state'] | null }> {
    const before = this.states.get(reading.identifier);
    this.states.set(reading.identifier, Promise.resolve(reading.state));
    return { ...reading, previous: (await before) ?? null };
  }
}

/** Two spellings of one lock's number are one lock. */
function plain(identifier: string): string {
  return plainIdentifier(identifier) ?? identifier;
}

/** By the number of the lock. What was not written by this class is left out. */
function readingsOf(value: Json | undefined): Map<string, LockReading> {
  const readings = isRecord(value) ? Object.values(value).filter(isReading) : [];
  return new Map(readings.map((reading) => [plain(reading.identifier), reading]));
}

const isNumberOrNull = (value: unknown): boolean => value === null || typeof value === 'number';

/** What each field of a reading that was kept, or comes from another process, has to be. */
const FIELDS: Readonly<Record<keyof LockReading, (value: unknown) => boolean>> = {
  identifier: (value) => typeof value === 'string',
  state: (value) => value === 'open' || value === 'closed' || value === 'unknown',
  code: (value) => typeof value === 'number',
  at: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value),
  batteryMillivolts: isNumberOrNull,
  batteryPercent: isNumberOrNull,
  rssi: isNumberOrNull,
  position: isNumberOrNull,
  version: isNumberOrNull,
};

function isReading(value: unknown): value is LockReading & Record<string, Json> {
  return isRecord(value) && Object.entries(FIELDS).every(([name, isRight]) => isRight(value[name]));
}
