/**
 * The thread of a Matter bridge without matter.js: a home's side, for tests of what lies on ours. It is online at once, gives
 * commands of homes, and notes what they are shown and answered.
 */
import { uptime } from 'node:os';
import type { Spawn, ThreadListener } from '../../src/matter/bridge';
import type {
  BoltAction,
  BridgeDescription,
  FailureReason,
  Home,
  LockDescription,
  LockEvent,
  Refusal,
  Request,
  ShownLock,
  ToWorker,
} from '../../src/matter/port';

export const ORIGIN = { fabric: 1, controller: '42', user: null };

export class StandInWorker {
  /** As the bridge began it last. */
  bridge: BridgeDescription | undefined;
  readonly locks = new Map<string, LockDescription>();
  readonly events: LockEvent[] = [];
  homes: Home[] = [];
  /** Milliseconds, once there is a home. */
  openForMs = 0;
  starts = 0;
  private listener: ThreadListener | undefined;
  private readonly answers = new Map<number, (refusal: Refusal | undefined) => void>();
  private lastCommand = 0;
  private readonly waiting = new Set<() => void>();

  readonly spawn: Spawn = (listener) => {
    this.listener = listener;
    this.starts += 1;
    setImmediate(() => listener.onMessage({ type: 'loaded' }));
    return {
      post: (message) => {
        // As between threads: what is sent is a copy, and arrives later.
        const copy = structuredClone(message);
        setImmediate(() => this.receive(copy));
      },
      terminate: () => this.end(listener, 'terminated'),
    };
  };

  /** A home commands a lock. Resolves with its answer: a refusal, or undefined. */
  command(id: string, action: BoltAction, pin = ''): Promise<Refusal | undefined> {
    const command = (this.lastCommand += 1);
    return new Promise((resolve) => {
      this.answers.set(command, resolve);
      const at = uptime() * 1000;
      this.listener?.onMessage({ type: 'command', command, id, action, pin, origin: ORIGIN, at });
    });
  }

  /** What homes are shown of a lock. */
  shown(id: string): ShownLock | undefined {
    return this.locks.get(id)?.shown;
  }

  /** Homes come and go. */
  pair(...homes: Home[]): void {
    this.homes = homes;
    this.online();
  }

  fail(reason: FailureReason, text: string): void {
    this.listener?.onMessage({ type: 'failed', reason, text });
  }

  die(reason: string): void {
    if (this.listener !== undefined) this.end(this.listener, reason);
  }

  async until(condition: () => boolean, limitMs = 8000): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const check = (): Promise<void> =>
      condition() ? Promise.resolve() : new Promise<void>((resolve) => this.waiting.add(resolve)).then(check);
    const late = new Promise<never>((_resolve, reject) => {
      const state = (): string => JSON.stringify({ locks: [...this.locks.values()], events: this.events });
      timer = setTimeout(() => reject(new Error(`waited in vain for ${String(condition)}; ${state()}`)), limitMs);
    });
    await Promise.race([check(), late]).finally(() => clearTimeout(timer));
  }

  private end(listener: ThreadListener, reason: string): void {
    if (this.listener !== listener) return;
    this.listener = undefined;
    setImmediate(() => listener.onEnd(reason));
  }

  private receive(message: ToWorker): void {
    switch (message.type) {
      case 'start':
        this.bridge = message.bridge;
        this.locks.clear();
        for (const lock of message.locks) this.locks.set(lock.id, lock);
        this.online();
        break;
      case 'lock':
        this.locks.set(message.lock.id, message.lock);
        break;
      case 'remove':
        this.locks.delete(message.id);
        break;
      case 'shown': {
        const lock = this.locks.get(message.id);
        if (lock !== undefined) lock.shown = message.shown;
        break;
      }
      case 'event':
        this.events.push(message.event);
        break;
      case 'answer':
        this.answers.get(message.command)?.(message.refusal);
        break;
      case 'request':
        this.carryOut(message.ask);
        this.listener?.onMessage({ type: 'done', request: message.request });
    }
    for (const wake of [...this.waiting]) {
      this.waiting.delete(wake);
      wake();
    }
  }

  private carryOut(request: Request): void {
    if (request.ask === 'removeHome') this.homes = this.homes.filter(({ index }) => index !== request.index);
    if (request.ask === 'factoryReset') this.homes = [];
    if (request.ask === 'pairAnother') this.openForMs = 900_000;
    if (request.ask !== 'close') this.online();
  }

  private online(): void {
    const openForMs = this.homes.length === 0 ? null : this.openForMs;
    const pairing = { qrText: 'MT:Y.K9042C00KA0648G00', manualCode: '34970112332', openForMs };
    this.listener?.onMessage({ type: 'online', pairing, homes: [...this.homes] });
  }
}
