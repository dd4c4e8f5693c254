import assert from 'node:assert/strict';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import { StateError, type Json } from '../../../src/state/state';
import { Timestamps } from '../../../src/thekeys/timestamps';
import { HandClock } from '../../support/clock';
import { count } from '../../support/counting';

/** As a command does: it reserves one before the connection, and takes it when that stands. */
async function next(timestamps: Timestamps): Promise<number> {
  await timestamps.reserve();
  return timestamps.next();
}

const KEY = 'timestamp/gateway.test:80';
const HOUR = 3600;

/** A disk that can fail, and that tells how often it was written. */
class Disk extends MemoryState {
  writes = 0;
  readOnly = false;
  protected override keep(key: string, value: Json | undefined): Promise<void> {
    if (this.readOnly) return Promise.reject(new StateError('the folder cannot be written (EROFS)', 'EROFS'));
    this.writes += 1;
    return super.keep(key, value);
  }
}

/** A disk that hangs: it has each change, and writes none of them. */
class Hanging extends MemoryState {
  protected override async keep(key: string, value: Json | undefined): Promise<void> {
    await super.keep(key, value);
    throw new StateError('the folder cannot be written in time (ETIMEDOUT)', 'ETIMEDOUT');
  }
}

describe('timestamps', () => {
  let clock: HandClock;
  let warnings: string[];
  beforeEach(() => {
    clock = new HandClock();
    warnings = [];
  });
  const begin = (state: MemoryState): Timestamps =>
    new Timestamps({ state, key: KEY, clock, log: { ...silent, warn: (message) => warnings.push(message) } });
  const seconds = (): number => Math.floor(clock.now() / 1000);
  const take = async (timestamps: Timestamps, count: number): Promise<number[]> => {
    const given: number[] = [];
    for (let index = 0; index < count; index++) given.push(await next(timestamps));
    return given;
  };
  const assertIncreasing = (given: readonly number[]): void =>
    given.slice(1).forEach((value, index) => assert.ok(value > given[index]!, given.join(' ')));

  it('are the clock where it has gone on, and one more where it has not', async () => {
    const timestamps = begin(new MemoryState());
    const first = await next(timestamps);
    assert.equal(first, seconds());
    assert.deepEqual(await take(timestamps, 2), [first + 1, first + 2]);
    await clock.advance(60_000);
    assert.equal(await next(timestamps), seconds());
  });

  it('go on behind the last one after a restart, a kill, and a clock set back', async () => {
    const disk = new Disk();
    const orderly = begin(disk);
    const given = await take(orderly, 3);
    await orderly.settle();
    given.push(...(await take(begin(disk), 2)));
    assert.deepEqual(given.slice(3), [given[2]! + 1, given[2]! + 2], 'an orderly end leaves no gap');
    clock.setWall(-HOUR * 1000);
    given.push(...(await take(begin(disk), 2)));
    assertIncreasing(given);
    assert.ok(given.at(-1)! - given[0]! < 30, 'a kill leaves a small gap only');
  });

  it('do not run away from the clock while a disk hangs', async () => {
    const given = await take(begin(new Hanging()), 20);
    assert.deepEqual(
      given,
      given.map((_, index) => given[0]! + index),
    );
    assert.equal(warnings.length, 1);
  });

  it('written twice in one moment are no sign of a slow disk', async () => {
    const timestamps = begin(new Disk());
    await next(timestamps);
    await Promise.all([timestamps.settle(), timestamps.settle(), next(timestamps)]);
    assert.deepEqual(warnings, []);
  });

  it('seldom wait for the disk in a burst', async () => {
    const disk = new Disk();
    assertIncreasing(await take(begin(disk), 1000));
    assert.ok(disk.writes < 60, `${disk.writes} writes`);
  });

  it('are reserved in small blocks for a command now and then, also far ahead of the clock: few are lost by a kill', async () => {
    const disk = new Disk();
    clock.setWall(HOUR * 1000);
    let timestamps = begin(disk);
    const first = await next(timestamps);
    clock.setWall(-HOUR * 1000);
    for (let kill = 0; kill < 5; kill += 1) {
      for (let command = 0; command < 3; command += 1) {
        await next(timestamps);
        await clock.advance(2000);
      }
      timestamps = begin(disk);
    }
    assert.ok((await next(timestamps)) - first < 50);
  });

  it('are taken when the connection stands, without waiting for anything', async () => {
    const disk = new Disk();
    const timestamps = begin(disk);
    await timestamps.reserve();
    assert.equal(disk.writes, 1);
    const reserved = seconds();
    await clock.advance(2000);
    assert.equal(timestamps.next(), reserved + 2, 'the time of the request, not of the reservation');
    await clock.advance(5000);
    await timestamps.reserve();
    await clock.advance(60_000);
    assert.throws(() => timestamps.next(), { sent: false }, 'too old to be sent');
  });

  it('stay within what was reserved when the clock is set back meanwhile', async () => {
    const state = new MemoryState();
    const first = begin(state);
    const used = await next(first);
    await first.settle();
    await clock.advance(2000);
    const second = begin(state);
    await second.reserve();
    clock.setWall(-2000);
    assert.ok(second.next() > used);
  });

  it('leave alone, at an orderly end, what another process has reserved since', async () => {
    const state = new MemoryState();
    const first = begin(state);
    await next(first);
    const second = begin(state);
    const given = await next(second);
    await first.settle();
    assert.ok((await next(begin(state))) > given);
  });

  it('work from memory, with one warning, where the folder is read-only', async () => {
    const disk = new Disk();
    disk.readOnly = true;
    const timestamps = begin(disk);
    assertIncreasing(await take(timestamps, 200));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /EROFS/);
    disk.readOnly = false;
    assertIncreasing(await take(timestamps, 200));
    assert.ok(disk.writes > 0);
  });

  it('go on behind what a killed process has kept where the folder can be read, but not written any more', async () => {
    const disk = new Disk();
    clock.setWall(HOUR * 1000);
    const given = await take(begin(disk), 3);
    clock.setWall(-HOUR * 1000);
    disk.readOnly = true;
    given.push(...(await take(begin(disk), 3)));
    assertIncreasing(given);
  });

  it('are kept soon after the folder can be written again, though no command comes', async () => {
    const disk = new Disk();
    const timestamps = begin(disk);
    const given = await take(timestamps, 3);
    disk.readOnly = true;
    given.push(...(await take(timestamps, 20)));
    await clock.advance(5000);
    disk.readOnly = false;
    await clock.advance(1000);
    clock.setWall(-HOUR * 1000);
    given.push(...(await take(begin(disk), 2)));
    assertIncreasing(given);
    assert.equal(clock.waiting, 0);
    assert.equal(warnings.length, 1);
  });

  it('are covered by the next one after the folder can be written again, whatever was used meanwhile', async () => {
    for (const count of [1, 3, 10, 50, 100]) {
      const disk = new Disk();
      const timestamps = begin(disk);
      const given = await take(timestamps, 30);
      disk.readOnly = true;
      given.push(...(await take(timestamps, count)));
      disk.readOnly = false;
      given.push(await next(timestamps));
      given.push(...(await take(begin(disk), 2)));
      assertIncreasing(given);
    }
  });

  it('ignore a kept value that is no number', async () => {
    const state = new MemoryState();
    await state.change(KEY, () => ({ value: { what: 'is this' }, result: undefined }));
    assert.equal(await next(begin(state)), seconds());
  });

  it('start anew at the clock when a gateway refuses one far ahead of it', async () => {
    const state = new MemoryState();
    await count(state, KEY, seconds() + 24 * HOUR, 1);
    const timestamps = begin(state);
    const ahead = await next(timestamps);
    assert.equal(ahead, seconds() + 24 * HOUR + 1);
    assert.deepEqual(await timestamps.refused(ahead), { kind: 'restarted' });
    const now = await next(timestamps);
    assert.equal(now, seconds());
    timestamps.confirm(now);
    assert.equal(await next(begin(state)), now + 4, 'and the next process too');
  });

  it('do not start anew where another process has gone on with the sequence meanwhile', async () => {
    const state = new MemoryState();
    await count(state, KEY, seconds() + 24 * HOUR, 1);
    const timestamps = begin(state);
    const ahead = await next(timestamps);
    const others = await take(begin(state), 10);
    assert.deepEqual(await timestamps.refused(ahead), { kind: 'retry' });
    assertIncreasing([ahead, ...others, await next(begin(state))]);
  });

  it('go on where they were when the clock is refused as well', async () => {
    const state = new MemoryState();
    await count(state, KEY, seconds() + 24 * HOUR, 1);
    const timestamps = begin(state);
    const ahead = await next(timestamps);
    await timestamps.refused(ahead);
    assert.deepEqual(await timestamps.refused(await next(timestamps)), { kind: 'retry' });
    assert.equal(await next(timestamps), ahead + 1);
  });

  it('wait for the clock when a burst ran ahead of what the gateway accepts', async () => {
    const timestamps = begin(new MemoryState());
    const given = await take(timestamps, 20);
    timestamps.confirm(given[10]!);
    const advice = await timestamps.refused(given[19]!);
    assert.deepEqual(advice, { kind: 'wait', ms: 19_000 });
  });

  it('start anew behind those that were accepted before the clock went wrong, also those of a process that was killed', async () => {
    const disk = new Disk();
    clock.setWall(5 * 60 * 1000);
    const killed = begin(disk);
    const given = await take(killed, 3);
    killed.confirm(given.at(-1)!);
    // Right again for five minutes less a second: the clock points at those that were used.
    clock.setWall(-5 * 60 * 1000);
    await clock.advance(5 * 60 * 1000 + 1000);
    clock.setWall(HOUR * 1000);
    const timestamps = begin(disk);
    const ahead = await next(timestamps);
    clock.setWall(-HOUR * 1000);
    assert.deepEqual(await timestamps.refused(ahead), { kind: 'restarted' });
    const anew = await next(timestamps);
    assertIncreasing([...given, anew, ahead]);
  });

  it('are never the same again when a clock is wrong in the same way twice', async () => {
    const disk = new Disk();
    const given: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      const timestamps = begin(disk);
      clock.setWall(HOUR * 1000);
      given.push(await next(timestamps));
      clock.setWall(-HOUR * 1000);
      assert.deepEqual(await timestamps.refused(given.at(-1)!), { kind: 'restarted' });
      given.push(await next(timestamps));
      timestamps.confirm(given.at(-1)!);
    }
    assert.equal(new Set(given).size, given.length, given.join(' '));
  });

  it('never start anew at the clock behind one that the gateway accepted', async () => {
    const timestamps = begin(new MemoryState());
    const accepted = await next(timestamps);
    timestamps.confirm(accepted);
    clock.setWall(-24 * HOUR * 1000);
    const second = await next(timestamps);
    assert.equal(second, accepted + 1);
    assert.equal((await timestamps.refused(second)).kind, 'wait');
    assert.equal(await next(timestamps), accepted + 2);
  });

  describe('that several processes share', () => {
    /** As Redis, which can lose what it was told. */
    class Shared extends MemoryState {
      override readonly shared: boolean = true;
      async forget(): Promise<void> {
        await this.change(KEY, () => ({ value: undefined, result: undefined }));
        await this.change(`${KEY}/era`, () => ({ value: undefined, result: undefined }));
      }
      /** A failover to a replica that had not heard of the last ones. */
      goBack(to: number): Promise<void> {
        return this.change(KEY, () => ({ value: to, result: undefined }));
      }
    }

    it('never come again to a process that has used them, though their home has lost them', async () => {
      const home = new Shared();
      const [one, two] = [begin(home), begin(home)];
      const given = await take(one, 20);
      given.push(...(await take(two, 5)));
      await home.forget();
      given.push(...(await take(two, 5)), ...(await take(one, 5)));
      assertIncreasing(given);
    });

    it('do not run away from the clock while processes of an earlier version share them', async () => {
      const home = new Shared();
      const ours = begin(home);
      const [first] = await take(ours, 1);
      // As an earlier version writes it: the next one, under the name that it has found.
      const earlier = (): Promise<void> =>
        home.change(KEY, (current) => {
          const { below, from, at, left, era = 'a name of its own', apart = false } = current as Record<string, Json>;
          return { value: { below, from, at: Number(at) + 1, left, era, apart } as Json, result: undefined };
        });
      const given: number[] = [];
      for (let turns = 0; turns < 5; turns += 1) {
        await earlier();
        given.push(...(await take(ours, 1)));
      }
      assert.deepEqual(
        given,
        [2, 4, 6, 8, 10].map((behind) => first! + behind),
      );
    });

    it('come behind those of all others, whoever is the first to ask after their home was lost', async () => {
      for (const first of [0, 1, 2]) {
        const home = new Shared();
        const [one, two, three] = [begin(home), begin(home), begin(home)];
        const given = [...(await take(one, 3)), ...(await take(two, 1)), ...(await take(three, 12))];
        await home.forget();
        // Somebody who has never used one, and knows of no loss, may come before.
        if (first === 0) await next(begin(home));
        const order = [one, two, three, one, two].slice(first, first + 3);
        for (const timestamps of order) given.push(...(await take(timestamps, 2)));
        assertIncreasing(given);
        assert.ok(given.at(-1)! - seconds() < 60, 'one distance, not one for each');
        clock.setWall(HOUR * 1000);
      }
    });

    it('go on with a distance behind an old copy, since nobody knows what the others used', async () => {
      const home = new Shared();
      const [one, two] = [begin(home), begin(home)];
      const given = await take(one, 10);
      given.push(...(await take(two, 5)));
      await home.goBack(given[3]!);
      given.push(...(await take(one, 5)), ...(await take(two, 5)));
      assertIncreasing(given);
    });

    it('start anew for all where one process has found that a clock was wrong', async () => {
      const home = new Shared();
      const [one, two] = [begin(home), begin(home)];
      clock.setWall(HOUR * 1000);
      const [wrong] = await take(two, 1);
      clock.setWall(-HOUR * 1000);
      const refused = await next(one);
      assert.ok(refused > wrong!);
      assert.deepEqual(await one.refused(refused), { kind: 'restarted' });
      assert.equal(await next(one), seconds());
      assert.equal(await next(two), seconds() + 1);
    });
  });
});
