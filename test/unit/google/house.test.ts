/** What outlives a command: states, the device list that Google has, settings as a person typed them. */
import assert from 'node:assert/strict';
import type { JsonObject } from '../../../src/google/types';
import { parseDevice } from '../../support/device';
import { MemoryState } from '../../../src/state/local';
import { BEN, ANNA, House, level } from '../../support/smart-home';

const DOOR = { deviceId: 'door', deviceType: 'LOCK', pinFor: 'none' };
const PANEL = { deviceId: 'panel', levels: [level('home'), level('away')], pinFor: 'none' };

describe('what the devices are', () => {
  it('survives a restart', async () => {
    let house = new House();
    house.device(PANEL);
    await house.home.receive({ payload: { isArmed: true, currentArmLevel: 'away' } }, 'panel');
    house = await house.restarted();
    house.device(PANEL);
    assert.equal((await house.query('panel')).isArmed, true);
    assert.equal((await house.query('panel')).currentArmLevel, 'away');
    await house.home.close();
  });

  it('survives a deploy of one node, and does not concern the others', async () => {
    const house = new House();
    const remove = house.device(DOOR);
    house.device(PANEL);
    await house.home.receive({ payload: { isLocked: true } }, 'door');
    await house.home.receive({ payload: { isArmed: true } }, 'panel');
    remove();
    assert.equal((await house.query('door')).errorCode, 'deviceNotFound');
    house.device(DOOR);
    assert.equal((await house.query('door')).isLocked, true);
    assert.equal((await house.query('panel')).isArmed, true);
    await house.home.close();
  });

  it('is not guessed right after the start: a question waits until what was kept has been read', async () => {
    const state = new MemoryState();
    await state.change('google/test/states', () => ({
      value: { panel: { online: true, isArmed: true, currentArmLevel: 'away', currentStatusReport: [] } },
      result: undefined,
    }));
    const read = state.get.bind(state);
    let disk = (): void => undefined;
    const spun = new Promise<void>((resolve) => {
      disk = resolve;
    });
    state.get = async (key) => {
      await spun;
      return read(key);
    };
    const house = new House(state);
    house.device(PANEL);
    const asked = house.query('panel');
    await house.clock.advance(0);
    disk();
    const { isArmed, currentArmLevel } = await asked;
    assert.deepEqual([isArmed, currentArmLevel], [true, 'away']);
    await house.home.close();
  });

  it('is what the newest message said, even while what was kept is still being read', async () => {
    const state = new MemoryState();
    await state.change('google/test/states', () => ({
      value: { door: { online: true, isLocked: false, isJammed: false } },
      result: undefined,
    }));
    const house = new House(state);
    house.device(DOOR);
    await house.home.receive({ payload: { isLocked: true } }, 'door');
    assert.equal((await house.query('door')).isLocked, true);
    await house.home.close();
  });

  it('goes on being told while the disk is full, and is written once there is room', async () => {
    const house = new House();
    house.device(DOOR);
    const change = house.state.change.bind(house.state);
    house.state.change = () => Promise.reject(new Error('ENOSPC'));
    await house.home.receive({ payload: { isLocked: true } }, 'door');
    await house.clock.advance(1000);
    assert.equal((await house.query('door')).isLocked, true);
    assert.equal(house.warnings.filter((text) => text.includes('could not be kept')).length, 1);
    house.state.change = change;
    await house.clock.advance(30_000);
    assert.deepEqual(await house.state.get('google/test/states'), {
      door: { online: true, isJammed: false, isLocked: true },
    });
    await house.home.close();
  });

  it('is not written by a house that was closed, over what the next one has kept', async () => {
    const house = new House();
    house.device(DOOR);
    const change = house.state.change.bind(house.state);
    let broke = (): void => undefined;
    const broken = new Promise<never>((_, reject) => {
      broke = () => reject(new Error('EIO'));
    });
    house.state.change = () => broken;
    await house.home.receive({ payload: { isLocked: true } }, 'door');
    await house.clock.advance(100);
    const closing = house.home.close();
    broke();
    await closing;
    house.state.change = change;
    const next = new House(house.state, house.clock);
    next.device(DOOR);
    await next.home.receive({ payload: { isLocked: false } }, 'door');
    await house.clock.advance(60_000);
    const third = await next.restarted();
    third.device(DOOR);
    assert.equal((await third.query('door')).isLocked, false);
    await third.home.close();
  });

  it('is told to every linked user, and to nobody while nobody is linked', async () => {
    const house = new House();
    house.device(DOOR);
    house.linked = [];
    await house.home.receive({ payload: { isLocked: true } }, 'door');
    await house.clock.advance(1);
    assert.equal(house.reports.length, 0);
    house.linked = [ANNA.agentUserId, BEN.agentUserId];
    await house.home.receive({ payload: { isLocked: false } }, 'door');
    await house.clock.advance(1);
    assert.deepEqual(house.reports[0]!.users, house.linked);
    await house.home.close();
  });

  it('is told no longer to whoever has unlinked, wherever the link ended', async () => {
    const house = new House();
    house.device(DOOR);
    const hear = (user: string): void => {
      for (const listener of house.linkListeners) listener(user);
    };
    house.linked = [ANNA.agentUserId];
    hear(ANNA.agentUserId);
    hear(BEN.agentUserId);
    await house.clock.advance(1);
    assert.deepEqual(house.forgotten, [BEN.agentUserId]);
    await house.home.close();
    assert.equal(house.linkListeners.size, 0);
  });

  it('is told again when the time to leave is over, for Google was told of seconds that are gone', async () => {
    const house = new House();
    house.device(PANEL);
    await house.home.receive({ payload: { isArmed: true, currentArmLevel: 'away', exitAllowance: 30 } }, 'panel');
    await house.clock.advance(10_000);
    // Whoever disarms and arms anew begins anew.
    await house.home.receive({ payload: { isArmed: false } }, 'panel');
    await house.home.receive({ payload: { isArmed: true, exitAllowance: 60 } }, 'panel');
    await house.clock.advance(59_999);
    assert.equal(house.reports.at(-1)!.states.panel!.exitAllowance, 60);
    const told = house.reports.length;
    await house.clock.advance(1);
    assert.equal(house.reports.length, told + 1);
    assert.deepEqual(house.reports.at(-1)!.states.panel, {
      online: true,
      currentStatusReport: [],
      isArmed: true,
      currentArmLevel: 'away',
    });
    await house.home.close();
    assert.equal(house.clock.waiting, 0);
  });

  it('is told again when the time to leave is over, also after a restart in the middle of it', async () => {
    let house = new House();
    house.device(PANEL);
    await house.receive({ payload: { isArmed: true, exitAllowance: 60 } }, 'panel');
    await house.clock.advance(20_000);
    house = await house.restarted();
    house.device(PANEL);
    await house.clock.advance(39_999);
    assert.equal(house.reports.at(-1)!.states.panel!.exitAllowance, 40);
    await house.clock.advance(1);
    assert.equal(house.reports.at(-1)!.states.panel!.exitAllowance, undefined);
    await house.home.close();
    assert.equal(house.clock.waiting, 0);
  });

  it('has no more time to leave than was given, whoever sets the clock back', async () => {
    const house = new House();
    house.device(PANEL);
    await house.receive({ payload: { isArmed: true, exitAllowance: 60 } }, 'panel');
    await house.clock.advance(10_000);
    house.clock.setWall(-3_600_000);
    const { isArmed, exitAllowance } = await house.query('panel');
    assert.deepEqual([isArmed, exitAllowance], [true, undefined]);
    await house.home.close();
  });

  it('is told again after a restart: the last report may not have got through', async () => {
    let house = new House();
    house.device(DOOR);
    house.device(PANEL);
    await house.receive({ payload: { isLocked: true } }, 'door');
    house = await house.restarted();
    house.device(DOOR);
    house.device(PANEL);
    await house.clock.advance(1);
    assert.deepEqual(house.reports, [
      { users: [ANNA.agentUserId], states: { door: { online: true, isJammed: false, isLocked: true } } },
    ]);
    house = await house.restarted();
    house.linked = [];
    house.device(DOOR);
    await house.clock.advance(1);
    assert.deepEqual(house.reports, []);
    await house.home.close();
  });

  it('is told whenever it changes, also in the very moment in which another report is on its way out', async () => {
    const house = new House();
    house.device(DOOR);
    const { graph } = house;
    const report = graph.report.bind(graph);
    let changed = false;
    graph.report = (users, states) => {
      report(users, states);
      if (changed) return;
      changed = true;
      // A turn of the event loop's innermost queue later.
      void Promise.resolve().then(() => house.home.receive({ payload: { isLocked: false } }, 'door'));
    };
    await house.receive({ payload: { isLocked: true } }, 'door');
    await house.clock.advance(1);
    await house.clock.advance(1);
    assert.equal(house.reports.at(-1)!.states.door!.isLocked, false);
    await house.home.close();
  });

  it('tells the last of several changes last', async () => {
    const house = new House();
    house.device(DOOR);
    await Promise.all([true, false, true, false].map((isLocked) => house.receive({ payload: { isLocked } }, 'door')));
    await house.clock.advance(1);
    assert.equal(house.reports.at(-1)!.states.door!.isLocked, false);
    await house.home.close();
  });
});

