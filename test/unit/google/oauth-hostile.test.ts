/** Whatever is asked of the linking addresses: a known answer, nobody sent anywhere but to Google, nothing handed out. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { redirectAddress } from '../../../simulators/google/link';
import { PROJECT, serveLinking, type LinkingServer } from '../../support/linking';

const NAMES = [
  'client_id',
  'client_secret',
  'redirect_uri',
  'response_type',
  'state',
  'scope',
  'user_locale',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'grant_type',
  'code',
  'refresh_token',
  'username',
  'password',
  'ticket',
  'cancel',
  '__proto__',
  'constructor',
  'username[]',
  'username[toString]',
];
const value = fc.oneof(
  fc.constantFrom(
    'demo-client',
    'demo-client-secret',
    'code',
    'token',
    'authorization_code',
    'refresh_token',
    'client_credentials',
    'password',
    'S256',
    redirectAddress(PROJECT),
    'https://elsewhere.example/r/demo',
    'javascript:alert(1)',
    'anna',
    'x'.repeat(4000),
    'a.'.repeat(500),
    '%00',
  ),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);
const fields = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 8 })), value), {
  maxLength: 12,
});

describe('hostile parameters of account linking', () => {
  let server: LinkingServer;
  before(async () => {
    server = await serveLinking();
  });
  after(() => server.close());

  const assertHarmless = async (answer: Response): Promise<void> => {
    const text = await answer.text();
    assert.ok([200, 302, 303, 400, 401, 403, 413, 415, 429].includes(answer.status), `${answer.status} ${text}`);
    assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
    const location = answer.headers.get('location');
    if (location !== null) assert.ok(location.startsWith('https://oauth-redirect'), location);
    assert.ok(!text.includes('access_token') && !text.includes('demo-client-secret'), text);
  };

  it('the authorize page answers them all', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (pairs) => {
        const query = new URLSearchParams(pairs).toString();
        await assertHarmless(await fetch(`${server.settings.authorizeUrl}?${query}`, { redirect: 'manual' }));
        await assertHarmless(
          await fetch(server.settings.authorizeUrl, {
            method: 'POST',
            body: new URLSearchParams(pairs),
            redirect: 'manual',
          }),
        );
      }),
      { numRuns: 80 },
    );
  });

  it('the token address hands nothing out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fields,
        fc.constantFrom('application/x-www-form-urlencoded', 'application/json'),
        async (pairs, type) => {
          const body = type === 'application/json' ? JSON.stringify(pairs) : new URLSearchParams(pairs).toString();
          const answer = await fetch(server.settings.tokenUrl, {
            method: 'POST',
            body,
            headers: { 'content-type': type },
          });
          assert.ok([400, 401, 403, 413, 415].includes(answer.status), String(answer.status));
          await assertHarmless(answer);
        },
      ),
      { numRuns: 120 },
    );
  });
});
