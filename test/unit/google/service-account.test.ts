import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { createApiClient } from '../../../src/common/api-client';
import { assertionOf, parseServiceAccountKey, ServiceAccount } from '../../../src/google/service-account';
import { HomeGraphStandIn } from '../../../simulators/google/home-graph';
import { HandClock } from '../../support/clock';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

function keyText(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    client_email: 'demo@project.example',
    private_key: pem,
    private_key_id: 'key-1',
    token_uri: 'https://oauth2.googleapis.com/token',
    ...changes,
  });
}

describe('a service account key', () => {
  it('signs an assertion as Google asks for it', () => {
    const key = parseServiceAccountKey(keyText());
    const [header = '', claims = '', signature = ''] = assertionOf(key, 1_700_000_000_900).split('.');
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    assert.deepEqual(read(header), { alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    assert.deepEqual(read(claims), {
      iss: 'demo@project.example',
      scope: 'https://www.googleapis.com/auth/homegraph',
      aud: 'https://oauth2.googleapis.com/token',
      iat: 1_700_000_000,
      exp: 1_700_003_600,
    });
    const content = Buffer.from(`${header}.${claims}`);
    assert.ok(verify('RSA-SHA256', content, createPublicKey(privateKey), Buffer.from(signature, 'base64url')));
  });

  it('may have its line breaks written out, and no token address', () => {
    const key = parseServiceAccountKey(keyText({ private_key: pem.replaceAll('\n', '\\n'), token_uri: undefined }));
    assert.equal(key.tokenUri.href, 'https://oauth2.googleapis.com/token');
  });

  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  for (const [what, text, words] of [
    ['is no JSON', '{"client_email', /is no JSON/],
    ['is JSON, but no object', '"x"', /no client_email/],
    ['lacks the e-mail', keyText({ client_email: undefined }), /no client_email/],
    ['lacks the private key', keyText({ private_key: '' }), /no private_key/],
    ['has half a private key', keyText({ private_key: pem.slice(0, 300) }), /cannot be read/],
    ['has another kind of key', keyText({ private_key: elliptic }), /not an RSA key/],
    ['sends its assertion in the clear', keyText({ token_uri: 'http://oauth2.example/token' }), /no https address/],
  ] as const) {
    it(`that ${what} is refused with a clear word that quotes nothing of it`, () => {
      assert.throws(
        () => parseServiceAccountKey(text),
        (error: Error) =>
          words.test(error.message) && !error.message.includes('BEGIN') && error.message.includes('Paste the whole'),
      );
    });
  }
});

describe('the token of a service account', () => {
  let google: HomeGraphStandIn;
  let account: ServiceAccount;
  let clock: HandClock;
  const accountOf = (key: string, hand = clock): ServiceAccount =>
    new ServiceAccount(parseServiceAccountKey(key), {
      api: createApiClient({ clock: hand }),
      clock: hand,
      signal: new AbortController().signal,
    });
  beforeEach(async () => {
    clock = new HandClock();
    google = await new HomeGraphStandIn(() => clock.now()).start();
    account = accountOf(google.serviceAccountKey());
  });
  afterEach(() => google.close());

  it('is fetched once, however many ask, and kept', async () => {
    const tokens = await Promise.all(Array.from({ length: 10 }, () => account.token()));
    assert.equal(new Set([...tokens, await account.token()]).size, 1);
    assert.equal(google.taken('token').length, 1);
  });

  it('is renewed before it expires', async () => {
    const first = await account.token();
    clock.skip(54 * 60_000);
    assert.equal(await account.token(), first);
    clock.skip(2 * 60_000);
    assert.notEqual(await account.token(), first);
  });

  it('is refused with a hint at the clock where that is wrong', async () => {
    const fast = accountOf(google.serviceAccountKey(), new HandClock(clock.now() / 1000 + 3600));
    await assert.rejects(fast.token(), /Set the clock/);
  });

  it('is asked for anew after it was refused, but only that one is forgotten', async () => {
    const first = await account.token();
    account.discard('another');
    assert.equal(await account.token(), first);
    account.discard(first);
    assert.notEqual(await account.token(), first);
  });

  it('refused for good, and for now, are told apart', async () => {
    google.mishaps.push({ status: 503 });
    await assert.rejects(account.token(), { retriable: true });
    const stranger = accountOf(google.serviceAccountKey({ private_key: pem }));
    await assert.rejects(stranger.token(), { retriable: false, message: /refused \(400 invalid_grant\).*new key/ });
    assert.ok(await account.token());
  });
});
