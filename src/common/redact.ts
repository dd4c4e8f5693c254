/**
 * Keeps a secret (a project key, a password, a token) out of everything that leaves a client, even where the other side
 * echoes it: in an error's text, in a page of a proxy, in a field of an answer. Knows nothing of what those texts mean.
 */

const MASK = '***';
/** A shorter key occurs in ordinary words: hiding it in data would destroy the data. Error texts hide it all the same. */
const SHORTEST_IN_DATA = 6;

export class Redactor {
  private readonly pattern: RegExp | undefined;
  private readonly inData: boolean;
  private readonly longest: number;

  /** @param secret the key; empty hides nothing */
  constructor(secret: string) {
    const forms = formsOf(secret);
    this.pattern = forms.length === 0 ? undefined : new RegExp(forms.map(escapeForPattern).join('|'), 'gi');
    this.longest = forms[0]?.length ?? 0;
    this.inData = secret.length >= SHORTEST_IN_DATA;
  }

  /** The text without the key, in whichever of its usual spellings. */
  text(text: string): string {
    return this.pattern === undefined ? text : text.replace(this.pattern, MASK);
  }

  /** The first `length` characters without the key; where the cut may have halved it, less than that. */
  beginning(text: string, length: number): string {
    if (text.length <= length) return this.text(text);
    const clean = this.text(text.slice(0, length));
    return clean.slice(0, Math.max(0, clean.length - this.longest));
  }

  /**
   * Whether a JSON text could contain the key. JSON may write any character as an escape, so a text with escapes of plain
   * ASCII is suspect too; Cyrillic ones (`\u04..`) are not.
   */
  suspects(json: string): boolean {
    if (this.pattern === undefined || !this.inData) return false;
    this.pattern.lastIndex = 0;
    return this.pattern.test(json) || json.includes('\\u00') || json.includes('\\/');
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

/** Spellings in which a cloud or a proxy may give the key back. Matching ignores case, for `%2b` and `%2B`. */
function formsOf(secret: string): string[] {
  if (secret === '') return [];
  const json = JSON.stringify(secret).slice(1, -1);
  const encoded = encodeURIComponent(secret);
  const html = secret
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
  const forms = [
    secret,
    json,
    json.replace(/\//g, '\\/'),
    encoded,
    // A form's encoding (what URLSearchParams writes) differs from a path's in a few characters.
    new URLSearchParams({ k: secret }).toString().slice(2),
    encodeURIComponent(encoded),
    html,
  ];
  // The longest first: a shorter spelling may be the beginning of a longer one.
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
