/** What homes, voices and flows did to the Google side in real life, each told as a person would tell it. */
import assert from 'node:assert/strict';
import { parseDevice } from '../../support/device';
import { googleCodeFor } from '../../../src/google/error-codes';
import type { JsonObject } from '../../../src/google/types';
import { MemoryState } from '../../../src/state/local';
import { ANNA, BEN, House, level, type Reply } from '../../support/smart-home';

const DOOR = { deviceId: 'door', deviceType: 'LOCK', pinFor: 'none' };
const custom = (type: string, ...traits: string[]): JsonObject => ({
  deviceId: 'it',
  deviceType: 'CUSTOM',
  customType: type,
  customTraits: traits,
});
const KEPT = 'google/test/states';

describe('voices and doors that are not locks', () => {
  const RELEASING: [type: string, trait: string, command: string, params: JsonObject][] = [
    ['GARAGE', 'OpenClose', 'OpenClose', { openPercent: 100 }],
    ['garage', 'OpenClose', 'OpenClose', { openPercent: 1 }],
    ['action.devices.types.GATE', 'OpenClose', 'OpenCloseRelative', { openRelativePercent: 20 }],
    ['Door', 'OnOff', 'OnOff', { on: true }],
    ['WINDOW', 'OpenClose', 'OpenClose', { openPercent: 50 }],
    ['SHUTTER', 'OpenClose', 'OpenClose', {}],
    ['GATE', 'StartStop', 'StartStop', { start: true }],
    ['LIGHT', 'LockUnlock', 'LockUnlock', { lock: false }],
    ['CAMERA', 'OnOff', 'OnOff', { on: false }],
    ['ROUTER', 'Reboot', 'Reboot', {}],
    ['NETWORK', 'NetworkControl', 'GetGuestNetworkPassword', {}],
    ['router', 'SoftwareUpdate', 'SoftwareUpdate', {}],
  ];
  for (const [type, trait, command, params] of RELEASING) {
    it(`${type}: ${command} ${JSON.stringify(params)} needs the PIN, or the word "none"`, async () => {
      for (const [settings, pin, expected] of [
        [{}, '', 'challengeFailedNotSetup'],
        [{}, '4711', 'challengeNeeded'],
        [{ pinFor: 'none' }, '', undefined],
      ] as const) {
        const house = new House();
        house.device({ ...custom(type, trait), ...settings }, pin, () => ({}));
        assert.equal((await house.execute('it', command, params)).errorCode, expected);
        assert.equal(house.told.length, expected === undefined ? 1 : 0);
        await house.home.close();
      }
    });
  }

  it('what closes, watches again or does no harm needs none', async () => {
    for (const [type, trait, command, params] of [
      ['GARAGE', 'OpenClose', 'OpenClose', { openPercent: 0 }],
      ['CAMERA', 'OnOff', 'OnOff', { on: true }],
      ['BLINDS', 'OpenClose', 'OpenClose', { openPercent: 100 }],
      ['ROUTER', 'NetworkControl', 'TestNetworkSpeed', {}],
    ] as const) {
      const house = new House();
      house.device(custom(type, trait), '', () => ({}));
      assert.equal((await house.execute('it', command, params)).status, 'SUCCESS', type);
      await house.home.close();
    }
  });
});

