/**
 * The worker's thread: matter.js and what goes between it and our thread. Nothing is decided here that a test without
 * matter.js could decide.
 */
import './environment';
import { parentPort } from 'node:worker_threads';
import { AddressInUseError, Environment, Logger, LogDestination, LogFormat, LogLevel } from '@matter/main';
import { textOf } from '../../common/errors';
import type {
  BridgeDescription,
  FailureReason,
  FromWorker,
  LockDescription,
  Refusal,
  Request,
  ToWorker,
} from '../port';
import { Commands, type Asked } from './lock-server';
import { Server, StartFailure } from './server';

/** Our thread answers within the lock's time. Where it stands still, the home is answered for it so much later. */
const GRACE_MS = 500;
/** After so long a standstill of this process, what it finds waiting may be old: … */
const STANDSTILL_MS = 3000;
/** … for so long. */
const STALE_MS = 1000;
const TICK_MS = 500;

let server: Server | undefined;
let commands = 0;
const waiting = new Map<number, (refusal: Refusal | undefined) => void>();
/** What changes locks runs one after the other. */
let last: Promise<void> = Promise.resolve();

function post(message: FromWorker): void {
  parentPort?.postMessage(message);
}

// At `info` matter.js writes PINs.
Logger.destinations.default = LogDestination({
  level: LogLevel.WARN,
  format: LogFormat('plain'),
  write: (text) => post({ type: 'log', level: 'debug', text }),
});

let lastTick = Date.now();
let staleUntil = 0;
setInterval(() => {
  const now = Date.now();
  if (now - lastTick > STANDSTILL_MS) staleUntil = now + STALE_MS;
  lastTick = now;
}, TICK_MS);

function ask(endpoint: string, asked: Asked): Promise<Refusal | undefined> {
  const lock = server?.lockOf(endpoint);
  if (lock === undefined) return Promise.resolve('failed');
  // A command may have waited in the network's buffer while the machine slept: its home has given it up.
  if (Date.now() < staleUntil) return Promise.resolve('late');
  const command = (commands += 1);
  return new Promise((resolve) => {
    const timer = setTimeout(() => answer(command, 'late'), lock.replyTimeoutMs + GRACE_MS);
    waiting.set(command, (refusal) => {
      clearTimeout(timer);
      resolve(refusal);
    });
    post({ type: 'command', command, id: lock.id, ...asked });
  });
}

function answer(command: number, refusal: Refusal | undefined): void {
  waiting.get(command)?.(refusal);
  waiting.delete(command);
}

async function start(bridge: BridgeDescription, locks: LockDescription[]): Promise<void> {
  Environment.default.set(Commands, new Commands(ask, (endpoint) => server?.lockOf(endpoint)?.appCodes ?? false));
  try {
    const started = await Server.start(bridge, locks);
    server = started;
    const online = (): void => post({ type: 'online', pairing: started.pairing(), homes: started.homes() });
    started.onChange(online);
    online();
  } catch (error) {
    post({ type: 'failed', reason: reasonOf(error), text: [...causes(error)].map(textOf).join(': ') });
  }
}

function reasonOf(error: unknown): FailureReason {
  if (error instanceof StartFailure) return error.reason;
  return [...causes(error)].some((each) => each instanceof AddressInUseError) ? 'portInUse' : 'worker';
}

/** What was thrown and what is behind it: matter.js says in the first only that something went wrong. */
function* causes(thrown: unknown): Generator {
  for (let each = thrown, depth = 0; each !== undefined && depth < 5; each = each.cause, depth += 1) {
    yield each;
    if (!(each instanceof Error)) return;
  }
}

async function carryOut(request: number, asked: Request): Promise<void> {
  try {
    if (asked.ask === 'pairAnother') await server?.pairAnother();
    else if (asked.ask === 'removeHome') await server?.removeHome(asked.index);
    else if (asked.ask === 'factoryReset') await server?.factoryReset();
    else await server?.close();
    if (server !== undefined && asked.ask !== 'close') {
      post({ type: 'online', pairing: server.pairing(), homes: server.homes() });
    }
    post({ type: 'done', request });
  } catch (error) {
    post({ type: 'done', request, error: textOf(error) });
  }
}

function onMessage(message: ToWorker): Promise<void> | undefined {
  switch (message.type) {
    case 'start':
      return start(message.bridge, message.locks);
    case 'lock':
      return server?.setLock(message.lock);
    case 'remove':
      return server?.removeLock(message.id);
    case 'shown':
      return server?.show(message.id, message.shown);
    case 'event':
      return server?.report(message.id, message.event);
    case 'request':
      return carryOut(message.request, message.ask);
    case 'answer':
      answer(message.command, message.refusal);
      return undefined;
  }
}

function complain(error: unknown): void {
  post({ type: 'log', level: 'warn', text: textOf(error) });
}

parentPort?.on('message', (message: ToWorker) => {
  // An answer overtakes: what it answers may be what the others wait for.
  if (message.type === 'answer') void onMessage(message);
  else last = last.then(() => onMessage(message)).catch(complain);
});
post({ type: 'loaded' });
