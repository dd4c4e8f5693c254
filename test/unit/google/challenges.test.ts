import assert from 'node:assert/strict';
import { House, level, BEN, type Reply, type Result } from '../../support/smart-home';
import type { JsonObject } from '../../../src/google/types';

const PIN = '4711';
const ARM = { arm: true, armLevel: 'away' };
const DISARM = { arm: false };
const CANCEL = { arm: true, cancel: true };
const LOCK = { lock: true };
const UNLOCK = { lock: false };

const PANEL = {
  deviceId: 'panel',
  deviceName: 'Alarm',
  deviceType: 'SECURITYSYSTEM',
  levels: [level('home'), level('away')],
  defaultLevel: 'home',
};

const DOOR = { deviceId: 'door', deviceName: 'Front door', deviceType: 'LOCK' };

/** A short word for an answer: its status, or what it asks or refuses. */
function word(result: Result): string {
  return result.challengeNeeded?.type ?? result.errorCode ?? result.status;
}

interface Turn {
  say: JsonObject;
  challenge?: JsonObject;
  expect: string;
  /** Messages that the flow has got after this turn. */
  told: number;
  acknowledged?: true;
}

interface Path {
  name: string;
  settings?: JsonObject;
  pin?: string;
  /** What is open before anybody says anything. */
  open?: JsonObject[];
  /** Whether the flow asks before it acts. */
  flowAsks?: boolean;
  /** What the flow answers instead of doing as it is told; `silence`: nothing, in the time that Google waits. */
  flowSays?: JsonObject | 'silence';
  turns: Turn[];
}

const WINDOW = { blocking: false, priority: 0, statusCode: 'windowOpen', deviceTarget: 'window' };

