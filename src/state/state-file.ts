/**
 * One value in one file, written beside and renamed over the old one after its bytes have reached the disk, readable by its
 * owner only. A disk that is slow, or never answers, holds up its callers for a second at most: then they get an error, and
 * the change is kept in memory and written when the disk finds the time.
 */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../common/clock';
import { systemCode } from '../common/errors';
import { isRecord } from '../common/json';
import { StateError, type Decide, type Json } from './state';

export interface StateFileOptions {
  clock: Clock;
  warn: (message: string) => void;
  /** Called with each write that the disk did in time (false) or did not (true). */
  onSlow: (slow: boolean) => void;
  /** Asked before each write. @throws StateError where another process may have written meanwhile. */
  mayWrite: () => void;
}

/** How long a caller waits for the disk. */
const PATIENCE_MS = 1000;
/** Hundreds of times what a busy house needs. Nothing larger is read into memory. */
const MOST_BYTES = 32 * 1024 * 1024;
/** A file is `{ version: 2, value }`. Of version 1 it was the value alone. */
const VERSION = 2;

interface Waiting {
  decide: Decide<unknown>;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

export class StateFile {
  /** What the file is meant to hold, once it was read. The disk may be behind. */
  private known: { value: Json | undefined } | undefined;
  private reading: Promise<void> | undefined;
  private readonly waiting: Waiting[] = [];
  private working: Promise<void> | undefined;
  /** Writes that took over a second and are not done yet. Whoever comes meanwhile does not wait for them. */
  private late: Promise<void> | undefined;
  private isRefused = false;

  constructor(
    private readonly file: string,
    private readonly options: StateFileOptions,
  ) {}

  /** @throws StateError */
  async get(): Promise<Json | undefined> {
    if (this.known === undefined) {
      this.reading ??= this.read().finally(() => (this.reading = undefined));
      await this.inTime(this.reading, 'read');
    }
    return this.known?.value;
  }

  /** Changes that are asked for while one is being written are written together. @throws StateError */
  change<T>(decide: Decide<T>): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      this.waiting.push({ decide, resolve, reject });
      this.working ??= this.work();
    }) as Promise<T>;
  }

  /** Resolves when nothing is being written any more, which a disk that hangs puts off for ever. */
  async rest(): Promise<void> {
    while (this.working !== undefined || this.late !== undefined) await (this.working ?? this.late);
  }

  private async work(): Promise<void> {
    // Those who ask in the same moment are written together.
    await Promise.resolve();
    while (this.waiting.length > 0) await this.carryOut(this.waiting.splice(0));
    this.working = undefined;
  }

  private async carryOut(batch: readonly Waiting[]): Promise<void> {
    const written: (() => void)[] = [];
    const failed: Waiting['reject'][] = [];
    try {
      const before = await this.get();
      let value = before;
      for (const { decide, resolve, reject } of batch) {
        try {
          const change = decide(value);
          if ('value' in change) value = change.value;
          else if (written.length === 0) {
            resolve(change.result);
            continue;
          }
          written.push(() => resolve(change.result));
          failed.push(reject);
        } catch (error) {
          reject(error);
        }
      }
      if (written.length === 0) return;
      await this.save(value, before);
      for (const resolve of written) resolve();
    } catch (error) {
      for (const reject of failed.length > 0 ? failed : batch.map(({ reject }) => reject)) reject(error);
    }
  }

  private async save(value: Json | undefined, before: Json | undefined): Promise<void> {
    this.known = { value };
    if (this.late !== undefined) throw this.tooSlow('written');
    const writing = this.write(value);
    try {
      await this.inTime(writing, 'written');
      this.options.onSlow(false);
    } catch (error) {
      if (error instanceof StateError && error.reason === 'ETIMEDOUT') {
        this.late = this.goOn(writing, value);
        this.options.onSlow(true);
      } else this.known = { value: before };
      throw error;
    }
  }

  /** Waits for what no caller waits for any more, and writes what was changed meanwhile. */
  private async goOn(writing: Promise<void>, value: Json | undefined): Promise<void> {
    try {
      await writing;
      for (let written = value; this.known !== undefined && this.known.value !== written;) {
        written = this.known.value;
        await this.write(written);
      }
    } catch {
      // The next change is written with all that is in memory.
    }
    this.late = undefined;
  }

  private async inTime(work: Promise<void>, what: 'read' | 'written'): Promise<void> {
    let cancel: () => void = () => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.options.clock.after(PATIENCE_MS, () => reject(this.tooSlow(what)));
    });
    await Promise.race([work, late]).finally(cancel);
  }

  private tooSlow(what: 'read' | 'written'): StateError {
    return new StateError(`${this.file} cannot be ${what} in time (ETIMEDOUT)`, 'ETIMEDOUT');
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
    this.known = { value: text === undefined ? undefined : await this.valueOf(text) };
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
      this.options.warn(`${message}. Install that version again, or move the file away to start without it`);
    }
    this.isRefused = true;
    throw new StateError(message, 'EVERSION');
  }

  private async write(value: Json | undefined): Promise<void> {
    this.options.mayWrite();
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
    this.options.warn(`${this.file} was damaged and is set aside as ${path.basename(aside)}; starting without it`);
  }
}
