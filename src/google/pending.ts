/**
 * Commands that a flow was told of and has not answered: the handles by which it answers them, and the memory of those it
 * has answered, so that a second answer is noticed. What an answer means is left to `home.ts`.
 */
import type { Clock } from '../common/clock';

/** How long after a command its answer is still of use: longer than any door takes, and than Google keeps its tokens. */
const LIFE_MS = 10 * 60_000;
/** Handles remembered after their end, and commands that may wait at once. */
const REMEMBERED = 2000;

export interface Waiting {
  readonly deviceId: string;
}

export type Found<T> =
  | { kind: 'open'; command: T }
  /** Answered, expired, or never known here; `told` when that was said before. */
  | { kind: 'spent'; told: boolean };

export class PendingCommands<T extends Waiting> {
  private readonly open = new Map<string, { command: T; cancel: () => void }>();
  private readonly spent = new Map<string, { told: boolean; deviceId: string | undefined }>();

  constructor(
    private readonly clock: Clock,
    /** A new handle: unguessable, unique. */
    private readonly newHandle: () => string,
  ) {}

  add(command: T): string {
    const handle = this.newHandle();
    const cancel = this.clock.after(LIFE_MS, () => this.end(handle));
    this.open.set(handle, { command, cancel });
    const [oldest] = this.open.keys();
    if (this.open.size > REMEMBERED && oldest !== undefined) this.end(oldest);
    return handle;
  }

  /** The device of a handle, spent or not; undefined for one that was never known here. */
  deviceOf(handle: string): string | undefined {
    return this.open.get(handle)?.command.deviceId ?? this.spent.get(handle)?.deviceId;
  }

  /** Takes the command of a handle, which is spent from then on. */
  take(handle: string): Found<T> {
    const found = this.open.get(handle);
    if (found !== undefined) {
      this.end(handle);
      return { kind: 'open', command: found.command };
    }
    const { told = false, deviceId } = this.spent.get(handle) ?? {};
    this.remember(handle, { told: true, deviceId });
    return { kind: 'spent', told };
  }

  /** Forgets all, and gives those that nobody has answered. */
  close(): T[] {
    const left = [...this.open.values()];
    for (const { cancel } of left) cancel();
    this.open.clear();
    return left.map(({ command }) => command);
  }

  private end(handle: string): void {
    const ended = this.open.get(handle);
    ended?.cancel();
    this.open.delete(handle);
    this.remember(handle, { told: false, deviceId: ended?.command.deviceId });
  }

  private remember(handle: string, what: { told: boolean; deviceId: string | undefined }): void {
    this.spent.delete(handle);
    this.spent.set(handle, what);
    const [oldest] = this.spent.keys();
    if (this.spent.size > REMEMBERED && oldest !== undefined) this.spent.delete(oldest);
  }
}
