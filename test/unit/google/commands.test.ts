/** What a command leads to, whether the flow answers at once, late, twice, wrongly or never. */
import assert from 'node:assert/strict';
import type { CommandMessage } from '../../../src/google/flow-messages';
import { parseDevice } from '../../support/device';
import { ANNA, BEN, House, level } from '../../support/smart-home';

const PANEL = { deviceId: 'panel', deviceName: 'Alarm', levels: [level('home'), level('away')], pinFor: 'none' };
const DOOR = { deviceId: 'door', deviceName: 'Front door', deviceType: 'LOCK', pinFor: 'none' };
const LIGHT = {
  deviceId: 'lamp',
  deviceName: 'Lamp',
  deviceType: 'CUSTOM',
  customType: 'LIGHT',
  customTraits: ['OnOff', 'action.devices.traits.Brightness'],
  pinFor: 'none',
};

describe('commands to devices', () => {
  let house: House;
  beforeEach(() => {
    house = new House();
  });
  afterEach(() => house.home.close());

  describe('the message to the flow', () => {
    it('says what is asked in words of flows, and nothing of the challenge', async () => {
      house.device({ ...PANEL, defaultLevel: 'home', pinFor: 'always' }, '1234', () => ({ isArmed: true }));
      await house.execute('panel', 'ArmDisarm', { arm: true }, { pin: '1234' });
      const { google, ...rest } = house.told[0]!;
      assert.ok(google.length > 30);
      assert.deepEqual(rest, {
        payload: {
          command: 'ArmDisarm',
          params: { arm: true, armLevel: 'home' },
          action: 'arm',
          deviceId: 'panel',
          user: 'anna',
        },
      });
    });

    it('has an action for locks, and none for commands that have no word', async () => {
      house.device(DOOR, '', () => ({}));
      house.device(LIGHT, '', () => ({ on: true }));
      await house.execute('door', 'LockUnlock', { lock: true });
      await house.execute('door', 'LockUnlock', { lock: false });
      await house.execute('lamp', 'OnOff', { on: true });
      assert.deepEqual(
        house.told.map(({ payload }) => payload.action),
        ['close', 'open', undefined],
      );
      assert.deepEqual(house.told[2]!.payload, {
        command: 'OnOff',
        params: { on: true },
        deviceId: 'lamp',
        user: 'anna',
      });
    });

    it('is a copy of its own for every device', async () => {
      house.device(LIGHT, '', ({ payload }) => {
        (payload.params as { color: { spectrumRGB: number } }).color.spectrumRGB = 0;
        return { on: true };
      });
      house.device({ ...LIGHT, deviceId: 'lamp2' }, '', () => ({ on: true }));
      const execution = [{ command: 'action.devices.commands.ColorAbsolute', params: { color: { spectrumRGB: 255 } } }];
      await house.executeAll([{ devices: ['lamp', 'lamp2'], execution }]);
      assert.deepEqual(house.told[1]!.payload.params, { color: { spectrumRGB: 255 } });
    });
  });

  describe('commands that cannot be', () => {
    it('answers for devices and commands that it does not know', async () => {
      house.device(DOOR);
      assert.equal((await house.execute('cellar', 'LockUnlock', { lock: true })).errorCode, 'deviceNotFound');
      assert.equal((await house.execute('door', 'ArmDisarm', { arm: true })).errorCode, 'functionNotSupported');
      assert.equal((await house.execute('door', 'Charge', { charge: true })).errorCode, 'functionNotSupported');
      assert.equal((await house.execute('door', 'LockUnlock', { lock: 'yes' })).errorCode, 'functionNotSupported');
      assert.equal((await house.execute('door', 'LockUnlock', {})).errorCode, 'functionNotSupported');
      assert.equal(house.told.length, 0);
    });

    it('never guesses a level', async () => {
      house.device(PANEL);
      assert.equal((await house.execute('panel', 'ArmDisarm', { arm: true })).errorCode, 'armLevelNeeded');
      const unknown = await house.execute('panel', 'ArmDisarm', { arm: true, armLevel: 'vacation' });
      assert.equal(unknown.errorCode, 'notSupported');
      assert.equal((await house.execute('panel', 'ArmDisarm', {})).errorCode, 'functionNotSupported');
      assert.equal(house.told.length, 0);
    });

    it('does not answer alreadyArmed by itself: every permitted command reaches the flow', async () => {
      house.device(PANEL, '', () => ({ isArmed: true }));
      for (let times = 1; times <= 2; times += 1) {
        const result = await house.execute('panel', 'ArmDisarm', { arm: true, armLevel: 'away' });
        assert.equal(result.status, 'SUCCESS');
        assert.equal(house.told.length, times);
      }
    });
  });

  describe('several at once', () => {
    it('runs executions in order, stops at the first failure, and answers once', async () => {
      house.device(LIGHT, '', ({ payload }) =>
        payload.command === 'BrightnessAbsolute' ? { error: 'deviceStuck' } : { on: payload.params.on === true },
      );
      const command = (name: string, params: object) => ({ command: `action.devices.commands.${name}`, params });
      const [result, ...others] = await house.executeAll([
        { devices: ['lamp'], execution: [command('OnOff', { on: true }), command('BrightnessAbsolute', {})] as never },
        { devices: ['lamp'], execution: [command('OnOff', { on: false })] as never },
      ]);
      assert.deepEqual(others, []);
      assert.equal(result!.errorCode, 'deviceStuck');
      assert.deepEqual(
        house.told.map(({ payload }) => payload.command),
        ['OnOff', 'BrightnessAbsolute'],
      );
    });

    it('merges the states of executions that succeed', async () => {
      house.device(LIGHT, '', ({ payload }) => payload.params);
      const [result] = await house.executeAll([
        {
          devices: ['lamp'],
          execution: [
            { command: 'action.devices.commands.OnOff', params: { on: true } },
            { command: 'action.devices.commands.BrightnessAbsolute', params: { brightness: 40 } },
          ],
        },
      ]);
      assert.deepEqual(result, {
        ids: ['lamp'],
        status: 'SUCCESS',
        states: { online: true, on: true, brightness: 40 },
      });
    });

    it('lets one device fail and the others succeed, side by side', async () => {
      house.device(DOOR);
      house.device(LIGHT, '', () => ({ on: true }));
      const execution = [{ command: 'action.devices.commands.OnOff', params: { on: true } }];
      const results = await house.executeAll([{ devices: ['lamp', 'door', 'nowhere'], execution }]);
      assert.deepEqual(
        results.map(({ ids, errorCode, status }) => [ids[0], errorCode ?? status]),
        [
          ['lamp', 'SUCCESS'],
          ['door', 'functionNotSupported'],
          ['nowhere', 'deviceNotFound'],
        ],
      );
    });
  });

  describe('a flow that takes its time', () => {
    const slow = { ...DOOR, replyTimeout: '1500' };

    it('is answered PENDING for, then reported and followed up, once, to the user who asked', async () => {
      house.linked = [ANNA.agentUserId, BEN.agentUserId];
      house.device(slow);
      const answer = house.execute('door', 'LockUnlock', { lock: true, followUpToken: 'demo-token' }, undefined, BEN);
      await house.clock.advance(1500);
      assert.deepEqual(await answer, { ids: ['door'], status: 'PENDING' });
      assert.deepEqual(house.reports, []);
      await house.reply(house.told[0]!, { isLocked: true });
      await house.clock.advance(0);
      assert.deepEqual(house.followUps, [
        {
          user: BEN.agentUserId,
          deviceId: 'door',
          trait: 'LockUnlock',
          response: { status: 'SUCCESS', isLocked: true, followUpToken: 'demo-token' },
        },
      ]);
      assert.deepEqual(house.reports, [
        {
          users: [ANNA.agentUserId, BEN.agentUserId],
          states: { door: { online: true, isJammed: false, isLocked: true } },
        },
      ]);
      assert.deepEqual(await house.reply(house.told[0]!, { isLocked: false }), { kind: 'spent', warned: false });
      assert.deepEqual(await house.reply(house.told[0]!, { isLocked: false }), { kind: 'spent', warned: true });
      assert.equal(house.followUps.length, 1);
      assert.equal((await house.query('door')).isLocked, true);
    });

    it('is followed up with its failure, and without a token not at all', async () => {
      house.device(slow);
      for (const token of ['demo-token', undefined]) {
        const answer = house.execute('door', 'LockUnlock', { lock: true, ...(token && { followUpToken: token }) });
        await house.clock.advance(1500);
        await answer;
        await house.reply(house.told.at(-1)!, { error: 'deviceJammingDetected' });
      }
      assert.deepEqual(
        house.followUps.map(({ response }) => response),
        [{ status: 'FAILURE', errorCode: 'deviceJammingDetected', followUpToken: 'demo-token' }],
      );
      assert.deepEqual(house.reports, []);
    });

    it('is followed up to nobody who has unlinked since, and not for a device that is gone', async () => {
      const params = { lock: true, followUpToken: 'demo-token' };
      house.linked = [ANNA.agentUserId, BEN.agentUserId];
      const remove = house.device(slow);
      const answers = [ANNA, BEN].map((user) => house.execute('door', 'LockUnlock', params, undefined, user));
      await house.clock.advance(1500);
      await Promise.all(answers);
      await house.post({ requestId: '2', inputs: [{ intent: 'action.devices.DISCONNECT' }] });
      await house.reply(house.told[0]!, { isLocked: true });
      await house.clock.advance(0);
      assert.deepEqual(house.followUps, []);
      remove();
      await house.reply(house.told[1]!, { isLocked: true });
      await house.clock.advance(0);
      assert.deepEqual(house.followUps, []);
    });

    it('cannot ask the user any more', async () => {
      house.device(slow);
      const answer = house.execute('door', 'LockUnlock', { lock: true, followUpToken: 'demo-token' });
      await house.clock.advance(1500);
      await answer;
      await house.reply(house.told[0]!, { challenge: 'ackNeeded', isLocked: true });
      await house.clock.advance(0);
      assert.equal(house.followUps[0]!.response.status, 'FAILURE');
      const again = await house.execute('door', 'LockUnlock', { lock: true }, { ack: false });
      assert.equal(again.errorCode, 'userCancelled');
    });

    it('tells an arming that was stopped late as a failure, and what is open as a report', async () => {
      house.device(PANEL);
      const params = { arm: true, armLevel: 'away', followUpToken: 'demo-token' };
      const answer = house.execute('panel', 'ArmDisarm', params);
      await house.clock.advance(1500);
      assert.equal((await answer).status, 'PENDING');
      const exceptions = [{ statusCode: 'windowOpen', deviceTarget: 'w', blocking: true, priority: 0 }];
      await house.reply(house.told[0]!, { isArmed: false, exceptions });
      await house.clock.advance(0);
      assert.deepEqual(house.followUps[0]!.response, {
        status: 'FAILURE',
        errorCode: 'armFailure',
        followUpToken: 'demo-token',
      });
      assert.deepEqual(house.reports[0]!.states.panel, {
        online: true,
        currentStatusReport: exceptions,
        isArmed: false,
        currentArmLevel: 'home',
      });
    });

    it('goes on with the other executions behind the answer', async () => {
      house.device({ ...LIGHT, replyTimeout: '100' });
      const execution = [
        { command: 'action.devices.commands.OnOff', params: { on: true } },
        { command: 'action.devices.commands.OnOff', params: { on: false } },
      ];
      const answer = house.executeAll([{ devices: ['lamp'], execution }]);
      await house.clock.advance(60);
      await house.reply(house.told[0]!, { on: true });
      await house.clock.advance(40);
      assert.equal((await answer)[0]!.status, 'PENDING');
      assert.equal(house.told.length, 2);
      await house.reply(house.told[1]!, { on: false });
      assert.equal((await house.query('lamp')).on, false);
    });

    const lockThenUnlock = [
      { command: 'action.devices.commands.LockUnlock', params: { lock: true, followUpToken: 'lock-token' } },
      { command: 'action.devices.commands.LockUnlock', params: { lock: false, followUpToken: 'unlock-token' } },
    ];

    it('is told of nothing further before it has answered, however late', async () => {
      house.device(slow);
      const answer = house.executeAll([{ devices: ['door'], execution: lockThenUnlock }]);
      await house.clock.advance(20_000);
      assert.equal((await answer)[0]!.status, 'PENDING');
      assert.equal(house.told.length, 1);
      await house.reply(house.told[0]!, { isLocked: true });
      assert.equal(house.told.length, 2);
      await house.reply(house.told[1]!, { isLocked: false });
      assert.deepEqual(
        house.followUps.map(({ response }) => response),
        [
          { status: 'SUCCESS', isLocked: true, followUpToken: 'lock-token' },
          { status: 'SUCCESS', isLocked: false, followUpToken: 'unlock-token' },
        ],
      );
      assert.equal((await house.query('door')).isLocked, false);
    });

    it('is told of nothing further when what came late is a failure', async () => {
      house.device(slow);
      const answer = house.executeAll([{ devices: ['door'], execution: lockThenUnlock }]);
      await house.clock.advance(5000);
      await answer;
      await house.reply(house.told[0]!, { error: 'deviceJammingDetected' });
      await house.clock.advance(60_000);
      assert.equal(house.told.length, 1);
    });

    it('is not told to open when the door took so long to close that nobody waits for it any more', async () => {
      house.device(slow);
      const answer = house.executeAll([{ devices: ['door'], execution: lockThenUnlock }]);
      await house.clock.advance(30_000);
      await answer;
      await house.reply(house.told[0]!, { isLocked: true });
      await house.clock.advance(0);
      assert.equal(house.told.length, 1);
      assert.deepEqual(
        house.followUps.map(({ response }) => response),
        [
          { status: 'SUCCESS', isLocked: true, followUpToken: 'lock-token' },
          { status: 'FAILURE', errorCode: 'transientError', followUpToken: 'unlock-token' },
        ],
      );
    });

    it('holds up no later request when it never answers', async () => {
      house.device(slow);
      const answer = house.executeAll([{ devices: ['door'], execution: lockThenUnlock }]);
      await house.clock.advance(1500);
      await answer;
      const next = house.execute('door', 'LockUnlock', { lock: false });
      await house.clock.advance(0);
      await house.reply(house.told[1]!, { isLocked: false });
      assert.equal((await next).status, 'SUCCESS');
      await house.clock.advance(20 * 60_000);
      assert.equal(house.told.length, 2);
    });

    it('holds up no other device of a hundred, and none of many requests', async () => {
      const ids = Array.from({ length: 100 }, (_, index) => `door-${index}`);
      for (const id of ids) house.device({ ...slow, deviceId: id });
      const execution = [
        { command: 'action.devices.commands.LockUnlock', params: { lock: true } },
        { command: 'action.devices.commands.LockUnlock', params: { lock: false } },
      ];
      const answers = Array.from({ length: 30 }, () => house.executeAll([{ devices: ids, execution }]));
      await house.clock.advance(10);
      assert.equal(house.told.length, 3000);
      const firsts = house.told.splice(0);
      for (const message of firsts.filter(({ payload }) => payload.deviceId !== 'door-7')) {
        assert.equal((await house.reply(message, { isLocked: true })).kind, 'answered');
      }
      await house.clock.advance(0);
      // The second command of a device goes to the flow when the first one is done, and not before.
      assert.equal(house.told.length, 30 * 99);
      for (const { payload } of house.told) assert.deepEqual(payload.params, { lock: false });
      for (const message of house.told.splice(0)) await house.reply(message, { isLocked: false });
      await house.clock.advance(10_000);
      for (const results of await Promise.all(answers)) {
        assert.deepEqual(
          results.map(({ ids: [id] }) => id),
          ids,
        );
        for (const { ids: one, status, states } of results) {
          assert.equal(status, one[0] === 'door-7' ? 'PENDING' : 'SUCCESS');
          if (status === 'SUCCESS') assert.equal(states?.isLocked, false);
        }
      }
    });

    it('shows how each command ended, under its own name', async () => {
      const seen: string[] = [];
      const told: CommandMessage[] = [];
      house.home.register(parseDevice({ ...slow, deviceId: 'gate' }, '1234', ''), {
        onCommand: (message) => told.push(message),
        onResult: ({ status, challengeNeeded }, command) =>
          seen.push(`${command?.action ?? 'nothing'} ${challengeNeeded?.type ?? status}`),
      });
      const locking = house.execute('gate', 'LockUnlock', { lock: true });
      await house.clock.advance(1500);
      await locking;
      const unlocking = house.execute('gate', 'LockUnlock', { lock: false });
      await house.clock.advance(0);
      // The first command's outcome comes while the second one is under way.
      await house.home.receive({ google: told[0]!.google, payload: { isLocked: true } }, '');
      await house.home.receive({ google: told[1]!.google, payload: { isLocked: false } }, '');
      await unlocking;
      assert.equal((await house.execute('gate', 'LockUnlock', {})).status, 'ERROR');
      assert.deepEqual(seen, ['close PENDING', 'close SUCCESS', 'open SUCCESS', 'nothing ERROR']);
    });

    it('is not told of a command whose PIN was right for the device that a deploy has replaced meanwhile', async () => {
      const locked = { ...DOOR, pinFor: 'release' };
      const remove = house.device(locked, '4711');
      const change = house.state.change.bind(house.state);
      house.state.change = async (key, decide) => {
        const result = await change(key, decide);
        remove();
        house.device(locked, '0815');
        return result;
      };
      const result = await house.execute('door', 'LockUnlock', { lock: false }, { pin: '4711' });
      assert.equal(result.errorCode, 'deviceNotReady');
      assert.equal(house.told.length, 0);
    });

    it('is not told of a command that took so long to be permitted that nobody expects it any more', async () => {
      house.device({ ...DOOR, pinFor: 'release' }, '4711');
      const change = house.state.change.bind(house.state);
      let hangsMs = 2500;
      house.state.change = async (key, decide) => {
        await new Promise<void>((resolve) => house.clock.after(hangsMs, resolve));
        return change(key, decide);
      };
      const unlock = async (): Promise<string | undefined> => {
        const result = house.execute('door', 'LockUnlock', { lock: false }, { pin: '4711' });
        await house.clock.advance(60 * 60_000);
        return (await result).errorCode;
      };
      assert.equal(await unlock(), undefined, 'as slow as Redis may be');
      assert.equal(house.told.length, 1);
      // A process that was stopped, or a machine that slept, in the middle of looking at the PIN.
      hangsMs = 30 * 60_000;
      assert.equal(await unlock(), 'transientError');
      assert.equal(house.told.length, 1);
    });

    it('is told of one whose turn comes late because those before it take their time', async () => {
      house.device({ ...DOOR, replyTimeout: 30_000, pinFor: 'none' });
      const execution = [true, false].map((lock) => ({
        command: 'action.devices.commands.LockUnlock',
        params: { lock },
      }));
      const results = house.executeAll([{ devices: ['door'], execution }]);
      await house.clock.advance(20_000);
      await house.reply(house.told[0]!, { isLocked: true });
      await house.clock.advance(0);
      assert.equal(house.told.length, 2);
      await house.reply(house.told[1]!, { isLocked: false });
      assert.equal((await results)[0]!.status, 'SUCCESS');
    });

    it('is forgotten after ten minutes', async () => {
      house.device(slow);
      const answer = house.execute('door', 'LockUnlock', { lock: true, followUpToken: 'demo-token' });
      await house.clock.advance(10 * 60_000);
      await answer;
      assert.equal((await house.reply(house.told[0]!, { isLocked: true })).kind, 'spent');
      assert.deepEqual(house.followUps, []);
    });
  });

  describe('answers that go astray', () => {
    it('finds the command by its handle, whatever else a function node did to the message', async () => {
      house.device(DOOR);
      const answer = house.execute('door', 'LockUnlock', { lock: true });
      await house.clock.advance(0);
      const clone = structuredClone(house.told[0]!) as object;
      await house.home.receive({ ...clone, payload: { isLocked: true }, topic: 'x' } as never, '');
      assert.equal((await answer).status, 'SUCCESS');
    });

    it('takes a message with the handle of another device as what the chosen device is', async () => {
      house.device(PANEL);
      house.device(DOOR);
      const answer = house.execute('panel', 'ArmDisarm', { arm: true, armLevel: 'away' });
      await house.clock.advance(0);
      const { google } = house.told[0]!;
      assert.deepEqual(await house.home.receive({ google, payload: { isLocked: true } }, 'door'), { kind: 'reported' });
      assert.equal((await house.query('door')).isLocked, true);
      await house.home.receive({ google, payload: { isArmed: true } }, '');
      assert.equal((await answer).status, 'SUCCESS');
    });

    it('answers an error for a payload that is no object, and tells the flow', async () => {
      house.device(DOOR);
      for (const payload of [
        undefined,
        null,
        true,
        5,
        'locked',
        ['locked'],
        { isLocked: 'yes' },
        { challenge: 'pin' },
      ]) {
        const answer = house.execute('door', 'LockUnlock', { lock: true });
        await house.clock.advance(0);
        await assert.rejects(house.receive({ google: house.told.at(-1)!.google, payload }, ''), {
          code: 'INVALID_INPUT',
        });
        assert.equal((await answer).errorCode, 'lockFailure', JSON.stringify(payload));
      }
    });

    it('refuses a message with neither handle nor device, and a device that is not there', async () => {
      await assert.rejects(house.receive({ payload: { isLocked: true } }, ''), { code: 'INVALID_INPUT' });
      await assert.rejects(house.receive({ payload: { isLocked: true } }, 'door'), { code: 'INVALID_INPUT' });
      assert.equal((await house.home.receive({ google: 'of an earlier life', payload: {} }, '')).kind, 'spent');
    });

    it('leaves the device alone when something failed that nobody asked for', async () => {
      house.device(DOOR);
      await house.home.receive({ payload: { isLocked: true } }, 'door');
      const message = { payload: 1, error: { code: 'GATEWAY_BUSY', message: 'x' } };
      assert.deepEqual(await house.home.receive(message, 'door'), { kind: 'ignored' });
      assert.equal((await house.query('door')).isLocked, true);
    });

    it('ends what waits when the account closes', async () => {
      house.device(DOOR);
      const answer = house.execute('door', 'LockUnlock', { lock: true });
      await house.clock.advance(0);
      await house.home.close();
      assert.equal((await answer).errorCode, 'deviceNotReady');
    });
  });
});
