import assert from 'node:assert/strict';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { exchange, HttpFailure } from '../../../src/common/http';

describe('an HTTP exchange', () => {
  let server: http.Server;
  let url: URL;
  let handler: http.RequestListener;
  let seen: string[];

  beforeEach(async () => {
    seen = [];
    server = http.createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      handler(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`);
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const ask = (more: object = {}) => exchange({ method: 'POST', url, timeoutMs: 5000, maxBytes: 100, ...more });
  const failure = async (promise: Promise<unknown>): Promise<HttpFailure> => {
    const thrown: unknown = await promise.then(
      () => assert.fail('it answered'),
      (error: unknown) => error,
    );
    assert.ok(thrown instanceof HttpFailure, String(thrown));
    return thrown;
  };

  it('makes the body only when the connection stands', async () => {
    handler = (request, response) => request.pipe(response);
    const answer = await ask({ body: () => Promise.resolve('made late') });
    assert.deepEqual([answer.status, answer.body], [200, 'made late']);
  });

  it('sends nothing when making the body fails, and passes that error on', async () => {
    const error = new Error('too late');
    await assert.rejects(ask({ body: () => Promise.reject(error) }), error);
    assert.deepEqual(seen, []);
  });

  it('says that nothing was sent when nobody listens', async () => {
    const free = http.createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const { kind, sent, reason } = await failure(ask({ url: new URL(`http://127.0.0.1:${port}/`) }));
    assert.deepEqual({ kind, sent, reason }, { kind: 'connect', sent: false, reason: 'ECONNREFUSED' });
  });

  it('says that it was sent when the connection is lost, the answer is late, cut off or too large', async () => {
    handler = (request) => request.socket.destroy();
    const lost = await failure(ask());
    assert.deepEqual([lost.kind, lost.sent], ['lost', true]);

    handler = () => undefined;
    const late = await failure(ask({ timeoutMs: 30 }));
    assert.deepEqual([late.kind, late.sent], ['timeout', true]);

    handler = (_request, response) => {
      response.writeHead(200, { 'Content-Length': '50' });
      response.write('half', () => response.destroy());
    };
    const cut = await failure(ask());
    assert.deepEqual([cut.kind, cut.sent], ['lost', true]);

    handler = (_request, response) => response.end('x'.repeat(101));
    const large = await failure(ask());
    assert.deepEqual([large.kind, large.sent, large.status], ['size', true, 200]);
  });

  it('sends nothing when the process stood still until the time was up', async () => {
    // A stopped process, or one that computes: it is told of the connection when the time is up, and of the time later.
    const body = (): string => {
      const until = performance.now() + 100;
      while (performance.now() < until);
      return 'too late';
    };
    const { kind, sent, reason } = await failure(ask({ timeoutMs: 50, body }));
    assert.deepEqual({ kind, sent, reason }, { kind: 'connect', sent: false, reason: 'ETIMEDOUT' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(seen, []);
  });

  it('asks last of all whether it may leave', async () => {
    const order: string[] = [];
    const mayLeave = (): boolean => order.push('may it leave?') < 0;
    const body = (): Promise<string> => Promise.resolve().then(() => (order.push('body'), 'x'));
    const { kind, sent } = await failure(ask({ body, mayLeave }));
    assert.deepEqual({ kind, sent, order }, { kind: 'aborted', sent: false, order: ['body', 'may it leave?'] });
    assert.deepEqual(seen, []);
  });

  it('does not follow redirects', async () => {
    handler = (_request, response) => response.writeHead(302, { Location: '/elsewhere' }).end();
    assert.equal((await ask()).status, 302);
    assert.deepEqual(seen, ['POST /x']);
  });

  it('takes no proxy from the environment', async () => {
    handler = (_request, response) => response.end('direct');
    process.env.HTTP_PROXY = process.env.http_proxy = 'http://127.0.0.1:1';
    try {
      assert.equal((await ask()).body, 'direct');
    } finally {
      delete process.env.HTTP_PROXY;
      delete process.env.http_proxy;
    }
  });

  it('ends at the signal', async () => {
    const stop = new AbortController();
    handler = () => stop.abort();
    assert.equal((await failure(ask({ signal: stop.signal }))).kind, 'aborted');
  });
});