describe('a lock in real life', () => {
  let house: House;
  beforeEach(() => {
    house = new House();
    house.device({ ...DOOR, battery: true });
  });
  afterEach(() => house.home.close());
  const say = (payload: unknown, more: object = {}): Promise<unknown> => house.receive({ payload, ...more }, 'door');
  const lock = async (payload: unknown, more: object = {}): ReturnType<House['execute']> => {
    const answer = house.execute('door', 'LockUnlock', { lock: true });
    await house.clock.advance(0);
    await house.reply(house.told.at(-1)!, payload, more);
    return answer;
  };

  it('whose gateway is gone is offline for Google within the moment, and back with the next state', async () => {
    await say({ state: 'closed' });
    for (const code of ['GATEWAY_UNREACHABLE', 'GATEWAY_TIMEOUT', 'LOCK_NOT_DETECTED']) {
      assert.deepEqual(await say({ state: 'closed' }, { error: { code, message: code } }), { kind: 'offline' });
      await house.clock.advance(0);
      assert.equal(house.reports.at(-1)!.states.door!.online, false, code);
      assert.equal((await house.query('door')).status, 'OFFLINE');
      await say({ state: 'open' });
      await house.clock.advance(0);
      assert.equal(house.reports.at(-1)!.states.door!.online, true);
    }
  });

  it('that a command did not reach stays offline after the answer', async () => {
    await say({ state: 'closed' });
    const result = await lock({}, { error: { code: 'LOCK_NOT_DETECTED' } });
    assert.equal(result.errorCode, 'deviceOffline');
    assert.equal((await house.query('door')).online, false);
  });

  it('that is busy is not offline', async () => {
    await say({ state: 'closed' });
    assert.deepEqual(await say(1, { error: { code: 'GATEWAY_BUSY' } }), { kind: 'ignored' });
    assert.equal((await house.query('door')).online, true);
  });

  it('that jams is not called locked, in time or late', async () => {
    const result = await lock({ isJammed: true });
    assert.deepEqual([result.status, result.errorCode], ['ERROR', 'deviceJammingDetected']);
    assert.deepEqual(result.states, { online: true, isJammed: true });
    const late = house.execute('door', 'LockUnlock', { lock: true, followUpToken: 'token' });
    await house.clock.advance(1500);
    await late;
    await house.reply(house.told.at(-1)!, { isLocked: true, isJammed: true });
    await house.clock.advance(0);
    assert.deepEqual(house.followUps.at(-1)!.response, {
      status: 'FAILURE',
      errorCode: 'deviceJammingDetected',
      followUpToken: 'token',
    });
  });

  it('that is still open after "lock" was not locked, whatever the shape of the answer', async () => {
    for (const payload of [{ isLocked: false }, { state: 'open', confirmed: true }, { state: 'open' }]) {
      const result = await lock(payload);
      assert.equal(result.errorCode, 'lockFailure');
      assert.equal(result.states!.isLocked, false);
    }
  });

  it('of which a reading says "unknown" is offline until a state is known, whatever else is said meanwhile', async () => {
    await say({ state: 'closed' });
    await say({ state: 'unknown', batteryPercent: 70 });
    await house.clock.advance(0);
    assert.deepEqual(
      [house.reports.at(-1)!.states.door!.online, house.reports.at(-1)!.states.door!.isLocked],
      [false, undefined],
    );
    await say({ batteryPercent: 69 });
    assert.equal((await house.query('door')).status, 'OFFLINE');
    await say({ state: 'open' });
    const { status, isLocked } = await house.query('door');
    assert.deepEqual([status, isLocked], ['SUCCESS', false]);
  });

  it('with a low battery says so by itself, in answers and never in reports', async () => {
    const result = await lock({ state: 'closed', batteryPercent: 12 });
    assert.equal(result.status, 'SUCCESS');
    assert.equal(result.states!.exceptionCode, 'lowBattery');
    assert.equal((await house.query('door')).exceptionCode, 'lowBattery');
    await house.clock.advance(0);
    assert.ok(!('exceptionCode' in house.reports.at(-1)!.states.door!));
    assert.equal((await lock({ state: 'closed', batteryPercent: 50 })).states!.exceptionCode, undefined);
  });

  it('that locked is locked, whatever exception the flow adds', async () => {
    const exceptions = [{ statusCode: 'lowBattery', blocking: true }];
    const result = await lock({ isLocked: true, exceptions });
    assert.deepEqual([result.status, result.states!.exceptionCode], ['SUCCESS', 'lowBattery']);
    assert.equal(
      (await lock({ isLocked: true, exceptionCode: 'deviceTampered' })).states!.exceptionCode,
      'deviceTampered',
    );
    assert.equal((await lock({ isLocked: true, exceptionCode: 'nonsense' })).states!.exceptionCode, undefined);
  });

  it('knows the PIN trials of last month no more', async () => {
    house.device({ ...DOOR, deviceId: 'guarded', pinFor: 'release' }, '4711', () => ({ isLocked: false }));
    const unlock = async (pin: string): Promise<unknown> =>
      (await house.execute('guarded', 'LockUnlock', { lock: false }, { pin })).errorCode;
    for (const pin of ['1', '2']) await unlock(pin);
    await house.clock.advance(24 * 60 * 60_000);
    for (const pin of ['3', '4', '5', '6']) await unlock(pin);
    assert.equal(await unlock('4711'), undefined);
  });

  it('opens for a person who is named to the flow', async () => {
    void house.execute('door', 'LockUnlock', { lock: false }, undefined, BEN);
    await house.clock.advance(0);
    assert.equal(house.told[0]!.payload.user, 'ben');
    assert.equal(house.told[0]!.payload.deviceId, 'door');
  });

  it('answers Google within three seconds although the disk hangs, and stays shut for good', async () => {
    house.device({ ...DOOR, deviceId: 'guarded', pinFor: 'release' }, '4711');
    const change = house.state.change.bind(house.state);
    let release = (): void => undefined;
    house.state.change = async (key, decide) => {
      await new Promise<void>((resolve) => (release = resolve));
      return change(key, decide);
    };
    const answer = house.execute('guarded', 'LockUnlock', { lock: false }, { pin: '4711' });
    await house.clock.advance(3000);
    assert.equal((await answer).errorCode, 'transientError');
    release();
    await house.clock.advance(60_000);
    assert.equal(house.told.length, 0);
    house.state.change = change;
  });
});

