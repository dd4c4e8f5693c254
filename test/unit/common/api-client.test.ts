import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as http from 'node:http';
import * as https from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { ApiFailure, createApiClient, retryAfterMs, type ApiCall } from '../../../src/common/api-client';
import { systemClock } from '../../../src/common/clock';
import { silent } from '../../../src/common/log';
import { proxyFor, proxyFromEnvironment, proxyFromNode, type ProxySettings } from '../../../src/common/proxy';
import { privateAuthority } from '../../support/certificates';
import { startProxy, type TestProxy } from '../../support/proxy';

const SECRET = 'a-token-to-keep';
const authority = privateAuthority();

describe('A call to a cloud', () => {
  const open: Server[] = [];
  let seen: { request: http.IncomingMessage; body: string }[];
  let proxy: TestProxy | undefined;

  beforeEach(() => {
    seen = [];
  });
  afterEach(async () => {
    for (const server of open.splice(0)) {
      if (server instanceof http.Server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await proxy?.close();
    proxy = undefined;
  });

  async function listen(server: Server): Promise<number> {
    open.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  /** A cloud on this machine; `name` in its certificate, where it speaks TLS. */
  async function cloud(answer: http.RequestListener, name?: string): Promise<URL> {
    const listener: http.RequestListener = (request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        seen.push({ request, body });
        answer(request, response);
      });
    };
    const server =
      name === undefined ? http.createServer(listener) : https.createServer(authority.issue(name), listener);
    const port = await listen(server);
    return new URL(`${name === undefined ? 'http' : 'https'}://${name ?? '127.0.0.1'}:${port}/v1/things?key=${SECRET}`);
  }

  const trust = async (): Promise<ReturnType<typeof createSecureContext>> =>
    createSecureContext({ ca: authority.cert });
  const call = (url: URL, more: Partial<ApiCall> & { proxy?: ProxySettings } = {}) => {
    const { proxy: through, ...rest } = more;
    return createApiClient({ clock: systemClock, proxy: through, trust }).call({
      method: 'GET',
      url,
      headers: { Authorization: `Bearer ${SECRET}` },
      timeoutMs: 5000,
      maxBytes: 10_000,
      ...rest,
    });
  };

  async function failure(promise: Promise<unknown>): Promise<ApiFailure> {
    try {
      await promise;
    } catch (error) {
      assert.ok(error instanceof ApiFailure, inspect(error));
      const text = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
      assert.ok(!text.includes(SECRET) && !text.includes('pass word'), text);
      return error;
    }
    return assert.fail('no failure');
  }

  it('sends what it is given and gives back text as it came', async () => {
    const big = '{"id":9007199254740993123,"text":"ä"}';
    const url = await cloud((_, response) => response.writeHead(500, { 'X-Word': 'yes' }).end(big));
    const body = '{"id":9007199254740993123}';
    const headers = { 'Content-Type': 'application/json' };
    const answer = await call(url, { method: 'DELETE', body, headers });
    assert.deepEqual([answer.status, answer.body, answer.headers['x-word']], [500, big, 'yes']);
    const [{ request, body: sent }] = seen as [(typeof seen)[0]];
    assert.deepEqual([request.method, request.url, sent], ['DELETE', `/v1/things?key=${SECRET}`, body]);
    assert.equal(request.headers['content-type'], 'application/json');
    assert.equal(request.headers['content-length'], String(body.length));
  });

  it('follows no redirect', async () => {
    const url = await cloud((_, response) => response.writeHead(302, { Location: '/elsewhere' }).end());
    assert.equal((await call(url)).status, 302);
    assert.equal(seen.length, 1);
  });

  for (const [encoding, compress] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const) {
    it(`reads an answer compressed by ${encoding}, and refuses one that unpacks to too much`, async () => {
      const texts = ['{"models":[]}', 'x'.repeat(10_001)];
      const url = await cloud((_, response) =>
        response.writeHead(200, { 'Content-Encoding': encoding }).end(compress(texts.shift() ?? '')),
      );
      assert.equal((await call(url)).body, '{"models":[]}');
      assert.match(String(seen[0]?.request.headers['accept-encoding']), new RegExp(encoding));
      const { kind, sent, status } = await failure(call(url));
      assert.deepEqual([kind, sent, status], ['size', true, 200]);
    });
  }

  it('says of a compressed answer that is none what it is', async () => {
    const url = await cloud((_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('no gzip'));
    assert.equal((await failure(call(url))).kind, 'protocol');
  });

  it('ends at its deadline although the answer keeps dripping in', async () => {
    const url = await cloud((_, response) => {
      const drip = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(drip));
    });
    const { kind, sent, status } = await failure(call(url, { timeoutMs: 60 }));
    assert.deepEqual([kind, sent, status], ['timeout', true, 200]);
  });

  it('ends when its caller says so, and is not sent where that was said before', async () => {
    const stop = new AbortController();
    const url = await cloud(() => stop.abort());
    const first = await failure(call(url, { signal: stop.signal }));
    assert.deepEqual([first.kind, first.sent], ['aborted', true]);
    const second = await failure(call(url, { signal: stop.signal }));
    assert.deepEqual([second.kind, second.sent], ['aborted', false]);
    assert.equal(seen.length, 1);
  });

  it('knows what was surely not sent: refused, an unknown name, no trust', async () => {
    const url = await cloud((_, response) => response.end());
    const closed = new URL(url);
    await new Promise((resolve) => open.pop()?.close(resolve));
    const refused = await failure(call(closed));
    assert.deepEqual([refused.kind, refused.sent, refused.reason], ['connect', false, 'ECONNREFUSED']);
    const unknown = await failure(call(new URL('https://does-not-exist.invalid/')));
    assert.deepEqual([unknown.kind, unknown.sent], ['connect', false]);
    const secure = await cloud((_, response) => response.end(), 'localhost');
    const untrusted = createApiClient({ clock: systemClock });
    const call2 = { method: 'GET', url: secure, timeoutMs: 5000, maxBytes: 100 } as const;
    const foreign = await failure(untrusted.call(call2));
    assert.deepEqual([foreign.kind, foreign.sent], ['tls', false]);
    assert.equal(seen.length, 0);
    assert.equal((await call(secure)).status, 200);
  });

  it('knows what may have been sent: a connection lost before, and in the middle of, the answer', async () => {
    const url = await cloud((request, response) => {
      if (seen.length === 1) request.socket.destroy();
      else {
        response.writeHead(200, { 'Content-Length': '100' }).write('half');
        setTimeout(() => request.socket.destroy(), 20);
      }
    });
    const before = await failure(call(url));
    assert.deepEqual([before.kind, before.sent, before.status], ['lost', true, undefined]);
    const middle = await failure(call(url));
    assert.deepEqual([middle.kind, middle.sent, middle.status], ['lost', true, 200]);
  });

  it('says of a server that does not speak HTTP what it is', async () => {
    const port = await listen(createServer((socket) => socket.resume().end('hello\r\n\r\n')));
    const { kind, sent } = await failure(call(new URL(`http://127.0.0.1:${port}/`)));
    assert.deepEqual([kind, sent], ['protocol', true]);
  });

  it('writes a line for each call at trace, without keys and telephone numbers', async () => {
    const lines: string[] = [];
    const log = { ...silent, trace: (text: string) => void lines.push(text) };
    const url = await cloud((_, response) => response.end());
    url.pathname = '/user/get/+33612345678';
    await createApiClient({ clock: systemClock, log }).call({ method: 'GET', url, timeoutMs: 5000, maxBytes: 9 });
    assert.match(lines.join(), /^GET 127\.0\.0\.1:\d+\/user\/get\/…: 200 after \d+ ms$/);
  });

  it('loads axios no sooner than it is made', () => {
    const load = "require('./src/sber/sber-account'); require('./src/thekeys/cloud');";
    const show = "console.log(Object.keys(require.cache).filter((name) => name.includes('axios')).length)";
    const shown = execFileSync(process.execPath, ['--import', 'tsx', '-e', load + show], { encoding: 'utf8' });
    assert.equal(shown.trim(), '0');
  });

  describe('through a proxy', () => {
    const secureCloud = (): Promise<URL> => cloud((_, response) => response.end('through'), 'cloud.example');

    it('reaches a cloud whose name this machine does not know, encrypted all the way', async () => {
      const url = await secureCloud();
      proxy = await startProxy();
      const settings = proxyFromEnvironment({ HTTPS_PROXY: proxy.url });
      assert.equal((await call(url, { proxy: settings })).body, 'through');
      assert.deepEqual(proxy.asked, [`CONNECT ${url.host}`]);
    });

    it('shows its login to the proxy alone', async () => {
      const url = await secureCloud();
      proxy = await startProxy('a user:pass word');
      const settings = proxyFromNode({ url: proxy.url, credentials: { username: 'a user', password: 'pass word' } });
      assert.equal((await call(url, { proxy: settings })).body, 'through');
      assert.equal(seen[0]?.request.headers['proxy-authorization'], undefined);
      const encoded = proxy.url.replace('//', '//a%20user:pass%20word@');
      assert.equal((await call(url, { proxy: proxyFromEnvironment({ https_proxy: encoded }) })).body, 'through');
    });

    it('says that the proxy wants a login, and that nothing was sent', async () => {
      const url = await secureCloud();
      proxy = await startProxy('user:pass word');
      for (const address of [proxy.url, proxy.url.replace('//', '//user:wrong@')]) {
        const { kind, sent, reason } = await failure(
          call(url, { proxy: proxyFromEnvironment({ HTTPS_PROXY: address }) }),
        );
        assert.deepEqual([kind, sent], ['connect', false]);
        assert.match(reason, /proxy wants a login.*407/);
      }
      assert.equal(seen.length, 0);
    });

    it('tells what a proxy refuses from what the cloud refuses', async () => {
      const url = await secureCloud();
      proxy = await startProxy();
      proxy.refuse(403);
      const settings = proxyFromEnvironment({ HTTPS_PROXY: proxy.url });
      const { kind, sent, status } = await failure(call(url, { proxy: settings }));
      assert.deepEqual([kind, sent, status], ['connect', false, 403]);
      await proxy.close();
      const gone = await failure(call(url, { proxy: settings }));
      assert.deepEqual([gone.kind, gone.reason], ['connect', 'ECONNREFUSED']);
    });

    it('still asks for a trusted certificate behind it', async () => {
      const url = await secureCloud();
      proxy = await startProxy();
      const settings = proxyFromEnvironment({ HTTPS_PROXY: proxy.url });
      const client = createApiClient({ clock: systemClock, proxy: settings });
      const { kind, sent } = await failure(client.call({ method: 'GET', url, timeoutMs: 5000, maxBytes: 100 }));
      assert.deepEqual([kind, sent], ['tls', false]);
      assert.equal(seen.length, 0);
    });

    for (const [when, answer] of [
      ['at once', undefined],
      ['after it was asked', ''],
      ['in the middle of its answer', 'HTTP/1.1 200 Conn'],
    ] as const) {
      it(`is over soon where the proxy closes the connection ${when}`, async () => {
        const url = await secureCloud();
        const port = await listen(
          createServer((socket) => {
            socket.on('error', () => undefined).resume();
            if (answer === undefined) socket.end();
            else socket.once('data', () => socket.end(answer));
          }),
        );
        const settings = proxyFromEnvironment({ HTTPS_PROXY: `127.0.0.1:${port}` });
        const { kind, sent } = await failure(call(url, { proxy: settings }));
        assert.deepEqual([kind, sent], ['connect', false]);
        assert.equal(seen.length, 0);
      });
    }

    it('is given up at the deadline while the proxy does not answer', async () => {
      const url = await secureCloud();
      const port = await listen(createServer((socket) => socket.resume()));
      const settings = proxyFromEnvironment({ HTTPS_PROXY: `127.0.0.1:${port}` });
      const { kind, sent } = await failure(call(url, { proxy: settings, timeoutMs: 60 }));
      assert.deepEqual([kind, sent], ['timeout', false]);
      // Closing waits for the connection to the proxy to be gone.
      await new Promise((resolve) => open.pop()?.close(resolve));
    });

    it('asks a cloud on this machine through a proxy on this machine, with and without a login', async () => {
      const url = await cloud((_, response) => response.end('plain'));
      for (const login of [undefined, 'user:pass word']) {
        proxy = await startProxy(login);
        const address = login === undefined ? proxy.url : proxy.url.replace('//', '//user:pass%20word@');
        const settings = proxyFromEnvironment({ HTTP_PROXY: address });
        const { body } = await call(url, { proxy: settings, method: 'POST', body: 'text' });
        assert.equal(body, 'plain');
        assert.deepEqual(proxy.asked, [`POST ${url.href}`]);
        assert.equal(seen.pop()?.body, 'text');
        await proxy.close();
      }
    });
  });
});

describe('Which proxy leads to an address', () => {
  const via = (url: string, env: Record<string, string>): string | undefined =>
    proxyFor(new URL(url), proxyFromEnvironment(env))?.host;
  const both = { HTTPS_PROXY: 'secure:1', http_proxy: 'http://127.0.0.1:2' };

  it('depends on how the address begins', () => {
    assert.equal(via('https://cloud.example/', both), 'secure:1');
    assert.equal(via('http://127.0.0.1/', both), '127.0.0.1:2');
    assert.equal(via('http://127.0.0.1/', { HTTPS_PROXY: 'secure:1' }), undefined);
  });

  it('is none where something unencrypted would leave this machine', () => {
    assert.equal(via('http://127.0.0.1/', { HTTP_PROXY: 'http://proxy.example:2' }), undefined);
  });

  for (const [entry, bypassed] of [
    ['*', true],
    ['cloud.example', true],
    ['.example', true],
    ['*.example', true],
    ['example', true],
    ['other, CLOUD.example ,third', true],
    ['cloud.example:8443', true],
    ['cloud.example:443', false],
    ['oud.example', false],
    ['10.0.0.0/8', false],
    ['', false],
  ] as const) {
    it(`NO_PROXY=${entry}: ${bypassed ? 'directly' : 'through it'}`, () => {
      const host = via('https://cloud.example:8443/', { ...both, NO_PROXY: entry });
      assert.equal(host, bypassed ? undefined : 'secure:1');
    });
  }

  it('knows IPv6 addresses', () => {
    for (const entry of ['::1', '[::1]', '[::1]:9']) {
      assert.equal(via('https://[::1]:9/', { ...both, NO_PROXY: entry }), undefined);
    }
    assert.equal(via('https://[::1]:9/', { ...both, NO_PROXY: '[::1]:8' }), 'secure:1');
  });

  it('is refused without being quoted where it is no address', () => {
    for (const wrong of ['socks5://user:pass@host:1', 'http://user:pass@']) {
      assert.throws(
        () => proxyFromEnvironment({ HTTPS_PROXY: wrong }),
        (error: Error) => error.message.includes('HTTPS_PROXY') && !error.message.includes('pass'),
      );
    }
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-30T12:00:00Z');
  for (const [value, ms] of [
    ['120', 120_000],
    [' 0 ', 0],
    ['Mon, 30 Nov 2026 12:00:30 GMT', 30_000],
    ['Monday, 30-Nov-26 12:00:30 GMT', 30_000],
    ['Mon Nov 30 12:00:30 2026 GMT', 30_000],
    ['Mon, 30 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['2026-11-30', undefined],
    ['', undefined],
  ] as const) {
    it(`"${value}" is ${ms === undefined ? 'not understood' : `${ms} ms`}`, () => {
      assert.equal(retryAfterMs({ 'retry-after': value }, now), ms);
    });
  }

  it('absent says nothing', () => assert.equal(retryAfterMs({}, now), undefined));
});
