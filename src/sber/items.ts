/**
 * Going through many items: in small portions, so that the rest of Node-RED does not notice, and with the place of each
 * in its message, as refusals and warnings name it.
 */
import { setImmediate } from 'node:timers/promises';
import { invalidInput } from '../common/errors';
import type { Remark } from './shapes';

/** Items at a stretch: a millisecond or two of work, far below the 50 that a flow could feel. */
const PORTION = 16;

/** Lets everything else that waits run first. May reject: then the work is to stop. */
export type YieldLoop = () => Promise<void>;

export const yieldLoop: YieldLoop = () => setImmediate();

/** The same items, with a pause for others after each portion. */
export async function* inPortions<T>(items: Iterable<T>, pause: YieldLoop): AsyncGenerator<T> {
  let count = 0;
  for (const item of items) {
    yield item;
    count += 1;
    if (count % PORTION === 0) await pause();
  }
}

/**
 * A place in a message: where it is for the user (`models[2].features`), and inside its item (`features`). Put into words
 * only where there is something to say of it, for a list of models has a hundred thousand places.
 */
export class Place {
  /** @param item where its item is @param remarks gets the warnings about the item */
  constructor(
    private readonly item: string,
    private readonly remarks: Remark[] = [],
    private readonly around?: Place,
    private readonly name: string | number = '',
  ) {}

  at(name: string | number): Place {
    return new Place(this.item, this.remarks, this, name);
  }

  get whole(): string {
    if (this.around === undefined) return this.item;
    return this.around.whole + (typeof this.name === 'number' ? `[${this.name}]` : `.${this.name}`);
  }

  warn(message: string): void {
    this.remarks.push({ path: this.inside, message });
  }

  private get inside(): string {
    return this.whole.slice(this.item.length).replace(/^\.|^\[(\d+)\]/, '$1');
  }
}

/** Ends the check: nothing may be sent. @throws INVALID_INPUT */
export function refuse({ whole }: Place, message: string): never {
  throw invalidInput(`${whole}: ${message}`, `Correct "${whole}" and send the message again. Nothing was sent.`);
}
