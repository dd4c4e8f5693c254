/**
 * Homes that command a real lock's stand-in: our bridge with matter.js in its worker, hubs made of two generations of
 * matter.js, each in a process of its own, on a network of their own; behind the bridge the simulated gateway at the times
 * of a real one. Needs the right to make network namespaces, and npm for the older generation.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { REALISTIC_TIMES } from '../../simulators/gateway/options';
import type { Controller, LockStates } from './controller';
import type { House, HouseSettings } from './house';
import { makeNamespace, type Namespace } from './namespace';
import { olderMatter } from './older';
import { Remote } from './remote';
import { builtWorker } from './worker';

const LOCKED = 1;
const UNLOCKED = 2;
const NOT_FULLY_LOCKED = 0;
const PIN = '471108';

export async function until<T>(look: () => Promise<T>, wanted: (seen: T) => boolean, ms = 30_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (wanted(seen)) return seen;
    if (Date.now() > end) throw new Error(`it never came to pass; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('homes and a lock, by Matter', function () {
  this.timeout(180_000);
  let network: Namespace;
  let folder: string;
  let worker: string;
  let older: string;
  let house: Remote<House>;
  let homes: Remote<Controller>[] = [];

  const script = (name: string): string => path.join(__dirname, `${name}.ts`);
  const startHouse = async (settings: Partial<HouseSettings> = {}): Promise<void> => {
    const words = JSON.stringify({ folder, worker, pinFor: 'release', pin: PIN, ...settings });
    house = Remote.start<House>(network.command, script('house'), [words]);
    await until(
      () => house.call('status'),
      ({ state }) => state !== 'starting',
      60_000,
    );
  };
  const startHome = (name: string, generation: 'current' | 'older' = 'current'): Remote<Controller> => {
    const words = [path.join(folder, name), name, older];
    const home = Remote.start<Controller>(network.command, script(`controller-${generation}`), words);
    homes.push(home);
    return home;
  };
  const lockOf = async (home: Remote<Controller>): Promise<LockStates> => {
    const [lock] = await home.call('states');
    assert.ok(lock !== undefined, 'no lock is to be seen');
    return lock;
  };
  const seesState = (home: Remote<Controller>, state: number | null): Promise<LockStates> =>
    until(
      () => lockOf(home),
      ({ lockState }) => lockState === state,
    );
  const refused = async (command: Promise<void>): Promise<void> => {
    await assert.rejects(command, /\(code 1\)|result: 1\b/);
  };

  before(async () => {
    network = makeNamespace();
    [worker, older] = await Promise.all([builtWorker(), olderMatter()]);
  });
  after(() => network.end());
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'the-keys-matter-'));
    homes = [];
  });
  afterEach(async () => {
    await Promise.all([house, ...homes].map((each) => each.kill()));
    await rm(folder, { recursive: true, force: true });
  });

  for (const generation of ['current', 'older'] as const) {
    it(`a hub of the ${generation} generation pairs, locks, unlocks, is refused, and sees what happens`, async () => {
      await startHouse({ times: REALISTIC_TIMES });
      const home = startHome('Flat', generation);
      await home.call('pair', await house.call('codes'));
      assert.deepEqual(await house.call('homes'), [{ index: 1, label: 'Flat', vendor: '0xFFF1' }]);
      assert.deepEqual(await house.call('status'), { state: 'paired', homes: 1 });
      const first = await until(
        () => lockOf(home),
        ({ name, firmware, battery }) => name !== '' && firmware !== 'unknown' && battery !== null,
      );
      assert.equal(first.name, 'Front door');
      assert.equal(first.serial, '1001');
      assert.equal(first.firmware, '81');
      assert.equal(first.lockState, LOCKED);
      assert.equal(first.reachable, true);
      assert.ok(first.battery !== null && first.battery > 150 && first.batteryLevel === 0);

      await refused(home.call('open'));
      await refused(home.call('open', '1111'));
      await assert.rejects(home.call('openFor', 3), /129|[Uu]nsupported/);
      assert.deepEqual(await house.call('moves'), []);

      await home.call('open', PIN);
      assert.equal((await lockOf(home)).lockState, LOCKED, 'it is not shown before it was read');
      await seesState(home, UNLOCKED);
      assert.equal(await house.call('bolt'), 'open');
      await home.call('close');
      await seesState(home, LOCKED);
      assert.deepEqual(await house.call('moves'), ['open', 'close']);

      await house.call('turnByHand', 'open');
      await seesState(home, UNLOCKED);
      await house.call('update', { jammed: true });
      await seesState(home, NOT_FULLY_LOCKED);
      await house.call('goAway');
      const gone = await seesState(home, null);
      assert.equal(
        (
          await until(
            () => lockOf(home),
            ({ reachable }) => !reachable,
          )
        ).lockState,
        gone.lockState,
      );
      await house.call('comeBack');
      await seesState(home, UNLOCKED);

      const seen = await home.call('events');
      const named = (name: string): typeof seen => seen.filter((event) => event.name === name);
      assert.deepEqual(
        named('lockOperation').map(({ lockOperationType, fabricIndex }) => [lockOperationType, fabricIndex]),
        [
          [1, 1],
          [0, 1],
          [1, null],
        ],
      );
      assert.equal(named('lockOperationError').length, 2);
      assert.deepEqual(
        named('doorLockAlarm').map(({ alarmCode }) => alarmCode),
        [0],
      );
      const lines = [...(await house.call('lines')), ...house.output].join('\n');
      for (const pin of [PIN, '1111']) {
        assert.ok(!lines.includes(pin) && !lines.includes(Buffer.from(pin).toString('hex')), 'a PIN is in the log');
      }
    });
  }
});
