/** A voice-controlled lock of three nodes, from Google's request to the bolt of a simulated lock and back. */
import assert from 'node:assert/strict';
import gatewayConfig from '../../nodes/gateway-config';
import lockAction from '../../nodes/lock-action';
import lockStatus from '../../nodes/lock-status';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../simulators/gateway/server';
import { HomeGraphStandIn } from '../../simulators/google/home-graph';
import { ACCOUNT, CREDENTIALS, GoogleFlow, type FlowItem } from '../support/google-nodes';
import type { Voice } from '../support/google-voice';

const LOCK = { identifier: '45961123', code: 'demo-front-code' };
const SECOND = { identifier: '56072234', code: 'demo-back-code' };
const PIN = '4711';

describe('google-smarthome-in, lock-action, google-smarthome-out', () => {
  let world: SimulatedGateway;
  let gateway: RunningGateway;
  let graph: HomeGraphStandIn;
  let flow: GoogleFlow;
  let anna: Voice;
  let deadline: string;

  const items = (host: string, more: object): FlowItem[] => [
    { ...ACCOUNT, homeGraphEndpoint: graph.endpoint },
    { id: 'gw', type: 'gateway-config', host, identifier: LOCK.identifier },
    {
      id: 'in',
      type: 'google-smarthome-in',
      account: 'account',
      deviceId: 'door',
      deviceName: 'Front door',
      deviceType: 'LOCK',
      pinFor: 'release',
      battery: true,
      // A busy machine must not turn an answer in time into a late one; lateness has tests of its own.
      replyTimeout: '20000',
      wires: [['lock']],
      ...more,
    },
    { id: 'lock', type: 'lock-action', gateway: 'gw', action: 'message', confirm: true, deadline, wires: [['out']] },
    { id: 'out', type: 'google-smarthome-out', account: 'account', device: '', wires: [] },
    { id: 'catch', type: 'catch', scope: ['lock'], wires: [['out']] },
  ];

  const start = async (more: object = {}, host = gateway.host, flowItems = items(host, more)): Promise<void> => {
    const credentials = {
      account: { ...CREDENTIALS, serviceAccountKey: graph.serviceAccountKey() },
      gw: { code: LOCK.code },
      gw2: { code: SECOND.code },
      in: { pin: PIN },
    };
    flow = await GoogleFlow.start(flowItems, credentials, { modules: [gatewayConfig, lockAction, lockStatus] });
    anna = await flow.link();
    const { agentUserId, devices } = await syncOf(anna);
    graph.learn(agentUserId, devices);
  };

  beforeEach(async () => {
    deadline = '8';
    world = new SimulatedGateway({ locks: [LOCK, SECOND] });
    gateway = await serve(world);
    graph = await new HomeGraphStandIn().start();
  });
  afterEach(async () => {
    await flow.stop();
    await gateway.close();
    await graph.close();
  });

  it('locks and unlocks, with the PIN to unlock, and tells the battery', async () => {
    await start();
    const asked = await anna.execute('door', 'LockUnlock', { lock: false });
    assert.equal(asked.challengeNeeded?.type, 'pinNeeded');
    assert.deepEqual(world.journal.requests, []);

    const opened = await anna.execute('door', 'LockUnlock', { lock: false }, { pin: PIN });
    assert.equal(opened.status, 'SUCCESS');
    assert.equal(opened.states?.isLocked, false);
    assert.equal(world.lock(LOCK.identifier).state, 'open');

    const closed = await anna.execute('door', 'LockUnlock', { lock: true });
    assert.equal(closed.status, 'SUCCESS');
    assert.equal(closed.states?.isLocked, true);
    assert.equal(world.lock(LOCK.identifier).state, 'closed');

    const { door } = await anna.query('door');
    assert.equal(door?.isLocked, true);
    assert.ok(typeof door.descriptiveCapacityRemaining === 'string');
    await graph.until(() => graph.statesOf(anna.user, 'door')?.isLocked === true);
    assert.deepEqual(
      graph.journal.filter((entry) => entry.call === 'reportStateAndNotification' && entry.status !== 200),
      [],
    );
  });

  it('works two locks in a row, and tells Google of the second one only what that one did', async () => {
    const both = items(gateway.host, {}).map((item) => {
      if (item.id === 'lock') return { ...item, wires: [['second']] };
      return item.id === 'catch' ? { ...item, scope: ['lock', 'second'] } : item;
    });
    const second = { id: 'second', type: 'lock-action', gateway: 'gw2', action: 'message', deadline, wires: [['out']] };
    const gw2 = { id: 'gw2', type: 'gateway-config', host: gateway.host, identifier: SECOND.identifier };
    await start({}, gateway.host, [...both, gw2, second]);

    const closed = await anna.execute('door', 'LockUnlock', { lock: true });
    assert.equal(closed.states?.isLocked, true);
    assert.deepEqual(
      [LOCK, SECOND].map(({ identifier }) => world.lock(identifier).state),
      ['closed', 'closed'],
    );

    world.lock(SECOND.identifier).inSight = false;
    const opened = await anna.execute('door', 'LockUnlock', { lock: false }, { pin: PIN });
    assert.equal(opened.errorCode, 'deviceOffline');
    assert.deepEqual(
      [LOCK, SECOND].map(({ identifier }) => world.lock(identifier).state),
      ['open', 'closed'],
    );
  });

  it('says what went wrong when the gateway is away, and the bolt did not move', async () => {
    deadline = '1';
    await start({}, '127.0.0.1:1');
    const result = await anna.execute('door', 'LockUnlock', { lock: true });
    assert.equal(result.status, 'ERROR');
    assert.equal(result.errorCode, 'deviceOffline');
  });

  it('answers PENDING when the lock takes longer, and follows up once it is done', async () => {
    await start({ replyTimeout: '1' });
    const result = await anna.execute('door', 'LockUnlock', { lock: true, followUpToken: 'demo-follow-up' });
    assert.equal(result.status, 'PENDING');
    await graph.until(() => graph.notifications().length > 0);
    const [told] = graph.notifications();
    assert.deepEqual(told, {
      agentUserId: anna.user,
      deviceId: 'door',
      trait: 'LockUnlock',
      notification: {
        priority: 0,
        followUpResponse: { status: 'SUCCESS', isLocked: true, followUpToken: 'demo-follow-up' },
      },
    });
    await graph.until(() => graph.statesOf(anna.user, 'door')?.isLocked === true);
    assert.equal(graph.notifications().length, 1);
  });
});

async function syncOf(voice: Voice): Promise<{ agentUserId: string; devices: { id: string; traits: string[] }[] }> {
  const devices = await voice.sync();
  return { agentUserId: voice.user, devices };
}
