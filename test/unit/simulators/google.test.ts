import assert from 'node:assert/strict';
import { GoogleStandIn, outcomeOf } from '../../../simulators/google/google';
import { HomeGraphStandIn, stateProblem } from '../../../simulators/google/home-graph';
import { openGuideHouse, type GuideHouse } from '../../support/guide-house';

describe('the stand-in for Google', () => {
  let house: GuideHouse;
  let graph: HomeGraphStandIn;
  let google: GoogleStandIn;
  beforeEach(async () => {
    house = await openGuideHouse();
    graph = await new HomeGraphStandIn().start();
    google = new GoogleStandIn(house.settings, { homeGraph: graph });
  });
  afterEach(async () => {
    await house.close();
    await graph.close();
  });

  it('links, reads the devices and their states, as Google does', async () => {
    await google.link('anna', 'correct horse');
    assert.deepEqual(
      google.journal.map((exchange) => exchange.intent),
      ['SYNC', 'QUERY'],
    );
    assert.deepEqual(
      google.devices.map((device) => device.name),
      ['Alarm', 'Front door', 'Kitchen window'],
    );
    const states = await google.query(['door', 'panel']);
    assert.equal(states.door?.isLocked, true);
    assert.equal(states.panel?.isArmed, false);
  });

  it('does not link with a wrong password, nor with a wrong secret', async () => {
    await assert.rejects(google.link('anna', 'wrong'), /no code, the service answered 403/);
    const other = new GoogleStandIn({ ...house.settings, clientSecret: 'guess' });
    await assert.rejects(other.link('anna', 'correct horse'), /400 invalid_client/);
    assert.equal(google.linked, false);
  });

  it('refreshes a token that is no longer taken, and goes on', async () => {
    await google.link('anna', 'correct horse');
    google.accessToken = 'expired';
    const exchange = await google.execute([
      { devices: ['door'], execution: [{ command: 'LockUnlock', params: { lock: true } }] },
    ]);
    assert.equal(exchange.status, 200);
    assert.deepEqual(
      google.journal.slice(-2).map(({ status }) => status),
      [401, 200],
    );
    assert.equal(outcomeOf(exchange, 'door').status, 'SUCCESS');
  });

  it("leads the guide's dialogue: PIN, then the open window, then armed", async () => {
    await google.link('anna', 'correct horse');
    const talk = google.begin('panel', 'ArmDisarm', { arm: true });
    assert.equal((await talk.say()).challenge, 'pinNeeded');
    assert.equal(talk.asks, 'pin');
    assert.equal((await talk.sayPin('0000')).challenge, 'challengeFailedPinNeeded');
    const asked = await talk.sayPin('1234', { arm: true, armLevel: 'L2' });
    assert.equal(asked.challenge, 'ackNeeded');
    assert.equal(talk.asks, 'ack');
    const done = await talk.sayYes(true, { arm: true, armLevel: 'L2' });
    assert.equal(done.status, 'SUCCESS');
    assert.equal(talk.asks, undefined);
    assert.deepEqual(house.done, ['arm L2']);
    const ids = google.journal.slice(-4).map(({ request }) => request.requestId);
    assert.equal(new Set(ids).size, 1, 'the turns of a dialogue share a requestId');
    assert.match(String(ids[0]), /^\d{19}$/);
  });

  it('ends the link at the service when the person unlinks', async () => {
    await google.link('anna', 'correct horse');
    const { agentUserId } = google;
    await google.disconnect();
    assert.deepEqual(await house.accounts.linkedUsers(), []);
    await google.link('anna', 'correct horse');
    assert.equal(google.agentUserId, agentUserId);
  });
});

describe("what the stand-in's Home Graph refuses", () => {
  const trait = (...names: string[]): string[] => names.map((name) => `action.devices.traits.${name}`);
  const panel = { id: 'p', traits: trait('ArmDisarm', 'StatusReport'), attributes: { availableArmLevels: {} } };
  const plain = { id: 'q', traits: trait('ArmDisarm') };
  const lock = { id: 'l', traits: trait('LockUnlock', 'EnergyStorage') };
  const custom = { id: 'c', traits: trait('OnOff', 'Brightness') };

  for (const [what, states, device, problem] of [
    ['a status', { online: true, status: 'SUCCESS' }, lock, /"status" is not a state/],
    ['an error code', { online: false, errorCode: 'deviceOffline' }, lock, /"errorCode" is not a state/],
    ['a state of another trait', { isArmed: true }, lock, /"isArmed" belongs to no declared trait/],
    ['a level left out', { isArmed: true }, panel, /fragment of ArmDisarm/],
    ['a jammed lock that is locked', { isLocked: true, isJammed: true }, lock, /fragment of LockUnlock/],
    ['a number alone as battery', { capacityRemaining: [] }, lock, /fragment of EnergyStorage/],
    ['online that is no boolean', { online: 'yes' }, lock, /no boolean/],
  ] as const) {
    it(what, () => {
      assert.match(stateProblem(states, device) ?? 'nothing', problem);
    });
  }

  it('and what it takes', () => {
    assert.equal(stateProblem({ online: true, isArmed: true }, plain), undefined);
    assert.equal(stateProblem({ online: true, currentStatusReport: [] }, panel), undefined);
    assert.equal(stateProblem({ online: true, isJammed: true }, lock), undefined);
    assert.equal(stateProblem({ online: false }, lock), undefined);
    assert.equal(stateProblem({ online: true, on: true, brightness: 5 }, custom), undefined);
  });
});
