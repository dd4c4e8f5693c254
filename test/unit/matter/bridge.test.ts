/** The life of a bridge: how it begins, dies, begins again and ends, and what survives. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isDiscriminator, isPasscode, keptCodes } from '../../../src/matter/pairing-codes';
import { MemoryState } from '../../../src/state/local';
import { turn } from '../../support/clock';
import { APPLE, GOOGLE, MatterHouse, settled, until } from '../../support/matter-bridge';

describe('a Matter bridge', () => {
  let house: MatterHouse;
  beforeEach(async () => {
    house = await MatterHouse.make();
  });
  afterEach(() => house.end());

  it('begins with the locks that it has, and tells how it is doing', async () => {
    house.addLock();
    house.addLock({ id: 'cellar', name: 'Cellar' });
    await house.online([]);
    const [start] = house.thread.of('start');
    assert.deepEqual(
      start?.locks.map(({ id }) => id),
      ['front', 'cellar'],
    );
    assert.equal(start.bridge.port, 5540);
    house.thread.say({
      type: 'online',
      homes: [{ ...APPLE, label: 'My\u202e home\n' }, GOOGLE],
      pairing: { qrText: 'MT:X', manualCode: '12345678901', openForMs: 0 },
    });
    assert.deepEqual(
      house.statuses.map(({ state }) => state),
      ['starting', 'unpaired', 'paired'],
    );
    assert.deepEqual(house.bridge.homes()[0], { ...APPLE, label: 'My home' });
  });

  it('counts down for how long another home can be paired', async () => {
    await house.online();
    const pairing = { qrText: 'MT:X', manualCode: '12345678901', openForMs: 900_000 };
    house.thread.say({ type: 'online', homes: [APPLE], pairing });
    house.clock.skip(60_000);
    assert.equal(house.bridge.pairing()?.openForMs, 840_000);
    house.clock.skip(900_000);
    assert.equal(house.bridge.pairing()?.openForMs, 0);
  });

  it('asks the worker what the dialog asks, and passes its refusal on in one line', async () => {
    await house.online();
    const removing = house.bridge.removeHome(7);
    const [request] = house.thread.of('request');
    assert.deepEqual(request?.ask, { ask: 'removeHome', index: 7 });
    house.thread.say({ type: 'done', request: request.request, error: 'no home\nhas the number 7' });
    await assert.rejects(removing, { code: 'INVALID_INPUT', message: /no home has the number 7/ });
  });

  it('refuses what the dialog asks while it is not online', async () => {
    await assert.rejects(house.bridge.pairAnother(), { code: 'INVALID_INPUT' });
    await house.online();
    const asked = house.bridge.factoryReset();
    house.thread.end('it died');
    await assert.rejects(asked, { code: 'INVALID_INPUT' });
  });

  it('begins a worker that died again, later each time, a line in the log for each', async () => {
    house.addLock().update({ state: 'closed' });
    await house.online();
    const pauses: number[] = [];
    for (let deaths = 1; deaths <= 8; deaths += 1) {
      await until(() => house.threads.length === deaths);
      house.thread.end('out of memory\nat all');
      await until(() => house.bridge.status.state === 'failed');
      const { status } = house.bridge;
      assert.ok(status.state === 'failed' && status.reason === 'worker' && status.text === 'out of memory at all');
      assert.equal(house.bridge.pairing(), undefined);
      pauses.push(status.restartInMs);
      await house.pass(status.restartInMs);
    }
    assert.deepEqual(pauses, [5000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    assert.equal(house.log.filter((line) => line.includes('out of memory')).length, 8);
    await house.online();
    assert.equal(house.thread.of('start')[0]?.locks[0]?.shown.bolt, 'locked', 'what was read is shown again');
  });

  it('says in words why it cannot begin', async () => {
    await until(() => house.threads.length === 1);
    house.thread.say({ type: 'failed', reason: 'portInUse', text: 'port 5540 is in use' });
    await settled();
    assert.deepEqual(house.bridge.status, {
      state: 'failed',
      reason: 'portInUse',
      text: 'port 5540 is in use',
      restartInMs: 5000,
    });
    assert.equal(house.thread.isEnded, true);
  });

  it('does not begin where another process uses its folder, and does when it is free', async () => {
    const folder = path.join(house.folder, 'used');
    await mkdir(folder, { recursive: true });
    // A process of this machine that is alive, as it would write it.
    const first = house.newBridge({ folder });
    await until(() => house.threads.length === 2);
    const second = house.newBridge({ folder });
    // The clock goes on slowly: the files of the lock are real, and a busy machine takes its time for them.
    for (let looks = 0; looks < 10_000 && second.status.state === 'starting'; looks += 1) {
      await turn();
      await house.clock.advance(2);
    }
    assert.ok(second.status.state === 'failed' && second.status.reason === 'folderInUse');
    const ending = first.close();
    await house.clock.advance(5000);
    await ending;
    for (let looks = 0; looks < 10_000 && house.threads.length < 3; looks += 1) {
      await turn();
      await house.clock.advance(2);
    }
    assert.equal(house.threads.length, 3);
    const closing = second.close();
    await house.clock.advance(5000);
    await closing;
  });

  it('a folder that cannot be made is no end of the process', async () => {
    await writeFile(path.join(house.folder, 'file'), '');
    const other = house.newBridge({ folder: path.join(house.folder, 'file', 'house') });
    await until(() => other.status.state === 'failed');
    const closing = other.close();
    await settled();
    await closing;
  });

  it('begins no worker once it is closed, at whatever moment of its beginning that is', async () => {
    for (let moment = 0; moment < 60; moment += 1) {
      const other = house.newBridge({ folder: path.join(house.folder, `moment-${moment}`) });
      for (let count = 0; count < moment; count += 1) await turn();
      const before = house.threads.length;
      await other.close();
      assert.equal(house.threads.length, before);
    }
  });

  it('ends its worker in good order, or without where that hangs', async () => {
    await house.online();
    const closing = house.bridge.close();
    await settled();
    assert.deepEqual(
      house.thread.of('request').map(({ ask }) => ask.ask),
      ['close'],
    );
    assert.equal(house.thread.isEnded, false);
    await house.clock.advance(3000);
    await closing;
    assert.equal(house.thread.isEnded, true);
  });

  it('a lock that a deploy replaces stays, with what was read of it', async () => {
    const before = house.addLock();
    await house.online();
    before.update({ state: 'closed' });
    before.remove();
    await house.clock.advance(3000);
    const after = house.addLock({ name: 'Main door' });
    before.update({ state: 'open' });
    await house.pass(60_000);
    assert.deepEqual(house.thread.of('remove'), []);
    const described = house.thread.of('lock').at(-1)?.lock;
    assert.deepEqual([described?.name, described?.shown.bolt], ['Main door', 'locked']);
    after.remove();
    await house.clock.advance(10_000);
    assert.deepEqual(house.thread.of('remove'), [{ type: 'remove', id: 'front' }]);
  });

  it('two locks cannot have one id', () => {
    house.addLock();
    assert.throws(() => house.addLock(), { code: 'INVALID_INPUT' });
  });

  it('a command for a lock that it does not know is refused', async () => {
    await house.online();
    assert.equal(await house.answered('open'), 'failed');
  });
});

describe('the codes of a Matter bridge', () => {
  it('are made once, kept, and none that is easy to guess', async () => {
    const state = new MemoryState();
    const made = await keptCodes(state, 'codes');
    assert.ok(isPasscode(made.passcode) && isDiscriminator(made.discriminator));
    assert.deepEqual(await keptCodes(state, 'codes'), made);
    for (const passcode of [0, 11_111_111, 12_345_678, 87_654_321, 99_999_999, 1.5, -1, '20202021']) {
      assert.equal(isPasscode(passcode), false, String(passcode));
    }
    assert.equal(isPasscode(20_202_021), true);
  });

  it('that are handed in are used; those that are made are told', async () => {
    const told: object[] = [];
    const house = await MatterHouse.make({
      passcode: 20_202_021,
      discriminator: 3840,
      onCodes: (codes) => void told.push(codes),
    });
    await house.online();
    assert.equal(house.thread.of('start')[0]?.bridge.passcode, 20_202_021);
    assert.equal(told.length, 0);
    await house.end();
    const other = await MatterHouse.make({
      passcode: 12_345_678,
      discriminator: 3840,
      onCodes: (codes) => void told.push(codes),
    });
    await other.online();
    assert.equal(told.length, 1);
    await other.end();
  });
});
