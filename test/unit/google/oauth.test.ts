import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import {
  askTokens,
  authorizeAddress,
  fetchCode,
  openPage,
  redeem,
  redirectAddress,
  refresh,
  submit,
} from '../../../simulators/google/link';
import { MemoryState } from '../../../src/state/local';
import { StateError } from '../../../src/state/state';
import { HandClock } from '../../support/clock';
import { PROJECT, serveLinking, type LinkingServer } from '../../support/linking';

const ANNA = { username: 'anna', password: 'correct horse' };

describe('account linking', () => {
  let server: LinkingServer;
  beforeEach(async () => {
    server = await serveLinking();
  });
  afterEach(() => server.close());

  /** Sends a target exactly as written, which fetch would tidy up. */
  function rawGet(target: string): Promise<http.IncomingMessage> {
    const { hostname, port } = new URL(server.settings.authorizeUrl);
    return new Promise((resolve, reject) => {
      http.get({ hostname, port, path: target }, (answer) => resolve(answer.resume())).on('error', reject);
    });
  }

  describe('the way of a person', () => {
    it('links: login page, code, tokens, and a bearer token that stands for this user', async () => {
      const code = await fetchCode(server.settings, 'anna', 'correct horse');
      const tokens = await redeem(server.settings, code);
      assert.equal(tokens.expiresIn, 3600);
      assert.ok(tokens.refreshToken);
      const identity = await server.accounts.authenticate(tokens.accessToken);
      assert.equal(identity?.user, 'anna');
      assert.deepEqual(await server.accounts.linkedUsers(), [identity.agentUserId]);
      assert.doesNotMatch(identity.agentUserId, /anna|@/);
    });

    it('answers the code with token_type, access_token, refresh_token and expires_in, and nothing else', async () => {
      const code = await fetchCode(server.settings, 'anna', 'correct horse');
      const answer = await askTokens(server.settings, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectAddress(PROJECT),
      });
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
      assert.deepEqual(Object.keys(answer.body).sort(), ['access_token', 'expires_in', 'refresh_token', 'token_type']);
      assert.equal(answer.body.token_type, 'Bearer');
      assert.doesNotMatch(String(answer.body.access_token), /\./, 'Google warns of tokens that look like a JWT');
    });

    it('shows the form again after a wrong password, keeps the name, and lets the right one through', async () => {
      const form = await openPage(authorizeAddress(server.settings));
      const again = await submit(form, { username: 'anna', password: 'wrong' });
      assert.equal(again.status, 403);
      assert.equal(again.location, undefined);
      assert.match(again.html, /do not match/);
      assert.match(again.html, /value="anna"/);
      assert.doesNotMatch(again.html, /wrong"/);
      const through = await submit(again, ANNA);
      assert.equal(through.status, 302);
      assert.ok(through.location?.searchParams.get('code'));
    });

    it('knows passwords with colons, and names with a stray space', async () => {
      await redeem(server.settings, await fetchCode(server.settings, ' ben ', 'a:b:c'));
    });

    it('goes back to Google with access_denied when the person cancels, without a password', async () => {
      const url = authorizeAddress(server.settings, { state: 'a b&x=1' });
      const back = await submit(await openPage(url), { cancel: '1', username: '', password: '' });
      assert.equal(back.status, 302);
      assert.equal(
        back.location?.href.split('?')[0],
        'https://oauth-redirect.googleusercontent.com/r/demo-home-project',
      );
      assert.equal(back.location.searchParams.get('error'), 'access_denied');
      assert.equal(back.location.searchParams.get('state'), 'a b&x=1');
    });

    it('asks to log in again when the form lay open too long, and links then', async () => {
      const form = await openPage(authorizeAddress(server.settings));
      server.clock.skip(31 * 60_000);
      const again = await submit(form, ANNA);
      assert.equal(again.status, 200);
      assert.match(again.html, /open for a long time/);
      assert.equal((await submit(again, ANNA)).status, 302);
    });

    for (const [language, word] of [
      ['fr-CH, fr;q=0.9, en;q=0.8', 'Accepter et associer'],
      ['de, ru;q=0.7, en;q=0.3', 'Разрешить и связать'],
      ['pl', 'Zgadzam się i łączę'],
      ['de', 'Agree and link'],
      ['*', 'Agree and link'],
    ] as const) {
      it(`speaks the browser's language: ${language}`, async () => {
        const page = await openPage(authorizeAddress(server.settings), { 'Accept-Language': language });
        assert.ok(page.html.includes(word));
        assert.match(page.html, /Google/);
      });
    }

    it("falls back to the language of the user's Google account, on the page after a mistake too", async () => {
      const page = await openPage(authorizeAddress(server.settings, { user_locale: 'pl-PL' }));
      assert.match(page.html, /<html lang="pl">/);
      assert.match((await submit(page, { username: 'anna', password: 'x' })).html, /<html lang="pl">/);
    });

    it('hears of links that begin and end', async () => {
      let changes = 0;
      const stop = server.accounts.onLinksChanged(() => changes++);
      const tokens = await redeem(server.settings, await fetchCode(server.settings, 'anna', 'correct horse'));
      assert.equal(changes, 1);
      const identity = await server.accounts.authenticate(tokens.accessToken);
      await server.accounts.disconnect(identity!.agentUserId, identity!.link);
      assert.equal(changes, 2);
      stop();
      await redeem(server.settings, await fetchCode(server.settings, 'anna', 'correct horse'));
      assert.equal(changes, 2);
    });
  });

  it('a person who opens the token address in a browser reads that it works, in their language', async () => {
    for (const [language, words] of [
      ['en', /This address works/],
      ['fr', /Cette adresse fonctionne/],
      ['ru', /Этот адрес работает/],
      ['pl', /Ten adres działa/],
    ] as const) {
      const answer = await fetch(server.settings.tokenUrl, { headers: { 'Accept-Language': language } });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.get('allow'), 'POST');
      assert.match(await answer.text(), words);
    }
    const head = await fetch(server.settings.tokenUrl, { method: 'HEAD' });
    assert.equal(head.status, 405);
    assert.equal(await head.text(), '');
  });

  it('a password may be longer than 500 characters, for the page does not cut it', async () => {
    await server.close();
    const long = 'correct horse '.repeat(60);
    server = await serveLinking({ users: `anna:${long}` });
    const page = await openPage(authorizeAddress(server.settings));
    assert.doesNotMatch(page.html, /maxlength/);
    assert.equal((await submit(page, { username: 'anna', password: long })).status, 302);
  });

  it('says that Google refuses a home without devices, where a person links one', async () => {
    await server.close();
    let devices = 0;
    server = await serveLinking({ deviceCount: () => devices });
    await fetchCode(server.settings, 'anna', 'correct horse');
    assert.match(server.warnings.join(), /without devices.*google-smarthome-in/);
    devices = 1;
    await fetchCode(server.settings, 'anna', 'correct horse');
    assert.equal(server.warnings.length, 1);
  });

  it('tells at debug and trace what happens, and no secret of it', async () => {
    const code = await fetchCode(server.settings, 'anna', 'correct horse');
    const tokens = await redeem(server.settings, code);
    await refresh(server.settings, tokens.refreshToken!);
    const lines = server.lines.join('\n');
    assert.match(
      lines,
      /login page.*\n.*"anna" has logged in.*\n.*authorization_code exchanged.*\n.*refresh_token exch/,
    );
    for (const secret of [code, tokens.accessToken, tokens.refreshToken!, 'correct horse', 'demo-client-secret']) {
      assert.ok(!lines.includes(secret));
    }
  });

  it('asks to try again where the disk does not take what is to be kept', async () => {
    await server.close();
    const state = new MemoryState();
    server = await serveLinking({ state });
    const page = await openPage(authorizeAddress(server.settings));
    const code = await fetchCode(server.settings, 'anna', 'correct horse');
    state.change = () =>
      Promise.reject(new StateError('the state could not be kept: no answer within 1 s', 'ETIMEDOUT'));
    const shown = await submit(page, ANNA);
    assert.equal(shown.status, 503);
    assert.equal(shown.headers.get('retry-after'), '3');
    const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectAddress(PROJECT) };
    const answer = await askTokens(server.settings, grant);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '3');
    assert.equal(server.warnings.length, 1);
  });

  describe("Google's state", () => {
    for (const state of [
      'a b&x=1',
      'ünïcødé ☃',
      '%',
      'a+b/c==',
      '"><script>alert(1)</script>',
      "'",
      'x'.repeat(2000),
    ]) {
      it(`comes back as it was: ${state.slice(0, 30)}`, async () => {
        const back = await submit(await openPage(authorizeAddress(server.settings, { state })), ANNA);
        assert.equal(back.location?.searchParams.get('state'), state);
      });
    }

    it('comes back byte for byte, even where the bytes are no text', async () => {
      const url = authorizeAddress(server.settings, { state: undefined });
      const target = `${url.pathname}${url.search}&state=%ff%FE%2b+~`;
      const answer = await rawGet(target);
      assert.equal(answer.statusCode, 200);
      const back = await submit(await openPage(new URL(`${url.href}&state=%ff%FE%2b+~`)), ANNA);
      assert.match(back.location?.href ?? '', /&state=%ff%FE%2b\+~$/);
    });

    it('may be missing', async () => {
      const back = await submit(await openPage(authorizeAddress(server.settings, { state: undefined })), ANNA);
      assert.deepEqual([...(back.location?.searchParams.keys() ?? [])], ['code']);
    });
  });

  describe('requests that go back to Google with an error', () => {
    const verifier = 'v'.repeat(50);
    for (const [what, changes, error] of [
      ['an unknown response type', { response_type: 'token' }, 'unsupported_response_type'],
      ['no response type', { response_type: undefined }, 'invalid_request'],
      ['PKCE without a hash', { code_challenge: verifier, code_challenge_method: 'plain' }, 'invalid_request'],
      ['a malformed challenge', { code_challenge: 'short' }, 'invalid_request'],
    ] as const) {
      it(what, async () => {
        const page = await openPage(authorizeAddress(server.settings, { state: 'kept', ...changes }));
        assert.equal(page.status, 302);
        assert.equal(page.location?.host, 'oauth-redirect.googleusercontent.com');
        assert.equal(page.location.searchParams.get('error'), error);
        assert.equal(page.location.searchParams.get('state'), 'kept');
      });
    }
  });

  describe('PKCE', () => {
    const verifier = 'a-verifier-that-is-long-enough-to-be-taken-seriously';
    const challenge = createHash('sha256').update(verifier).digest('base64url');

    async function codeWithChallenge(): Promise<string> {
      const url = authorizeAddress(server.settings, { code_challenge: challenge, code_challenge_method: 'S256' });
      return (await submit(await openPage(url), ANNA)).location!.searchParams.get('code')!;
    }

    function redeemWith(code: string, more: Record<string, string>): ReturnType<typeof askTokens> {
      const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectAddress(PROJECT) };
      return askTokens(server.settings, { ...grant, ...more });
    }

    it('takes the right verifier', async () => {
      assert.equal((await redeemWith(await codeWithChallenge(), { code_verifier: verifier })).status, 200);
    });

    it('refuses a wrong, a missing and an uncalled-for verifier', async () => {
      const answers = [
        await redeemWith(await codeWithChallenge(), { code_verifier: `${verifier}x` }),
        await redeemWith(await codeWithChallenge(), {}),
        await redeemWith(await fetchCode(server.settings, 'anna', 'correct horse'), { code_verifier: verifier }),
      ];
      for (const { status, body } of answers) {
        assert.equal(status, 400);
        assert.equal(body.error, 'invalid_grant');
      }
    });
  });

  describe('tokens', () => {
    async function linked(user = 'anna', password = 'correct horse'): Promise<{ access: string; refresh: string }> {
      const tokens = await redeem(server.settings, await fetchCode(server.settings, user, password));
      return { access: tokens.accessToken, refresh: tokens.refreshToken! };
    }

    it('serve for an hour; a refresh gives a new one and leaves the older one good until its end', async () => {
      const { access, refresh: lasting } = await linked();
      server.clock.skip(30 * 60_000);
      const next = await refresh(server.settings, lasting);
      assert.equal(next.refreshToken, undefined, 'refresh tokens are not replaced');
      assert.notEqual(next.accessToken, access);
      server.clock.skip(29 * 60_000);
      assert.ok(await server.accounts.authenticate(access));
      server.clock.skip(60_000);
      assert.equal(await server.accounts.authenticate(access), undefined);
      assert.ok(await server.accounts.authenticate(next.accessToken));
      server.clock.skip(30 * 60_000);
      assert.equal(await server.accounts.authenticate(next.accessToken), undefined);
    });

    it('can be refreshed after years', async () => {
      const { refresh: lasting } = await linked();
      server.clock.skip(5 * 365 * 24 * 3600_000);
      const { accessToken } = await refresh(server.settings, lasting);
      assert.ok(await server.accounts.authenticate(accessToken));
    });

    it('50 parallel refreshes all give good tokens, and the refresh token stays good', async () => {
      const { refresh: lasting } = await linked();
      const all = await Promise.all(Array.from({ length: 50 }, () => refresh(server.settings, lasting)));
      assert.equal(new Set(all.map((tokens) => tokens.accessToken)).size, 50);
      for (const { accessToken } of all) assert.ok(await server.accounts.authenticate(accessToken));
      await refresh(server.settings, lasting);
    });

    it('a code serves ten minutes', async () => {
      const early = await fetchCode(server.settings, 'anna', 'correct horse');
      const late = await fetchCode(server.settings, 'anna', 'correct horse');
      server.clock.skip(9 * 60_000 + 59_000);
      await redeem(server.settings, early);
      server.clock.skip(1000);
      await assert.rejects(redeem(server.settings, late), /400 invalid_grant/);
    });

    it('are given to a client that shows its secret as HTTP Basic too', async () => {
      const code = await fetchCode(server.settings, 'anna', 'correct horse');
      const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectAddress(PROJECT) };
      assert.equal((await askTokens(server.settings, grant, true)).status, 200);
      const wrong = await askTokens({ ...server.settings, clientSecret: 'guess' }, grant, true);
      assert.equal(wrong.status, 401);
      assert.equal(wrong.body.error, 'invalid_client');
      assert.match(wrong.headers.get('www-authenticate') ?? '', /^Basic/);
    });

    it('take ids, secrets and passwords in any script, in the form and as HTTP Basic', async () => {
      const client = { clientId: 'дом-ключ', clientSecret: 'clé très secrète: zażółć ☂ %41+' };
      await server.close();
      server = await serveLinking({ ...client, users: 'Łucja:пароль с пробелом é' });
      const settings = { ...server.settings, ...client };
      for (const basic of [false, true]) {
        const code = await fetchCode(settings, 'Łucja', 'пароль с пробелом é');
        const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectAddress(PROJECT) };
        const wrong = await askTokens({ ...settings, clientSecret: 'clé très secrète: zażółć ☔ %41+' }, grant, basic);
        assert.equal(wrong.body.error, 'invalid_client');
        assert.equal((await askTokens(settings, grant, basic)).status, 200, `basic: ${basic}`);
      }
    });

    it('every bad grant is 400 invalid_grant', async () => {
      const { access } = await linked();
      for (const grant of [
        { grant_type: 'refresh_token', refresh_token: 'invented' },
        { grant_type: 'refresh_token', refresh_token: access },
        { grant_type: 'refresh_token' },
        { grant_type: 'authorization_code', code: 'invented', redirect_uri: redirectAddress(PROJECT) },
        { grant_type: 'authorization_code' },
      ]) {
        const answer = await askTokens(server.settings, grant);
        assert.equal(answer.status, 400, JSON.stringify(grant));
        assert.equal(answer.body.error, 'invalid_grant', JSON.stringify(grant));
      }
      const unknown = await askTokens(server.settings, { grant_type: 'password', username: 'anna', password: 'x' });
      assert.equal(unknown.status, 400);
    });

    it('take a scope that a console adds without minding it', async () => {
      const page = await openPage(authorizeAddress(server.settings, { scope: 'home "odd"' }));
      const code = (await submit(page, ANNA)).location!.searchParams.get('code')!;
      const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectAddress(PROJECT), scope: 'home' };
      assert.equal((await askTokens(server.settings, grant)).status, 200);
    });
  });

  describe('several users', () => {
    async function linkOf(target: LinkingServer, user: string, password: string) {
      const tokens = await redeem(target.settings, await fetchCode(target.settings, user, password));
      return { tokens, identity: (await target.accounts.authenticate(tokens.accessToken))! };
    }

    it('have different ids; one unlinking leaves the other, and keeps the id for the next time', async () => {
      const anna = await linkOf(server, 'anna', 'correct horse');
      const ben = await linkOf(server, 'ben', 'a:b:c');
      assert.notEqual(anna.identity.agentUserId, ben.identity.agentUserId);
      await server.accounts.disconnect(anna.identity.agentUserId, anna.identity.link);
      assert.equal(await server.accounts.authenticate(anna.tokens.accessToken), undefined);
      await assert.rejects(refresh(server.settings, anna.tokens.refreshToken!), /invalid_grant/);
      assert.ok(await server.accounts.authenticate(ben.tokens.accessToken));
      await refresh(server.settings, ben.tokens.refreshToken!);
      assert.deepEqual(await server.accounts.linkedUsers(), [ben.identity.agentUserId]);
      const back = await linkOf(server, 'anna', 'correct horse');
      assert.equal(back.identity.agentUserId, anna.identity.agentUserId);
    });

    it('a second link of the same user lives beside the first', async () => {
      const first = await linkOf(server, 'anna', 'correct horse');
      const second = await linkOf(server, 'anna', 'correct horse');
      assert.equal(first.identity.agentUserId, second.identity.agentUserId);
      await server.accounts.disconnect(second.identity.agentUserId, second.identity.link);
      assert.ok(await server.accounts.authenticate(first.tokens.accessToken));
      await refresh(server.settings, first.tokens.refreshToken!);
    });

    it('one taken off the list loses access at once, and does not get it back by being listed again', async () => {
      const state = new MemoryState();
      const hand = new HandClock();
      let target = await serveLinking({ state, hand });
      const anna = await linkOf(target, 'anna', 'correct horse');
      const code = await fetchCode(target.settings, 'anna', 'correct horse');
      await target.close();

      target = await serveLinking({ state, hand, users: 'ben:a:b:c' });
      assert.equal(await target.accounts.authenticate(anna.tokens.accessToken), undefined);
      await assert.rejects(refresh(target.settings, anna.tokens.refreshToken!), /invalid_grant/);
      await assert.rejects(redeem(target.settings, code), /invalid_grant/);
      assert.deepEqual(await target.accounts.linkedUsers(), []);
      await target.close();

      target = await serveLinking({ state, hand });
      assert.equal(await target.accounts.authenticate(anna.tokens.accessToken), undefined);
      await target.close();
    });

    it('a list that is empty for once, as after lost credentials, lets nobody in but ends no link', async () => {
      const state = new MemoryState();
      const hand = new HandClock();
      let target = await serveLinking({ state, hand });
      const anna = await linkOf(target, 'anna', 'correct horse');
      await target.close();
      target = await serveLinking({ state, hand, users: '' });
      assert.equal(await target.accounts.authenticate(anna.tokens.accessToken), undefined);
      await target.close();
      target = await serveLinking({ state, hand });
      assert.ok(await target.accounts.authenticate(anna.tokens.accessToken));
      await target.close();
    });
  });

  describe('what every answer has', () => {
    it('no-store and no framing, on pages, redirects, tokens and refusals alike', async () => {
      const { settings } = server;
      const form = await openPage(authorizeAddress(settings));
      const pages = [
        form,
        await submit(form, { username: 'anna', password: 'wrong' }),
        await submit(form, ANNA),
        await submit(form, { cancel: '1' }),
        await submit(form, { ...ANNA, ticket: 'forged' }),
        await openPage(authorizeAddress(settings, { client_id: 'other' })),
        await openPage(authorizeAddress(settings, { response_type: 'token' })),
      ].map((page) => page.headers);
      const tokens = [
        await askTokens(settings, { grant_type: 'refresh_token', refresh_token: 'invented' }),
        await askTokens({ ...settings, clientSecret: 'guess' }, { grant_type: 'refresh_token', refresh_token: 'x' }),
        await askTokens(settings, {
          grant_type: 'authorization_code',
          code: await fetchCode(settings, 'anna', 'correct horse'),
          redirect_uri: redirectAddress(PROJECT),
        }),
      ].map((answer) => answer.headers);
      const get = (await fetch(settings.tokenUrl)).headers;
      for (const headers of [...pages, ...tokens, get]) {
        assert.equal(headers.get('cache-control'), 'no-store');
        assert.equal(headers.get('x-frame-options'), 'DENY');
      }
      assert.match(form.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
      assert.match(form.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    });

    it('an account that is not set up links nobody: an empty secret is no secret', async () => {
      for (const gap of [{ clientSecret: '' }, { clientId: '' }, { projectId: '' }]) {
        const target = await serveLinking(gap);
        const page = await openPage(authorizeAddress({ ...target.settings, ...gap }));
        assert.equal(page.status, 503);
        assert.equal(page.location, undefined);
        const answer = await askTokens(
          { ...target.settings, ...gap },
          { grant_type: 'refresh_token', refresh_token: 'x' },
        );
        assert.equal(answer.body.error, 'invalid_client');
        await target.close();
      }
    });
  });
});