const PATHS: Path[] = [
  {
    name: 'arming needs no PIN when the PIN is for releasing',
    turns: [{ say: ARM, expect: 'SUCCESS', told: 1 }],
  },
  {
    name: 'disarming asks for the PIN, then acts',
    turns: [
      { say: DISARM, expect: 'pinNeeded', told: 0 },
      { say: DISARM, challenge: { pin: PIN }, expect: 'SUCCESS', told: 1 },
    ],
  },
  {
    name: 'cancelling asks for the PIN, whatever it says of arming',
    turns: [
      { say: CANCEL, expect: 'pinNeeded', told: 0 },
      { say: { arm: false, cancel: true }, expect: 'pinNeeded', told: 0 },
      { say: CANCEL, challenge: { pin: PIN }, expect: 'SUCCESS', told: 1 },
    ],
  },
  {
    name: 'every direction asks when the PIN is for always',
    settings: { pinFor: 'always' },
    turns: [
      { say: ARM, expect: 'pinNeeded', told: 0 },
      { say: ARM, challenge: { pin: PIN }, expect: 'SUCCESS', told: 1 },
      { say: DISARM, expect: 'pinNeeded', told: 1 },
    ],
  },
  {
    name: 'no direction asks when the PIN is for none, and a PIN that comes all the same does not matter',
    settings: { pinFor: 'none' },
    turns: [
      { say: DISARM, expect: 'SUCCESS', told: 1 },
      { say: DISARM, challenge: { pin: '0000' }, expect: 'SUCCESS', told: 2 },
    ],
  },
  {
    name: 'a wrong PIN is asked for again, the right one then counts',
    turns: [
      { say: DISARM, challenge: { pin: '0000' }, expect: 'challengeFailedPinNeeded', told: 0 },
      { say: DISARM, challenge: { pin: PIN }, expect: 'SUCCESS', told: 1 },
    ],
  },
  {
    name: 'a PIN that Google spells with spaces is the same PIN',
    turns: [{ say: DISARM, challenge: { pin: '4 7 1 1' }, expect: 'SUCCESS', told: 1 }],
  },
  {
    name: 'a PIN required and none set cannot be passed',
    pin: '',
    turns: [
      { say: DISARM, expect: 'challengeFailedNotSetup', told: 0 },
      { say: DISARM, challenge: { pin: '' }, expect: 'challengeFailedNotSetup', told: 0 },
      { say: ARM, expect: 'SUCCESS', told: 1 },
    ],
  },
  {
    name: 'a challenge without what was asked for is no answer',
    turns: [
      { say: DISARM, challenge: {}, expect: 'pinNeeded', told: 0 },
      { say: DISARM, challenge: { pin: 4711 }, expect: 'pinNeeded', told: 0 },
      { say: DISARM, challenge: { ack: true }, expect: 'pinNeeded', told: 0 },
      { say: DISARM, challenge: { ack: 'true' }, expect: 'pinNeeded', told: 0 },
      { say: DISARM, challenge: { passphrase: 'please' }, expect: 'pinNeeded', told: 0 },
    ],
  },
  {
    name: 'the user says no',
    turns: [{ say: DISARM, challenge: { ack: false }, expect: 'userCancelled', told: 0 }],
  },
  {
    name: 'with open sensors the flow decides by default',
    open: [WINDOW],
    turns: [{ say: ARM, expect: 'SUCCESS', told: 1 }],
  },
  {
    name: 'with open sensors arming is refused, disarming and cancelling are not',
    settings: { onOpenSensors: 'refuse' },
    open: [WINDOW],
    turns: [
      { say: ARM, expect: 'EXCEPTIONS', told: 0 },
      { say: DISARM, challenge: { pin: PIN }, expect: 'SUCCESS', told: 1 },
      { say: CANCEL, challenge: { pin: PIN }, expect: 'SUCCESS', told: 2 },
    ],
  },
  {
    name: 'with nothing open nothing is refused',
    settings: { onOpenSensors: 'refuse' },
    turns: [{ say: ARM, expect: 'SUCCESS', told: 1 }],
  },
  {
    name: 'with open sensors the user is asked, agrees, and it is done',
    settings: { onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [
      { say: ARM, expect: 'ackNeeded', told: 0 },
      { say: ARM, challenge: { ack: true }, expect: 'SUCCESS', told: 1, acknowledged: true },
      { say: ARM, challenge: { ack: true }, expect: 'ackNeeded', told: 1 },
    ],
  },
  {
    name: 'an agreement to one level is none to another',
    settings: { onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [
      { say: ARM, expect: 'ackNeeded', told: 0 },
      { say: { arm: true, armLevel: 'home' }, challenge: { ack: true }, expect: 'ackNeeded', told: 0 },
      { say: ARM, challenge: { ack: true }, expect: 'SUCCESS', told: 1, acknowledged: true },
    ],
  },
  {
    name: 'where no level was named, the answer may name one; it counts once all the same',
    settings: { onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [
      { say: { arm: true }, expect: 'ackNeeded', told: 0 },
      {
        say: { arm: true, armLevel: 'home' },
        challenge: { ack: true },
        expect: 'SUCCESS',
        told: 1,
        acknowledged: true,
      },
      { say: { arm: true }, challenge: { ack: true }, expect: 'ackNeeded', told: 1 },
      { say: { arm: true }, challenge: { ack: true }, expect: 'SUCCESS', told: 2, acknowledged: true },
    ],
  },
  {
    name: 'an agreement that nobody was asked for does not count',
    settings: { onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [{ say: ARM, challenge: { ack: true }, expect: 'ackNeeded', told: 0 }],
  },
  {
    name: 'with open sensors the user is asked, and says no',
    settings: { onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [
      { say: ARM, expect: 'ackNeeded', told: 0 },
      { say: ARM, challenge: { ack: false }, expect: 'userCancelled', told: 0 },
      { say: ARM, challenge: { ack: true }, expect: 'ackNeeded', told: 0 },
    ],
  },
  {
    name: 'with open sensors arming is allowed',
    settings: { onOpenSensors: 'allow' },
    open: [WINDOW],
    turns: [{ say: ARM, expect: 'SUCCESS', told: 1 }],
  },
  {
    name: 'PIN, then agreement, without the PIN a second time',
    settings: { pinFor: 'always', onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [
      { say: { arm: true }, expect: 'pinNeeded', told: 0 },
      { say: ARM, challenge: { pin: PIN }, expect: 'ackNeeded', told: 0 },
      { say: ARM, challenge: { ack: true }, expect: 'SUCCESS', told: 1, acknowledged: true },
      { say: ARM, challenge: { ack: true }, expect: 'pinNeeded', told: 1 },
    ],
  },
  {
    name: 'an accepted PIN is for what it was given for: not another level, not another direction',
    settings: { pinFor: 'always', onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [
      { say: ARM, challenge: { pin: PIN }, expect: 'ackNeeded', told: 0 },
      { say: { arm: true, armLevel: 'home' }, challenge: { ack: true }, expect: 'pinNeeded', told: 0 },
      { say: DISARM, challenge: { ack: true }, expect: 'pinNeeded', told: 0 },
      {
        say: { ...ARM, followUpToken: 'new' },
        challenge: { ack: true },
        expect: 'SUCCESS',
        told: 1,
        acknowledged: true,
      },
    ],
  },
  {
    name: 'a no ends the memory of the PIN',
    settings: { pinFor: 'always', onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [
      { say: ARM, challenge: { pin: PIN }, expect: 'ackNeeded', told: 0 },
      { say: ARM, challenge: { ack: false }, expect: 'userCancelled', told: 0 },
      { say: ARM, challenge: { ack: true }, expect: 'pinNeeded', told: 0 },
    ],
  },
  {
    name: 'a PIN that led to no question is not remembered',
    settings: { pinFor: 'always' },
    turns: [
      { say: ARM, challenge: { pin: PIN }, expect: 'SUCCESS', told: 1 },
      { say: ARM, challenge: { ack: true }, expect: 'pinNeeded', told: 1 },
    ],
  },
  {
    name: 'the flow asks, the user agrees, the flow hears of it',
    flowAsks: true,
    turns: [
      { say: ARM, expect: 'ackNeeded', told: 1 },
      { say: ARM, challenge: { ack: true }, expect: 'SUCCESS', told: 2, acknowledged: true },
    ],
  },
  {
    name: 'the flow asks after the PIN, the user agrees',
    settings: { pinFor: 'always' },
    flowAsks: true,
    turns: [
      { say: ARM, expect: 'pinNeeded', told: 0 },
      { say: ARM, challenge: { pin: PIN }, expect: 'ackNeeded', told: 1 },
      { say: ARM, challenge: { ack: true }, expect: 'SUCCESS', told: 2, acknowledged: true },
    ],
  },
  {
    name: 'refused before the PIN: never, for that would tell what is open',
    settings: { pinFor: 'always', onOpenSensors: 'refuse' },
    open: [WINDOW],
    turns: [
      { say: ARM, expect: 'pinNeeded', told: 0 },
      { say: ARM, challenge: { pin: '0000' }, expect: 'challengeFailedPinNeeded', told: 0 },
      { say: ARM, challenge: { pin: PIN }, expect: 'EXCEPTIONS', told: 0 },
    ],
  },
  {
    name: 'no level named and none by default: asked after the PIN',
    settings: { pinFor: 'always', defaultLevel: '' },
    turns: [
      { say: { arm: true }, expect: 'pinNeeded', told: 0 },
      { say: { arm: true }, challenge: { pin: PIN }, expect: 'armLevelNeeded', told: 0 },
    ],
  },
  {
    name: 'with open sensors the user is asked about arming, never about disarming or cancelling',
    settings: { onOpenSensors: 'ask', pinFor: 'none' },
    open: [WINDOW],
    turns: [
      { say: ARM, expect: 'ackNeeded', told: 0 },
      { say: DISARM, expect: 'SUCCESS', told: 1 },
      { say: CANCEL, expect: 'SUCCESS', told: 2 },
    ],
  },
  {
    name: 'with nothing open nobody is asked',
    settings: { onOpenSensors: 'ask' },
    open: [],
    turns: [{ say: ARM, expect: 'SUCCESS', told: 1 }],
  },
  {
    name: 'a PIN required for everything and none set: nothing at all',
    settings: { pinFor: 'always' },
    pin: '',
    turns: [
      { say: ARM, expect: 'challengeFailedNotSetup', told: 0 },
      { say: ARM, challenge: { ack: true }, expect: 'challengeFailedNotSetup', told: 0 },
      { say: DISARM, challenge: { pin: '0000' }, expect: 'challengeFailedNotSetup', told: 0 },
      { say: CANCEL, expect: 'challengeFailedNotSetup', told: 0 },
      { say: LOCK, expect: 'challengeFailedNotSetup', told: 0 },
    ],
  },
  {
    name: 'PIN and agreement in one answer count both; a wrong PIN spoils the agreement',
    settings: { pinFor: 'always', onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [
      { say: ARM, challenge: { pin: PIN }, expect: 'ackNeeded', told: 0 },
      { say: ARM, challenge: { pin: '0000', ack: true }, expect: 'challengeFailedPinNeeded', told: 0 },
      { say: ARM, challenge: { pin: PIN, ack: true }, expect: 'SUCCESS', told: 1, acknowledged: true },
      { say: ARM, challenge: { pin: PIN, ack: false }, expect: 'userCancelled', told: 1 },
    ],
  },
  {
    name: 'a lock-out ends the memory of a PIN that was right before',
    settings: { pinFor: 'always', onOpenSensors: 'ask' },
    open: [WINDOW],
    turns: [
      { say: ARM, challenge: { pin: PIN }, expect: 'ackNeeded', told: 0 },
      ...['1', '2', '3', '4', '5'].map((pin): Turn => ({
        say: DISARM,
        challenge: { pin },
        expect: 'challengeFailedPinNeeded',
        told: 0,
      })),
      { say: ARM, challenge: { ack: true }, expect: 'tooManyFailedAttempts', told: 0 },
    ],
  },
  {
    name: 'an unknown level is told after the PIN only; what makes no sense needs none',
    settings: { pinFor: 'always' },
    turns: [
      { say: { arm: true, armLevel: 'vacation' }, expect: 'pinNeeded', told: 0 },
      { say: { arm: true, armLevel: 'vacation' }, challenge: { pin: PIN }, expect: 'notSupported', told: 0 },
      { say: { arm: true, armLevel: 'away', cancel: true }, expect: 'functionNotSupported', told: 0 },
      { say: {}, expect: 'functionNotSupported', told: 0 },
    ],
  },
  {
    name: 'the flow refuses after the PIN, in its own words and in others’',
    flowSays: { error: 'cancelTooLate' },
    turns: [
      { say: CANCEL, expect: 'pinNeeded', told: 0 },
      { say: CANCEL, challenge: { pin: PIN }, expect: 'cancelTooLate', told: 1 },
      { say: ARM, expect: 'cancelTooLate', told: 2 },
    ],
  },
  {
    name: 'the flow stops arming because something is open',
    flowSays: { isArmed: false, exceptions: [{ ...WINDOW, blocking: true }] },
    turns: [{ say: ARM, expect: 'EXCEPTIONS', told: 1 }],
  },
  {
    name: 'the flow says nothing in time: pending, and the PIN is not good for more',
    flowSays: 'silence',
    turns: [
      { say: DISARM, challenge: { pin: PIN }, expect: 'PENDING', told: 1 },
      { say: DISARM, challenge: { ack: true }, expect: 'pinNeeded', told: 1 },
    ],
  },
  {
    name: 'a lock: locking needs no PIN, unlocking does',
    turns: [
      { say: LOCK, expect: 'SUCCESS', told: 1 },
      { say: UNLOCK, expect: 'pinNeeded', told: 1 },
      { say: UNLOCK, challenge: { pin: '0000' }, expect: 'challengeFailedPinNeeded', told: 1 },
      { say: UNLOCK, challenge: { pin: PIN }, expect: 'SUCCESS', told: 2 },
      { say: UNLOCK, challenge: { ack: true }, expect: 'pinNeeded', told: 2 },
    ],
  },
  {
    name: 'a lock with the PIN for always, and with none',
    settings: { pinFor: 'always' },
    turns: [
      { say: LOCK, expect: 'pinNeeded', told: 0 },
      { say: LOCK, challenge: { pin: PIN }, expect: 'SUCCESS', told: 1 },
    ],
  },
  {
    name: 'a lock without a PIN unlocks at a word',
    settings: { pinFor: 'none' },
    turns: [{ say: UNLOCK, expect: 'SUCCESS', told: 1 }],
  },
  {
    name: 'a lock whose flow asks after the PIN: the PIN counts for unlocking and for nothing else',
    settings: { pinFor: 'always' },
    flowAsks: true,
    turns: [
      { say: UNLOCK, challenge: { pin: PIN }, expect: 'ackNeeded', told: 1 },
      { say: LOCK, challenge: { ack: true }, expect: 'pinNeeded', told: 1 },
      { say: UNLOCK, challenge: { ack: true }, expect: 'SUCCESS', told: 2, acknowledged: true },
      { say: UNLOCK, challenge: { ack: true }, expect: 'pinNeeded', told: 2 },
    ],
  },
  {
    name: 'a lock whose flow asks, and the user says no',
    flowAsks: true,
    turns: [
      { say: UNLOCK, challenge: { pin: PIN }, expect: 'ackNeeded', told: 1 },
      { say: UNLOCK, challenge: { ack: false }, expect: 'userCancelled', told: 1 },
      { say: UNLOCK, challenge: { ack: true }, expect: 'pinNeeded', told: 1 },
    ],
  },
  {
    name: 'five wrong PINs end it, for the right one too',
    turns: [
      ...Array.from({ length: 5 }, (): Turn => ({
        say: DISARM,
        challenge: { pin: '0000' },
        expect: 'challengeFailedPinNeeded',
        told: 0,
      })),
      { say: DISARM, challenge: { pin: '0000' }, expect: 'tooManyFailedAttempts', told: 0 },
      { say: DISARM, challenge: { pin: PIN }, expect: 'tooManyFailedAttempts', told: 0 },
      { say: DISARM, expect: 'tooManyFailedAttempts', told: 0 },
      { say: CANCEL, challenge: { pin: PIN }, expect: 'tooManyFailedAttempts', told: 0 },
      { say: ARM, expect: 'SUCCESS', told: 1 },
    ],
  },
];

describe('every way through the questions of a security system and of a lock', () => {
  for (const path of PATHS) {
    it(path.name, async () => {
      const house = new House();
      const { flowSays } = path;
      const reply: Reply = ({ payload: { action, acknowledged } }) => {
        if (flowSays !== undefined) return flowSays === 'silence' ? undefined : flowSays;
        const lock = action === 'open' || action === 'close';
        if (path.flowAsks === true && acknowledged !== true) {
          return lock
            ? { challenge: 'ackNeeded', isLocked: action === 'close' }
            : { challenge: 'ackNeeded', isArmed: true, exceptions: [WINDOW] };
        }
        return lock ? { isLocked: action === 'close' } : { isArmed: action === 'arm' };
      };
      house.device({ ...PANEL, ...path.settings }, path.pin ?? PIN, reply);
      house.device({ ...DOOR, ...path.settings }, path.pin ?? PIN, reply);
      if (path.open !== undefined) await house.home.receive({ payload: { currentStatusReport: path.open } }, 'panel');
      for (const turn of path.turns) {
        const [device, command] = 'lock' in turn.say ? ['door', 'LockUnlock'] : ['panel', 'ArmDisarm'];
        const before = await house.query(device);
        const answer = house.execute(device, command, turn.say, turn.challenge);
        if (flowSays === 'silence') await house.clock.advance(1500);
        const result = await answer;
        assert.equal(word(result), turn.expect, JSON.stringify(turn));
        assert.equal(house.told.length, turn.told, JSON.stringify(turn));
        // What a question shows is a wish, and a refusal changes nothing.
        if (!['SUCCESS', 'EXCEPTIONS'].includes(word(result))) assert.deepEqual(await house.query(device), before);
        if (turn.acknowledged) assert.equal(house.told.at(-1)!.payload.acknowledged, true);
        else if (word(result) === 'SUCCESS') assert.ok(!('acknowledged' in house.told.at(-1)!.payload));
      }
      await house.home.close();
    });
  }
});

describe('attacks on the questions', () => {
  let house: House;
  const lock = { deviceId: 'door', deviceType: 'LOCK', deviceName: 'Front door' };
  const unlock = (challenge?: JsonObject): Promise<Result> =>
    house.execute('door', 'LockUnlock', { lock: false }, challenge);

  beforeEach(() => {
    house = new House();
    house.device(lock, PIN, ({ payload }) => ({ isLocked: payload.action === 'close' }));
  });
  afterEach(() => house.home.close());

  it('PIN brute force: many guesses at once get no more than five looks', async () => {
    const guesses = Array.from({ length: 40 }, (_, index) => String(4672 + index));
    const answers = await Promise.all(guesses.map((pin) => unlock({ pin })));
    const looked = answers.filter((answer) => word(answer) === 'challengeFailedPinNeeded');
    assert.equal(looked.length, 5);
    assert.equal(answers.filter((answer) => answer.status === 'SUCCESS').length, 0);
    assert.equal(house.told.length, 0);
  });

  it('PIN brute force: a restart does not give new attempts, nor does a new dialogue', async () => {
    for (const pin of ['1', '2', '3']) await unlock({ pin });
    house = await house.restarted();
    house.device(lock, PIN);
    assert.equal(word(await unlock()), 'pinNeeded');
    assert.equal(word(await unlock({ pin: '4' })), 'challengeFailedPinNeeded');
    assert.equal(word(await unlock({ ack: false })), 'userCancelled');
    assert.equal(word(await unlock({ pin: '5' })), 'challengeFailedPinNeeded');
    house = await house.restarted();
    house.device(lock, PIN);
    assert.equal(word(await unlock()), 'tooManyFailedAttempts');
    assert.equal(word(await unlock({ pin: PIN })), 'tooManyFailedAttempts');
    assert.equal(house.told.length, 0);
  });

  it('PIN brute force: the wait ends after five minutes, and guessing ends again after five', async () => {
    for (const pin of ['1', '2', '3', '4', '5']) await unlock({ pin });
    await house.clock.advance(5 * 60_000 - 1);
    assert.equal(word(await unlock({ pin: PIN })), 'tooManyFailedAttempts');
    await house.clock.advance(1);
    for (const pin of ['1', '2', '3', '4', '5']) assert.equal(word(await unlock({ pin })), 'challengeFailedPinNeeded');
    assert.equal(word(await unlock({ pin: PIN })), 'tooManyFailedAttempts');
    await house.clock.advance(5 * 60_000);
    assert.equal(word(await unlock({ pin: PIN })), 'SUCCESS');
  });

  it('PIN brute force: one user locked out does not lock out another', async () => {
    for (const pin of ['1', '2', '3', '4', '5']) await unlock({ pin });
    const ben = await house.execute('door', 'LockUnlock', { lock: false }, { pin: PIN }, BEN);
    assert.equal(ben.status, 'SUCCESS');
  });

  it('PIN brute force: many commands of one request are one attempt', async () => {
    const execution = ['1', '2', '3', PIN].map((pin) => ({
      command: 'action.devices.commands.LockUnlock',
      params: { lock: false },
      challenge: { pin },
    }));
    const [result] = await house.executeAll([
      { devices: ['door'], execution },
      { devices: ['door', 'door'], execution },
    ]);
    assert.equal(word(result!), 'challengeFailedPinNeeded');
    assert.equal(house.told.length, 0);
    for (const pin of ['2', '3', '4']) assert.equal(word(await unlock({ pin })), 'challengeFailedPinNeeded');
  });

  it('guessed ack: agreeing without the PIN runs nothing', async () => {
    assert.equal(word(await unlock({ ack: true })), 'pinNeeded');
    assert.equal(house.told.length, 0);
  });

  it("guessed ack: another user's PIN, another device's PIN", async () => {
    house.device({ ...lock, deviceId: 'cellar' }, PIN);
    house.answers('door', () => ({ challenge: 'ackNeeded' }));
    assert.equal(word(await unlock({ pin: PIN })), 'ackNeeded');
    const byBen = await house.execute('door', 'LockUnlock', { lock: false }, { ack: true }, BEN);
    assert.equal(word(byBen), 'pinNeeded');
    const elsewhere = await house.execute('cellar', 'LockUnlock', { lock: false }, { ack: true });
    assert.equal(word(elsewhere), 'pinNeeded');
    assert.equal(house.told.length, 1);
  });

  it('guessed ack: the memory of a PIN ends after two minutes, and outlives a restart', async () => {
    house.answers('door', () => ({ challenge: 'ackNeeded' }));
    await unlock({ pin: PIN });
    await house.clock.advance(2 * 60_000);
    assert.equal(word(await unlock({ ack: true })), 'pinNeeded');
    await unlock({ pin: PIN });
    house = await house.restarted();
    house.device(lock, PIN, () => ({ isLocked: false }));
    await house.clock.advance(2 * 60_000 - 1);
    assert.equal(word(await unlock({ ack: true })), 'SUCCESS');
    assert.equal(word(await unlock({ ack: true })), 'pinNeeded');
  });

  it('nothing is told of the state before the PIN is right', async () => {
    await house.home.receive({ payload: { isLocked: false } }, 'door');
    for (const challenge of [undefined, { pin: '0000' }]) {
      const result = await unlock(challenge);
      assert.equal(result.states, undefined);
      assert.equal(result.debugString, undefined);
    }
  });

  it('cancel trick: a cancel that says arm never arms, and does not pass without the PIN', async () => {
    house.device({ deviceId: 'panel', levels: [level('away')] }, PIN, () => ({}));
    await house.home.receive({ payload: { isArmed: true } }, 'panel');
    assert.equal(word(await house.execute('panel', 'ArmDisarm', { arm: true, cancel: true })), 'pinNeeded');
    const both = { arm: true, armLevel: 'away', cancel: true };
    assert.equal(word(await house.execute('panel', 'ArmDisarm', both)), 'functionNotSupported');
    assert.equal(word(await house.execute('panel', 'ArmDisarm', { arm: true, cancel: 'yes' })), 'functionNotSupported');
    assert.equal(house.told.length, 0);
    const done = await house.execute('panel', 'ArmDisarm', { arm: true, cancel: true }, { pin: PIN });
    assert.equal(done.states!.isArmed, false);
    assert.equal(house.told[0]!.payload.action, 'cancel');
  });

  it('storage that fails lets nobody in', async () => {
    house.state.change = () => Promise.reject(new Error('disk full'));
    assert.equal(word(await unlock({ pin: PIN })), 'transientError');
    assert.equal(house.told.length, 0);
    assert.equal(house.warnings.length > 0, true);
  });

  it('a clock set back by a day does not lengthen the wait', async () => {
    for (const pin of ['1', '2', '3', '4', '5']) await unlock({ pin });
    const now = house.clock.now.bind(house.clock);
    house.clock.now = () => now() - 86_400_000;
    assert.equal(word(await unlock()), 'tooManyFailedAttempts');
    await house.clock.advance(5 * 60_000);
    assert.equal(word(await unlock({ pin: PIN })), 'SUCCESS');
  });
});