describe('the device list', () => {
  it('is asked to be read again when it changed, once, and not at a restart', async () => {
    let house = new House();
    house.device(DOOR);
    await house.clock.advance(1000);
    assert.equal(house.syncs.length, 1);
    const remove = house.device(PANEL);
    house.device({ ...PANEL, deviceId: 'panel2' });
    await house.clock.advance(1000);
    assert.equal(house.syncs.length, 2);
    remove();
    house.device(PANEL);
    await house.clock.advance(1000);
    assert.equal(house.syncs.length, 2);
    house = await house.restarted();
    house.device({ ...PANEL, deviceId: 'panel2' });
    house.device(PANEL);
    house.device(DOOR);
    await house.clock.advance(1000);
    assert.equal(house.syncs.length, 0);
    await house.home.close();
  });

  it('counts as told when Google has heard of it: a deploy or a restart before that loses nothing', async () => {
    let house = new House();
    house.syncsHeard = false;
    house.device(DOOR);
    await house.clock.advance(1000);
    assert.equal(house.syncs.length, 1);
    house = await house.restarted();
    house.device(DOOR);
    await house.clock.advance(1000);
    assert.equal(house.syncs.length, 1);
    house = await house.restarted();
    house.device(DOOR);
    await house.clock.advance(1000);
    assert.equal(house.syncs.length, 0);
    await house.home.close();
  });

  it('is the last one that was looked at, however late Google hears of one before it', async () => {
    const house = new House();
    house.device(DOOR);
    await house.clock.advance(1000);
    const heard: ((told: boolean) => void)[] = [];
    house.graph.requestSync = (users) => {
      house.syncs.push(users);
      return new Promise((resolve) => heard.push(resolve));
    };
    const remove = house.device(PANEL);
    await house.clock.advance(1000);
    remove();
    await house.clock.advance(1000);
    for (const tell of heard) tell(true);
    house.device(PANEL);
    await house.clock.advance(1000);
    assert.equal(house.syncs.length, 3);
    await house.home.close();
  });

  it('is not read by Google when it cannot be told, and that ends nothing', async () => {
    const house = new House();
    const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    const lamp = { deviceId: 'lamp', deviceType: 'CUSTOM', customType: 'LIGHT', customTraits: ['OnOff'] };
    house.device({ ...lamp, customAttributes: deep });
    await house.clock.advance(1000);
    assert.match(house.warnings.join(), /device list/);
    await house.home.close();
  });

  it('is not asked for while nobody is linked', async () => {
    const house = new House();
    house.linked = [];
    house.device(DOOR);
    await house.clock.advance(1000);
    assert.deepEqual(house.syncs, []);
    await house.home.close();
  });

  it('has no two devices with one id', async () => {
    const house = new House();
    house.device(DOOR);
    assert.throws(() => house.device(DOOR), { code: 'INVALID_INPUT' });
    await house.home.close();
  });
});

