/**
 * State in a folder, a file for each key, for the one process that uses it. How a file is read and written is left to
 * `state-file.ts`.
 */
import path from 'node:path';
import { systemClock, type Clock } from '../common/clock';
import { LocalState } from './local';
import { StateError, type Decide, type Json, type Lease } from './state';
import { StateFile } from './state-file';

export interface FileStateOptions {
  /** The folder; made when first needed. */
  folder: string;
  /** Gets what a person should know: a file that was damaged, a disk that does not answer. The words name the file. */
  warn: (message: string) => void;
  clock?: Clock;
  /** The right to use the folder, where processes use it in turns: nothing is written once it is lost. */
  lease?: Lease | undefined;
}

/** How long closing waits for the disk. */
const CLOSE_MS = 1000;

export class FileState extends LocalState {
  private readonly files = new Map<string, StateFile>();
  private isSlow = false;
  private readonly clock: Clock;

  constructor(private readonly options: FileStateOptions) {
    super();
    this.clock = options.clock ?? systemClock;
  }

  get(key: string): Promise<Json | undefined> {
    return this.fileFor(key).get();
  }

  override change<T>(key: string, decide: Decide<T>): Promise<T> {
    return this.fileFor(key).change(decide);
  }

  protected keep(key: string, value: Json | undefined): Promise<void> {
    return this.change(key, () => ({ value, result: undefined }));
  }

  /** Resolves when nothing is being written any more. A disk that hangs puts that off for ever. */
  async rest(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => file.rest()));
  }

  override async close(): Promise<void> {
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => (cancel = this.clock.after(CLOSE_MS, resolve)));
    await Promise.race([this.rest(), late]).finally(cancel);
  }

  private fileFor(key: string): StateFile {
    const known = this.files.get(key);
    if (known !== undefined) return known;
    const { folder, warn, lease } = this.options;
    const file = new StateFile(path.join(folder, `${encodeURIComponent(key).replaceAll('*', '%2A')}.json`), {
      clock: this.clock,
      warn,
      onSlow: (slow) => this.noteSpeed(slow),
      mayWrite: () => {
        if (lease?.lost.aborted) throw new StateError(`${folder} is used by another process meanwhile`, 'ESTALE');
      },
    });
    this.files.set(key, file);
    return file;
  }

  private noteSpeed(isSlow: boolean): void {
    if (isSlow && !this.isSlow) {
      this.options.warn(
        `the disk with ${this.options.folder} takes over a second to write. Nothing waits for it, but what is written late is lost with the power`,
      );
    }
    this.isSlow = isSlow;
  }
}