describe('states that Google does not know', () => {
  const camera = custom('CAMERA', 'CameraStream', 'OnOff');

  it('a trait that was taken away takes its states along, from the disk too', async () => {
    const light = custom('LIGHT', 'OnOff', 'Brightness');
    let house = new House();
    house.device(light);
    await house.receive({ payload: { on: true, brightness: 40 } }, 'it');
    house = await house.restarted();
    house.device(custom('LIGHT', 'OnOff'));
    await house.clock.advance(1000);
    assert.deepEqual(house.reports.at(-1)!.states.it, { online: true, on: true });
    assert.deepEqual(await house.query('it'), { online: true, on: true, status: 'SUCCESS' });
    await house.home.close();
    assert.deepEqual(await house.state.get(KEPT), { it: { online: true, on: true } });
  });

  it('a Change node that hands the parameters back stops no reports', async () => {
    const house = new House();
    house.device(custom('LIGHT', 'OnOff'), '', ({ payload }) => ({ ...payload.params, temperature: 20, color: null }));
    await house.execute('it', 'OnOff', { on: true, followUpToken: 'demo-token' });
    await house.clock.advance(0);
    assert.deepEqual(house.reports.at(-1)!.states.it, { online: true, on: true });
    await house.home.close();
  });

  it("a camera's stream and a network's password go into the one answer and nowhere else", async () => {
    const stream = { cameraStreamAccessUrl: 'https://camera.example/1', cameraStreamAuthToken: 'demo-token' };
    const house = new House();
    house.device({ ...camera, pinFor: 'none' }, '', () => stream);
    house.device(
      { ...custom('ROUTER', 'NetworkControl', 'SomethingNew'), deviceId: 'net', pinFor: 'none' },
      '',
      () => ({
        guestNetworkPassword: 'demo-password',
        numConnectedDevices: 3,
        oddity: 1,
      }),
    );
    const watched = await house.execute('it', 'GetCameraStream', { StreamToChromecast: true });
    assert.deepEqual(watched.states, { online: true, ...stream });
    const guests = await house.execute('net', 'GetGuestNetworkPassword', {});
    assert.equal(guests.states!.guestNetworkPassword, 'demo-password');
    await house.receive({ payload: stream }, 'it');
    await house.clock.advance(1000);
    await house.home.close();
    const elsewhere = JSON.stringify([
      house.reports,
      await house.state.get(KEPT),
      house.home.query('it'),
      house.logged,
    ]);
    assert.ok(!/demo-(token|password)/.test(elsewhere), elsewhere);
    assert.deepEqual(house.home.query('net'), {
      online: true,
      numConnectedDevices: 3,
      oddity: 1,
      status: 'SUCCESS',
    });
  });

  it('a trait of which Google publishes no list passes everything but null and the token', async () => {
    const house = new House();
    house.device(custom('SENSOR', 'OccupancySensing'));
    await house.receive({ payload: { occupancy: 'OCCUPIED', since: null, followUpToken: 'x' } }, 'it');
    assert.deepEqual(await house.query('it'), { online: true, occupancy: 'OCCUPIED', status: 'SUCCESS' });
    await house.home.close();
  });

  it('kept by an earlier version do not come back', async () => {
    const state = new MemoryState();
    await state.change(KEPT, () => ({
      value: { it: { online: true, on: true, cameraStreamAuthToken: 'demo-token' } },
      result: undefined,
    }));
    const house = new House(state);
    house.device(camera);
    await house.clock.advance(1000);
    assert.deepEqual(await house.query('it'), { online: true, on: true, status: 'SUCCESS' });
    await house.home.close();
    assert.deepEqual(await state.get(KEPT), { it: { online: true, on: true } });
  });
});

