/** A place in a message, as refusals and warnings name it. */
import { invalidInput } from '../common/errors';
import type { Remark } from './shapes';

/** Where it is for the user (`models[2].features`), and inside its item (`features`). */
export class Place {
  private constructor(
    readonly whole: string,
    private readonly inside: string,
    private readonly remarks: Remark[],
  ) {}

  /** The place of an item. Its warnings are added to `remarks`. */
  static of(item: string, remarks: Remark[]): Place {
    return new Place(item, '', remarks);
  }

  at(name: string | number): Place {
    const step = typeof name === 'number' ? `[${name}]` : `.${name}`;
    const inside = this.inside + step;
    return new Place(this.whole + step, inside.startsWith('.') ? inside.slice(1) : inside, this.remarks);
  }

  warn(message: string): void {
    this.remarks.push({ path: this.inside, message });
  }
}

/** Ends the check: nothing may be sent. @throws INVALID_INPUT */
export function refuse({ whole }: Place, message: string): never {
  throw invalidInput(`${whole}: ${message}`, `Correct "${whole}" and send the message again. Nothing was sent.`);
}
