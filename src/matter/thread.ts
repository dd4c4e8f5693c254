/** The worker's thread, begun from the file that the build makes of `worker/main.ts` and matter.js. */
import { Worker } from 'node:worker_threads';
import { textOf } from '../common/errors';
import type { Spawn } from './bridge';
import type { FromWorker } from './port';

/** `file`: `dist/matter/worker.cjs`. Nothing of it is loaded before the first call. */
export function threadFrom(file: string): Spawn {
  return ({ onMessage, onEnd }) => {
    // Neither arguments nor environment: matter.js would set itself up from them.
    const worker = new Worker(file, { argv: [], execArgv: [], env: {}, stdin: true, stdout: true, stderr: true });
    let reason = '';
    worker.on('message', (message) => onMessage(message as FromWorker));
    worker.on('error', (error) => (reason = textOf(error)));
    worker.on('exit', (code) => onEnd(reason || `exit code ${code}`));
    return {
      post: (message) => worker.postMessage(message),
      terminate: () => void worker.terminate(),
    };
  };
}
