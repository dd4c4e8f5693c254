import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { silent } from '../../../src/common/log';
import { FileState } from '../../../src/state/file';
import { MemoryState } from '../../../src/state/local';
import { openState } from '../../../src/state/open';
import { describeStateContract, type StateFixture } from '../../support/state-contract';
import type { State } from '../../../src/state/state';

describeStateContract('memory', () => ({ open: () => new MemoryState() }), false);

const inFolder = (make: (folder: string) => State) => async (): Promise<StateFixture> => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'state-'));
  return {
    open: () => make(folder),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
};
const warn = (message: string): void => {
  throw new Error(message);
};

describeStateContract(
  'a folder',
  inFolder((folder) => new FileState({ folder, log: { ...silent, warn } })),
);
describeStateContract(
  'a folder opened by its name',
  inFolder((folder) => openState({ url: '', folder, log: { ...silent, warn } })),
);
