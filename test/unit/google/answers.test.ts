/** What flow messages mean: states, readings of the lock nodes, errors, exceptions. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { googleCodeFor, isGoogleCode } from '../../../src/google/error-codes';
import type { JsonObject } from '../../../src/google/types';
import { House, level, type Result } from '../../support/smart-home';

describe('what a flow answers', () => {
  let house: House;
  beforeEach(() => {
    house = new House();
    house.device({ deviceId: 'door', deviceType: 'LOCK', pinFor: 'none', battery: true });
    house.device({ deviceId: 'panel', levels: [level('home'), level('away')], pinFor: 'none' });
  });
  afterEach(() => house.home.close());

  const lock = async (payload: unknown, more: object = {}, toLock = true): Promise<Result> => {
    const answer = house.execute('door', 'LockUnlock', { lock: toLock });
    await house.clock.advance(0);
    await house.reply(house.told.at(-1)!, payload, more);
    return answer;
  };
  const arm = async (payload: JsonObject, params: JsonObject = { arm: true, armLevel: 'away' }): Promise<Result> => {
    const answer = house.execute('panel', 'ArmDisarm', params);
    await house.clock.advance(0);
    await house.reply(house.told.at(-1)!, payload);
    return answer;
  };

  describe('as the lock nodes say it', () => {
    const reading = {
      identifier: '45961123',
      action: 'close',
      confirmed: true,
      code: 49,
      batteryMillivolts: 7700,
      batteryPercent: 72.2,
      rssi: -60,
      position: 20,
      version: 81,
      at: '2026-01-01T00:00:00.000Z',
    };
    const battery = {
      descriptiveCapacityRemaining: 'HIGH',
      capacityRemaining: [{ rawValue: 72, unit: 'PERCENTAGE' }],
    };

    it('takes closed and open as locked and unlocked, with the battery', async () => {
      assert.deepEqual(await lock({ ...reading, state: 'closed' }), {
        ids: ['door'],
        status: 'SUCCESS',
        states: { online: true, isJammed: false, isLocked: true, ...battery },
      });
      const opened = await lock({ ...reading, state: 'open', action: 'open' }, {}, false);
      assert.equal(opened.states!.isLocked, false);
    });

    it('takes a state that was not read as the commanded one', async () => {
      assert.equal(
        (await lock({ identifier: '1', action: 'close', state: null, confirmed: false })).states!.isLocked,
        true,
      );
      const opened = await lock({ identifier: '1', action: 'open', state: null, confirmed: false }, {}, false);
      assert.equal(opened.states!.isLocked, false);
    });

    it('leaves out what nobody knows', async () => {
      await lock({ ...reading, state: 'closed' });
      const result = await lock({ ...reading, state: 'unknown' });
      assert.equal(result.status, 'OFFLINE');
      assert.ok(!('isLocked' in result.states!));
      const { online, isLocked } = await house.query('door');
      assert.deepEqual([online, isLocked], [false, undefined]);
    });

    it('does not call it done when the lock still reads as before', async () => {
      const result = await lock({ ...reading, state: 'open', confirmed: false });
      assert.equal(result.errorCode, 'lockFailure');
      assert.equal(result.states!.isLocked, false);
      assert.equal((await house.query('door')).isLocked, false);
    });

    it('tells what lock-status watches', async () => {
      await house.home.receive({ payload: { ...reading, state: 'closed' } }, 'door');
      await house.clock.advance(0);
      assert.deepEqual(house.reports.at(-1)!.states, {
        door: { online: true, isJammed: false, isLocked: true, ...battery },
      });
    });
  });

  describe('states', () => {
    it('never says locked of a jammed lock', async () => {
      const result = await lock({ isLocked: true, isJammed: true });
      assert.deepEqual(result.states, { online: true, isJammed: true });
      assert.deepEqual((await lock({ isLocked: true })).states, { online: true, isJammed: false, isLocked: true });
    });

    it('sends declared states only', async () => {
      const result = await lock({ isLocked: true, temperature: 20, isArmed: true, status: 'fine', errorCode: 'x' });
      assert.deepEqual(result.states, { online: true, isJammed: false, isLocked: true });
    });

    it('is offline while the flow says so, and back with the next word', async () => {
      const result = await lock({ online: false });
      assert.equal(result.status, 'OFFLINE');
      const { status, online } = await house.query('door');
      assert.deepEqual([status, online], ['OFFLINE', false]);
      await house.home.receive({ payload: { isLocked: true } }, 'door');
      assert.equal((await house.query('door')).status, 'SUCCESS');
    });

    it('has always one of the levels', async () => {
      assert.equal((await house.query('panel')).currentArmLevel, 'home');
      assert.equal((await arm({ isArmed: true })).states!.currentArmLevel, 'away');
      assert.equal((await arm({ isArmed: false }, { arm: false })).states!.currentArmLevel, 'away');
      assert.equal(
        (await arm({ isArmed: false, currentArmLevel: 'disarmed' }, { arm: false })).states!.currentArmLevel,
        'away',
      );
      await house.home.receive({ payload: { isArmed: true, currentArmLevel: 'home' } }, 'panel');
      assert.equal((await house.query('panel')).currentArmLevel, 'home');
    });

    it('has no level where the panel has none', async () => {
      house.device({ deviceId: 'simple', pinFor: 'none' }, '', () => ({ isArmed: true, currentArmLevel: 'x' }));
      const result = await house.execute('simple', 'ArmDisarm', { arm: true });
      assert.deepEqual(result.states, { online: true, isArmed: true });
    });

    it('counts the exit delay down', async () => {
      assert.equal((await arm({ isArmed: true, exitAllowance: 30 })).states!.exitAllowance, 30);
      await house.clock.advance(10_000);
      assert.equal((await house.query('panel')).exitAllowance, 20);
      await house.clock.advance(20_000);
      assert.ok(!('exitAllowance' in (await house.query('panel'))));
    });

    it('is armed when a flow answers to arming without saying otherwise, and disarmed after a cancel', async () => {
      assert.equal((await arm({ exitAllowance: 10 })).states!.isArmed, true);
      assert.equal((await arm({}, { arm: true, cancel: true })).states!.isArmed, false);
    });
  });

  describe('errors', () => {
    it('passes on Google’s own codes with a word for developers', async () => {
      const result = await lock({ error: 'deviceJammingDetected', debug: 'bolt stuck' });
      assert.deepEqual([result.errorCode, result.debugString], ['deviceJammingDetected', 'bolt stuck']);
    });

    it('translates what a Catch node brings, whatever the payload still says', async () => {
      const error = { code: 'GATEWAY_BUSY', message: 'GATEWAY_BUSY: busy', source: { id: 'x' } };
      const result = await lock({ identifier: '1', state: 'closed', isLocked: true }, { error });
      assert.deepEqual([result.status, result.errorCode], ['ERROR', 'deviceBusy']);
      assert.equal((await lock(5, { error })).errorCode, 'deviceBusy');
    });

    it('has the command’s own word for what nobody knows', async () => {
      assert.equal((await lock({ error: 'whatever' })).errorCode, 'lockFailure');
      assert.equal((await lock({ error: true }, {}, false)).errorCode, 'unlockFailure');
      assert.equal((await lock(1, { error: { message: 'Error: of a function node' } })).errorCode, 'lockFailure');
      assert.equal((await lock(1, { error: { code: 'LOCK_ERROR' } })).errorCode, 'lockFailure');
      assert.equal((await arm({ error: 'nonsense' })).errorCode, 'armFailure');
      assert.equal((await arm({ error: 'challengeNeeded' }, { arm: false })).errorCode, 'disarmFailure');
    });

    it('knows a word of Google’s for every error code of the package', () => {
      const sources = ['common', 'google', 'sber', 'state', 'thekeys'];
      const codes = new Set<string>();
      for (const folder of sources) {
        for (const text of filesOf(path.join(__dirname, '..', '..', '..', 'src', folder))) {
          for (const [, code] of text.matchAll(/CodedError[^(\n]*\(\s*'([A-Z_]+)'/g)) codes.add(code!);
        }
      }
      // Said in a dialog of the editor only, never to a flow.
      codes.delete('NOT_LOCAL');
      // Each command that fails has a word of its own.
      codes.delete('LOCK_ERROR');
      assert.equal(googleCodeFor('LOCK_ERROR', 'unlockFailure'), 'unlockFailure');
      for (const code of codes) {
        assert.ok(isGoogleCode(googleCodeFor(code, 'hardError')), code);
        assert.notEqual(googleCodeFor(code, 'doorOpen'), 'doorOpen', `${code} has no word`);
      }
    });
  });

  it('takes a status report as it is, and fills in what an entry leaves out', async () => {
    await house.home.receive({ payload: { currentStatusReport: [{ statusCode: 'lowBattery' }] } }, 'panel');
    assert.deepEqual((await house.query('panel')).currentStatusReport, [
      { blocking: false, deviceTarget: 'panel', priority: 0, statusCode: 'lowBattery' },
    ]);
    await assert.rejects(house.receive({ payload: { exceptions: [{ deviceTarget: 'x' }] } }, 'panel'), {
      code: 'INVALID_INPUT',
    });
  });

  it('takes a word without a value as not said', async () => {
    assert.deepEqual((await arm({ isArmed: true, exitAllowance: undefined } as never)).states, {
      online: true,
      isArmed: true,
      currentArmLevel: 'away',
    });
    const locked = { online: true, isLocked: true, isJammed: false };
    assert.deepEqual((await lock({ isLocked: true, isJammed: undefined })).states, locked);
    assert.deepEqual((await lock({ state: 'closed', isLocked: undefined, batteryPercent: undefined })).states, locked);
    assert.equal((await lock({ isLocked: undefined, state: 'open', confirmed: false })).errorCode, 'lockFailure');
  });

  it('shows with a question what was said, as Google takes it, and keeps none of it', async () => {
    const exceptions = [{ statusCode: 'doorOpen', deviceTarget: 'front' }];
    const asked = await arm({ challenge: 'ackNeeded', isArmed: true, currentArmLevel: 'armed', exceptions });
    assert.deepEqual(asked.states, {
      isArmed: true,
      currentArmLevel: 'away',
      currentStatusReport: [{ blocking: false, deviceTarget: 'front', priority: 0, statusCode: 'doorOpen' }],
    });
    assert.deepEqual((await arm({ challenge: 'ackNeeded', targetArmLevel: 'away' })).states, {
      targetArmLevel: 'away',
    });
    assert.deepEqual((await lock({ challenge: 'ackNeeded', state: 'unknown' })).states, {});
    const { isArmed, currentArmLevel, currentStatusReport } = await house.query('panel');
    assert.deepEqual([isArmed, currentArmLevel, currentStatusReport], [false, 'home', []]);
  });

  it('answers EXCEPTIONS for anything that blocks, however it is said', async () => {
    const entry = { statusCode: 'doorOpen', deviceTarget: 'd', blocking: true, priority: 0 };
    assert.equal((await arm({ isArmed: false, exceptions: [entry] })).status, 'EXCEPTIONS');
    assert.equal((await arm({ isArmed: false, currentStatusReport: [entry] })).status, 'EXCEPTIONS');
    assert.equal((await arm({ exceptions: [{ ...entry, blocking: false }] })).status, 'SUCCESS');
  });
});

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'));
}
