/**
 * The folder in which the package keeps what must outlive the process, made so that it can fail: become read-only, run
 * full, or not be a folder at all. Where this process may mount, it is a small file system of its own; elsewhere only the
 * last of the three is possible. Each fault begins and ends in one step, so that nothing is lost by the campaign itself.
 */
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Below the user directory. */
const NAME = 'thekeys-gateway';
const BYTES = 512 * 1024;

export interface FolderFault {
  kind: 'read-only' | 'full' | 'no folder';
  end: () => Promise<void>;
}

export class StateFolder {
  private turn: number | undefined;

  private constructor(
    private readonly link: string,
    private readonly home: string,
    private readonly mounted: boolean,
  ) {}

  /** Puts it where Node-RED has not yet looked for it. */
  static async place(userDir: string): Promise<StateFolder> {
    const home = await mkdtemp(path.join(os.tmpdir(), 'faults-state-'));
    const folder = path.join(home, 'folder');
    await mkdir(folder);
    await writeFile(path.join(home, 'no-folder'), '');
    const link = path.join(userDir, NAME);
    await rm(link, { recursive: true, force: true });
    await symlink(folder, link);
    return new StateFolder(link, home, mount(['-t', 'tmpfs', '-o', `size=${BYTES}`, 'tmpfs', folder]));
  }

  /** Begins the next of the faults that are possible here; `chance`, from 0 to 1, says which is the first. */
  async begin(chance: number): Promise<FolderFault> {
    this.turn ??= Math.floor(chance * 3);
    const kinds = this.mounted ? [this.full, this.readOnly, this.noFolder] : [this.noFolder];
    const kind = kinds[this.turn % kinds.length] ?? this.noFolder;
    this.turn += 1;
    return (await kind()) ?? this.noFolder();
  }

  private readonly full = async (): Promise<FolderFault> => {
    const filler = path.join(this.home, 'folder', 'filler');
    // In small steps, to the last byte.
    for (const size of [BYTES / 8, 4096, 64]) {
      while (
        await appendFile(filler, Buffer.alloc(size)).then(
          () => true,
          () => false,
        )
      );
    }
    return { kind: 'full', end: () => rm(filler, { force: true }) };
  };

  /** Undefined where the system does not let it be. */
  private readonly readOnly = (): Promise<FolderFault | undefined> => {
    const folder = path.join(this.home, 'folder');
    const end = (): Promise<void> => {
      mount(['-o', 'remount,rw', folder]);
      return Promise.resolve();
    };
    return Promise.resolve(mount(['-o', 'remount,ro', folder]) ? { kind: 'read-only', end } : undefined);
  };

  private readonly noFolder = async (): Promise<FolderFault> => {
    await this.point('no-folder');
    return { kind: 'no folder', end: () => this.point('folder') };
  };

  async stop(): Promise<void> {
    if (this.mounted) execFileSync('umount', [path.join(this.home, 'folder')]);
    await rm(this.home, { recursive: true, force: true });
  }

  private async point(target: string): Promise<void> {
    await symlink(path.join(this.home, target), `${this.link}.new`);
    await rename(`${this.link}.new`, this.link);
  }
}

function mount(words: readonly string[]): boolean {
  try {
    execFileSync('mount', words, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
