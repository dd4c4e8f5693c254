/** What a campaign cannot wait for: half a day without the internet and its name server, under a clock of its own. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { HomeGraphStandIn } from '../../../simulators/google/home-graph';
import { SimulatedGateway } from '../../../simulators/gateway/gateway';
import { silent } from '../../../src/common/log';
import { HomeGraphClient } from '../../../src/google/home-graph';
import type { ActionResult } from '../../../src/thekeys/gateway';
import { Resolver } from '../../../src/thekeys/names';
import { HandClock } from '../../support/clock';
import { WatchedApi } from '../../support/watched-api';
import { clientOf, inProcess } from '../../support/in-process';

const FRONT = { identifier: '1001', code: 'demo-front-code' };
const MINUTE = 60_000;

describe('half a day without the internet', () => {
  it('opens within five seconds a gateway that is called by name, and leaves Google with the newest state', async () => {
    const clock = new HandClock();
    let isOnline = true;
    const google = await new HomeGraphStandIn(() => clock.now()).start();
    google.learn('anna', [{ id: 'door', traits: ['action.devices.traits.LockUnlock'] }]);
    const lines: string[] = [];
    const api = new WatchedApi(clock);
    const graph = new HomeGraphClient({
      clock,
      api,
      endpoint: google.endpoint,
      serviceAccountKey: google.serviceAccountKey(),
      log: { ...silent, warn: (line) => lines.push(line), info: (line) => lines.push(line) },
      random: () => 0.5,
    });
    const world = new SimulatedGateway({ locks: [FRONT], clock, times: { latencyMs: 100 } });
    const resolver = new Resolver({
      // The name server is reached through the router, or not at all.
      lookup: () => (isOnline ? Promise.resolve(['192.0.2.1']) : new Promise<never>(() => undefined)),
      clock,
      log: silent,
    });
    const simulated = inProcess(world, clock);
    const gateway = clientOf(world, clock, async (request) => {
      assert.equal(await resolver.resolve('thekeys.local'), '192.0.2.1');
      return simulated(request);
    });
    const report = (isLocked: boolean): void => graph.report(['anna'], { door: { online: true, isLocked } });
    const settled = async (condition: () => boolean): Promise<void> => {
      while (!condition()) {
        if (!api.busy) clock.next();
        await turn();
      }
    };

    report(true);
    await settled(() => google.statesOf('anna', 'door') !== undefined);
    await resolver.resolve('thekeys.local');
    isOnline = false;
    const began = clock.elapsed();
    for (let isOpen = false; clock.elapsed() - began < 12 * 60 * MINUTE; isOpen = !isOpen) {
      while (google.mishaps.length < 300) {
        google.mishaps.push({ at: 'reportStateAndNotification', reset: 'before' }, { at: 'token', reset: 'before' });
      }
      const before = world.journal.requests.length;
      const asked = clock.elapsed();
      const command: Promise<ActionResult> = isOpen ? gateway.close(FRONT, OPTIONS) : gateway.open(FRONT, OPTIONS);
      await clock.advance(60_000);
      assert.equal((await command).confirmed, true);
      const left = world.journal.requests[before]!.at - asked;
      assert.ok(left <= 5000, `left after ${left} ms`);
      report(isOpen);
      if (!isOpen) graph.followUp('anna', 'door', 'LockUnlock', { status: 'SUCCESS', followUpToken: 'demo-token' });
      for (let minutes = 1; minutes < 30; minutes += 1) {
        for (let turns = 0; turns < 200 && api.busy; turns += 1) await turn();
        await clock.advance(MINUTE);
      }
    }
    report(false);
    await clock.advance(MINUTE);

    const failed = google.taken('reportStateAndNotification').length;
    google.mishaps.length = 0;
    isOnline = true;
    const back = clock.elapsed();
    await settled(() => (google.statesOf('anna', 'door') as { isLocked?: boolean } | undefined)?.isLocked === false);
    while (api.busy) await turn();
    assert.ok(clock.elapsed() - back <= 10 * MINUTE, `${(clock.elapsed() - back) / MINUTE} minutes later`);
    assert.ok(google.taken('reportStateAndNotification').length - failed <= 2, 'one state, not all that were');
    assert.ok(!JSON.stringify(google.taken('reportStateAndNotification')).includes('demo-token'), 'too old to be said');
    assert.equal(lines.length, 2, lines.join('\n'));
    await graph.close();
    await google.close();
  }).timeout(60_000);
});

const OPTIONS = { deadlineMs: 30_000, timeoutMs: 30_000, confirm: true };
