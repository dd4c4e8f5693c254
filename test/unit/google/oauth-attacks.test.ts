import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import * as link from '../../../simulators/google/link';
import type { LinkSettings, Page } from '../../../simulators/google/link';
import { silent } from '../../../src/common/log';
import { systemClock } from '../../../src/common/clock';
import { callerAddress, trustedProxies } from '../../../src/google/requests';
import { LoginThrottle } from '../../../src/google/login-throttle';
import { PageKey } from '../../../src/google/page-key';
import { FileState } from '../../../src/state/file';
import { MemoryState } from '../../../src/state/local';
import { PROJECT, serveLinking, type LinkingServer } from '../../support/linking';

const ANNA = { username: 'anna', password: 'correct horse' };
const sandbox = `https://oauth-redirect-sandbox.googleusercontent.com/r/${PROJECT}`;

describe('attacks on account linking', () => {
  let server: LinkingServer;
  beforeEach(async () => {
    server = await serveLinking();
  });
  afterEach(() => server.close());

  function grantOf(code: string, redirectUri = link.redirectAddress(PROJECT)): Record<string, string> {
    return { grant_type: 'authorization_code', code, redirect_uri: redirectUri };
  }

  /** A token request exactly as given, without the stand-in's client credentials. */
  async function bareToken(fields: Record<string, string>): Promise<{ status: number; error: unknown; text: string }> {
    const answer = await fetch(server.settings.tokenUrl, { method: 'POST', body: new URLSearchParams(fields) });
    const text = await answer.text();
    return { status: answer.status, error: (JSON.parse(text) as { error?: unknown }).error, text };
  }

  describe('secretless token call', () => {
    it('is refused for codes and link.refresh tokens, with no, an empty or a wrong secret', async () => {
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      for (const client of [
        {},
        { client_id: 'demo-client' },
        { client_id: 'demo-client', client_secret: '' },
        { client_id: 'demo-client', client_secret: 'demo-client-secre' },
        { client_id: 'demo-client', client_secret: 'demo-client-secret ' },
        { client_id: 'other', client_secret: 'demo-client-secret' },
      ]) {
        const answer = await bareToken({ ...grantOf(code), ...(client as Record<string, string>) });
        assert.ok([400, 401].includes(answer.status), JSON.stringify(client));
        assert.equal(answer.error, 'invalid_client', JSON.stringify(client));
        assert.doesNotMatch(answer.text, /access_token/);
      }
      const { refreshToken } = await link.redeem(server.settings, code);
      const answer = await bareToken({
        grant_type: 'refresh_token',
        refresh_token: refreshToken!,
        client_id: 'demo-client',
      });
      assert.equal(answer.error, 'invalid_client');
    });

    it('is refused where a PKCE verifier is shown instead of the secret', async () => {
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      const answer = await bareToken({ ...grantOf(code), client_id: 'demo-client', code_verifier: 'v'.repeat(50) });
      assert.equal(answer.error, 'invalid_client');
      await link.redeem(server.settings, code);
    });

    it('is refused by GET, and by a query', async () => {
      const { tokenUrl } = server.settings;
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      const query = new URLSearchParams({
        ...grantOf(code),
        client_id: 'demo-client',
        client_secret: 'demo-client-secret',
      });
      assert.equal((await fetch(`${tokenUrl}?${query.toString()}`)).status, 405);
      assert.equal((await fetch(`${tokenUrl}?${query.toString()}`, { method: 'POST' })).status, 400);
    });

    it('never brings the right secret or the given one into the log', async () => {
      await bareToken({ ...grantOf('x'), client_id: 'demo-client', client_secret: 'a-guess' });
      assert.equal(server.warnings.length, 1);
      assert.doesNotMatch(server.warnings.join(), /demo-client-secret|a-guess/);
    });
  });

  describe('foreign redirect', () => {
    const foreign = [
      'https://evil.example/r/demo-home-project',
      'https://oauth-redirect.googleusercontent.com/r/another-project',
      'https://oauth-redirect.googleusercontent.com/r/demo-home-project/',
      'https://oauth-redirect.googleusercontent.com/r/demo-home-project?x=1',
      'https://oauth-redirect.googleusercontent.com/r/demo-home-project%2f..%2fother',
      'https://oauth-redirect.googleusercontent.com.evil.example/r/demo-home-project',
      'https://oauth-redirect.googleusercontent.com@evil.example/r/demo-home-project',
      'http://oauth-redirect.googleusercontent.com/r/demo-home-project',
      'HTTPS://oauth-redirect.googleusercontent.com/r/demo-home-project',
      'javascript:alert(1)',
      '//evil.example',
      '',
    ];
    for (const address of foreign) {
      it(`at the login page: ${address || 'none'}`, async () => {
        const page = await link.openPage(link.authorizeAddress(server.settings, { redirect_uri: address }));
        assert.equal(page.status, 400);
        assert.equal(page.location, undefined);
        assert.doesNotMatch(page.html, /<form|<a /);
      });
    }

    it('at the login page: of another client, or given twice', async () => {
      const other = await link.openPage(link.authorizeAddress(server.settings, { client_id: 'other' }));
      const twice = await link.openPage(
        new URL(`${link.authorizeAddress(server.settings).href}&redirect_uri=https://evil.example`),
      );
      for (const page of [other, twice]) {
        assert.equal(page.status, 400);
        assert.equal(page.location, undefined);
      }
    });

    it('slipped into the form or its address changes nothing', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      const extra = { redirect_uri: 'https://evil.example', client_id: 'other', state: 'other' };
      const back = await link.submit(
        { ...form, action: new URL(`?redirect_uri=https://evil.example`, form.action) },
        { ...ANNA, ...extra },
      );
      assert.equal(back.location?.host, 'oauth-redirect.googleusercontent.com');
    });

    it('at the token address burns the code', async () => {
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      const answer = await link.askTokens(server.settings, grantOf(code, 'https://evil.example/r/demo-home-project'));
      assert.equal(answer.status, 400);
      assert.equal(answer.body.error, 'invalid_grant');
      await assert.rejects(link.redeem(server.settings, code), /invalid_grant/);
    });

    it("code redeemed with the project's other redirect: refused", async () => {
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      const answer = await link.askTokens(server.settings, grantOf(code, sandbox));
      assert.equal(answer.status, 400);
      assert.equal(answer.body.error, 'invalid_grant');
    });

    it("but the project's sandbox address is good at both steps", async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings, { redirect_uri: sandbox }));
      const back = await link.submit(form, ANNA);
      assert.equal(back.location?.host, 'oauth-redirect-sandbox.googleusercontent.com');
      const code = back.location.searchParams.get('code')!;
      assert.equal((await link.askTokens(server.settings, grantOf(code, sandbox))).status, 200);
    });
  });

  describe('code replay', () => {
    it('is refused, and ends the tokens that came of the code', async () => {
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      const tokens = await link.redeem(server.settings, code);
      server.clock.skip(11_000);
      await assert.rejects(link.redeem(server.settings, code), /400 invalid_grant/);
      assert.equal(await server.accounts.authenticate(tokens.accessToken), undefined);
      await assert.rejects(link.refresh(server.settings, tokens.refreshToken!), /invalid_grant/);
    });

    it('within seconds is a request of Google’s that was repeated: refused, and the link stays', async () => {
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      const tokens = await link.redeem(server.settings, code);
      server.clock.skip(2000);
      await assert.rejects(link.redeem(server.settings, code), /400 invalid_grant/);
      assert.ok(await server.accounts.authenticate(tokens.accessToken));
      await link.refresh(server.settings, tokens.refreshToken!);
    });

    it('leaves the other links of the same user alone', async () => {
      const before = await link.redeem(server.settings, await link.fetchCode(server.settings, 'anna', 'correct horse'));
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      await link.redeem(server.settings, code);
      server.clock.skip(11_000);
      await assert.rejects(link.redeem(server.settings, code));
      assert.ok(await server.accounts.authenticate(before.accessToken));
    });

    it('twenty times at once gives one link, and no second one', async () => {
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => link.redeem(server.settings, code)));
      const given = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      assert.equal(given.length, 1);
      assert.ok(await server.accounts.authenticate(given[0]!.accessToken));
      assert.equal(await server.accounts.linkCount(), 1);
    });

    it('by somebody without the client secret ends nothing', async () => {
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      const tokens = await link.redeem(server.settings, code);
      await bareToken({ ...grantOf(code), client_id: 'demo-client', client_secret: 'a-guess' });
      assert.ok(await server.accounts.authenticate(tokens.accessToken));
    });
  });

  describe('token from another link', () => {
    it('cannot end a link that is not its own', async () => {
      const anna = await link.redeem(server.settings, await link.fetchCode(server.settings, 'anna', 'correct horse'));
      const ben = await link.redeem(server.settings, await link.fetchCode(server.settings, 'ben', 'a:b:c'));
      const annas = (await server.accounts.authenticate(anna.accessToken))!;
      const bens = (await server.accounts.authenticate(ben.accessToken))!;
      await server.accounts.disconnect(bens.agentUserId, annas.link);
      assert.ok(await server.accounts.authenticate(anna.accessToken));
    });

    it('stands for nobody at another account that shares the state', async () => {
      const state = new MemoryState();
      const one = await serveLinking({ state, prefix: 'google/one' });
      const two = await serveLinking({ state, prefix: 'google/two' });
      const tokens = await link.redeem(one.settings, await link.fetchCode(one.settings, 'anna', 'correct horse'));
      assert.ok(await one.accounts.authenticate(tokens.accessToken));
      assert.equal(await two.accounts.authenticate(tokens.accessToken), undefined);
      await assert.rejects(link.refresh(two.settings, tokens.refreshToken!), /invalid_grant/);
      await one.close();
      await two.close();
    });

    it('of another kind is no access token: codes, link.refresh tokens, hashes, odd names', async () => {
      const code = await link.fetchCode(server.settings, 'anna', 'correct horse');
      const { refreshToken } = await link.redeem(server.settings, code);
      for (const token of [code, refreshToken!, '', '__proto__', 'constructor']) {
        assert.equal(await server.accounts.authenticate(token), undefined);
      }
    });
  });

  describe('brute-force login', () => {
    async function guess(form: Page, username: string, from: string): Promise<Page> {
      return link.submit(form, { username, password: `guess-${Math.random()}` }, { 'X-Forwarded-For': from });
    }

    it('is slowed down after a few tries, more and more, for the right password too', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      const statuses: number[] = [];
      for (let i = 0; i < 60; i++) statuses.push((await guess(form, 'anna', '198.51.100.7')).status);
      assert.ok(statuses.filter((status) => status === 403).length < 12);
      const refused = await link.submit(form, ANNA, { 'X-Forwarded-For': '198.51.100.7' });
      assert.equal(refused.status, 429);
      assert.equal(refused.location, undefined);
      assert.ok(Number(refused.headers.get('retry-after')) >= 1);
      assert.match(refused.html, /Too many attempts/);
      const waits: number[] = [];
      for (let i = 0; i < 8; i++) {
        const wait = Number((await guess(form, 'anna', '198.51.100.7')).headers.get('retry-after'));
        waits.push(wait);
        server.clock.skip(wait * 1000);
        await guess(form, 'anna', '198.51.100.7');
      }
      assert.deepEqual(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
    });

    it('cannot be sped up by tries side by side', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      const pages = await Promise.all(Array.from({ length: 100 }, () => guess(form, 'anna', '198.51.100.7')));
      assert.ok(pages.filter((page) => page.status === 403).length < 12);
    });

    it('from many addresses is slowed down for the user, and hits nobody else', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (let i = 0; i < 40; i++) await guess(form, 'anna', `198.51.100.${i}`);
      assert.equal((await link.submit(form, ANNA, { 'X-Forwarded-For': '203.0.113.9' })).status, 429);
      const ben = { username: 'ben', password: 'a:b:c' };
      assert.equal((await link.submit(form, ben, { 'X-Forwarded-For': '203.0.113.9' })).status, 302);
    });

    it('of many users from one address is slowed down for the address', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (let i = 0; i < 40; i++) await guess(form, `invented-${i}`, '198.51.100.7');
      assert.equal((await link.submit(form, ANNA, { 'X-Forwarded-For': '198.51.100.7' })).status, 429);
      assert.equal((await link.submit(form, ANNA, { 'X-Forwarded-For': '203.0.113.9' })).status, 302);
    });

    it('does not hold up a person who mistypes a few times, nor their next login', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 3; i++) assert.equal((await guess(form, 'anna', '198.51.100.7')).status, 403);
        assert.equal((await link.submit(form, ANNA, { 'X-Forwarded-For': '198.51.100.7' })).status, 302);
      }
    });

    it('never shuts the owner out for longer than a minute', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (let i = 0; i < 300; i++) {
        await guess(form, 'anna', `198.51.100.${i % 250}`);
        server.clock.skip(10_000);
      }
      server.clock.skip(60_000);
      const fresh = await link.openPage(link.authorizeAddress(server.settings));
      assert.equal((await link.submit(fresh, ANNA, { 'X-Forwarded-For': '203.0.113.9' })).status, 302);
    });

    it('does not shut the owner out for longer when somebody sets the clock back', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (let i = 0; i < 20; i++) await guess(form, 'anna', '198.51.100.7');
      server.clock.setWall(-24 * 60 * 60_000);
      const page = await link.openPage(link.authorizeAddress(server.settings));
      const refused = await link.submit(page, ANNA, { 'X-Forwarded-For': '198.51.100.7' });
      assert.equal(refused.status, 429);
      server.clock.skip(Number(refused.headers.get('retry-after')) * 1000);
      assert.equal((await link.submit(page, ANNA, { 'X-Forwarded-For': '198.51.100.7' })).status, 302);
    });

    it('is slowed down after a restart too', async () => {
      const state = new MemoryState();
      let target = await serveLinking({ state, hand: server.clock });
      const form = await link.openPage(link.authorizeAddress(target.settings));
      for (let i = 0; i < 20; i++) await guess(form, 'anna', '198.51.100.7');
      await target.close();
      target = await serveLinking({ state, hand: server.clock });
      const page = await link.openPage(link.authorizeAddress(target.settings));
      assert.equal((await link.submit(page, ANNA, { 'X-Forwarded-For': '198.51.100.7' })).status, 429);
      await target.close();
    });

    it('from one machine does not keep the owner out, who logs in from another', async () => {
      const { throttle } = throttleAlone();
      for (let time = 0; time < 24; time++) {
        for (let i = 0; i < 25; i++) {
          await throttle.attempt('anna', '198.51.100.7');
          server.clock.skip(200);
        }
        const owner = await throttle.attempt('anna', '203.0.113.9');
        assert.equal(owner.waitMs, 0, `time ${time}`);
        await throttle.succeeded(owner);
      }
    });

    it('from one machine leaves the owner a second try, after a slip', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (let i = 0; i < 25; i++) await guess(form, 'anna', '198.51.100.7');
      assert.equal((await guess(form, 'anna', '203.0.113.9')).status, 403);
      assert.equal((await link.submit(form, ANNA, { 'X-Forwarded-For': '203.0.113.9' })).status, 302);
    });

    it('is logged with one line in ten minutes, from however many addresses it comes', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (let i = 0; i < 200; i++) await guess(form, `invented-${i % 10}`, `198.51.100.${i % 50}`);
      for (let i = 0; i < 20; i++) await guess(form, 'anna', '203.0.113.50');
      assert.equal(server.warnings.length, 1);
      server.clock.skip(11 * 60_000);
      for (let i = 0; i < 20; i++) await guess(form, 'ben', '203.0.113.51');
      assert.equal(server.warnings.length, 2);
    });

    it('cannot invent its address where no proxy of ours stands before it', () => {
      const from = (remoteAddress: string, forwarded: string, proxies = ''): string =>
        callerAddress(
          { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } } as unknown as http.IncomingMessage,
          trustedProxies(proxies),
        );
      assert.equal(from('192.168.1.77', '203.0.113.1'), '192.168.1.77');
      assert.equal(from('::ffff:172.18.0.2', '203.0.113.1'), '172.18.0.2');
      assert.equal(from('127.0.0.1', '203.0.113.1'), '203.0.113.1');
      assert.equal(from('::ffff:172.18.0.2', '1.1.1.1, 203.0.113.1', '172.18.0.0/16'), '203.0.113.1');
      assert.equal(from('127.0.0.1', '1.1.1.1, 203.0.113.1, 192.168.1.5', '192.168.1.5 fd00::/8'), '203.0.113.1');
      assert.equal(from('fd00::5', '2001:db8:1:2:3::9', 'fd00::/8'), '2001:db8:1:2::/64');
      assert.equal(from('127.0.0.1', 'nonsense'), '127.0.0.1');
      for (const list of ['proxy.home', '10.0.0.0/33', '10.0.0.0/x', '::1/129']) {
        assert.throws(() => trustedProxies(list), { code: 'INVALID_INPUT' }, list);
      }
    });

    it('cannot clear its own counter with a login of its own between guesses', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      const from = { 'X-Forwarded-For': '198.51.100.7' };
      let guessed = 0;
      for (let i = 0; i < 40; i++) {
        if ((await guess(form, 'anna', '198.51.100.7')).status === 403) guessed++;
        await link.submit(form, { username: 'ben', password: 'a:b:c' }, from);
      }
      assert.ok(guessed < 12);
    });

    it('cannot invent its address: only what the nearest proxy wrote counts', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (let i = 0; i < 40; i++) await guess(form, `invented-${i}`, `203.0.113.${i}, 198.51.100.7`);
      assert.equal((await link.submit(form, ANNA, { 'X-Forwarded-For': '198.51.100.7' })).status, 429);
    });

    it('does not tell which names are listed, and is told to the owner once, without what was typed', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      const known = await guess(form, 'anna', '198.51.100.7');
      const unknown = await guess(form, 'anne', '198.51.100.8');
      const plain = (page: Page): string => page.html.replace(/value="[^"]*"/g, '');
      assert.equal(known.status, unknown.status);
      assert.equal(plain(known), plain(unknown));
      for (let i = 0; i < 40; i++) await guess(form, 'my-password-typed-as-a-name', '198.51.100.9');
      assert.equal(server.warnings.length, 1);
      assert.doesNotMatch(server.warnings.join(), /my-password|guess-/);
    });

    it('with endless invented names fills no disk', async () => {
      const state = new MemoryState();
      const target = await serveLinking({ state, hand: server.clock });
      const form = await link.openPage(link.authorizeAddress(target.settings));
      for (let i = 0; i < 400; i++) await guess(form, `invented-${i}`, `10.${i % 200}.0.${i % 250}`);
      const kept = JSON.stringify(await state.get('google/test/throttle'));
      assert.doesNotMatch(kept, /invented/);
      assert.ok(Object.keys((JSON.parse(kept) as { names: object }).names).length <= 256);
      await target.close();
    });
  });

  /** The counting of tries alone. */
  function throttleAlone(): { throttle: LoginThrottle } {
    const state = new MemoryState();
    void state.change('page-key', () => ({ value: 'k'.repeat(43), result: undefined }));
    const pageKey = new PageKey(state, 'page-key');
    return { throttle: new LoginThrottle({ state, clock: server.clock, key: 'throttle', pageKey }) };
  }

  describe('CSRF', () => {
    it('a login without the form that was shown is refused', async () => {
      const url = link.authorizeAddress(server.settings);
      const fields = { ...ANNA, ...Object.fromEntries(url.searchParams) };
      for (const body of [fields, { ...fields, ticket: '' }, { ...fields, ticket: 'e30.AAAA' }]) {
        const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(body), redirect: 'manual' });
        assert.equal(answer.status, 400);
        assert.equal(answer.headers.get('location'), null);
      }
    });

    it('a form with an altered ticket is refused', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      const [content = '', seal = ''] = form.hidden.ticket!.split('.');
      const ticket = JSON.parse(Buffer.from(content, 'base64url').toString()) as Record<string, unknown>;
      const forged = Buffer.from(JSON.stringify({ ...ticket, redirectUri: sandbox })).toString('base64url');
      const answer = await link.submit(form, { ...ANNA, ticket: `${forged}.${seal}` });
      assert.equal(answer.status, 400);
    });

    it('a form that a page of another site submits is refused, however the browser says so', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (const headers of [
        { 'Sec-Fetch-Site': 'cross-site' },
        { 'Sec-Fetch-Site': 'same-site' },
        { Origin: 'https://evil.example' },
        { Origin: 'null' },
      ]) {
        const answer = await link.submit(form, ANNA, headers);
        assert.equal(answer.status, 403, JSON.stringify(headers));
        assert.equal(answer.location, undefined);
      }
    });

    it('but its own page may, behind a proxy that changes the host too', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      for (const headers of [
        { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://home.example' },
        { Origin: 'https://home.example', 'X-Forwarded-Host': 'home.example' },
        { Origin: 'http://127.0.0.1:1' },
      ]) {
        assert.equal((await link.submit(form, ANNA, headers as Record<string, string>)).status, 302);
      }
    });

    it('nor need a browser without fetch metadata say more than its cookie, behind a proxy that rewrites the host', async () => {
      const form = await link.openPage(link.authorizeAddress(server.settings));
      const cookie = form.headers.get('set-cookie') ?? '';
      assert.match(cookie, /; HttpOnly; SameSite=Strict$/);
      const headers = { Origin: 'https://home.example', Cookie: `other=1; ${cookie.split(';')[0]}` };
      assert.equal((await link.submit(form, ANNA, headers)).status, 302);
      assert.equal((await link.submit(form, ANNA, { ...headers, 'Sec-Fetch-Site': 'cross-site' })).status, 403);
    });

    it('a ticket of another account is refused', async () => {
      const other = await serveLinking({ state: new MemoryState() });
      const form = await link.openPage(link.authorizeAddress(other.settings));
      const here = await link.openPage(link.authorizeAddress(server.settings));
      assert.equal((await link.submit({ ...form, action: here.action }, ANNA)).status, 400);
      await other.close();
    });
  });

  describe('oversized bodies', () => {
    for (const which of ['authorizeUrl', 'tokenUrl'] as const) {
      it(`at ${which}: refused, and the service goes on`, async () => {
        const body = `username=${'x'.repeat(200_000)}`;
        const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
        const answer = await fetch(server.settings[which], { method: 'POST', body, headers, redirect: 'manual' });
        assert.equal(answer.status, 413);
        assert.equal(answer.headers.get('cache-control'), 'no-store');
        await link.fetchCode(server.settings, 'anna', 'correct horse');
      });

      it(`at ${which}: an endless one is cut off`, async () => {
        const request = http.request(server.settings[which], {
          method: 'POST',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        });
        const closed = new Promise<void>((resolve) => {
          request.on('close', resolve);
        });
        request.on('error', () => undefined);
        request.on('response', (answer) => answer.resume());
        let written = 0;
        const feed = (): void => {
          if (request.destroyed || written > 64 * 1024 * 1024) return;
          written += 65_536;
          request.write('x'.repeat(65_536), feed);
        };
        feed();
        await closed;
        assert.ok(written < 64 * 1024 * 1024);
        await link.fetchCode(server.settings, 'anna', 'correct horse');
      });

      it(`at ${which}: one that is broken off is no defect`, async () => {
        const { hostname, port, pathname } = new URL(server.settings[which]);
        const head = `POST ${pathname} HTTP/1.1\r\nHost: home.test\r\nContent-Length: 500`;
        while (!server.lines.some((line) => line.includes('ended before'))) {
          const socket = net.connect(Number(port), hostname);
          socket.write(`${head}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nusername=an`);
          await new Promise((resolve) => setTimeout(resolve, 20));
          socket.destroy();
        }
        assert.deepEqual(server.warnings, []);
      });

      it(`at ${which}: a body that is no form is refused`, async () => {
        const answer = await fetch(server.settings[which], { method: 'POST', body: '{"a":1}', redirect: 'manual' });
        assert.equal(answer.status, 400);
      });
    }
  });

  describe('with the files of the user directory', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'linking-'));
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    it('tokens, codes and passwords are unreadable in the state files, which are the owner’s alone', async () => {
      const state = new FileState({ folder, log: { ...silent, warn: (message) => assert.fail(message) } });
      const target = await serveLinking({ state });
      const spent = await link.fetchCode(target.settings, 'anna', 'correct horse');
      const tokens = await link.redeem(target.settings, spent);
      const next = await link.refresh(target.settings, tokens.refreshToken!);
      const unspent = await link.fetchCode(target.settings, 'anna', 'correct horse');
      await link.submit(await link.openPage(link.authorizeAddress(target.settings)), {
        username: 'anna',
        password: 'wrong password',
      });
      const files = await readdir(folder);
      assert.ok(files.length >= 3);
      const secrets = [tokens.accessToken, tokens.refreshToken!, next.accessToken, spent, unspent, 'correct horse'];
      for (const file of files) {
        const text = await readFile(path.join(folder, file), 'utf8');
        for (const secret of [...secrets, 'wrong password', 'demo-client-secret']) {
          assert.ok(!text.includes(secret), file);
          assert.ok(!text.includes(Buffer.from(secret).toString('base64url')), file);
        }
        assert.equal((await stat(path.join(folder, file))).mode & 0o777, 0o600, file);
      }
      await target.close();
    });

    it('nothing that was handed out is lost by kill -9 right after the answer', async () => {
      const children: ChildProcess[] = [];
      const start = async (): Promise<{ settings: LinkSettings; kill: () => Promise<void> }> => {
        const script = path.join(__dirname, '..', '..', 'support', 'linking-process.ts');
        const child = spawn(process.execPath, ['--import', 'tsx', script, folder], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        children.push(child);
        const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
        const kill = async (): Promise<void> => {
          child.kill('SIGKILL');
          await once(child, 'exit');
        };
        return { settings: JSON.parse(line) as LinkSettings, kill };
      };
      try {
        const first = await start();
        const code = await link.fetchCode(first.settings, 'anna', 'correct horse');
        await first.kill();
        const second = await start();
        const tokens = await link.redeem(second.settings, code);
        await second.kill();
        const third = await start();
        const next = await link.refresh(third.settings, tokens.refreshToken!);
        await third.kill();

        const state = new FileState({ folder, log: { ...silent, warn: (message) => assert.fail(message) } });
        const target = await serveLinking({ state, clock: systemClock });
        assert.ok(await target.accounts.authenticate(tokens.accessToken));
        assert.ok(await target.accounts.authenticate(next.accessToken));
        await link.refresh(target.settings, tokens.refreshToken!);
        await assert.rejects(link.redeem(target.settings, code), /invalid_grant/);
        await target.close();
      } finally {
        for (const child of children) child.kill('SIGKILL');
      }
    }).timeout(60_000);

    it('a state that cannot be written hands out nothing', async () => {
      const blocked = path.join(folder, 'blocked');
      const state = new FileState({ folder: blocked, log: { ...silent, warn: (message) => assert.fail(message) } });
      const target = await serveLinking({ state });
      const form = await link.openPage(link.authorizeAddress(target.settings));
      const code = await link.fetchCode(target.settings, 'anna', 'correct horse');
      const tokens = await link.redeem(target.settings, await link.fetchCode(target.settings, 'anna', 'correct horse'));
      await rm(blocked, { recursive: true });
      await writeFile(blocked, 'a file where the folder was');
      const shown = await link.submit(form, ANNA);
      assert.equal(shown.status, 503);
      assert.equal(shown.location, undefined);
      await assert.rejects(link.redeem(target.settings, code), /503/);
      await assert.rejects(link.refresh(target.settings, tokens.refreshToken!), /503/);
      assert.match(target.warnings.join(), /cannot be written/);
      await target.close();
    });
  });
});
