/**
 * Where a configuration node keeps what must outlive it: in the user directory, or in the Redis that it names. How values
 * are kept is left to `src/state`.
 */
import path from 'node:path';
import type { NodeAPI } from 'node-red';
import type { Log } from '../../src/common/log';
import { MemoryState } from '../../src/state/local';
import { openState } from '../../src/state/open';
import type { State } from '../../src/state/state';

/** Below the user directory. */
const FOLDER = 'thekeys-gateway';
/** For programs that run Node-RED without a user directory, and for tests: outlives every node, as a folder does. */
const memory = new MemoryState();

/** Undefined for a program that runs Node-RED without a user directory. */
export function stateFolder(RED: NodeAPI): string | undefined {
  const userDir: unknown = RED.settings.userDir;
  return typeof userDir === 'string' && userDir !== '' ? path.join(userDir, FOLDER) : undefined;
}

/** Each caller closes what it got. @param url `redis://…`, or empty @throws CodedError INVALID_INPUT */
export function stateFor(RED: NodeAPI, url: string, log: Log): State {
  const folder = stateFolder(RED);
  if (url.trim() === '' && folder === undefined) return memory;
  return openState({ url, folder: folder ?? '', log });
}
