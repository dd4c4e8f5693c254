/**
 * The random key that seals what the login form carries from Google's request to the answer, and that hides names and
 * addresses in what is kept of wrong passwords. One for all processes that share the state; it opens nothing but our own forms.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { isRecord, parseJson } from '../common/json';
import { sameSecret } from '../common/secrets';
import type { State } from '../state/state';

export class PageKey {
  private key: Promise<Buffer> | undefined;

  constructor(
    private readonly state: State,
    /** Where the state keeps it. */
    private readonly name: string,
  ) {}

  /** @throws StateError */
  async sign(content: string): Promise<Buffer> {
    return createHmac('sha256', await this.load())
      .update(content)
      .digest();
  }

  /** An object as a text that cannot be forged. It is not secret. @throws StateError */
  async seal(value: object): Promise<string> {
    const content = Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${content}.${(await this.sign(content)).toString('base64url')}`;
  }

  /** What was sealed, or undefined for anything else. @throws StateError */
  async open(sealed: string): Promise<Record<string, unknown> | undefined> {
    const [content = '', seal = ''] = sealed.split('.');
    if (!sameSecret(seal, (await this.sign(content)).toString('base64url'))) return undefined;
    const value = parseJson(Buffer.from(content, 'base64url').toString());
    return isRecord(value) ? value : undefined;
  }

  private load(): Promise<Buffer> {
    this.key ??= this.state
      .change(this.name, (current) => {
        if (typeof current === 'string' && current.length >= 43) return { result: current };
        const fresh = randomBytes(32).toString('base64url');
        return { value: fresh, result: fresh };
      })
      .then((key) => Buffer.from(key, 'base64url'))
      .catch((error: unknown) => {
        this.key = undefined;
        throw error;
      });
    return this.key;
  }
}
