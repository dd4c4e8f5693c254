/** How secrets are kept and compared. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** What is kept of a token, or of anything of any length: tokens are 256 random bits, so trying reverses no hash. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Compares in the same time wherever two texts differ, and however long the right one is. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text.normalize('NFC')).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
