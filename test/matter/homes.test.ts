/**
 * Homes that command a real lock's stand-in: our bridge with matter.js in its worker, hubs made of two generations of
 * matter.js, each in a process of its own, on a network of their own; behind the bridge the simulated gateway at the times
 * of a real one. Needs the right to make network namespaces, and npm for the older generation.
 */
import assert from 'node:assert/strict';
import { REALISTIC_TIMES } from '../../simulators/gateway/options';
import { LOCKED, NOT_FULLY_LOCKED, PIN, UNLOCKED, until, useHousesAndHomes } from './houses';

describe('homes and a lock, by Matter', function () {
  this.timeout(180_000);
  const world = useHousesAndHomes();

  const refused = (command: Promise<void>): Promise<void> => assert.rejects(command, /\(code 1\)|result: 1\b/);

  for (const generation of ['current', 'older'] as const) {
    it(`a hub of the ${generation} generation pairs, locks, unlocks, is refused, and sees what happens`, async () => {
      const house = await world.house({ times: REALISTIC_TIMES, pinFor: 'release', pin: PIN });
      const home = generation === 'current' ? world.home('Flat') : await world.olderHome('Flat');
      await home.call('pair', await house.call('codes'));
      assert.deepEqual(await house.call('homes'), [{ index: 1, label: 'Flat', vendor: '0xFFF1' }]);
      assert.deepEqual(await house.call('status'), { state: 'paired', homes: 1 });
      const first = await until(
        () => world.lockOf(home),
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
      assert.equal((await world.lockOf(home)).lockState, LOCKED, 'it is not shown before it was read');
      await world.sees(home, UNLOCKED);
      assert.equal(await house.call('bolt'), 'open');
      await home.call('close');
      await world.sees(home, LOCKED);
      assert.deepEqual(await house.call('moves'), ['open', 'close']);

      await house.call('turnByHand', 'open');
      await world.sees(home, UNLOCKED);
      await house.call('update', { jammed: true });
      await world.sees(home, NOT_FULLY_LOCKED);
      await house.call('goAway');
      const gone = await world.sees(home, null);
      assert.equal(
        (
          await until(
            () => world.lockOf(home),
            ({ reachable }) => !reachable,
          )
        ).lockState,
        gone.lockState,
      );
      await house.call('comeBack');
      await world.sees(home, UNLOCKED);

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
