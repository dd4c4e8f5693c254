/**
 * A badge that does not flicker faster than anybody can read: each one costs a message to every open editor and to every
 * Status node, and of hundreds in a moment only the last is of use. A few are shown at once, as ever; while more keep
 * coming, the newest of them now and then; and the last one always, so that what stays is true.
 */
import type { Clock } from '../../src/common/clock';

/** Badges that are shown at once before it gets too many: what a few commands in a row lead to. */
const AT_ONCE = 10;
/** How long the badge then stands between two of them; and how long there must have been none until it may flicker again. */
const STAND_MS = 250;

export class CalmBadge<P> {
  private shown = 0;
  private at = -Infinity;
  private picture: P | undefined;
  private text = '';
  private cancel: (() => void) | undefined;

  /** @param draw shows a badge; must not throw */
  constructor(
    private readonly clock: Clock,
    private readonly draw: (picture: P, text: string) => void,
  ) {}

  show(picture: P, text: string): void {
    if (this.cancel === undefined) {
      const now = this.clock.elapsed();
      if (now - this.at > STAND_MS) this.shown = 0;
      this.at = now;
      if (this.shown < AT_ONCE) {
        this.shown += 1;
        this.draw(picture, text);
        return;
      }
      this.cancel = this.clock.after(STAND_MS, () => this.catchUp());
    }
    this.picture = picture;
    this.text = text;
  }

  /** What was not shown yet never is. */
  close(): void {
    this.cancel?.();
  }

  private catchUp(): void {
    this.cancel = undefined;
    this.at = this.clock.elapsed();
    this.draw(this.picture as P, this.text);
  }
}
