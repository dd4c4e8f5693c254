/**
 * A node's badge. Its pictures differ without their texts being read, and it does not flicker faster than a person can
 * read: each badge costs a message to every open editor and every Status node. A few are shown at once; while more keep
 * coming, the newest of them four times a second; and the last one always, so that what stays is true.
 */
import type { NodeStatus } from 'node-red';
import type { Clock } from '../../src/common/clock';
import { foreignText } from '../../src/common/foreign';
import type { Words } from './words';

/** `open` and `closed` are the lock's own; `down` is a gateway or a cloud that cannot be reached. */
const PICTURES = {
  idle: { fill: 'grey', shape: 'ring' },
  unknown: { fill: 'grey', shape: 'dot' },
  working: { fill: 'blue', shape: 'dot' },
  waiting: { fill: 'blue', shape: 'ring' },
  retrying: { fill: 'yellow', shape: 'ring' },
  warning: { fill: 'yellow', shape: 'dot' },
  closed: { fill: 'green', shape: 'dot' },
  open: { fill: 'green', shape: 'ring' },
  ok: { fill: 'green', shape: 'dot' },
  failed: { fill: 'red', shape: 'dot' },
  down: { fill: 'red', shape: 'ring' },
} as const satisfies Record<string, NodeStatus>;

export type Picture = keyof typeof PICTURES;
type Values = Record<string, string | number> | undefined;

interface Next {
  picture: Picture;
  /** With `isKey` the key of a word of the catalogue. */
  text: string;
  values?: Values;
  isKey: boolean;
}

/** Longer texts are cut: the editor draws them over neighbouring nodes. */
export const BADGE_LENGTH = 20;
/** Badges that are shown at once: what a few commands in a row lead to. */
const AT_ONCE = 10;
/** Milliseconds that a badge then stays, and without a badge until that many may be shown at once again. */
const STAY_MS = 250;

export class Badge {
  private shown = 0;
  private shownAt = -Infinity;
  /** Where commands come fast most are never drawn, so words are looked up only then. */
  private next: Next | undefined;
  private cancel: (() => void) | undefined;
  private closed = false;

  /** @param draw hands a badge to Node-RED; must not throw */
  constructor(
    private readonly clock: Clock,
    private readonly words: Words,
    private readonly draw: (status: NodeStatus) => void,
  ) {}

  /** A word of the catalogue, `badge.<key>`; a key that is none is shown as it is. */
  show(picture: Picture, key: string, values?: Values): void {
    this.put({ picture, text: key, values, isKey: true });
  }

  text(picture: Picture, text: string): void {
    this.put({ picture, text, isKey: false });
  }

  clear(): void {
    this.put(undefined);
  }

  close(): void {
    this.cancel?.();
    this.closed = true;
  }

  private put(next: Next | undefined): void {
    this.next = next;
    if (this.closed || this.cancel !== undefined) return;
    if (this.clock.elapsed() - this.shownAt > STAY_MS) this.shown = 0;
    if (this.shown < AT_ONCE) this.drawNext();
    else this.cancel = this.clock.after(STAY_MS, () => this.drawNext());
  }

  private drawNext(): void {
    this.cancel = undefined;
    this.shownAt = this.clock.elapsed();
    this.shown += 1;
    this.draw(this.next === undefined ? {} : this.statusOf(this.next));
  }

  private statusOf({ picture, text, values, isKey }: Next): NodeStatus {
    const words = isKey ? this.words(`badge.${text}`, values) : undefined;
    return { ...PICTURES[picture], text: shorten(words ?? text) };
  }
}

function shorten(words: string): string {
  // Some come from a flow, or from a gateway.
  const text = foreignText(words);
  return text.length < BADGE_LENGTH ? text : `${text.slice(0, BADGE_LENGTH - 2)}…`;
}
