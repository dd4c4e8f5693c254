/**
 * The bridge as the rest of the package sees it: locks that homes command through Matter. matter.js runs in a worker
 * thread, which is begun with the bridge, begun again when it dies, and never ends this process.
 */
import os from 'node:os';
import type { Clock } from '../common/clock';
import { invalidInput, textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import type { Log } from '../common/log';
import { PinAttempts } from '../state/pin-attempts';
import type { State } from '../state/state';
import { isPin } from './bridge-settings';
import { LockOnBridge } from './bridged-lock';
import { isDiscriminator, isPasscode, keptCodes } from './pairing-codes';
import type {
  BoltAction,
  BridgeDescription,
  FailureReason,
  FromWorker,
  Home,
  LockDescription,
  Pairing,
  Refusal,
  ToWorker,
} from './port';
import { Supervisor } from './supervisor';

export type { Home, Pairing } from './port';

/** How a bridge is doing. `text` is English and for logs and dialogs; `reason` is what a badge shows. */
export type BridgeStatus =
  | { state: 'starting' }
  /** No home yet. */
  | { state: 'unpaired' }
  | { state: 'paired'; homes: number }
  /** Tried again by itself after so many milliseconds. */
  | { state: 'failed'; reason: FailureReason; text: string; restartInMs: number };

export interface BridgeOptions extends Omit<BridgeDescription, 'serial' | 'passcode' | 'discriminator'> {
  /** Stable: the node's id. Begins what is kept of the bridge in the state. */
  id: string;
  /** Wrong PINs with their lock-out, and the passcode where none is handed in. */
  state: State;
  /** Both are made once and kept in the state where they are absent. */
  passcode?: number | undefined;
  discriminator?: number | undefined;
  /** Called with both where they were not handed in: when they were read from the state, or made. For the credentials. */
  onCodes?: (codes: { passcode: number; discriminator: number }) => unknown;
  /** Starts the worker: `threadFrom(file)`, or a test's own. */
  spawn: Spawn;
  clock: Clock;
  log: Log;
  /** From 0 to 1: for the jitter of restarts, and where no passcode is handed in. */
  random?: () => number;
  /** Milliseconds, the same in all threads. The system's, but in tests. */
  uptime?: () => number;
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

export interface LockOptions extends Omit<LockDescription, 'needsPin' | 'shown'> {
  pinFor: 'none' | 'release' | 'always';
  /** 4 to 8 digits. Where a PIN is needed and there is none, nor a code of the app's, every such command is refused. */
  pin: string;
  /**
   * Carries a command out. Resolves when it is done, rejects with an error of the contract; how the bolt then stands is
   * shown by what `update` gets, and by nothing else.
   */
  onCommand: (command: BoltCommand) => Promise<void>;
  /** Called where the PIN was wrong or missing, or is not looked at for a while: nothing was sent. */
  onRefused?: (refusal: Refusal) => void;
}

/** What was read of a lock. What is absent stays as it was; but a state ends an outage, and another state, or a
 * command that was carried out, ends a jam. */
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

/** A lock that is removed is gone for homes after so long. */
const REMOVE_AFTER_MS = 10_000;
const LONGEST_LINE = 1000;

interface Entry {
  lock: LockOnBridge;
  /** Cancels its removal, where it was removed and homes do not know yet. */
  stay: (() => void) | undefined;
}

export class Bridge {
  private readonly locks = new Map<string, Entry>();
  private readonly pins: PinAttempts;
  private readonly worker: Supervisor;
  private online: Extract<FromWorker, { type: 'online' }> | undefined;
  private onlineAt = 0;
  private readonly followers = new Set<(status: BridgeStatus) => void>();

  constructor(private readonly options: BridgeOptions) {
    const { id, state, clock } = options;
    this.pins = new PinAttempts({ state, clock, key: `matter/${id}/pins` });
    this.worker = new Supervisor({
      ...options,
      describe: () => this.describe(),
      locks: () => [...this.locks.values()].map(({ lock }) => lock.description),
      onMessage: (message) => this.onMessage(message),
      onStatus: (status) => {
        for (const follower of [...this.followers]) follower(status);
      },
    });
  }

  get port(): number {
    return this.options.port;
  }

  /** The network interface that is set; empty: all. */
  get interface(): string {
    return this.options.interface;
  }

  get status(): BridgeStatus {
    return this.worker.status;
  }

  /** Calls back with how the bridge is doing, now and after each change. Returns the way to stop. */
  follow(follower: (status: BridgeStatus) => void): () => void {
    this.followers.add(follower);
    follower(this.status);
    return () => void this.followers.delete(follower);
  }

  /** @throws CodedError INVALID_INPUT for an id that is taken, or a PIN that no home's app can type */
  addLock(lock: LockOptions): BridgedLock {
    const { id, pin } = lock;
    if (pin !== '' && !isPin(pin)) {
      throw invalidInput('the PIN is not made of 4 to 8 digits', 'Homes type a PIN of 4 to 8 digits.');
    }
    const before = this.locks.get(id);
    if (before !== undefined && before.stay === undefined) {
      throw invalidInput(`two locks of this Matter bridge have the id ${id}`, 'Give each lock a node of its own.');
    }
    before?.stay?.();
    const entry: Entry = { lock: this.lockOf(lock), stay: undefined };
    if (before !== undefined) entry.lock.inherit(before.lock);
    this.locks.set(id, entry);
    this.worker.post({ type: 'lock', lock: entry.lock.description });
    return {
      update: (update) => {
        if (this.locks.get(id) === entry) entry.lock.update(update);
      },
      remove: () => this.remove(id, entry),
    };
  }

  /** Undefined until the bridge is online. */
  pairing(): Pairing | undefined {
    const { state } = this.status;
    if (this.online === undefined || (state !== 'unpaired' && state !== 'paired')) return undefined;
    const { pairing } = this.online;
    const since = this.options.clock.elapsed() - this.onlineAt;
    const { openForMs } = pairing;
    return { ...pairing, openForMs: openForMs === null ? null : Math.max(0, openForMs - since) };
  }

  homes(): readonly Home[] {
    return this.online?.homes ?? [];
  }

  /** Lets another home pair for 15 minutes. @throws CodedError */
  async pairAnother(): Promise<Pairing> {
    await this.worker.request({ ask: 'pairAnother' });
    const pairing = this.pairing();
    if (pairing === undefined) throw invalidInput('the Matter bridge is not online');
    return pairing;
  }

  /** @throws CodedError */
  removeHome(index: number): Promise<void> {
    return this.worker.request({ ask: 'removeHome', index });
  }

  /** Forgets all homes, and every code. The passcode stays. @throws CodedError */
  factoryReset(): Promise<void> {
    return this.worker.request({ ask: 'factoryReset' });
  }

  /** Resolves when the worker has ended. */
  async close(): Promise<void> {
    for (const { lock, stay } of this.locks.values()) {
      stay?.();
      lock.close();
    }
    await this.worker.close();
  }

  private remove(id: string, entry: Entry): void {
    if (this.locks.get(id) !== entry || entry.stay !== undefined) return;
    entry.lock.close();
    // A home forgets the room of a lock that is gone for a moment, as it is while a flow is deployed.
    entry.stay = this.options.clock.after(REMOVE_AFTER_MS, () => {
      this.locks.delete(id);
      this.worker.post({ type: 'remove', id });
    });
  }

  private lockOf(lock: LockOptions): LockOnBridge {
    const { clock, log, uptime = () => os.uptime() * 1000 } = this.options;
    const homeOf = (fabric: number): string => {
      const home = this.homes().find(({ index }) => index === fabric);
      return home === undefined ? `home ${fabric}` : home.label || home.vendor;
    };
    const post = (message: ToWorker): void => this.worker.post(message);
    return new LockOnBridge({ lock, clock, log, pins: this.pins, uptime, homeOf, post });
  }

  private onMessage(message: FromWorker): void {
    const { clock, log } = this.options;
    if (message.type === 'online') {
      const homes = message.homes.map(({ index, label, vendor }) => {
        return { index, label: foreignText(label, 60), vendor: foreignText(vendor, 60) };
      });
      this.online = { ...message, homes };
      this.onlineAt = clock.elapsed();
    } else if (message.type === 'command') {
      void this.answer(message);
    } else if (message.type === 'log') {
      log[message.level](`matter.js: ${foreignText(message.text, LONGEST_LINE)}`);
    }
  }

  private async answer(message: Extract<FromWorker, { type: 'command' }>): Promise<void> {
    const { command, id } = message;
    const lock = this.locks.get(id)?.lock;
    const refusal = lock === undefined ? 'failed' : await lock.command(message);
    this.worker.post({ type: 'answer', command, ...(refusal === undefined ? {} : { refusal }) });
  }

  private async describe(): Promise<BridgeDescription> {
    const { id, state, name, folder, port, vendorId, productId, version, onCodes, log } = this.options;
    const { passcode, discriminator, interface: network } = this.options;
    const isGiven = isPasscode(passcode) && isDiscriminator(discriminator);
    const codes = isGiven ? { passcode, discriminator } : await keptCodes(state, `matter/${id}/codes`);
    if (!isGiven) {
      Promise.resolve(onCodes?.(codes)).catch((error: unknown) =>
        log.debug(`the codes could not be kept as credentials: ${textOf(error)}`),
      );
    }
    return { folder, port, interface: network, vendorId, productId, name, serial: id, version, ...codes };
  }
}