describe('an answer to a command of a custom device', () => {
  const answered = async (trait: string, command: string, params: JsonObject, reply: Reply): Promise<unknown> => {
    const house = new House();
    house.device({ ...custom('LIGHT', ...trait.split(' ')), pinFor: 'none' }, '', reply);
    await house.receive({ payload: { on: false, brightness: 10, openPercent: 0 } }, 'it');
    const { status, states } = await house.execute('it', command, params);
    await house.home.close();
    assert.equal(status, 'SUCCESS');
    return states;
  };

  it('shows what was commanded where the flow says nothing: the switch does not jump back', async () => {
    assert.deepEqual(await answered('OnOff', 'OnOff', { on: true }, () => ({})), { online: true, on: true });
    assert.deepEqual(await answered('OpenClose', 'OpenClose', { openPercent: 100 }, () => ({})), {
      online: true,
      openPercent: 100,
    });
    const fan = await answered('FanSpeed', 'SetFanSpeed', { fanSpeed: 'high' }, () => ({}));
    assert.deepEqual(fan, { online: true, currentFanSpeedSetting: 'high' });
    const color = { color: { name: 'red', spectrumRGB: 16711680 } };
    assert.deepEqual(await answered('ColorSetting', 'ColorAbsolute', color, () => ({})), {
      online: true,
      color: { spectrumRgb: 16711680 },
    });
  });

  it('shows what the flow said before what was commanded', async () => {
    const half = await answered('OpenClose', 'OpenClose', { openPercent: 100 }, () => ({ openPercent: 50 }));
    assert.deepEqual(half, { online: true, openPercent: 50 });
  });

  it('shows no other trait, for it may be older than what Google has', async () => {
    const states = await answered('OnOff Brightness', 'OnOff', { on: true }, () => ({}));
    assert.deepEqual(states, { online: true, on: true });
  });
});

describe('the error codes that Google hears', () => {
  it('are all of its list, and none that is not on it', () => {
    const missed =
      'ambiguousZoneName chargerIssue deviceAlertNeedsAssistance deviceCharging deviceNeedsRepair deviceNotMounted ' +
      'deviceThermalShutdown faultyBattery stillCoolingDown';
    for (const code of missed.split(' ')) assert.equal(googleCodeFor(code, 'hardError'), code);
    for (const code of ['timeout', 'unknownError', 'protocolError', 'toString', '']) {
      assert.equal(googleCodeFor(code, 'lockFailure'), 'lockFailure', code);
    }
  });
});

