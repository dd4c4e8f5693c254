/** What a simulation remembers of all that happened. Tests keep everything; a program that runs for days keeps the latest. */

/** More than anybody who looks at a demo reads. */
export const ENOUGH = 1000;

/** Adds to the list; the oldest are forgotten where it then holds more than `most`. */
export function note<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.splice(0, list.length - most);
}
