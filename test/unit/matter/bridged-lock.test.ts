/** What homes are shown of a lock, which of their commands run, and what they are answered. */
import assert from 'node:assert/strict';
import { CodedError } from '../../../src/common/errors';
import type { LockUpdate } from '../../../src/matter/bridge';
import type { LockEvent, ShownLock } from '../../../src/matter/port';
import { APPLE, GOOGLE, MatterHouse, settled } from '../../support/matter-bridge';

const failure = (code: string): CodedError => new CodedError(code, code, { retriable: true, hint: code });
const moved = (action: 'open' | 'close', home: typeof APPLE | null, user: number | null = null): LockEvent => ({
  type: 'operation',
  action,
  origin: home === null ? null : { fabric: home.index, controller: '112233', user },
});

describe('a lock on a Matter bridge', () => {
  let house: MatterHouse;
  beforeEach(async () => {
    house = await MatterHouse.make();
  });
  afterEach(() => house.end());

  describe('what is shown of it', () => {
    const cases: [name: string, updates: LockUpdate[], bolt: ShownLock['bolt']][] = [
      ['never read: nothing', [{}], null],
      ['open: unlocked', [{ state: 'open' }], 'unlocked'],
      ['closed: locked', [{ state: 'closed' }], 'locked'],
      ['unknown: nothing, whatever it was before', [{ state: 'closed' }, { state: 'unknown' }], null],
      ['not read any more: nothing', [{ state: 'closed' }, { state: null }], null],
      ['an outage: nothing', [{ state: 'closed' }, { reachable: false }], null],
      [
        'back from an outage: nothing until it is read',
        [{ state: 'closed' }, { reachable: false }, { reachable: true }],
        null,
      ],
      ['read after an outage: as read', [{ reachable: false }, { state: 'open' }], 'unlocked'],
      ['jammed: neither locked nor unlocked', [{ state: 'closed' }, { jammed: true }], 'jammed'],
      ['jammed and never read', [{ jammed: true }], 'jammed'],
      ['another state ends a jam', [{ state: 'open' }, { jammed: true }, { state: 'closed' }], 'locked'],
      ['the same state, polled again, does not', [{ state: 'open' }, { jammed: true }, { state: 'open' }], 'jammed'],
      ['jammed in the same reading', [{ state: 'closed', jammed: true }], 'jammed'],
      ['a jam in an outage: nothing', [{ jammed: true }, { reachable: false }], null],
      ['a battery alone says nothing of the bolt', [{ batteryPercent: 40 }], null],
    ];
    for (const [name, updates, bolt] of cases) {
      it(name, async () => {
        const lock = house.addLock();
        for (const update of updates) lock.update(update);
        await house.online();
        const shown = house.thread.of('start')[0]?.locks[0]?.shown;
        assert.equal(shown?.bolt, bolt);
        assert.equal(shown.reachable, bolt !== null, 'a home is told that it cannot be relied on');
      });
    }

    it('what did not change is not told again', async () => {
      const lock = house.addLock();
      await house.online();
      for (let times = 0; times < 3; times += 1) lock.update({ state: 'open', batteryPercent: 50 });
      assert.deepEqual(house.bolts, ['unlocked']);
    });
  });

  describe('what is an event', () => {
    it('the first reading is none, a movement by hand is one without an author', async () => {
      const lock = house.addLock();
      await house.online();
      lock.update({ state: 'closed' });
      assert.deepEqual(house.events, []);
      lock.update({ state: 'open' });
      assert.deepEqual(house.events, [moved('open', null)]);
    });

    it('what moved during an outage, once it is read', async () => {
      const lock = house.addLock();
      await house.online();
      for (const update of [{ state: 'closed' }, { reachable: false }, { state: 'open' }] as const) lock.update(update);
      assert.deepEqual(house.events, [moved('open', null)]);
    });

    it('a movement that a home asked for is its own, when it is read and not before', async () => {
      const lock = house.addLock();
      await house.online();
      lock.update({ state: 'closed' });
      house.command('open', '', { home: GOOGLE });
      await settled();
      assert.deepEqual(house.events, []);
      lock.update({ state: 'open' });
      house.commands[0]?.done();
      await settled();
      assert.deepEqual(house.events, [moved('open', GOOGLE)]);
    });

    it('a lock that was as asked is reported once the command is done', async () => {
      const lock = house.addLock();
      await house.online();
      lock.update({ state: 'closed' });
      house.command('close');
      await settled();
      lock.update({ state: 'closed', batteryPercent: 30 });
      assert.deepEqual(house.events, []);
      house.commands[0]?.done();
      await settled();
      assert.deepEqual(house.events, [moved('close', APPLE)]);
    });

    it('done but not read: no event until the bolt is read', async () => {
      const lock = house.addLock();
      await house.online();
      house.command('open');
      await settled();
      house.commands[0]?.done();
      await settled();
      assert.deepEqual(house.events, []);
      lock.update({ state: 'open' });
      assert.deepEqual(house.events, [moved('open', APPLE)]);
    });

    it('what moves a minute after a command is not its work', async () => {
      const lock = house.addLock();
      await house.online();
      lock.update({ state: 'closed' });
      house.command('close');
      await settled();
      house.commands[0]?.done();
      await settled();
      lock.update({ state: 'open' });
      house.clock.skip(61_000);
      lock.update({ state: 'closed' });
      assert.deepEqual(house.events.slice(1), [moved('open', null), moved('close', null)]);
    });

    it('a jam is an alarm, once', async () => {
      const lock = house.addLock();
      await house.online();
      for (let times = 0; times < 2; times += 1) lock.update({ jammed: true });
      assert.deepEqual(house.events, [{ type: 'alarm', alarm: 'jammed' }]);
    });
  });

  describe('what a home is answered', () => {
    it('accepted when it is done in time', async () => {
      house.addLock();
      await house.online();
      const command = house.command('open');
      await settled();
      assert.equal(house.answerOf(command), undefined);
      assert.deepEqual(house.commands[0]?.controller, { index: 1, label: 'Apple Home' });
      house.commands[0].done();
      await settled();
      assert.equal(house.answerOf(command), 'accepted');
    });

    const refusals = { GATEWAY_BUSY: 'busy', QUEUE_FULL: 'busy', EXPIRED: 'late', LOCK_ERROR: 'failed' } as const;
    for (const [code, refusal] of Object.entries(refusals)) {
      it(`${code} in time: ${refusal}, and an event`, async () => {
        house.addLock();
        await house.online();
        const command = house.command('close');
        await settled();
        house.commands[0]?.fail(failure(code));
        await settled();
        assert.equal(house.answerOf(command), refusal);
        const origin = { fabric: 1, controller: '112233', user: null };
        assert.deepEqual(house.events, [{ type: 'operationError', action: 'close', origin, refusal }]);
      });
    }

    it('accepted when its time is over; a later failure is an event', async () => {
      house.addLock({ replyTimeoutMs: 3000 });
      await house.online();
      const command = house.command('open');
      await house.clock.advance(2999);
      assert.equal(house.answerOf(command), undefined);
      await house.clock.advance(2);
      assert.equal(house.answerOf(command), 'accepted');
      assert.deepEqual(house.events, []);
      house.commands[0]?.fail(failure('LOCK_NOT_DETECTED'));
      await settled();
      assert.deepEqual(
        house.events.map(({ type }) => type),
        ['operationError'],
      );
      assert.equal(house.thread.of('answer').length, 1);
    });

    it('a command may be sent for as long as its home waits, counted from when it came in', async () => {
      house.addLock();
      await house.online();
      house.clock.skip(5000);
      house.command('open', '', { ageMs: 700 });
      await settled();
      assert.equal(house.commands[0]?.deadlineMs, 9300);
    });

    it('a thread that stood still does not run what it finds waiting', async () => {
      house.addLock();
      await house.online();
      house.clock.skip(6000);
      assert.equal(await house.answered('open', '', { ageMs: 2001 }), 'late');
      assert.deepEqual(house.commands, []);
    });

    it('a lock that is being removed runs nothing, and gives up what was not sent', async () => {
      const lock = house.addLock();
      await house.online();
      house.command('open');
      await settled();
      lock.remove();
      assert.equal(house.commands[0]?.signal.aborted, true);
      assert.equal(await house.answered('open'), 'failed');
      assert.equal(house.commands.length, 1);
    });
  });
});

