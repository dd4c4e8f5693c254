/** What the log tells of a command: at trace each request, retry and wait, at debug its end, and never a secret. */
import assert from 'node:assert/strict';
import { SimulatedGateway } from '../../../simulators/gateway/gateway';
import { MemoryState } from '../../../src/state/local';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import { Gateway } from '../../../src/thekeys/gateway';
import { HandClock } from '../../support/clock';
import { inProcess } from '../../support/in-process';

const FRONT = { identifier: '1001', code: 'demo-front-code' };

describe('the log of a command', () => {
  it('has a line for each request and each retry with its reason, one for the end, and no secret in any', async () => {
    const clock = new HandClock();
    const world = new SimulatedGateway({ locks: [FRONT], clock, times: { latencyMs: 100 } });
    const lines: string[] = [];
    const bodies: string[] = [];
    const simulated = inProcess(world, clock);
    const gateway = new Gateway({
      address: parseAddress('gateway.test'),
      state: new MemoryState(),
      log: {
        warn: (text) => lines.push(`warn ${text}`),
        info: (text) => lines.push(`info ${text}`),
        debug: (text) => lines.push(`debug ${text}`),
        trace: (text) => lines.push(`trace ${text}`),
      },
      clock,
      exchange: (request) =>
        simulated({
          ...request,
          body: () => {
            const body = request.body();
            bodies.push(body);
            return body;
          },
        }),
    });
    world.faults.next({ kind: 'busy', times: 1 });
    void gateway.open(FRONT, { deadlineMs: 30_000, timeoutMs: 30_000, confirm: true });
    await clock.advance(30_000);
    assert.deepEqual(lines, [
      'trace gateway.test:80: POST /open: GATEWAY_BUSY, 0 ms',
      'trace gateway.test:80: again in 1000 ms (GATEWAY_BUSY, busy)',
      'trace gateway.test:80: POST /open: done, 100 ms',
      'trace gateway.test:80: POST /locker_status: done, 100 ms',
      'debug gateway.test:80: open lock 1001: done, 6100 ms',
    ]);
    const hashes = bodies.map((body) => new URLSearchParams(body).get('hash'));
    assert.ok(hashes.length === 3 && hashes.every((hash) => hash?.length === 44));
    for (const secret of [FRONT.code, ...hashes]) assert.ok(!lines.join('\n').includes(String(secret)));
  });
});
