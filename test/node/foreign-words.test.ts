/** Words and pages of strangers: what a gateway says, and who may ask what the dialogs ask. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import helper from 'node-red-node-test-helper';
import { Badge } from '../../nodes/shared/badge';
import { forFlow } from '../../nodes/shared/errors';
import { CodedError } from '../../src/common/errors';
import { filtered } from '../../src/common/log';
import { HandClock } from '../support/clock';
import { LockFlow } from '../support/lock-flow';

/** A line of a log, a terminal's title, a line that is drawn over, and a sentence turned around. */
const EVIL = 'x\r\n[info] the door is closed\u001b]0;title\u0007\u009b2J\u2028\u202edesolc';
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

describe('words of strangers', () => {
  const flow = new LockFlow();
  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  it('of a gateway forge no line of a log, an error, a badge or an output', async () => {
    const answers: Record<string, object> = {
      '/status': { current_status: EVIL, version: EVIL },
      '/lockers': { status: EVIL, devices: [{ identifier: EVIL, rssi: -60, battery: 7000, last_log: 1 }] },
    };
    const gateway = http.createServer((request, response) => {
      response.setHeader('Server', 'x').end(JSON.stringify(answers[request.url ?? ''] ?? refusals.shift() ?? LAST));
    });
    const LAST = { status: 'ko', code: 36, cause: EVIL };
    const refusals = [32, 33, 33, 35, 37, 400].map((code) => ({ status: 'ko', code, cause: `${EVIL} identifier` }));
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
    try {
      const host = `127.0.0.1:${(gateway.address() as AddressInfo).port}`;
      const wires = [['out']];
      await flow.load(
        flow.whole(
          flow.gateway({ host }),
          { id: 'lock', type: 'lock-action', gateway: 'gw', action: 'open', wires },
          { id: 'sync', type: 'gateway-sync', gateway: 'gw', operation: 'message', wires },
        ),
      );
      for (let times = 1; times <= 6; times += 1) {
        flow.send('lock', { payload: 'open' });
        await flow.next('caught', times);
      }
      for (const [index, operation] of ['status', 'list'].entries()) {
        flow.send('sync', { payload: operation });
        await flow.next('out', index + 1);
      }
    } finally {
      gateway.closeAllConnections();
      await new Promise((resolve) => gateway.close(resolve));
    }
    const texts = [
      ...flow.at('caught').flatMap(({ error }) => [error!.message, error!.cause.hint]),
      ...flow.badges.map(({ badge }) => badge.text ?? ''),
      ...flow.logged.filter((line) => line.includes('the door is closed')),
      ...flow.at('out').flatMap(({ payload }) => textsIn(payload)),
    ];
    assert.ok(texts.some((text) => text.includes('the door is closed')));
    for (const text of texts) assert.ok(!UNPRINTABLE.test(text), JSON.stringify(text));
  });

  it('are filtered where each log, error and badge begins, whoever let them pass', () => {
    const lines: string[] = [];
    const write = (text: string): void => void lines.push(text);
    const log = filtered({ warn: write, info: write, debug: write, trace: write });
    for (const level of ['warn', 'info', 'debug', 'trace'] as const) log[level](EVIL);
    lines.push(forFlow(new CodedError('X', EVIL, { retriable: false, hint: EVIL }), () => undefined).message);
    new Badge(
      new HandClock(),
      () => undefined,
      ({ text }) => write(text ?? ''),
    ).text('ok', '\u202e\u001b[31mok');
    assert.equal(lines.length, 6);
    for (const line of lines) assert.ok(line !== '' && !UNPRINTABLE.test(line), JSON.stringify(line));
  });

  it('on a page of another site get no answer of a dialog’s addresses, and no gateway is asked', async () => {
    await flow.load(flow.whole(flow.gateway()));
    const { host } = flow.running;
    const ask = async (headers: Record<string, string>): Promise<number[]> => {
      const posted = await helper.request().post('/thekeys-gateway/locks').set(headers).send({ host });
      const read = await helper.request().get('/thekeys-gateway/gateways/gw/locks').set(headers);
      return [posted.status, read.status];
    };
    for (const headers of [
      { Origin: 'http://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site', Origin: 'http://evil.example' },
    ]) {
      assert.deepEqual(await ask(headers as unknown as Record<string, string>), [403, 403], JSON.stringify(headers));
    }
    assert.deepEqual(flow.world.journal.requests, []);
    for (const headers of [
      { 'Sec-Fetch-Site': 'same-origin' },
      { Host: 'house.example', Origin: 'https://house.example' },
      { 'X-Forwarded-Host': 'house.example', Origin: 'https://house.example' },
      {},
    ]) {
      assert.deepEqual(await ask(headers as unknown as Record<string, string>), [200, 200], JSON.stringify(headers));
    }
  });
});
