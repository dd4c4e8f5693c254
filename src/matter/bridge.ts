/**
 * The bridge as the rest of the package sees it: locks that homes command through Matter. matter.js runs in a worker
 * thread, which is begun with the bridge, begun again when it dies, and never ends this process.
 */
import type { Clock } from '../common/clock';
import { invalidInput } from '../common/errors';
import type { Log } from '../common/log';
import type { State } from '../state/state';
import type { BoltAction, FailureReason, FromWorker, Home, Pairing, ToWorker } from './port';

export type { Home, Pairing } from './port';

/** How a bridge is doing. `text` is English and for logs and dialogs; `reason` is what a badge shows. */
export type BridgeStatus =
  | { state: 'starting' }
  /** No home yet. */
  | { state: 'unpaired' }
  | { state: 'paired'; homes: number }
  /** Tried again by itself after so many milliseconds. */
  | { state: 'failed'; reason: FailureReason; text: string; restartInMs: number };

export interface BridgeOptions {
  /** Stable: the node's id. Begins what is kept of the bridge in the state. */
  id: string;
  /** What matter.js keeps, keys of the homes among it: `userDir/thekeys-gateway/matter/<id>`. Made, for its owner only. */
  folder: string;
  /** Wrong PINs with their lock-out, and the passcode where none is handed in. */
  state: State;
  /** Empty: "The Keys". */
  name: string;
  port: number;
  /** Network interface; empty: all. */
  interface: string;
  vendorId: number;
  productId: number;
  /** Both are made once and kept in the state where they are absent. */
  passcode?: number | undefined;
  discriminator?: number | undefined;
  /** Called with both where they were not handed in: when they were read from the state, or made. For the credentials. */
  onCodes?: (codes: { passcode: number; discriminator: number }) => void;
  /** Of this package. */
  version: string;
  /** Starts the worker: `threadFrom(file)`, or a test's own. */
  spawn: Spawn;
  clock: Clock;
  log: Log;
  /** Called with each change, and once at the beginning. */
  onStatus: (status: BridgeStatus) => void;
  /** From 0 to 1: for the jitter of restarts, and where no passcode is handed in. */
  random?: () => number;
}

/** The other thread, as the bridge sees it. */
export interface Thread {
  post(message: ToWorker): void;
  /** Ends it at once. */
  terminate(): void;
}

export interface ThreadListener {
  onMessage: (message: FromWorker) => void;
  /** It ended, by itself or by `terminate`. Called once. */
  onEnd: (reason: string) => void;
}

export type Spawn = (listener: ThreadListener) => Thread;

/** What a home asks of a lock. It has the right PIN, where one is needed. */
export interface BoltCommand {
  action: BoltAction;
  /** The home that asks. */
  controller: { index: number; label: string };
  /** Milliseconds from now until when it may be sent. After that its home has given up. */
  deadlineMs: number;
  /** Aborted when the lock or the bridge is closed: what was not sent never is. */
  signal: AbortSignal;
}

export interface LockOptions {
  /** Stable: decides the number under which homes know the lock. */
  id: string;
  /** Names may change. */
  name: string;
  /** The lock's own number. */
  serial: string;
  /** Whether the homes are shown a battery, and a door beside the bolt. */
  battery: boolean;
  door: boolean;
  pinFor: 'none' | 'release' | 'always';
  /** 4 to 8 digits. Where a PIN is needed and there is none, nor a code of the app's, every such command is refused. */
  pin: string;
  /** Lets the homes' apps manage codes of their own. */
  appCodes: boolean;
  /** Milliseconds after which a home is answered "accepted"; what fails later, it learns as an event. */
  replyTimeoutMs: number;
  /**
   * Carries a command out. Resolves when it is done, rejects with an error of the contract; how the bolt then stands is
   * shown by what `update` gets, and by nothing else.
   */
  onCommand: (command: BoltCommand) => Promise<void>;
}

/** What was read of a lock. What is absent stays as it was. */
export interface LockUpdate {
  /** `unknown`: the lock does not know. Null: it was not read. */
  state?: 'open' | 'closed' | 'unknown' | null;
  jammed?: boolean;
  /** False in an outage: then no state is shown until there is a new one. */
  reachable?: boolean;
  batteryPercent?: number | null;
  door?: 'open' | 'closed' | null;
  firmware?: string;
}

export interface BridgedLock {
  update(update: LockUpdate): void;
  /** For a lock that comes back at once (a deploy) the homes notice nothing. */
  remove(): void;
}

export class Bridge {
  private readonly locks = new Map<string, LockOptions>();
  private current: BridgeStatus = { state: 'starting' };

  constructor(private readonly options: BridgeOptions) {
    options.onStatus(this.current);
  }

  get status(): BridgeStatus {
    return this.current;
  }

  /** @throws CodedError INVALID_INPUT for an id that is taken, or a PIN that no home's app can type */
  addLock(lock: LockOptions): BridgedLock {
    this.locks.set(lock.id, lock);
    return { update: () => undefined, remove: () => void this.locks.delete(lock.id) };
  }

  /** Undefined until the bridge is online. */
  pairing(): Pairing | undefined {
    return undefined;
  }

  homes(): readonly Home[] {
    return [];
  }

  /** Lets another home pair for 15 minutes. @throws CodedError */
  pairAnother(): Promise<Pairing> {
    return Promise.reject(this.offline());
  }

  /** @throws CodedError */
  removeHome(index: number): Promise<void> {
    return Promise.reject(invalidInput(`no home ${index}`));
  }

  /** Forgets all homes, and every code. The passcode stays. @throws CodedError */
  factoryReset(): Promise<void> {
    return Promise.reject(this.offline());
  }

  /** Resolves when the worker has ended. */
  close(): Promise<void> {
    this.current = { state: 'starting' };
    return Promise.resolve();
  }

  private offline(): Error {
    return invalidInput(`the Matter bridge ${this.options.name} is not online`);
  }
}
