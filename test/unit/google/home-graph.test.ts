import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { silent } from '../../../src/common/log';
import { HomeGraphClient } from '../../../src/google/home-graph';
import type { States } from '../../../src/google/types';
import { HomeGraphStandIn, type SyncedDevice } from '../../../simulators/google/home-graph';
import { HandClock } from '../../support/clock';
import { WatchedApi } from '../../support/watched-api';

const PANEL: SyncedDevice = {
  id: 'panel',
  traits: ['action.devices.traits.ArmDisarm', 'action.devices.traits.StatusReport'],
  attributes: { availableArmLevels: { levels: [], ordered: true } },
};
const DOOR: SyncedDevice = { id: 'door', traits: ['action.devices.traits.LockUnlock'] };

const locked: States = { online: true, isLocked: true };
const unlocked: States = { online: true, isLocked: false };

describe('Home Graph', () => {
  let google: HomeGraphStandIn;
  let clock: HandClock;
  let api: WatchedApi;
  let graph: HomeGraphClient;
  let warnings: string[];

  function client(changes: { endpoint?: string; serviceAccountKey?: string } = {}): HomeGraphClient {
    return new HomeGraphClient({
      clock,
      api,
      endpoint: google.endpoint,
      serviceAccountKey: google.serviceAccountKey(),
      log: { ...silent, warn: (line) => warnings.push(line), info: (line) => warnings.push(line) },
      random: () => 1,
      ...changes,
    });
  }

  beforeEach(async () => {
    clock = new HandClock();
    api = new WatchedApi(clock);
    google = await new HomeGraphStandIn(() => clock.now()).start();
    google.learn('anna', [PANEL, DOOR]);
    google.learn('ben', [PANEL, DOOR]);
    warnings = [];
    graph = client();
  });
  afterEach(async () => {
    await graph.close();
    await google.close();
  });

  function reports(): Record<string, unknown>[] {
    return google.taken('reportStateAndNotification').map(({ body }) => body);
  }

  /** Lets time pass, while no call is under way, until the condition holds. */
  async function pass(condition: () => boolean): Promise<void> {
    while (!condition()) {
      assert.ok(api.busy || clock.waiting > 0, 'it will never happen');
      if (!api.busy) clock.next();
      await turn();
    }
  }

  /** Lets everything end that is under way or waits. */
  async function quiet(): Promise<void> {
    while (api.busy || clock.waiting > 0) {
      if (!api.busy) clock.next();
      await turn();
    }
  }

  it('reports the states of several devices in one call to each user', async () => {
    graph.report(['anna', 'ben'], { door: locked });
    graph.report(['anna'], { panel: { online: true, isArmed: false, currentArmLevel: 'home' } });
    await pass(() => reports().length === 2);
    const [annas] = reports().filter((body) => body.agentUserId === 'anna');
    assert.deepEqual(annas?.payload, {
      devices: { states: { door: locked, panel: { online: true, isArmed: false, currentArmLevel: 'home' } } },
    });
    assert.equal(typeof annas.requestId, 'string');
    assert.equal(google.taken('token').length, 1, 'the token is cached');
  });

  it('tells only the newest of what changed meanwhile', async () => {
    graph.report(['anna'], { door: locked });
    graph.report(['anna'], { door: unlocked });
    graph.report(['anna'], { door: locked });
    await quiet();
    assert.equal(reports().length, 1);
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
  });

  it('an older state never overtakes a newer one: one call at a time to a user', async () => {
    google.mishaps.push({ at: 'reportStateAndNotification', slowMs: 60 });
    graph.report(['anna'], { door: locked });
    await pass(() => api.busy);
    graph.report(['anna'], { door: unlocked });
    await quiet();
    assert.deepEqual(
      reports().map((body) => (body.payload as { devices: { states: object } }).devices.states),
      [{ door: locked }, { door: unlocked }],
    );
  });

  it('a slow answer to one user holds up nobody else', async () => {
    google.mishaps.push({ at: 'reportStateAndNotification', slowMs: 200 });
    graph.report(['anna'], { door: locked });
    graph.report(['ben'], { door: locked });
    await pass(() => reports().length === 1);
    assert.equal(reports()[0]?.agentUserId, 'ben');
    await pass(() => reports().length === 2);
  });

  for (const mishap of [
    { status: 429 },
    { status: 500 },
    { status: 503 },
    { reset: 'before' as const },
    { reset: 'after' as const },
  ]) {
    it(`tries again after ${JSON.stringify(mishap)}, and then tells what is newest`, async () => {
      google.mishaps.push({ at: 'reportStateAndNotification', ...mishap });
      graph.report(['anna'], { door: locked });
      await pass(() => google.journal.some((entry) => entry.call === 'reportStateAndNotification'));
      graph.report(['anna'], { door: unlocked });
      await quiet();
      assert.deepEqual(google.statesOf('anna', 'door'), unlocked);
      assert.deepEqual(warnings, []);
    });
  }

  it('waits longer and longer, and as long as it is told to', async () => {
    for (let i = 0; i < 6; i++) google.mishaps.push({ at: 'reportStateAndNotification', status: 503 });
    google.mishaps.push({ at: 'reportStateAndNotification', status: 429, retryAfter: 100 });
    const times: number[] = [];
    let seen = 0;
    graph.report(['anna'], { door: locked });
    await pass(() => {
      const calls = google.journal.filter((entry) => entry.call === 'reportStateAndNotification').length;
      if (calls > seen) times.push(clock.now());
      seen = calls;
      return calls === 8;
    });
    const pauses = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1000);
    for (const [index, least] of [1, 2, 4, 8, 16, 32, 100].entries()) assert.ok((pauses[index] ?? 0) >= least);
    assert.ok((pauses[6] ?? 0) < 110);
  });

  it('after hours of outage reports the newest state, and says once that Google was away and once that it is back', async () => {
    for (let i = 0; i < 60; i++) google.mishaps.push({ at: 'reportStateAndNotification', reset: 'before' });
    const began = clock.now();
    graph.report(['anna'], { door: locked });
    await pass(() => google.mishaps.length < 40);
    graph.report(['anna'], { door: unlocked });
    await pass(() => google.mishaps.length === 0);
    await quiet();
    assert.ok(clock.now() - began > 3 * 3600_000);
    assert.equal(reports().length, 1);
    assert.deepEqual(google.statesOf('anna', 'door'), unlocked);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0]!, /cannot be reached.*trying again/);
    assert.match(warnings[1]!, /reached again/);
  }).timeout(60_000);

  it('waits until the date that Google names', async () => {
    const until = new Date(clock.now() + 240_000).toUTCString();
    google.mishaps.push({ at: 'reportStateAndNotification', status: 429, retryAfter: until });
    const began = clock.now();
    graph.report(['anna'], { door: locked });
    await quiet();
    assert.ok(clock.now() - began >= 239_000);
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
  });

  it('renews its token once when it is refused', async () => {
    graph.report(['anna'], { door: locked });
    await pass(() => reports().length === 1);
    google.revokeTokens();
    graph.report(['anna'], { door: unlocked });
    await pass(() => reports().length === 2);
    assert.equal(google.taken('token').length, 2);
    google.mishaps.push({ at: 'reportStateAndNotification', status: 401 });
    google.mishaps.push({ at: 'reportStateAndNotification', status: 401 });
    graph.report(['anna'], { door: locked });
    await quiet();
    assert.equal(google.taken('token').length, 3, 'not again and again');
    assert.match(warnings.join(), /401.*HomeGraph API/);
  });

  it('404 right after linking is a race: tried again, then Google is asked to sync', async () => {
    google.forget('anna');
    graph.report(['anna'], { door: locked });
    await pass(() => google.journal.filter((entry) => entry.status === 404).length === 2);
    google.learn('anna', [PANEL, DOOR]);
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
    assert.equal(google.taken('requestSync').length, 1);
    assert.deepEqual(warnings, []);
  });

  it('a user whom Google never gets to know is told once, and costs one call a report from then on', async () => {
    graph.report(['carl'], { door: locked });
    await quiet();
    assert.match(warnings.join(), /does not know this user.*Link the account again/);
    const before = google.journal.length;
    graph.report(['carl'], { door: unlocked });
    await quiet();
    assert.equal(google.journal.length, before + 1);
    assert.equal(warnings.length, 1);
  });

  it('a device that Google does not know spoils no other', async () => {
    graph.report(['anna'], { door: locked, ghost: { online: true, isLocked: true } });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
    assert.match(warnings.join(), /"ghost" \(404\)/);
  });

  it('a word that Google refuses is named, left out, and spoils no other device nor the rest of its own', async () => {
    graph.report(['anna'], {
      door: { ...locked, brightness: 5 },
      panel: { online: true, isArmed: true, currentArmLevel: 'x' },
    });
    await quiet();
    assert.ok(google.statesOf('anna', 'panel'));
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /"door" was refused \(400\).*"brightness" is left out/);
    const before = google.journal.length;
    graph.report(['anna'], { door: { ...unlocked, brightness: 5 } });
    await quiet();
    assert.equal(google.journal.length, before + 1);
    assert.deepEqual(google.statesOf('anna', 'door'), unlocked);
  });

  it('a wrong value silences nothing for good: the next right one is reported', async () => {
    graph.report(['anna'], { door: { online: true, isLocked: 'yes' } });
    await quiet();
    assert.equal(google.statesOf('anna', 'door')?.isLocked, undefined);
    graph.report(['anna'], { door: locked });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
  });

  it('a word that was refused with every value is tried again after an hour', async () => {
    for (const brightness of [1, 2, 3]) {
      graph.report(['anna'], { door: { ...locked, brightness } });
      await quiet();
    }
    const before = google.journal.length;
    graph.report(['anna'], { door: { ...unlocked, brightness: 3.5 } });
    await quiet();
    assert.equal(google.journal.length, before + 1, 'it costs nothing more');
    assert.deepEqual(google.statesOf('anna', 'door'), unlocked);
    google.learn('anna', [{ ...DOOR, traits: [...DOOR.traits, 'action.devices.traits.Brightness'] }]);
    graph.report(['anna'], { door: { ...locked, brightness: 4 } });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
    clock.skip(3600_000);
    graph.report(['anna'], { door: { ...locked, brightness: 4 } });
    await quiet();
    assert.equal(google.statesOf('anna', 'door')?.brightness, 4);
  });

  it('a search for a refused word that is cut off silences nothing', async () => {
    graph.report(['anna'], { door: { ...locked, brightness: 1 } });
    await quiet();
    for (const status of [400, 503]) google.mishaps.push({ at: 'reportStateAndNotification', status });
    graph.report(['anna'], { door: { ...unlocked, brightness: 2 } });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), unlocked);
    graph.report(['anna'], { door: { ...locked, brightness: 3 } });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
  });

  it('a word is found even where Google does not name it', async () => {
    google.mishaps.push({ at: 'reportStateAndNotification', status: 400 });
    google.mishaps.push({ at: 'reportStateAndNotification', status: 400 });
    graph.report(['anna'], { door: { ...locked, brightness: 5 } });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
    assert.match(warnings.join(), /"brightness" is left out/);
  });

  it('a device of which nothing can be reported is named, once, and tried with each new state', async () => {
    for (let i = 0; i < 2; i++) google.mishaps.push({ at: 'reportStateAndNotification', status: 400 });
    graph.report(['anna'], { door: { online: true, isLocked: 'x' } });
    await quiet();
    assert.match(warnings.join(), /"door" was refused/);
    graph.report(['anna'], { door: unlocked });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), unlocked);
  });

  it('one refused device of two thousand is found in some thirty calls, not in two thousand', async () => {
    const lamps = Array.from({ length: 2000 }, (_, index) => `lamp-${index}`);
    google.learn(
      'anna',
      lamps.map((id) => ({ id, traits: ['action.devices.traits.OnOff'] })),
    );
    const on = (id: string): States => ({ online: true, on: true, ...(id === 'lamp-1234' ? { isLocked: 1 } : {}) });
    graph.report(['anna'], Object.fromEntries(lamps.map((id) => [id, on(id)])));
    await quiet();
    assert.ok(lamps.every((id) => google.statesOf('anna', id)?.on === true));
    assert.ok(google.journal.length < 32, `${google.journal.length} calls`);
    assert.match(warnings.join(), /"lamp-1234"/);
  }).timeout(20_000);

  it('a state that cannot even be written costs one report, and the next one is told', async () => {
    graph.report(['anna'], { door: { isLocked: 1n } as unknown as States });
    await quiet();
    assert.match(warnings[0]!, /unexpected/);
    graph.report(['anna'], { door: locked });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
  });

  it('403 is told once with what to do, and not tried again', async () => {
    google.mishaps.push({ at: 'reportStateAndNotification', status: 403 });
    google.mishaps.push({ at: 'reportStateAndNotification', status: 403 });
    graph.report(['anna'], { door: locked });
    await quiet();
    graph.report(['anna'], { panel: { online: true, isArmed: false, currentArmLevel: 'x' } });
    await quiet();
    assert.equal(google.mishaps.length, 0);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /403.*Enable the HomeGraph API/);
    // Once the API is enabled, everything that was kept goes with the next report.
    graph.report(['anna'], { panel: { online: true, isArmed: true, currentArmLevel: 'x' } });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
  });

  it('sends a follow-up beside the state, in the shape of the contract, once', async () => {
    graph.report(['anna', 'ben'], { door: locked });
    graph.followUp('anna', 'door', 'LockUnlock', { status: 'SUCCESS', followUpToken: 'token-1', isLocked: true });
    await quiet();
    assert.equal(reports().length, 2);
    assert.deepEqual(google.notifications(), [
      {
        agentUserId: 'anna',
        deviceId: 'door',
        trait: 'LockUnlock',
        notification: {
          priority: 0,
          followUpResponse: { status: 'SUCCESS', followUpToken: 'token-1', isLocked: true },
        },
      },
    ]);
    assert.deepEqual(google.statesOf('anna', 'door'), locked);
  });

  it('two follow-ups of one device both arrive, in order; one that is too old does not', async () => {
    graph.followUp('anna', 'door', 'LockUnlock', { status: 'SUCCESS', followUpToken: 'token-1' });
    graph.followUp('anna', 'door', 'LockUnlock', {
      status: 'FAILURE',
      followUpToken: 'token-2',
      errorCode: 'lockFailure',
    });
    await quiet();
    const tokens = (): unknown[] =>
      google
        .notifications()
        .map(({ notification }) => (notification.followUpResponse as { followUpToken: string }).followUpToken);
    assert.deepEqual(tokens(), ['token-1', 'token-2']);
    for (let i = 0; i < 10; i++) google.mishaps.push({ at: 'reportStateAndNotification', status: 503 });
    graph.followUp('anna', 'door', 'LockUnlock', { status: 'SUCCESS', followUpToken: 'token-3' });
    graph.report(['anna'], { door: unlocked });
    await quiet();
    assert.deepEqual(google.statesOf('anna', 'door'), unlocked);
    assert.deepEqual(tokens(), ['token-1', 'token-2']);
  });

  it('asks Google to sync once for a whole deploy, asynchronously', async () => {
    for (let i = 0; i < 5; i++) void graph.requestSync(['anna', 'ben']);
    await quiet();
    const bodies = google.taken('requestSync').map(({ body }) => body);
    assert.deepEqual(bodies, [
      { agentUserId: 'anna', async: true },
      { agentUserId: 'ben', async: true },
    ]);
    google.mishaps.push({ at: 'requestSync', status: 503 });
    void graph.requestSync(['anna']);
    await quiet();
    assert.equal(google.taken('requestSync').length, 3);
  });

  it('says whether Google has heard that the list changed', async () => {
    google.mishaps.push({ at: 'requestSync', status: 503 });
    const heard = graph.requestSync(['anna', 'ben']);
    await quiet();
    assert.equal(await heard, true);
    google.mishaps.push({ at: 'requestSync', status: 403 });
    const refused = graph.requestSync(['anna', 'ben']);
    await quiet();
    assert.equal(await refused, false);
    for (let i = 0; i < 30; i++) google.mishaps.push({ at: 'requestSync', status: 503 });
    const givenUp = graph.requestSync(['anna']);
    await quiet();
    assert.equal(await givenUp, false);
    google.mishaps.length = 0;
    const unlinked = graph.requestSync(['anna']);
    graph.forget('anna');
    assert.equal(await unlinked, false);
    const closed = graph.requestSync(['ben']);
    await graph.close();
    assert.equal(await closed, false);
    assert.equal(await client({ serviceAccountKey: '' }).requestSync(['anna']), false);
  });

  it('forgets what waits for somebody who has unlinked', async () => {
    graph.report(['anna', 'ben'], { door: locked });
    void graph.requestSync(['anna']);
    graph.forget('anna');
    await quiet();
    assert.deepEqual(google.journal.map((entry) => entry.agentUserId).filter(Boolean), ['ben']);
  });

  it('is silent without a key, and without users', async () => {
    const silent = client({ serviceAccountKey: ' ' });
    silent.report(['anna'], { door: locked });
    graph.report([], { door: locked });
    void graph.requestSync([]);
    assert.equal(clock.waiting, 0);
    assert.deepEqual(warnings, []);
    await silent.close();
  });

  it('tells of a broken key and of an endpoint that is not safe, and then does nothing', async () => {
    const secret = 'not-a-key-but-secret';
    const broken = client({ serviceAccountKey: secret });
    const plain = client({ endpoint: 'http://homegraph.example/v1' });
    broken.report(['anna'], { door: locked });
    plain.report(['anna'], { door: locked });
    assert.equal(clock.waiting, 0);
    assert.match(warnings[0]!, /is no JSON/);
    assert.match(warnings[1]!, /no https address/);
    assert.ok(!warnings.join().includes(secret));
    await broken.close();
    await plain.close();
  });

  it('tells of a key that Google has deleted, once', async () => {
    const stale = client({ serviceAccountKey: google.serviceAccountKey({ client_email: 'deleted@example.com' }) });
    stale.report(['anna'], { door: locked });
    await quiet();
    stale.report(['anna'], { door: unlocked });
    await quiet();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /key was refused \(400 invalid_grant\)/);
    await stale.close();
  });

  it('ends at once when closed: no timer, no call goes on', async () => {
    google.mishaps.push({ at: 'reportStateAndNotification', slowMs: 100_000 });
    graph.report(['anna'], { door: locked });
    void graph.requestSync(['ben']);
    await pass(() => google.taken('token').length === 1);
    graph.report(['anna'], { door: unlocked });
    await graph.close();
    assert.equal(clock.waiting, 0);
    graph.report(['anna'], { door: locked });
    assert.equal(clock.waiting, 0);
  });
});