describe('what Google is told without asking', () => {
  it('a doorbell rings for every linked user, beside states or alone', async () => {
    const house = new House();
    house.linked = [ANNA.agentUserId, BEN.agentUserId];
    house.device(custom('DOORBELL', 'ObjectDetection', 'OnOff'));
    const notify = { ObjectDetection: { objects: { unclassified: 1 }, detectionTimestamp: 1 } };
    assert.deepEqual(await house.receive({ payload: { notify } }, 'it'), { kind: 'notified' });
    assert.deepEqual(await house.receive({ payload: { notify, on: true } }, 'it'), { kind: 'reported' });
    await house.clock.advance(0);
    const content = { priority: 0, ...notify.ObjectDetection };
    const expected = { users: house.linked, deviceId: 'it', trait: 'ObjectDetection', notification: content };
    assert.deepEqual(house.notifications, [expected, expected]);
    assert.equal(house.home.devices()[0]!.notificationSupportedByAgent, true);
    for (const wrong of ['ring', { LockUnlock: {} }, { ObjectDetection: 1 }]) {
      await assert.rejects(house.receive({ payload: { notify: wrong } }, 'it'), { code: 'INVALID_INPUT' });
    }
    await house.home.close();
  });

  it('each trait that Google publishes notifications of can notify, and says so in the device list', async () => {
    for (const trait of ['ObjectDetection', 'SensorState', 'RunCycle', 'NetworkControl', 'LockUnlock', 'ArmDisarm']) {
      const house = new House();
      house.device({ ...custom('SENSOR', trait), pinFor: 'none' });
      assert.equal(house.home.devices()[0]!.notificationSupportedByAgent, true, trait);
      await house.receive({ payload: { notify: { [trait]: { priority: 0 } } } }, 'it');
      await house.clock.advance(0);
      assert.equal(house.notifications[0]!.trait, trait);
      await house.home.close();
    }
  });

  it('a lock that opens by itself may be said aloud', async () => {
    const house = new House();
    house.device(DOOR);
    await house.receive({ payload: { state: 'open', notify: { LockUnlock: { priority: 0 } } } }, 'door');
    await house.clock.advance(0);
    assert.equal(house.notifications[0]!.trait, 'LockUnlock');
    await house.home.close();
  });

  it('a gate that took its time, and a speed test, end in a complete follow-up', async () => {
    for (const [type, trait, command, params, reply, expected] of [
      ['GATE', 'OpenClose', 'OpenClose', { openPercent: 100 }, {}, { openPercent: 100 }],
      ['GATE', 'OpenClose', 'OpenClose', { openPercent: 0 }, { openState: [{ openPercent: 5 }] }, { openPercent: 5 }],
      [
        'ROUTER',
        'NetworkControl',
        'TestNetworkSpeed',
        {},
        { networkDownloadSpeedMbps: 23 },
        { networkDownloadSpeedMbps: 23 },
      ],
      ['VACUUM', 'StartStop', 'StartStop', { start: true }, {}, { isRunning: true }],
    ] as const) {
      const house = new House();
      house.device({ ...custom(type, trait), pinFor: 'none' });
      const answer = house.execute('it', command, { ...params, followUpToken: 'token' });
      await house.clock.advance(1500);
      await answer;
      await house.reply(house.told[0]!, reply);
      await house.clock.advance(0);
      assert.deepEqual(house.followUps[0]!.response, { status: 'SUCCESS', ...expected, followUpToken: 'token' });
      await house.home.close();
    }
  });

  it('twenty equal states are one report, and another after a while in case it was lost', async () => {
    const house = new House();
    house.device(DOOR);
    for (let times = 0; times < 20; times += 1) {
      await house.receive({ payload: { isLocked: true } }, 'door');
      await house.clock.advance(1000);
    }
    assert.equal(house.reports.length, 1);
    await house.clock.advance(10 * 60_000);
    await house.receive({ payload: { isLocked: true } }, 'door');
    await house.clock.advance(0);
    assert.equal(house.reports.length, 2);
    await house.home.close();
  });

  it('an answer to a question that differs from the last report is reported', async () => {
    const house = new House();
    house.device(DOOR);
    house.linked = [];
    await house.receive({ payload: { isLocked: false } }, 'door');
    await house.clock.advance(0);
    house.linked = [ANNA.agentUserId];
    assert.equal((await house.query('door')).isLocked, false);
    await house.clock.advance(0);
    assert.equal(house.reports.at(-1)!.states.door!.isLocked, false);
    await house.home.close();
  });

  it('without a service account key nothing is promised, and a scene never promises', async () => {
    const promises = (house: House): unknown[] => house.home.devices().map(({ willReportState }) => willReportState);
    const house = new House();
    house.device(DOOR);
    house.device(custom('SCENE', 'Scene'));
    assert.deepEqual(promises(house), [true, false]);
    Object.assign(house.graph, { enabled: false });
    assert.deepEqual(promises(house), [false, false]);
    await house.home.close();
  });
});

