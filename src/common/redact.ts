/**
 * Keeps a secret (a project key, a password, a token) out of everything that leaves a client, even where the other side
 * echoes it: in an error's text, in a page of a proxy, in a field of an answer. Knows nothing of what those texts mean.
 */

const MASK = '***';
/** A shorter key occurs in ordinary words: hiding it in data would destroy the data. Error texts hide it all the same. */
const SHORTEST_IN_DATA = 6;

/** How many times over a text may have been escaped: JSON in JSON, an address in an address. More is nobody's accident. */
const MOST_LAYERS = 3;

export class Redactor {
  private readonly pattern: RegExp | undefined;
  private readonly inData: boolean;
  /** Of the key in its longest spelling. */
  private readonly longest: number;

  /** @param secret the key; empty hides nothing */
  constructor(secret: string) {
    const characters = Array.from(secret).map(spellingsOf);
    this.pattern = secret === '' ? undefined : new RegExp(characters.map(({ pattern }) => pattern).join(''), 'gi');
    this.longest = characters.reduce((sum, { longest }) => sum + longest, 0);
    this.inData = secret.length >= SHORTEST_IN_DATA;
  }

  /** The text without the key, however it is spelt. */
  text(text: string): string {
    return this.pattern === undefined ? text : text.replace(this.pattern, MASK);
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
    if (this.pattern === undefined || !this.inData) return false;
    this.pattern.lastIndex = 0;
    return this.pattern.test(json);
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
function spellingsOf(character: string): { pattern: string; longest: number } {
  const bytes = [...Buffer.from(character)].map((byte) => byte.toString(16).padStart(2, '0'));
  const units = Array.from({ length: character.length }, (_, index) =>
    character.charCodeAt(index).toString(16).padStart(4, '0'),
  );
  const code = character.codePointAt(0) ?? 0;
  const entity = ENTITIES[character];
  const slashes = 2 ** MOST_LAYERS - 1;
  const ways = [
    escapeForPattern(character),
    bytes.map((byte) => `%(?:25){0,${MOST_LAYERS - 1}}${byte}`).join(''),
    units.map((unit) => `\\\\{1,${slashes}}u${unit}`).join(''),
    `&#0*${code};`,
    `&#x0*${code.toString(16)};`,
    ...(entity === undefined ? [] : [`&${entity};`]),
    // What JSON escapes by a backslash, in layers; a form writes a space as a plus.
    ...('"\\/'.includes(character) ? [`\\\\{1,${slashes}}${escapeForPattern(character)}`] : []),
    ...(character === ' ' ? ['\\+'] : []),
  ];
  const longest = Math.max(bytes.length * (1 + 2 * MOST_LAYERS), units.length * (slashes + 5), '&#0000000000;'.length);
  return { pattern: `(?:${ways.join('|')})`, longest };
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
