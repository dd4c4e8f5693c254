/** Handles of commands: unguessable, unique, short, and made a few hundred at a time, for asking for random bytes is dear. */

/** 144 bits: 24 characters exactly. */
const BYTES = 18;
const LENGTH = 24;
const AT_ONCE = 256;

/** @param random so many random bytes */
export function handles(random: (bytes: number) => Buffer): () => string {
  let text = '';
  let at = 0;
  return () => {
    if (at === text.length) {
      text = random(BYTES * AT_ONCE).toString('base64url');
      at = 0;
    }
    at += LENGTH;
    return text.slice(at - LENGTH, at);
  };
}
