import assert from 'node:assert/strict';
import { SimulatedGateway, type SimulatedGatewayOptions } from '../../../simulators/gateway/gateway';
import type { CommandOptions, Gateway } from '../../../src/thekeys/gateway';
import { HandClock } from '../../support/clock';
import { clientOf } from '../../support/in-process';

const FRONT = { identifier: '1001', code: 'demo-front-code' };
const MINUTE = 60_000;
const OPTIONS: CommandOptions = { deadlineMs: 30_000, timeoutMs: 30_000 };

describe('work that a gateway answers when it is done, later than anybody waits for an answer', () => {
  let clock: HandClock;
  let world: SimulatedGateway;
  let gateway: Gateway;

  const begin = (options: Partial<SimulatedGatewayOptions> = {}): void => {
    clock = new HandClock();
    world = new SimulatedGateway({
      locks: [FRONT],
      clock,
      answerWork: 'when-done',
      overlappingReads: true,
      times: { synchronizeMs: 2 * MINUTE, updateMs: 2 * MINUTE },
      ...options,
    });
    gateway = clientOf(world, clock);
  };
  const endOf = (work: Promise<unknown>): { at?: number; code?: string } => {
    const end: { at?: number; code?: string } = {};
    const note = (code: string): void => void Object.assign(end, { at: clock.elapsed(), code });
    work.then(
      () => note('ok'),
      (error: unknown) => note((error as { code: string }).code),
    );
    return end;
  };

  const works: [string, () => Promise<unknown>][] = [
    ['synchronizing the gateway', () => gateway.synchronize(OPTIONS)],
    ['synchronizing a lock', () => gateway.synchronizeLock(FRONT.identifier, OPTIONS)],
    ['updating the gateway', () => gateway.update(OPTIONS)],
    ['updating a lock', () => gateway.updateLock(FRONT.identifier, OPTIONS)],
  ];
  for (const [name, work] of works) {
    it(`is followed to its end, and keeps others from it meanwhile: ${name}`, async () => {
      begin();
      const worked = endOf(work());
      const opened = endOf(gateway.open(FRONT, { deadlineMs: 10 * MINUTE, timeoutMs: 30_000, confirm: false }));
      await clock.advance(MINUTE);
      assert.deepEqual([worked, opened], [{}, {}]);
      await clock.advance(2 * MINUTE);
      assert.deepEqual([worked.code, opened.code], ['ok', 'ok']);
      assert.ok(worked.at! >= 2 * MINUTE);
      assert.equal(world.journal.paths.filter((path) => path === '/open').length, 1);
    });
  }

  it('ends as before where the gateway says that it does nothing of the kind', async () => {
    begin();
    for (const [path, code, work] of [
      ['/synchronize', 'GATEWAY_TIMEOUT', () => gateway.synchronize(OPTIONS)],
      ['/update', 'RESULT_UNKNOWN', () => gateway.update(OPTIONS)],
    ] as const) {
      world.faults.next({ kind: 'hang', path });
      const worked = endOf(work());
      await clock.advance(35_000);
      assert.equal(worked.code, code);
    }
  });

  it('ends as before where the gateway tells nothing', async () => {
    begin({ overlap: 'drop', overlappingReads: false });
    const worked = endOf(gateway.update(OPTIONS));
    await clock.advance(35_000);
    assert.equal(worked.code, 'RESULT_UNKNOWN');
  });

  it('takes a synchronization of its own for no update', async () => {
    begin({ background: { scanMs: 20_000, gatewayMs: 10 * MINUTE, lockMs: 0 } });
    world.faults.next({ kind: 'hang', path: '/update' });
    const worked = endOf(gateway.update(OPTIONS));
    await clock.advance(35_000);
    assert.equal(worked.code, 'RESULT_UNKNOWN');
  });

  it('does not say that it was not sent when it is given up while the gateway is at it', async () => {
    begin({ answerWork: 'at-once' });
    const stop = new AbortController();
    const worked = endOf(gateway.update({ ...OPTIONS, signal: stop.signal }));
    await clock.advance(10_000);
    stop.abort(new Error('the node was closed'));
    await clock.advance(0);
    assert.equal(worked.code, 'RESULT_UNKNOWN');
  });
});
