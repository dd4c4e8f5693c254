/**
 * What the devices are, as last heard: in memory for answering at once, and in the State for the next start. Writing goes
 * on behind the answers and gathers what changes meanwhile. What the states mean is left to `devices/`.
 */
import type { Clock } from '../common/clock';
import { textOf } from '../common/errors';
import type { State } from '../state/state';
import { isObject, type JsonObject } from './json';
import type { States } from './types';

/** How long a change waits for others before it is written. */
const GATHER_MS = 100;
const RETRY_MS = 10_000;

const NOTHING: Readonly<States> = Object.freeze({});

export interface DeviceStatesOptions {
  state: State;
  clock: Clock;
  /** Begins the key that is kept. */
  prefix: string;
  warn: (message: string) => void;
}

export class DeviceStates {
  /** Resolves when what was kept has been read. Never rejects. */
  readonly ready: Promise<void>;
  /** Whether it has. */
  isReady = false;
  private readonly key: string;
  private readonly known = new Map<string, States>();
  private readonly unwritten = new Set<string>();
  private readonly unsubscribe: () => void;
  private cancelTimer: (() => void) | undefined;
  private writing: Promise<void> | undefined;
  private told = false;
  private closed = false;

  constructor(private readonly options: DeviceStatesOptions) {
    this.key = `${options.prefix}/states`;
    this.unsubscribe = options.state.subscribe(
      this.key,
      (message) => {
        if (options.state.shared) this.take(message);
      },
      () => void this.read(),
    );
    this.ready = this.read().then(() => {
      this.isReady = true;
    });
  }

  /** As last heard; empty for a device that nobody has spoken of. The same object until something new is heard. */
  of(deviceId: string): Readonly<States> {
    return this.known.get(deviceId) ?? NOTHING;
  }

  set(deviceId: string, states: States): void {
    this.known.set(deviceId, states);
    this.unwritten.add(deviceId);
    if (this.cancelTimer === undefined) this.schedule(GATHER_MS);
  }

  /** Writes what is not written yet. Nothing is written later: by then somebody else may have kept what is newer. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelTimer?.();
    this.unsubscribe();
    await this.writing;
    if (this.unwritten.size > 0) await this.write();
  }

  private async read(): Promise<void> {
    try {
      this.take(await this.options.state.get(this.key));
    } catch (error) {
      this.options.warn(`the states of the devices could not be read: ${textOf(error)}`);
    }
  }

  /** What was kept, or what another process heard. Never in place of something newer from here. */
  private take(kept: unknown): void {
    for (const [id, states] of Object.entries(isObject(kept) ? kept : {})) {
      if (isObject(states) && !this.unwritten.has(id)) this.known.set(id, states);
    }
  }

  private schedule(ms: number): void {
    if (this.cancelTimer !== undefined || this.writing !== undefined || this.closed) return;
    this.cancelTimer = this.options.clock.after(ms, () => {
      this.cancelTimer = undefined;
      this.writing = this.write().then((written) => {
        this.writing = undefined;
        if (this.unwritten.size > 0) this.schedule(written ? GATHER_MS : RETRY_MS);
      });
    });
  }

  private async write(): Promise<boolean> {
    const changed: JsonObject = Object.fromEntries([...this.unwritten].map((id) => [id, { ...this.of(id) }]));
    this.unwritten.clear();
    try {
      await this.options.state.change(this.key, (current) => ({
        value: { ...(isObject(current) ? current : {}), ...changed },
        result: undefined,
      }));
      this.told = false;
      if (this.options.state.shared) await this.options.state.publish(this.key, changed);
      return true;
    } catch (error) {
      for (const id of Object.keys(changed)) this.unwritten.add(id);
      if (!this.told) this.options.warn(`the states of the devices could not be kept: ${textOf(error)}`);
      this.told = true;
      return false;
    }
  }
}
