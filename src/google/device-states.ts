/**
 * What the devices are, as last reported by flows: in memory for answering at once, and in the State for the next start.
 * Writing goes on behind the answers and gathers what changes meanwhile. What the states mean is up to `devices/`.
 */
import { pause, within } from '../common/clock';
import { textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import { isRecord } from '../common/json';
import type { AccountContext, JsonObject, States } from './types';

/** How long a change waits for others before it is written. */
const GATHER_MS = 100;
const RETRY_MS = 10_000;
/** How long the first answers wait for what was kept. A disk that hangs must not leave Google without any. */
const LONGEST_READ_MS = 2000;

const NOTHING: Readonly<States> = Object.freeze({});

export class DeviceStates {
  /** Resolves when what was kept has been read, or is not to be had. Never rejects. */
  readonly ready: Promise<unknown>;
  private readonly key: string;
  private readonly known = new Map<string, States>();
  private readonly unwritten = new Set<string>();
  private readonly unsubscribe: () => void;
  private readonly closing = new AbortController();
  private writing: Promise<void> | undefined;
  private warned = false;

  constructor(private readonly options: AccountContext) {
    this.key = `${options.prefix}/states`;
    this.unsubscribe = options.state.subscribe(
      this.key,
      (message) => {
        if (options.state.shared) this.adopt(message);
      },
      () => void this.read(),
    );
    this.ready = within(this.read(), LONGEST_READ_MS, options.clock);
  }

  /** As last set; empty for a device of which nothing is known. The same object until then. */
  of(deviceId: string): Readonly<States> {
    return this.known.get(deviceId) ?? NOTHING;
  }

  set(deviceId: string, states: States): void {
    this.known.set(deviceId, states);
    this.unwritten.add(deviceId);
    if (!this.closing.signal.aborted) this.writing ??= this.writeAll();
  }

  /** Writes what is not written yet. Nothing is written later: by then another process may have kept what is newer. */
  async close(): Promise<void> {
    this.closing.abort();
    this.unsubscribe();
    await this.writing;
    if (this.unwritten.size > 0) await this.write();
  }

  private async read(): Promise<void> {
    try {
      this.adopt(await this.options.state.get(this.key));
    } catch (error) {
      this.options.log.warn(`the states of the devices could not be read: ${foreignText(textOf(error))}`);
    }
  }

  /** What was kept, or what another process set. Never in place of something newer from here. */
  private adopt(kept: unknown): void {
    for (const [id, states] of Object.entries(isRecord(kept) ? kept : {})) {
      if (isRecord(states) && !this.unwritten.has(id)) this.known.set(id, states as States);
    }
  }

  /** Until there is nothing to write, or the home is closed. */
  private async writeAll(): Promise<void> {
    try {
      let pauseMs = GATHER_MS;
      while (this.unwritten.size > 0) {
        await pause(this.options.clock, pauseMs, this.closing.signal);
        pauseMs = (await this.write()) ? GATHER_MS : RETRY_MS;
      }
    } catch {
      // The pause ends so when the home is closed, which then writes what is left.
    }
    this.writing = undefined;
  }

  private async write(): Promise<boolean> {
    const changed: JsonObject = Object.fromEntries([...this.unwritten].map((id) => [id, { ...this.of(id) }]));
    this.unwritten.clear();
    try {
      await this.options.state.change(this.key, (current) => ({
        value: { ...(isRecord(current) ? current : {}), ...changed },
        result: undefined,
      }));
      this.warned = false;
      if (this.options.state.shared) await this.options.state.publish(this.key, changed);
      return true;
    } catch (error) {
      for (const id of Object.keys(changed)) this.unwritten.add(id);
      if (!this.warned)
        this.options.log.warn(`the states of the devices could not be kept: ${foreignText(textOf(error))}`);
      this.warned = true;
      return false;
    }
  }
}
