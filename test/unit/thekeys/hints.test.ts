/** What a refusal is said to come from: what is known, and no blame for what is not. */
import assert from 'node:assert/strict';
import { SimulatedGateway, type SimulatedGatewayOptions } from '../../../simulators/gateway/gateway';
import { CodedError } from '../../../src/common/errors';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import { Gateway } from '../../../src/thekeys/gateway';
import type { HttpAnswer } from '../../../src/thekeys/exchange';
import { HandClock } from '../../support/clock';
import { clientOf, inProcess } from '../../support/in-process';

const FRONT = { identifier: '1001', code: 'demo-front-code' };
const OPTIONS = { deadlineMs: 30_000, timeoutMs: 30_000, confirm: true };

describe('the hint of a refusal', () => {
  let clock: HandClock;
  let world: SimulatedGateway;
  const begin = (options: Partial<SimulatedGatewayOptions> = {}): Gateway => {
    clock = new HandClock();
    world = new SimulatedGateway({ locks: [FRONT], clock, ...options });
    return clientOf(world, clock);
  };
  const errorOf = async (work: Promise<unknown>): Promise<CodedError> => {
    let thrown: unknown;
    work.catch((error: unknown) => (thrown = error));
    await clock.advance(60_000);
    assert.ok(thrown instanceof CodedError);
    return thrown;
  };

  it('names the clock of this machine where the gateway says another time, and blames no internet', async () => {
    const gateway = begin({ date: true, clockTolerance: 60, clockRefusal: 38 });
    world.clockOffsetMs = -3_600_000;
    const { code, message, cause } = await errorOf(gateway.open(FRONT, OPTIONS));
    assert.equal(code, 'GATEWAY_CLOCK');
    assert.match(message, /the clocks of this machine and of the gateway are 60 minutes apart; this one shows 2/);
    assert.match(cause.hint, /^This machine shows .*UTC\. If that is wrong, set its clock/);
  });

  it('leaves open whose clock is wrong where the gateway says no time', async () => {
    const gateway = begin({ clockTolerance: 60, clockRefusal: 38 });
    world.clockOffsetMs = -3_600_000;
    const { code, cause, badge } = await errorOf(gateway.open(FRONT, OPTIONS));
    assert.deepEqual([code, badge], ['GATEWAY_CLOCK', 'clockRefused']);
    assert.match(cause.hint, /^Either clock may be wrong\. This machine shows/);
    assert.ok(world.journal.paths.filter((path) => path === '/synchronize').length <= 2);
  });

  it('names the clocks where a signature is refused for the time in it, and the code where the clocks agree', async () => {
    let gateway = begin({ date: true, clockTolerance: 60, clockRefusal: 33 });
    world.clockOffsetMs = -3_600_000;
    assert.match((await errorOf(gateway.open(FRONT, OPTIONS))).message, /60 minutes apart/);
    gateway = begin({ date: true });
    const wrong = await errorOf(gateway.open({ ...FRONT, code: 'demo-front-c0de' }, OPTIONS));
    assert.deepEqual([wrong.code, wrong.badge], ['INVALID_HMAC', undefined]);
    assert.match(wrong.cause.hint, /^Copy the share code again/);
  });

  it('says that another Node-RED uses the same user directory where that explains a refused signature', async () => {
    begin();
    const state = Object.assign(new MemoryState(), { otherOwner: 'process 41 on house' });
    const exchange = inProcess(world, clock);
    const gateway = new Gateway({ address: parseAddress('gateway.test'), state, log: silent, clock, exchange });
    world.faults.next({ kind: 'code', code: 33, path: '/open', times: 10 });
    const { code, message, cause, badge } = await errorOf(gateway.open(FRONT, OPTIONS));
    assert.deepEqual([code, badge], ['INVALID_HMAC', 'otherOwner']);
    assert.match(message, /process 41 on house keeps its timestamps in the same folder/);
    assert.match(cause.hint, /one user directory/);
  });

  it('says that the gateway synchronizes, where it does, rather than that the lock is too far away', async () => {
    const gateway = begin({ background: { scanMs: 0, gatewayMs: 600_000, lockMs: 0 } });
    world.faults.next({ kind: 'code', code: 34, times: 100, path: '/open' });
    const { code, badge, cause } = await errorOf(gateway.open(FRONT, OPTIONS));
    assert.deepEqual([code, badge], ['LOCK_NOT_DETECTED', 'gatewaySynchronizing']);
    assert.ok(!/nearer|batter/.test(cause.hint), cause.hint);
  });

  it('of an update is that the gateway is busy until the deadline, also where it says so with HTTP 400', async () => {
    begin();
    const methods: string[] = [];
    const gateway = clientOf(world, clock, ({ method, body }): Promise<HttpAnswer> => {
      body();
      methods.push(method);
      return Promise.resolve({ status: 400, headers: {}, body: '{"status":"ko","cause":"busy"}' });
    });
    assert.equal((await errorOf(gateway.update(OPTIONS))).code, 'GATEWAY_BUSY');
    assert.ok(methods.length > 3 && methods.every((method) => method === 'POST'), methods.join(' '));
  });
});
