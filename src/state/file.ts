/** State in a folder, a file for each key, for the one process that uses it. */
import { systemClock, within, type Clock } from '../common/clock';
import type { Log } from '../common/log';
import { LocalState } from './local';
import type { Decide, Json } from './state';
import { StateFile } from './state-file';

export interface FileStateOptions {
  /** Made when first needed. */
  folder: string;
  log: Log;
  clock?: Clock;
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

  change<T>(key: string, decide: Decide<T>): Promise<T> {
    return this.fileFor(key).change(decide);
  }

  /** Resolves when nothing is being written any more. A disk that hangs puts that off for ever. */
  async rest(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => file.rest()));
  }

  async close(): Promise<void> {
    await within(this.rest(), CLOSE_MS, this.clock);
  }

  private fileFor(key: string): StateFile {
    const { folder, log } = this.options;
    const onSlow = (slow: boolean): void => this.noteSpeed(slow);
    const file = this.files.get(key) ?? new StateFile(folder, key, { clock: this.clock, log, onSlow });
    this.files.set(key, file);
    return file;
  }

  private noteSpeed(isSlow: boolean): void {
    if (isSlow && !this.isSlow) {
      this.options.log.warn(
        `the disk with ${this.options.folder} takes over a second to write. Nothing waits for it, but what is written late is lost with the power`,
      );
    }
    this.isSlow = isSlow;
  }
}
