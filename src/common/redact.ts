/**
 * Keeps a secret (a project key, a password, a token) out of everything that leaves a client, even where the other side
 * echoes it: in an error's text, in a page of a proxy, in a field of an answer. Knows nothing of what those texts mean.
 */

const MASK = '***';
/** A shorter key occurs in ordinary words: hiding it in data would destroy the data. Error texts hide it all the same. */
const SHORTEST_IN_DATA = 6;

/** How many times over a text may have been escaped: JSON in JSON, an address in an address. More is no accident. */
const MOST_LAYERS = 3;

/** Characters that one of the key takes at most: four bytes, percent-encoded in three layers. */
const LONGEST_SPELLING = 4 * (1 + 2 * MOST_LAYERS);

/** Characters of the key that a first, quick look goes by. */
const FIRST_LOOK = 3;

export class Redactor {
  /** One way of spelling each, for each character of the key. Each matches one length at a place, so no search can explode. */
  private readonly spellings: readonly (readonly RegExp[])[];
  /** Finds where the key may begin. Undefined for an empty key. */
  private readonly beginnings: RegExp | undefined;
  private readonly inData: boolean;
  /** Characters of the key in its longest spelling, at most. */
  private readonly longest: number;

  /** @param secret the key; empty hides nothing */
  constructor(secret: string) {
    const characters = Array.from(secret, spellingsOf);
    this.spellings = characters.map((ways) => ways.map((way) => new RegExp(way, 'iy')));
    const first = characters.slice(0, FIRST_LOOK).map((ways) => `(?:${ways.join('|')})`);
    this.beginnings = secret === '' ? undefined : new RegExp(`(?=${first.join('')})`, 'gi');
    this.longest = characters.length * LONGEST_SPELLING;
    this.inData = secret.length >= SHORTEST_IN_DATA;
  }

  /** The text without the key, however it is spelt. */
  text(text: string): string {
    if (this.beginnings === undefined) return text;
    let clean = '';
    let done = 0;
    for (const { index } of text.matchAll(this.beginnings)) {
      const end = index < done ? undefined : this.endOf(text, index);
      if (end === undefined) continue;
      clean += text.slice(done, index) + MASK;
      done = end;
    }
    return clean + text.slice(done);
  }

  /** Where the key that begins at `start` ends; undefined where it does not stand there. */
  private endOf(text: string, start: number): number | undefined {
    // All places that some spelling of the characters so far can lead to. There are few.
    let places = new Set([start]);
    for (const ways of this.spellings) {
      const next = new Set<number>();
      for (const place of places) {
        for (const way of ways) {
          way.lastIndex = place;
          if (way.test(text)) next.add(way.lastIndex);
        }
      }
      if (next.size === 0) return undefined;
      places = next;
    }
    return Math.max(...places);
  }

  /** The first `length` characters without the key; where the cut may have halved it, less than that. */
  beginning(text: string, length: number): string {
    const wide = length + this.longest;
    if (text.length <= wide) return this.text(text).slice(0, length);
    const clean = this.text(text.slice(0, wide));
    return clean.slice(0, Math.max(0, Math.min(length, clean.length - this.longest)));
  }

  /** Whether a JSON text may contain the key. */
  suspects(json: string): boolean {
    return this.inData && this.text(json) !== json;
  }

  /** The same value with the key replaced in every text of it, names included. */
  value(value: unknown): unknown {
    if (!this.inData) return value;
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.value(item));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [this.text(name), this.value(item)]));
    }
    return value;
  }
}

const ENTITIES: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };

/**
 * Ways in which a cloud or a proxy may write one character of the key when it gives it back: as it is, percent-encoded
 * (each encoder spares other characters), as JSON or HTML escapes. Matching ignores case, for `%2b` and `%2B`.
 */
function spellingsOf(character: string): string[] {
  const bytes = [...Buffer.from(character)].map((byte) => byte.toString(16).padStart(2, '0'));
  const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'));
  const code = character.codePointAt(0) ?? 0;
  const entity = ENTITIES[character];
  const slashes = 2 ** MOST_LAYERS - 1;
  const plain = escapeForPattern(character);
  return [
    plain,
    bytes.map((byte) => `%(?:25){0,${MOST_LAYERS - 1}}${byte}`).join(''),
    units.map((unit) => `\\\\{1,${slashes}}u${unit}`).join(''),
    `&#0{0,7}${code};`,
    `&#x0{0,7}${code.toString(16)};`,
    ...(entity === undefined ? [] : [`&${entity};`]),
    // What JSON escapes by a backslash, in layers; a form writes a space as a plus.
    ...('"\\/'.includes(character) ? Array.from({ length: slashes }, (_, more) => `\\\\{${more + 1}}${plain}`) : []),
    ...(character === ' ' ? ['\\+'] : []),
  ];
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
