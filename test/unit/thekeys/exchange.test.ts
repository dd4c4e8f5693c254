import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../src/common/clock';
import { exchange, ExchangeFailure, type ExchangeRequest } from '../../../src/thekeys/exchange';
import { HandClock, turn } from '../../support/clock';

describe('an exchange with a gateway', () => {
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

  const ask = (more: Partial<ExchangeRequest> = {}) =>
    exchange({ method: 'POST', url, timeoutMs: 5000, body: () => '', clock: systemClock, ...more });
  const failure = async (promise: Promise<unknown>): Promise<ExchangeFailure> => {
    const thrown: unknown = await promise.then(
      () => assert.fail('it answered'),
      (error: unknown) => error,
    );
    assert.ok(thrown instanceof ExchangeFailure, String(thrown));
    return thrown;
  };

  it('sends the form that was made when the connection stood', async () => {
    const heads: unknown[] = [];
    handler = (request, response) => {
      heads.push(request.headers);
      request.pipe(response);
    };
    let calls = 0;
    const answer = await ask({ body: () => `call=${(calls += 1)}` });
    assert.deepEqual([answer.status, answer.body], [200, 'call=1']);
    assert.deepEqual(heads, [
      {
        host: url.host,
        accept: '*/*',
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': '6',
        connection: 'close',
      },
    ]);
  });

  it('goes to the address it is given, and names the host it was asked for', async () => {
    handler = (request, response) => response.end(request.headers.host);
    const named = new URL(url);
    named.hostname = 'gateway.invalid';
    assert.equal((await ask({ method: 'GET', url: named, connectTo: '127.0.0.1' })).body, named.host);
  });

  it('sends nothing when making the body fails, and passes that error on', async () => {
    const error = new Error('too late');
    const body = (): string => {
      throw error;
    };
    await assert.rejects(ask({ body }), error);
    assert.deepEqual(seen, []);
  });

  it('says that nothing was sent when nothing listens', async () => {
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

    const clock = new HandClock();
    handler = () => clock.skip(1000);
    const late = await failure(ask({ clock, timeoutMs: 1000 }));
    assert.deepEqual([late.kind, late.sent], ['timeout', true]);

    handler = (_request, response) => {
      response.writeHead(200, { 'Content-Length': '50' });
      response.write('half', () => response.destroy());
    };
    const cut = await failure(ask());
    assert.deepEqual([cut.kind, cut.sent], ['lost', true]);

    handler = (_request, response) => response.end('x'.repeat(256 * 1024 + 1));
    const large = await failure(ask());
    assert.deepEqual([large.kind, large.sent, large.status], ['size', true, 200]);
  });

  it('sends nothing that could not be answered in the time that is left', async () => {
    const clock = new HandClock();
    const pending = failure(ask({ clock, timeoutMs: 1000 }));
    clock.skip(901);
    const { kind, sent, reason } = await pending;
    assert.deepEqual({ kind, sent, reason }, { kind: 'connect', sent: false, reason: 'ETIMEDOUT' });
    assert.deepEqual(seen, []);
    assert.equal(clock.waiting, 0);
  });

  it('uses an answer that arrived while the process stood still, though its time is over', async () => {
    const clock = new HandClock();
    const answered = new Promise<void>((resolve) => {
      handler = (_request, response) => response.writeHead(200, { Connection: 'close' }).end('in time', resolve);
    });
    const pending = ask({ clock, timeoutMs: 1000 });
    await answered;
    // The bytes are on their way; the process looks at its timer first.
    clock.skip(5000);
    assert.equal((await pending).body, 'in time');
  });

  it('takes back what it gives up: a network that comes back delivers nothing late', async () => {
    // Closed in the ordinary way, the other side would see an end; the kernel would go on delivering until then.
    const events: string[] = [];
    const clock = new HandClock();
    const ended = new Promise<void>((resolve) => {
      handler = ({ socket }) => {
        socket.on('end', () => events.push('end'));
        socket.on('error', (error) => events.push((error as NodeJS.ErrnoException).code ?? ''));
        socket.on('close', () => resolve());
        clock.skip(1000);
      };
    });
    const late = await failure(ask({ clock, timeoutMs: 1000, body: () => 'open' }));
    assert.deepEqual([late.kind, late.sent], ['timeout', true]);
    await ended;
    assert.deepEqual(events, ['ECONNRESET']);
  });

  it('ends at the signal, before and after it was sent', async () => {
    const stop = new AbortController();
    handler = () => stop.abort();
    const after = await failure(ask({ signal: stop.signal }));
    assert.deepEqual([after.kind, after.sent], ['aborted', true]);
    seen = [];
    const before = await failure(ask({ signal: stop.signal }));
    assert.deepEqual([before.kind, before.sent, seen], ['aborted', false, []]);
    const onTheWay = new AbortController();
    const pending = failure(ask({ signal: onTheWay.signal }));
    onTheWay.abort();
    assert.equal((await pending).sent, false);
    await turn();
    assert.deepEqual(seen, []);
  });

  it('does not follow redirects', async () => {
    handler = (_request, response) => response.writeHead(302, { Location: '/elsewhere' }).end();
    assert.equal((await ask()).status, 302);
    assert.deepEqual(seen, ['POST /x']);
  });

  it('says so where something answers that is no HTTP server, or wants to be something else', async () => {
    for (const [text, status] of [
      ['SSH-2.0-x\r\n', undefined],
      ['HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', 101],
    ] as const) {
      const stranger = net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.write(text));
      });
      await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
      const { port } = stranger.address() as AddressInfo;
      const asked = await failure(ask({ url: new URL(`http://127.0.0.1:${port}/x`) }));
      assert.deepEqual([asked.kind, asked.sent, asked.status], ['protocol', true, status]);
      await new Promise((resolve) => stranger.close(resolve));
    }
  });
});