describe('settings in real life', () => {
  it('a variable that is not set is refused in every field, the PIN above all', () => {
    for (const [raw, pin] of [
      [{ deviceId: '${ID}' }, ''],
      [{ deviceName: '${NAME}' }, ''],
      [{ nicknames: ['${NICK}'] }, ''],
      [{ levels: '${LEVELS}' }, ''],
      [{ battery: '${BATTERY}' }, ''],
      [{ deviceId: 'door-${ID}' }, ''],
      [{}, '${PIN}'],
      [{}, '47${PIN}'],
    ] as const) {
      assert.throws(() => parseDevice(raw, pin, 'n1'), { code: 'INVALID_INPUT' }, JSON.stringify([raw, pin]));
    }
  });

  it('flags mean in every node the same', () => {
    for (const value of ['no', 'off', '0', false]) {
      assert.equal(parseDevice({ levelsOrdered: value }, '', 'n1').levelsOrdered, false);
    }
    for (const value of ['yes', 'on', '1', true]) assert.equal(parseDevice({ battery: value }, '', 'n1').battery, true);
    assert.throws(() => parseDevice({ battery: 'maybe' }, '', 'n1'), { code: 'INVALID_INPUT' });
  });
});

describe('the log', () => {
  it('tells each command and its end, each report, and never a PIN', async () => {
    const house = new House();
    house.device({ deviceId: 'panel', levels: [level('away')], pinFor: 'always' }, '4711', () => ({ isArmed: true }));
    await house.execute('panel', 'ArmDisarm', { arm: true, armLevel: 'away' }, { pin: '4712' });
    await house.execute('panel', 'ArmDisarm', { arm: true, armLevel: 'away' }, { pin: '4711' });
    await house.clock.advance(0);
    const text = house.logged.join('\n');
    assert.match(text, /ArmDisarm of "panel" by anna: challengeFailedPinNeeded/);
    assert.match(text, /ArmDisarm of "panel" by anna: SUCCESS/);
    assert.match(text, /report of "panel"/);
    assert.ok(!/471[12]/.test(text));
    await house.home.close();
  });

  it('cannot be forged by names that Google, or an impostor with a token, sends', async () => {
    const house = new House();
    house.device(custom('LIGHT', 'OnOff'), '', () => ({}));
    await house.execute('it', 'OnOff\n[error] the door is open\u001b[2J', { on: true });
    assert.ok(house.logged.every((line) => !/\p{Cc}/u.test(line)));
    await house.home.close();
  });
});
