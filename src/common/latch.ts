/**
 * Something that happens at most once, and that one other waits for. An AbortSignal can do it too, but costs more than
 * many a command has for all of its code.
 */
export class Latch {
  private open = true;
  private listener: (() => void) | undefined;

  /** Whether it has happened. */
  get closed(): boolean {
    return !this.open;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.listener?.();
    this.listener = undefined;
  }

  /** Calls `listener` when it happens, in the place of the one before; not if it has happened already. */
  listen(listener: (() => void) | undefined): void {
    this.listener = listener;
  }
}
