/**
 * A badge that does not flicker faster than anybody can read: each one costs a message to every open editor and to every
 * Status node, and of hundreds in a moment only the last is of use. A few are shown at once, as ever; while more keep
 * coming, the newest of them now and then; and the last one always, so that what stays is true.
 */

/** Badges that are shown at once before it gets too many: what a few commands in a row lead to. */
const AT_ONCE = 10;
/** How long the badge then stands between two of them; and how long there must have been none until it may flicker again. */
const STAND_MS = 250;

export class CalmBadge<P> {
  private shown = 0;
  private at = -Infinity;
  private picture: P | undefined;
  private text = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly draw: (picture: P, text: string) => void) {}

  show(picture: P, text: string): void {
    if (this.timer === undefined) {
      const now = performance.now();
      if (now - this.at > STAND_MS) this.shown = 0;
      this.at = now;
      if (this.shown < AT_ONCE) {
        this.shown += 1;
        this.draw(picture, text);
        return;
      }
      this.timer = setTimeout(() => this.catchUp(), STAND_MS);
    }
    this.picture = picture;
    this.text = text;
  }

  /** What was not shown yet never is. */
  close(): void {
    clearTimeout(this.timer);
  }

  private catchUp(): void {
    this.timer = undefined;
    this.at = performance.now();
    this.draw(this.picture as P, this.text);
  }
}
