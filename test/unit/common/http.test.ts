import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
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

  it('takes back what it gives up: a network that comes back delivers nothing late', async () => {
    // Closed in the ordinary way, the other side would hear of an end; the kernel would go on delivering until then.
    const heard: string[] = [];
    const ended = new Promise<void>((resolve) => {
      handler = ({ socket }) => {
        socket.on('end', () => heard.push('end'));
        socket.on('error', (error) => heard.push((error as NodeJS.ErrnoException).code ?? ''));
        socket.on('close', () => resolve());
      };
    });
    const late = await failure(ask({ timeoutMs: 30, body: 'open' }));
    assert.deepEqual([late.kind, late.sent], ['timeout', true]);
    await ended;
    assert.deepEqual(heard, ['ECONNRESET']);
  });

  describe('with something that is no HTTP server', () => {
    let stranger: net.Server;
    let greet: (socket: net.Socket) => void;
    beforeEach(async () => {
      stranger = net.createServer((socket) => {
        socket.on('error', () => undefined);
        greet(socket);
      });
      await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
      url = new URL(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}/x`);
    });
    afterEach(() => new Promise((resolve) => stranger.close(resolve)));

    it('says so, whether it speaks first or when it is asked', async () => {
      greet = (socket) => void socket.write('SSH-2.0-x\r\n');
      const wait = (): Promise<string> => new Promise((resolve) => setTimeout(() => resolve('x'), 50));
      const first = await failure(ask({ body: wait }));
      assert.deepEqual([first.kind, first.sent], ['protocol', false]);
      greet = (socket) => socket.once('data', () => socket.write('SSH-2.0-x\r\n'));
      const asked = await failure(ask());
      assert.deepEqual([asked.kind, asked.sent], ['protocol', true]);
    });

    it('takes no answer to what it has not asked yet', async () => {
      greet = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      let made = 0;
      const body = (): Promise<string> => new Promise((resolve) => setTimeout(() => resolve(String((made += 1))), 50));
      const { kind, sent } = await failure(ask({ body }));
      assert.deepEqual([kind, sent], ['protocol', false]);
    });

    it('does not wait for one that wants to speak something else', async () => {
      greet = (socket) =>
        socket.once('data', () =>
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
        );
      const { kind, sent, status } = await failure(ask());
      assert.deepEqual([kind, sent, status], ['protocol', true, 101]);
    });
  });

  it('does not follow redirects', async () => {
    handler = (_request, response) => response.writeHead(302, { Location: '/elsewhere' }).end();
    assert.equal((await ask()).status, 302);
    assert.deepEqual(seen, ['POST /x']);
  });

  it('leaves alone the agent of the whole process, which the environment may send to a proxy', async () => {
    handler = (_request, response) => response.end('direct');
    Reflect.set(http.globalAgent, 'addRequest', () => {
      throw new Error('through the proxy');
    });
    try {
      assert.equal((await ask()).body, 'direct');
    } finally {
      Reflect.deleteProperty(http.globalAgent, 'addRequest');
    }
  });

  it('ends at the signal', async () => {
    const stop = new AbortController();
    handler = () => stop.abort();
    assert.equal((await failure(ask({ signal: stop.signal }))).kind, 'aborted');
  });
});
