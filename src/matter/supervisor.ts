/**
 * The life of the worker: begun, asked, begun again with a growing pause when it died or could not start. Each death is one
 * line in the log; none ends this process.
 */
import path from 'node:path';
import { lifetime, onAbort } from '../common/abort';
import { pause, type Clock } from '../common/clock';
import { invalidInput, textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import type { Log } from '../common/log';
import { acquireLockFile } from '../state/lock-file';
import type { Lease } from '../state/state';
import type { BridgeStatus, Spawn, Thread } from './bridge';
import type { BridgeDescription, FailureReason, FromWorker, LockDescription, Request, ToWorker } from './port';

const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** A worker that was online for so long was well. */
const WELL_AFTER_MS = 10 * 60_000;
/** For what a person asks in the dialog, and for going offline in good order. */
const REQUEST_MS = 20_000;
const CLOSE_MS = 3000;
/** How long another user of the folder is waited for: one that a deploy closes needs a moment. */
const FOLDER_MS = 8000;
const LEASE_MS = 30_000;

export interface SupervisorOptions {
  folder: string;
  spawn: Spawn;
  clock: Clock;
  log: Log;
  random?: () => number;
  onStatus: (status: BridgeStatus) => void;
  /** What the worker begins with. @throws StateError */
  describe: () => Promise<BridgeDescription>;
  locks: () => LockDescription[];
  onMessage: (message: FromWorker) => void;
}

interface Failure {
  reason: FailureReason;
  text: string;
}

export class Supervisor {
  status: BridgeStatus = { state: 'starting' };
  private thread: Thread | undefined;
  /** Whether the thread has been given the locks: from then on it gets what changes. */
  private isStarted = false;
  private readonly requests = new Map<number, (error?: string) => void>();
  private lastRequest = 0;
  private readonly closing = new AbortController();
  private readonly living: Promise<void>;

  constructor(private readonly options: SupervisorOptions) {
    this.living = this.live();
  }

  /** Nothing where there is no worker: it gets all when it begins. */
  post(message: ToWorker): void {
    if (this.isStarted) this.thread?.post(message);
  }

  /** @throws CodedError */
  async request(ask: Request, withinMs = REQUEST_MS): Promise<void> {
    const { thread } = this;
    if (thread === undefined || !this.isStarted) throw invalidInput('the Matter bridge is not online');
    const request = (this.lastRequest += 1);
    const error = await new Promise<string | undefined>((resolve) => {
      const cancel = this.options.clock.after(withinMs, () => resolve('no answer in time'));
      this.requests.set(request, (failure) => {
        cancel();
        resolve(failure);
      });
      thread.post({ type: 'request', request, ask });
    });
    this.requests.delete(request);
    if (error !== undefined) throw invalidInput(`the Matter bridge: ${foreignText(error)}`);
  }

  async close(): Promise<void> {
    await this.request({ ask: 'close' }, CLOSE_MS).catch(() => undefined);
    this.closing.abort(new Error('closed'));
    this.thread?.terminate();
    await this.living;
  }

  private isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  private async live(): Promise<void> {
    const { clock, log, random = Math.random } = this.options;
    let failures = 0;
    let lease: Lease | undefined;
    while (!this.isClosed()) {
      const began = clock.elapsed();
      if (lease?.lost.aborted !== false) lease = await this.acquireFolder();
      // A deploy may have closed it meanwhile.
      if (this.isClosed()) break;
      const failure = lease === undefined ? this.folderInUse() : await this.runOnce(lease);
      if (this.isClosed()) break;
      failures = clock.elapsed() - began > WELL_AFTER_MS ? 1 : failures + 1;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (0.75 + random() / 2);
      const text = foreignText(failure.text);
      log.warn(`the Matter bridge stopped: ${text}. Started again in ${Math.round(pauseMs / 1000)} s`);
      this.setStatus({ state: 'failed', ...failure, text, restartInMs: Math.round(pauseMs) });
      await pause(clock, pauseMs, this.closing.signal).catch(() => undefined);
    }
    await lease?.release();
  }

  /** Undefined where another process uses it. */
  private async acquireFolder(): Promise<Lease | undefined> {
    const { folder, clock, log, random = Math.random } = this.options;
    const life = lifetime({ clock, deadline: clock.elapsed() + FOLDER_MS, caller: this.closing.signal });
    try {
      const file = path.join(folder, 'in-use');
      return await acquireLockFile({ file, ttlMs: LEASE_MS, signal: life.signal, clock, log, random });
    } catch {
      return undefined;
    } finally {
      life.end();
    }
  }

  private folderInUse(): Failure {
    return { reason: 'folderInUse', text: `another process uses ${this.options.folder}, or it cannot be written` };
  }

  /** Resolves when the thread has ended, with why. */
  private async runOnce(lease: Lease): Promise<Failure> {
    let failure: Failure | undefined;
    const fail = ({ reason, text }: Failure): void => {
      failure = { reason, text };
      this.thread?.terminate();
    };
    const forget = onAbort(lease.lost, () => fail(this.folderInUse()));
    const reason = await new Promise<string>((resolve) => {
      const onMessage = (message: FromWorker): void => {
        if (message.type === 'failed') fail(message);
        else if (message.type === 'loaded') this.start().catch((error: unknown) => fail(asFailure(error)));
        else this.onMessage(message);
      };
      try {
        this.thread = this.options.spawn({ onMessage, onEnd: resolve });
        this.setStatus({ state: 'starting' });
      } catch (error) {
        resolve(textOf(error));
      }
    });
    forget();
    this.thread = undefined;
    this.isStarted = false;
    for (const end of this.requests.values()) end(reason);
    return failure ?? { reason: 'worker', text: reason };
  }

  private onMessage(message: FromWorker): void {
    if (message.type === 'done') this.requests.get(message.request)?.(message.error);
    this.options.onMessage(message);
    if (message.type !== 'online') return;
    const homes = message.homes.length;
    this.setStatus(homes === 0 ? { state: 'unpaired' } : { state: 'paired', homes });
  }

  private async start(): Promise<void> {
    const { thread } = this;
    const bridge = await this.options.describe();
    if (thread === undefined || thread !== this.thread) return;
    thread.post({ type: 'start', bridge, locks: this.options.locks() });
    this.isStarted = true;
  }

  private setStatus(status: BridgeStatus): void {
    if (JSON.stringify(status) === JSON.stringify(this.status)) return;
    this.status = status;
    this.options.onStatus(status);
  }
}

function asFailure(error: unknown): Failure {
  return { reason: 'worker', text: textOf(error) };
}
