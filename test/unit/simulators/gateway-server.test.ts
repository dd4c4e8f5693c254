import assert from 'node:assert/strict';
import net from 'node:net';
import { exchange, type HttpAnswer, type HttpFailure } from '../../support/http';
import { SimulatedGateway } from '../../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../../simulators/gateway/server';
import { SLOPPY_HTTP, type SloppyHttp } from '../../../simulators/gateway/wire';
import { HandClock } from '../../support/clock';

describe('the simulated gateway on HTTP', () => {
  let clock: HandClock;
  let gateway: SimulatedGateway;
  let running: RunningGateway;

  const ask = (path: string, method: 'GET' | 'POST' = 'GET', timeoutMs = 5000): Promise<HttpAnswer> =>
    exchange({ method, url: new URL(path, running.url), timeoutMs, maxBytes: 65536 });
  const failure = (path: string, timeoutMs?: number): Promise<HttpFailure> =>
    ask(path, 'GET', timeoutMs).then(
      () => assert.fail('was answered'),
      (error: unknown) => error as HttpFailure,
    );

  /** Everything that comes, byte for byte. */
  const raw = async (request: string): Promise<string> => {
    const socket = net.connect(running.port, '127.0.0.1');
    socket.write(request);
    let text = '';
    for await (const bytes of socket) text += String(bytes);
    return text;
  };

  beforeEach(async () => {
    clock = new HandClock();
    gateway = new SimulatedGateway({ locks: [{ identifier: '1', code: 'demo-share-code-1' }], clock });
    running = await serve(gateway);
  });
  afterEach(() => running.close());

  it('answers at its address', async () => {
    const answer = await ask('/status');
    assert.equal(answer.status, 200);
    assert.match(answer.body, /Scanning/);
    assert.equal(running.url, `http://${running.host}`);
  });

  it('refuses connections while it is away, and is at the same address afterwards', async () => {
    gateway.goAway(8000);
    await running.settled();
    const refused = await failure('/status');
    assert.deepEqual([refused.kind, refused.sent, refused.reason], ['connect', false, 'ECONNREFUSED']);
    await clock.advance(8000);
    await running.settled();
    assert.equal((await ask('/status')).status, 200);
  });

  it('goes away by itself when its update is written, not before', async () => {
    gateway.times.updateMs = 30_000;
    gateway.times.restartMs = 8000;
    const updating = ask('/update', 'POST');
    while (gateway.journal.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(30_000);
    assert.equal((await updating).status, 200);
    await running.settled();
    assert.equal((await failure('/status')).reason, 'ECONNREFUSED');
    await clock.advance(8000);
    await running.settled();
    assert.match((await ask('/status')).body, /"66"/);
  });

  it('can depart from HTTP and JSON as small devices do', async () => {
    const shapes: Record<SloppyHttp, RegExp> = {
      'bare-lf': /^HTTP\/1\.1 200 OK\n[^\r]*\n\n\{[^\r]*$/,
      'one-bare-lf': /[^\r]\n[^]*\r\n\r\n\{/,
      'both-lengths': /Transfer-Encoding: chunked\r\nContent-Length: \d+\r\n\r\n[\da-f]+\r\n\{/,
      'blank-after-chunk-size': /chunked\r\n\r\n[\da-f]+ {2}\r\n\{[^]*\r\n0 {2}\r\n\r\n$/,
      'control-in-header': /\nServer: TK\p{Cc}/u,
      'bytes-after': /\}HTTP\/1\.1 200 OK\r\n\r\nmore$/,
      'no-length': /^(?![^]*(Content-Length|chunked))[^]*\}$/,
      'nul-after-json': /\}\p{Cc}$/u,
      'control-in-json': /"line\n\ttab\p{Cc}"\}$/u,
    };
    for (const sloppy of SLOPPY_HTTP) {
      gateway.wire.sloppy = sloppy;
      assert.match(await raw('GET /status HTTP/1.1\r\nHost: gateway\r\n\r\n'), shapes[sloppy], sloppy);
    }
  });

  it('says no time of this machine', async () => {
    assert.doesNotMatch(await raw('GET /status HTTP/1.1\r\nHost: gateway\r\n\r\n'), /^date:/im);
  });

  it('carries out faults of the connection', async () => {
    gateway.faults.next({ kind: 'reset-after' });
    const dropped = await failure('/lockers');
    assert.deepEqual([dropped.kind, dropped.sent], ['lost', true]);
    gateway.faults.next({ kind: 'truncated' });
    assert.equal((await failure('/lockers')).kind, 'lost');
    gateway.faults.next({ kind: 'huge' });
    assert.equal((await failure('/lockers')).kind, 'size');
    gateway.faults.next({ kind: 'hang' });
    assert.equal((await failure('/lockers', 60)).kind, 'timeout');
    gateway.faults.next({ kind: 'redirect' });
    assert.equal((await ask('/lockers')).status, 302);
    gateway.faults.next({ kind: 'refuse' });
    await running.settled();
    assert.equal((await failure('/lockers')).kind, 'connect');
    await clock.advance(250);
    await running.settled();
    assert.equal((await ask('/lockers')).status, 200);
  });

  it('ends at once when closed, whatever still waits, and can be put up again', async () => {
    gateway.times.latencyMs = 60_000;
    const waiting = failure('/lockers');
    while (gateway.journal.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await running.close();
    assert.equal((await waiting).kind, 'lost');
    gateway.times.latencyMs = 0;
    running = await serve(gateway, { port: running.port });
    assert.equal((await ask('/lockers')).status, 200);
  });

  it('says so when its port is taken', async () => {
    const other = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as net.AddressInfo;
    await assert.rejects(serve(gateway, { port }), { code: 'EADDRINUSE' });
    other.close();
  });
});
