/**
 * State in a folder: a file per key, written beside and renamed over the old one after its bytes have reached the disk,
 * readable by its owner only. A file that is no JSON is set aside, told once, and taken as absent.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../common/errors';
import { LocalState } from './local';
import { StateError, type Change, type Json } from './state';

export interface FileStateOptions {
  /** The folder; made when first needed. */
  folder: string;
  /** Told what a person should know: a file that was damaged. The words name the file. */
  warn: (message: string) => void;
  /** True where short-lived processes may use the folder at the same time (the command line): changes take a lock file. */
  crossProcess?: boolean;
}

/** A lock file older than this was left by a process that died. */
const STALE_LOCK_MS = 10_000;
const LOCK_RETRY_MS = 15;

export class FileState extends LocalState {
  /** What the files hold, once read. Not used across processes, where another may have written since. */
  private readonly known = new Map<string, Json | undefined>();

  constructor(private readonly options: FileStateOptions) {
    super();
  }

  async get(key: string): Promise<Json | undefined> {
    if (this.known.has(key)) return this.known.get(key);
    const file = this.fileOf(key);
    let value: Json | undefined;
    try {
      const text = await readFile(file, 'utf8');
      value = JSON.parse(text) as Json;
    } catch (error) {
      const reason = systemCode(error);
      if (reason === undefined) await this.setAside(file);
      else if (reason !== 'ENOENT') throw new StateError(`${file} cannot be read (${reason})`, reason);
    }
    if (this.options.crossProcess !== true) this.known.set(key, value);
    return value;
  }

  protected override async decide<T>(key: string, decide: (current: Json | undefined) => Change<T>): Promise<T> {
    if (this.options.crossProcess !== true) return super.decide(key, decide);
    const unlock = await this.lockFile(key);
    try {
      return await super.decide(key, decide);
    } finally {
      await unlock();
    }
  }

  protected async keep(key: string, value: Json | undefined): Promise<void> {
    const file = this.fileOf(key);
    try {
      if (value === undefined) await rm(file, { force: true });
      else await this.writeWhole(file, JSON.stringify(value));
    } catch (error) {
      const reason = systemCode(error) ?? 'EIO';
      throw new StateError(`${file} cannot be written (${reason})`, reason);
    }
    if (this.options.crossProcess !== true) this.known.set(key, value);
  }

  private fileOf(key: string): string {
    return path.join(this.options.folder, `${encodeURIComponent(key).replaceAll('*', '%2A')}.json`);
  }

  private async writeWhole(file: string, text: string): Promise<void> {
    const temporary = `${file}.${process.pid}.tmp`;
    await mkdir(this.options.folder, { recursive: true, mode: 0o700 });
    try {
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(text);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    // The rename itself must outlive a power cut too. Windows cannot open folders, and needs it not.
    const folder = await open(this.options.folder, 'r').catch(() => undefined);
    await folder?.sync().catch(() => undefined);
    await folder?.close();
  }

  private async setAside(file: string): Promise<void> {
    const aside = `${file}.damaged`;
    await rename(file, aside).catch(() => undefined);
    this.options.warn(`${file} was damaged and is set aside as ${path.basename(aside)}; starting without it`);
  }

  private async lockFile(key: string): Promise<() => Promise<void>> {
    const lock = `${this.fileOf(key)}.lock`;
    await mkdir(this.options.folder, { recursive: true, mode: 0o700 }).catch(() => undefined);
    for (;;) {
      try {
        const handle = await open(lock, 'wx', 0o600);
        await handle.close();
        return () => rm(lock, { force: true });
      } catch (error) {
        const reason = systemCode(error) ?? 'EIO';
        if (reason !== 'EEXIST') throw new StateError(`${lock} cannot be made (${reason})`, reason);
      }
      await this.dropStale(lock);
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    }
  }

  private async dropStale(lock: string): Promise<void> {
    const handle = await open(lock, 'r').catch(() => undefined);
    if (handle === undefined) return;
    const { mtimeMs } = await handle.stat().finally(() => handle.close());
    if (Date.now() - mtimeMs > STALE_LOCK_MS) await rm(lock, { force: true });
  }
}
