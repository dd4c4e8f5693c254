/** The importable examples for Google, deployed as they are and spoken to. Only what a user edits is filled in. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import helper from 'node-red-node-test-helper';
import type { NodeAPI } from 'node-red';
import gatewayConfig from '../../nodes/gateway-config';
import lockAction from '../../nodes/lock-action';
import lockStatus from '../../nodes/lock-status';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../simulators/gateway/server';
import { CREDENTIALS, GoogleFlow, type FlowItem } from '../support/google-nodes';
import type { Voice } from '../support/google-voice';

const LOCK = { identifier: '45961123', code: 'demo-front-code' };
const PIN = '4711';

/** Node-RED's own nodes that the examples use. */
const core = createRequire(require.resolve('node-red/package.json'));
const CORE = [
  'common/20-inject',
  'common/21-debug',
  'common/25-catch',
  'common/90-comment',
  'function/10-switch',
  'function/15-change',
  'function/89-trigger',
].map((name) => core(`@node-red/nodes/core/${name}.js`) as (RED: NodeAPI) => void);

function example(name: string): FlowItem[] {
  const text = readFileSync(path.join(__dirname, '..', '..', 'examples', `${name}.json`), 'utf8');
  return JSON.parse(text) as FlowItem[];
}

describe('the examples for Google', () => {
  let flow: GoogleFlow | undefined;
  let world: SimulatedGateway;
  let gateway: RunningGateway;
  let items: FlowItem[];

  const start = async (name: string): Promise<Voice> => {
    items = example(name).map((item) => {
      if (item.type === 'gateway-config') return { ...item, host: gateway.host, identifier: LOCK.identifier };
      if (item.type === 'google-smarthome-config') return { ...item, projectId: 'demo-home-project' };
      // A busy machine must not turn an answer in time into a late one.
      return item.type === 'google-smarthome-in' ? { ...item, replyTimeout: '20000' } : item;
    });
    const credentials = Object.fromEntries(
      items.map(({ id, type }): [string, Record<string, string>] => [
        id,
        type === 'gateway-config'
          ? { code: LOCK.code }
          : type === 'google-smarthome-config'
            ? CREDENTIALS
            : type === 'google-smarthome-in'
              ? { pin: PIN }
              : {},
      ]),
    );
    const modules = [...CORE, gatewayConfig, lockAction, lockStatus];
    flow = await GoogleFlow.start(items, credentials, { modules });
    return flow.link();
  };

  const named = (name: string): string => items.find((item) => item.name === name)!.id;
  /** Presses an inject node's button. */
  const press = (name: string): void => helper.getNode(named(name)).receive({});
  /** Asks again and again: what a flow does beside its answer has no end that could be waited for. */
  const until = async (look: () => Promise<boolean>): Promise<void> => {
    while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  // The helper registers the Catch node by itself, once for each that a flow has, and trips over the second.
  const internals = helper as unknown as { _nodeModules: object };
  const { _nodeModules: ofTheHelper } = internals;
  before(() => {
    internals._nodeModules = {};
  });
  after(() => {
    internals._nodeModules = ofTheHelper;
  });

  beforeEach(async () => {
    world = new SimulatedGateway({ locks: [LOCK] });
    gateway = await serve(world);
  });
  afterEach(async () => {
    await flow?.stop();
    await gateway.close();
  });

  it('05: arms with time to leave, asks while the window is open, disarms with the PIN', async () => {
    const anna = await start('05 - Alarm with Google');
    const names = (await anna.sync()).map(({ id }) => id);
    assert.deepEqual(names, ['alarm', 'kitchen-window']);

    const armed = await anna.execute('alarm', 'ArmDisarm', { arm: true, armLevel: 'away' });
    assert.equal(armed.status, 'SUCCESS');
    assert.deepEqual(armed.states, { online: true, isArmed: true, currentArmLevel: 'away', exitAllowance: 30 });

    const asked = await anna.execute('alarm', 'ArmDisarm', { arm: false });
    assert.equal(asked.challengeNeeded?.type, 'pinNeeded');
    const off = await anna.execute('alarm', 'ArmDisarm', { arm: false }, { pin: PIN });
    assert.deepEqual(off.states, { online: true, isArmed: false, currentArmLevel: 'away' });

    press('Window opens');
    await until(async () => (await anna.query('kitchen-window'))['kitchen-window']?.openPercent === 100);
    await until(async () => JSON.stringify(await anna.query('alarm')).includes('windowOpen'));
    const question = await anna.execute('alarm', 'ArmDisarm', { arm: true });
    assert.equal(question.challengeNeeded?.type, 'ackNeeded');
    const yes = await anna.execute('alarm', 'ArmDisarm', { arm: true }, { ack: true });
    assert.equal(yes.status, 'SUCCESS');
    assert.equal(yes.states?.currentArmLevel, 'home');

    press('Window closes');
    await until(async () => !JSON.stringify(await anna.query('alarm')).includes('windowOpen'));
  });

  it('06: locks and unlocks the door, and tells when somebody turns the key', async () => {
    const anna = await start('06 - Voice lock');
    const opened = await anna.execute('front-door', 'LockUnlock', { lock: false }, { pin: PIN });
    assert.equal(opened.states?.isLocked, false);
    assert.equal(world.lock(LOCK.identifier).state, 'open');
    const closed = await anna.execute('front-door', 'LockUnlock', { lock: true });
    assert.equal(closed.states?.isLocked, true);
    assert.equal(world.lock(LOCK.identifier).state, 'closed');
    // The lock is watched: Google does not go on saying "locked" of one that is out of reach.
    world.lock(LOCK.identifier).inSight = false;
    helper.getNode(named('Watch the lock')).receive({});
    await until(async () => (await anna.query('front-door'))['front-door']?.online === false);
  });

  it('07: arming away locks the door, arming at home does not', async () => {
    const anna = await start('07 - Alarm locks the door');
    await anna.execute('house-door', 'LockUnlock', { lock: false }, { pin: PIN });
    const home = await anna.execute('house-alarm', 'ArmDisarm', { arm: true });
    assert.deepEqual(home.states, { online: true, isArmed: true, currentArmLevel: 'home' });
    assert.equal(world.lock(LOCK.identifier).state, 'open');
    const away = await anna.execute('house-alarm', 'ArmDisarm', { arm: true, armLevel: 'away' });
    assert.deepEqual(away.states, { online: true, isArmed: true, currentArmLevel: 'away' });
    await until(async () => (await anna.query('house-door'))['house-door']?.isLocked === true);
    assert.equal(world.lock(LOCK.identifier).state, 'closed');
    const { 'house-alarm': alarm } = await anna.query('house-alarm');
    assert.equal(alarm?.isArmed, true);
  });
});