describe('PINs of a lock on a Matter bridge', () => {
  let house: MatterHouse;
  beforeEach(async () => {
    house = await MatterHouse.make();
  });
  afterEach(() => house.end());

  const PIN = '471108';
  const WRONG = '111111';
  const runs = async (...command: Parameters<MatterHouse['answered']>): Promise<boolean> => {
    const before = house.commands.length;
    await house.answered(...command);
    return house.commands.length > before;
  };

  const rows: [pinFor: 'none' | 'release' | 'always', action: 'open' | 'close', pin: string, runs: boolean][] = [
    ['none', 'open', '', true],
    ['none', 'open', WRONG, true],
    ['release', 'close', '', true],
    ['release', 'close', WRONG, true],
    ['release', 'open', '', false],
    ['release', 'open', WRONG, false],
    ['release', 'open', PIN, true],
    ['always', 'close', '', false],
    ['always', 'close', PIN, true],
    ['always', 'open', WRONG, false],
  ];
  for (const [pinFor, action, pin, expected] of rows) {
    it(`${pinFor}: ${action} with ${pin === '' ? 'no' : pin === PIN ? 'the right' : 'a wrong'} PIN ${expected ? 'runs' : 'is refused'}`, async () => {
      house.addLock({ pinFor, pin: PIN });
      await house.online();
      assert.equal(await runs(action, pin), expected);
    });
  }

  it('none is set: nothing that needs one runs, not even with an empty one', async () => {
    house.addLock({ pinFor: 'release', pin: '' });
    await house.online();
    for (const pin of ['', WRONG]) assert.equal(await runs('open', pin), false);
  });

  it('a code of the app is as good as ours', async () => {
    house.addLock({ pinFor: 'release', pin: PIN, appCodes: true });
    await house.online();
    assert.equal(await runs('open', '2580', { user: 3 }), true);
    house.commands[0]?.done();
  });

  it('five wrong ones of any homes lock out all of them for five minutes, the right one and a restart notwithstanding', async () => {
    house.addLock({ pinFor: 'release', pin: PIN });
    await house.online();
    const homes = [APPLE, GOOGLE, APPLE, GOOGLE];
    for (const home of homes) assert.equal(await house.answered('open', WRONG, { home }), 'wrong PIN');
    assert.equal(
      house.events.some(({ type }) => type === 'alarm'),
      false,
    );
    assert.equal(await house.answered('open', WRONG), 'wrong PIN');
    assert.deepEqual(
      house.events.filter(({ type }) => type === 'alarm'),
      [{ type: 'alarm', alarm: 'wrong codes' }],
    );
    assert.equal(await house.answered('open', PIN), 'locked out');
    assert.equal(await house.answered('open', '', { home: GOOGLE }), 'locked out');

    const closing = house.bridge.close();
    await settled();
    house.clock.skip(5000);
    await closing;
    house.bridge = house.newBridge();
    house.addLock({ pinFor: 'release', pin: PIN });
    await house.online();
    assert.equal(await house.answered('open', PIN), 'locked out');
    assert.equal(await runs('close'), true, 'the door can be locked');
    house.clock.skip(5 * 60_000);
    assert.equal(await runs('open', PIN), true);
  });

  it('a storage that fails lets nobody in', async () => {
    house.addLock({ pinFor: 'release', pin: PIN });
    await house.online();
    house.state.change = () => Promise.reject(new Error('the disk is full'));
    assert.equal(await house.answered('open', PIN), 'failed');
    assert.deepEqual(house.commands, []);
  });

  it('a storage that hangs lets nobody in, and nothing runs when it answers later', async () => {
    house.addLock({ pinFor: 'release', pin: PIN });
    await house.online();
    let answer: (value: never) => void = () => undefined;
    house.state.change = () => new Promise((resolve) => (answer = resolve as typeof answer));
    const command = house.command('open', PIN);
    await house.clock.advance(2001);
    assert.equal(house.answerOf(command), 'failed');
    answer('right' as never);
    await settled();
    assert.deepEqual(house.commands, []);
  });

  it('stand in no log', async () => {
    house.addLock({ pinFor: 'always', pin: PIN, name: 'Door' });
    await house.online();
    for (const pin of [PIN, WRONG]) await house.answered('open', pin);
    house.commands[0]?.fail(failure('LOCK_ERROR'));
    await settled();
    assert.ok(house.log.length > 0);
    for (const pin of [PIN, WRONG]) {
      const hex = Buffer.from(pin).toString('hex');
      for (const line of house.log) assert.ok(!line.includes(pin) && !line.includes(hex), line);
    }
  });

  it('that no app can type are refused at deploy', () => {
    for (const pin of ['123', '123456789', '12a4', ' 1234']) {
      assert.throws(() => house.addLock({ pin }), { code: 'INVALID_INPUT' });
    }
  });
});
