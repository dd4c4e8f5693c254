/**
 * One value in one file, written beside and renamed over the old one after its bytes have reached the disk, readable by its
 * owner only. A disk that is slow, or never answers, holds up its callers for a second at most: then they get an error, and
 * the change is kept in memory and written when the disk finds the time.
 */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { within, type Clock } from '../common/clock';
import { systemCode } from '../common/errors';
import { isRecord } from '../common/json';
import type { Log } from '../common/log';
import { StateError, type Decide, type Json, type Lease } from './state';

export interface StateFileOptions {
  clock: Clock;
  log: Log;
  /** Called with each write that the disk did in time (false) or did not (true). */
  onSlow?: (slow: boolean) => void;
  /** The right to write, where processes write in turns: nothing is written once it is lost. */
  lease?: Lease | undefined;
}

/** How long a caller waits for the disk. */
const PATIENCE_MS = 1000;
/** Hundreds of times what a busy house needs. Nothing larger is read into memory. */
const MOST_BYTES = 32 * 1024 * 1024;
/** A file is `{ version: 2, value }`. Of version 1 it was the value alone. */
const VERSION = 2;

interface Content {
  value: Json | undefined;
}

export class StateFile {
  private readonly file: string;
  /** What the file is meant to hold, once it was read. The disk may be behind. */
  private known: Content | undefined;
  /** What counts where the disk refuses a write. */
  private kept: Json | undefined;
  private reading: Promise<void> | undefined;
  /** The write under way, and the one behind it, which those share who come meanwhile. */
  private writing: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  /** The write under way takes over a second: no caller waits for it any more. */
  private isLate = false;
  private readonly underWay = new Set<Promise<unknown>>();
  private isRefused = false;

  constructor(
    folder: string,
    key: string,
    private readonly options: StateFileOptions,
  ) {
    this.file = path.join(folder, `${encodeURIComponent(key).replaceAll('*', '%2A')}.json`);
  }

  /** @throws StateError */
  async get(): Promise<Json | undefined> {
    return (await this.content()).value;
  }

  /** @throws StateError */
  change<T>(decide: Decide<T>): Promise<T> {
    return this.track(this.carryOut(decide));
  }

  /** Resolves when nothing is being written any more, which a disk that hangs puts off for ever. */
  async rest(): Promise<void> {
    while (this.underWay.size > 0) await Promise.allSettled(this.underWay);
  }

  private async carryOut<T>(decide: Decide<T>): Promise<T> {
    const content = await this.content();
    const change = decide(content.value);
    if ('value' in change) {
      content.value = change.value;
      await this.inTime(this.save(content));
    } else if (this.writing !== undefined && !this.isLate) {
      // What was decided on has to last.
      await this.inTime(this.next ?? this.writing);
    }
    return change.result;
  }

  private async content(): Promise<Content> {
    while (this.known === undefined) {
      this.reading ??= this.read().finally(() => (this.reading = undefined));
      await this.within(this.reading, 'read');
    }
    return this.known;
  }

  /** Resolves when the disk has what is known now. Those who come in the same moment share a write. */
  private save(content: Content): Promise<void> {
    this.next ??= this.track((this.writing ?? Promise.resolve()).then(() => this.saveNow(content)));
    return this.next;
  }

  private async saveNow(content: Content): Promise<void> {
    [this.writing, this.next] = [this.next, undefined];
    const { value } = content;
    try {
      await this.write(value);
      this.kept = value;
    } catch (error) {
      // What was decided meanwhile on a value that is not kept fails too, as the next write waits for this one.
      this.next = undefined;
      if (this.isLate) this.kept = content.value;
      else content.value = this.kept;
      throw error;
    } finally {
      this.writing = undefined;
      if (!this.hasNext()) this.isLate = false;
    }
  }

  private hasNext(): boolean {
    return this.next !== undefined;
  }

  private async inTime(saving: Promise<void>): Promise<void> {
    try {
      await this.within(saving, 'written', this.isLate ? 0 : PATIENCE_MS);
      this.options.onSlow?.(false);
    } catch (error) {
      if (error instanceof StateError && error.reason === 'ETIMEDOUT') {
        this.isLate = this.writing !== undefined;
        this.options.onSlow?.(true);
      }
      throw error;
    }
  }

  private async within(work: Promise<void>, what: 'read' | 'written', ms = PATIENCE_MS): Promise<void> {
    if (await within(work, ms, this.options.clock)) return;
    throw new StateError(`${this.file} cannot be ${what} in time (ETIMEDOUT)`, 'ETIMEDOUT');
  }

  private track<T>(work: Promise<T>): Promise<T> {
    this.underWay.add(work);
    const forget = (): void => void this.underWay.delete(work);
    work.then(forget, forget);
    return work;
  }

  private async read(): Promise<void> {
    let text: string | undefined;
    try {
      const found = await stat(this.file);
      if (!found.isFile()) throw new StateError(`${this.file} is no file`, 'EISDIR');
      text = found.size > MOST_BYTES ? '' : await readFile(this.file, 'utf8');
    } catch (error) {
      if (error instanceof StateError) throw error;
      const reason = systemCode(error) ?? 'EIO';
      if (reason !== 'ENOENT') throw new StateError(`${this.file} cannot be read (${reason})`, reason);
    }
    this.kept = text === undefined ? undefined : await this.valueOf(text);
    this.known = { value: this.kept };
  }

  private async valueOf(text: string): Promise<Json | undefined> {
    let content: Json;
    try {
      content = JSON.parse(text) as Json;
    } catch {
      await this.setAside();
      return undefined;
    }
    if (!isRecord(content) || typeof content.version !== 'number' || content.version < VERSION) return content;
    if (content.version === VERSION && 'value' in content) return content.value;
    const message = `${this.file} was written by a newer version of this package, and is left as it is`;
    if (!this.isRefused) {
      this.options.log.warn(`${message}. Install that version again, or move the file away to start without it`);
    }
    this.isRefused = true;
    throw new StateError(message, 'EVERSION');
  }

  private async write(value: Json | undefined): Promise<void> {
    this.options.lease?.lost.throwIfAborted();
    try {
      if (value === undefined) await rm(this.file, { force: true });
      else await this.replace(JSON.stringify({ version: VERSION, value }));
    } catch (error) {
      const reason = systemCode(error) ?? 'EIO';
      throw new StateError(`${this.file} cannot be written (${reason})`, reason);
    }
  }

  private async replace(text: string): Promise<void> {
    const folder = path.dirname(this.file);
    const temporary = `${this.file}.${process.pid}.tmp`;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(text);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.file);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    // The rename itself must outlive a power cut too. Windows cannot open folders, and does not have to.
    const opened = await open(folder, 'r').catch(() => undefined);
    await opened?.sync().catch(() => undefined);
    await opened?.close();
  }

  private async setAside(): Promise<void> {
    let aside = `${this.file}.damaged`;
    // One that was set aside before is not written over either.
    for (let count = 2; (await stat(aside).catch(() => undefined)) !== undefined; count += 1) {
      aside = `${this.file}.damaged-${count}`;
    }
    await rename(this.file, aside).catch(() => undefined);
    this.options.log.warn(`${this.file} was damaged and is set aside as ${path.basename(aside)}; starting without it`);
  }
}