describe('the settings of a device', () => {
  it('has the defaults of the dialog', () => {
    assert.deepEqual(parseDevice({}, '', 'n1'), {
      id: 'n1',
      deviceId: '',
      name: 'n1',
      deviceName: '',
      nicknames: [],
      roomHint: '',
      deviceType: 'SECURITYSYSTEM',
      type: 'action.devices.types.SECURITYSYSTEM',
      levels: [],
      levelsOrdered: true,
      defaultLevel: undefined,
      pinFor: 'release',
      pin: '',
      onOpenSensors: 'flow',
      replyTimeout: 1500,
      battery: false,
      customType: '',
      customTraits: [],
      customAttributes: {},
    });
  });

  it('gives every level words in English, and keeps the others', () => {
    const ru = { level_synonym: ['дома'], lang: 'ru' };
    const { levels } = parseDevice({ levels: [{ level_name: 'home_key', level_values: [ru] }] }, '', 'n1');
    assert.deepEqual(levels, [
      { level_name: 'home_key', level_values: [{ level_synonym: ['home key'], lang: 'en' }, ru] },
    ]);
  });

  it('takes types and traits with Google’s prefix or without', () => {
    const raw = {
      deviceType: 'CUSTOM',
      customType: 'action.devices.types.GARAGE',
      customTraits: ['action.devices.traits.OpenClose', 'OnOff'],
    };
    const { type, customTraits } = parseDevice(raw, '', 'n1');
    assert.deepEqual([type, customTraits], ['action.devices.types.GARAGE', ['OpenClose', 'OnOff']]);
  });

  it('lets no slip of one device spoil the list of all of them, which Google takes whole or not at all', async () => {
    const house = new House();
    const custom = { deviceId: 'c', deviceType: 'CUSTOM', customType: 'GARAGE' };
    house.device({ ...custom, customTraits: ['OnOff', 'action.devices.traits.OnOff', 'OpenClose'] });
    assert.throws(() => house.device({ ...custom, deviceId: 'd', customTraits: ['On Off'] }), {
      code: 'INVALID_INPUT',
    });
    const spoken = [
      { lang: ' ', level_synonym: ['daheim'] },
      { lang: 'de', level_synonym: [' ', ' daheim '] },
    ];
    house.device({ deviceId: 'panel', levels: [{ level_name: '--', level_values: spoken }] });
    assert.throws(() => house.device({ deviceId: 'e', levels: [{ level_name: ' ' }] }), { code: 'INVALID_INPUT' });
    const { payload } = await house.post({ requestId: '1', inputs: [{ intent: 'action.devices.SYNC' }] });
    const [c, panel] = (payload as unknown as { devices: { traits: string[]; attributes: JsonObject }[] }).devices;
    assert.deepEqual(c!.traits, ['action.devices.traits.OnOff', 'action.devices.traits.OpenClose']);
    assert.deepEqual(panel!.attributes.availableArmLevels, {
      levels: [
        {
          level_name: '--',
          level_values: [
            { level_synonym: ['--'], lang: 'en' },
            { level_synonym: ['daheim'], lang: 'de' },
          ],
        },
      ],
      ordered: true,
    });
    await house.home.close();
  });

  it('takes the levels of a custom panel from the attributes that Google is told, whatever else was typed', async () => {
    const house = new House();
    const custom = {
      deviceId: 'panel',
      deviceType: 'CUSTOM',
      customType: 'SECURITYSYSTEM',
      customTraits: ['ArmDisarm'],
      customAttributes: { availableArmLevels: { levels: [level('L1'), level('L2')], ordered: true } },
      // Typed while it was another kind; the dialog keeps it and does not show it.
      levels: [level('home')],
      defaultLevel: 'home',
      pinFor: 'none',
    };
    house.device(custom, '', () => ({ isArmed: true }));
    const { states } = await house.execute('panel', 'ArmDisarm', { arm: true, armLevel: 'L2' });
    assert.equal(states?.currentArmLevel, 'L2');
    assert.equal((await house.execute('panel', 'ArmDisarm', { arm: true })).errorCode, 'armLevelNeeded');
    await house.home.close();
  });

  it('leaves the attributes of a custom device out of one that is none, however broken they are', () => {
    const attributes = { availableArmLevels: { levels: [level('L1')], ordered: true } };
    assert.deepEqual(parseDevice({ levels: [], customAttributes: attributes }, '', 'n1').levels, []);
    assert.deepEqual(parseDevice({ customAttributes: '{ half' }, '', 'n1').customAttributes, {});
  });

  it('cuts long names where Google would, between characters', () => {
    assert.equal(parseDevice({ deviceName: '🚪'.repeat(70) }, '', 'n1').name, '🚪'.repeat(60));
  });

  it('refuses what cannot work', () => {
    for (const raw of [
      { deviceType: 'DOOR' },
      { deviceType: 'CUSTOM' },
      { deviceType: 'CUSTOM', customType: 'LIGHT' },
      { levels: [{}] },
      { levels: [level('a'), level('a')] },
      { levels: [level('a')], defaultLevel: 'b' },
      { levels: 'x' },
      { replyTimeout: 'soon' },
      { replyTimeout: '-1' },
      { pinFor: 'sometimes' },
      { onOpenSensors: 'maybe' },
      { customAttributes: '[1]', deviceType: 'CUSTOM', customType: 'LIGHT', customTraits: ['OnOff'] },
    ]) {
      assert.throws(() => parseDevice(raw, '', 'n1'), { code: 'INVALID_INPUT' }, JSON.stringify(raw));
    }
  });

  it('takes a PIN that was typed in groups of digits as it is spoken', async () => {
    const house = new House();
    house.device({ deviceId: 'door', deviceType: 'LOCK' }, '12 34', () => ({ isLocked: false }));
    for (const pin of ['1234', '12 34', '1 2 3 4']) {
      assert.equal((await house.execute('door', 'LockUnlock', { lock: false }, { pin })).status, 'SUCCESS', pin);
    }
    await house.home.close();
  });

  it('takes a PIN that is a number, as a variable of a flow may be, and never takes one for none', async () => {
    assert.equal(parseDevice({}, 4711, 'n1').pin, '4711');
    for (const pin of [undefined, null, '', ' ']) assert.equal(parseDevice({}, pin, 'n1').pin, '');
    for (const pin of [true, ['4711'], { pin: '4711' }]) {
      assert.throws(
        () => parseDevice({}, pin, 'n1'),
        (error: Error) => !error.message.includes('4711'),
      );
    }
  });

  it('says of whatever may end late that Google will be told', async () => {
    const house = new House();
    house.device({ deviceId: 'garage', deviceType: 'CUSTOM', customType: 'GARAGE', customTraits: ['OpenClose'] }, '');
    house.device({ deviceId: 'lamp', deviceType: 'CUSTOM', customType: 'LIGHT', customTraits: ['OnOff'] }, '');
    const told = house.home
      .devices()
      .map(({ id, notificationSupportedByAgent = false }) => [id, notificationSupportedByAgent]);
    assert.deepEqual(told, [
      ['garage', true],
      ['lamp', false],
    ]);
    await house.home.close();
  });

  it('takes no words of an answer for states: Home Graph refuses a report that holds one', async () => {
    const house = new House();
    const lamp = { deviceId: 'lamp', deviceType: 'CUSTOM', customType: 'LIGHT', customTraits: ['OnOff'] };
    house.device(lamp, '', () => ({ on: true, status: 'SUCCESS', errorCode: 'none' }));
    const { states } = await house.execute('lamp', 'OnOff', { on: true });
    assert.deepEqual(states, { online: true, on: true });
    assert.deepEqual(house.home.query('lamp'), { online: true, on: true, status: 'SUCCESS' });
    await house.home.close();
  });

  it('asks for a PIN before a door opens, and opens without one only where that was chosen', async () => {
    const house = new House();
    const garage = { deviceType: 'CUSTOM', customType: 'GARAGE', customTraits: ['OpenClose'] };
    house.device({ ...garage, deviceId: 'guarded' }, '1234', ({ payload }) => payload.params);
    house.device({ ...garage, deviceId: 'free', pinFor: 'none' }, '', ({ payload }) => payload.params);
    house.device({ ...garage, deviceId: 'forgotten' }, '', ({ payload }) => payload.params);
    const open = { openPercent: 100 };
    assert.equal((await house.execute('guarded', 'OpenClose', open)).challengeNeeded?.type, 'pinNeeded');
    assert.equal((await house.execute('guarded', 'OpenClose', { openPercent: 0 })).status, 'SUCCESS');
    assert.equal((await house.execute('guarded', 'OpenClose', open, { pin: '1234' })).states!.openPercent, 100);
    assert.equal((await house.execute('free', 'OpenClose', open)).status, 'SUCCESS');
    assert.equal((await house.execute('forgotten', 'OpenClose', open)).errorCode, 'challengeFailedNotSetup');
    await house.home.close();
  });
});
