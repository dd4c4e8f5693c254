/** A folder of state for each test of a suite, and what is warned of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { silent } from '../../src/common/log';
import { FileState } from '../../src/state/file';

export interface StateFolder {
  path: string;
  warnings: string[];
  /** As another process opens it. */
  fresh(): FileState;
}

export function useStateFolder(): StateFolder {
  const folder: StateFolder = {
    path: '',
    warnings: [],
    fresh: () =>
      new FileState({ folder: folder.path, log: { ...silent, warn: (message) => folder.warnings.push(message) } }),
  };
  beforeEach(async () => {
    folder.path = await mkdtemp(path.join(os.tmpdir(), 'state-'));
    folder.warnings = [];
  });
  afterEach(() => rm(folder.path, { recursive: true, force: true }));
  return folder;
}
