/**
 * State in a folder: a file per key, written beside and renamed over the old one after its bytes have reached the disk,
 * readable by its owner only. A file that is no JSON is set aside, told once, and taken as absent.
 */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../common/errors';
import { LocalState } from './local';
import { takeLockFile } from './lock-file';
import { StateError, type Change, type Json, type Lease, type LeaseOptions } from './state';

export interface FileStateOptions {
  /** The folder; made when first needed. */
  folder: string;
  /** Told what a person should know: a file that was damaged. The words name the file. */
  warn: (message: string) => void;
  /** True where short-lived processes may use the folder at the same time (the command line): changes and leases take a lock file. */
  crossProcess?: boolean;
}

/** A change takes no longer than this on any disk; the lock of a process that died in it is recognised sooner. */
const CHANGE_MS = 10_000;
/** Hundreds of times what a busy house needs. Nothing larger is read into memory. */
const MOST_BYTES = 32 * 1024 * 1024;

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
      const found = await stat(file);
      if (!found.isFile()) throw new StateError(`${file} is no file`, 'EISDIR');
      if (found.size > MOST_BYTES) await this.setAside(file);
      else value = JSON.parse(await readFile(file, 'utf8')) as Json;
    } catch (error) {
      if (error instanceof StateError) throw error;
      const reason = systemCode(error);
      if (reason === undefined) await this.setAside(file);
      else if (reason !== 'ENOENT') throw new StateError(`${file} cannot be read (${reason})`, reason);
    }
    if (this.options.crossProcess === true) return value;
    // A change that was quicker than this reading knows better.
    if (!this.known.has(key)) this.known.set(key, value);
    return this.known.get(key);
  }

  protected override async decide<T>(key: string, decide: (current: Json | undefined) => Change<T>): Promise<T> {
    if (this.options.crossProcess !== true) return super.decide(key, decide);
    const lock = await this.lock(key, { ttlMs: CHANGE_MS });
    try {
      return await super.decide(key, decide);
    } finally {
      await lock.release();
    }
  }

  override async lease(name: string, options: LeaseOptions): Promise<Lease> {
    const turn = await super.lease(name, options);
    if (this.options.crossProcess !== true) return turn;
    try {
      const lock = await this.lock(name, options);
      return {
        get lost() {
          return lock.lost;
        },
        release: async () => {
          await lock.release();
          await turn.release();
        },
      };
    } catch (error) {
      await turn.release();
      throw error;
    }
  }

  private async lock(name: string, { ttlMs, signal }: LeaseOptions): Promise<Lease> {
    await mkdir(this.options.folder, { recursive: true, mode: 0o700 }).catch(() => undefined);
    return takeLockFile({ file: `${this.fileOf(name)}.lock`, ttlMs, signal });
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
}
