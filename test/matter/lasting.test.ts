/**
 * What a bridge survives, and what it lets nobody do: kill -9, deploys, a home that is removed, codes of apps, a machine that
 * slept, other users of its port, its folder and its network. As in `homes.test.ts`, in a network of their own.
 */
import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LOCKED, PIN, UNLOCKED, until, useHousesAndHomes } from './houses';

describe('a Matter bridge, in the long run', function () {
  this.timeout(180_000);
  const world = useHousesAndHomes();

  it('three homes at once, in one house: each sees what the others do, and one can be removed', async () => {
    const house = await world.house({ pinFor: 'none' });
    const codes = await house.call('codes');
    const homes = ['Flat', 'Upstairs', 'Office'].map((name) => world.home(name));
    for (const home of homes) {
      if (home !== homes[0]) assert.ok((await house.call('pairAnother')).openForMs! > 890_000);
      await home.call('pair', codes);
    }
    assert.deepEqual(
      (await house.call('homes')).map(({ label }) => label),
      ['Flat', 'Upstairs', 'Office'],
    );
    const [flat, upstairs, office] = homes;
    await Promise.all([flat!.call('open'), upstairs!.call('open')]);
    await Promise.all(homes.map((home) => world.sees(home, UNLOCKED)));
    await office!.call('close');
    await Promise.all(homes.map((home) => world.sees(home, LOCKED)));

    await house.call('removeHome', 2);
    await until(
      () => house.call('homes'),
      (left) => left.length === 2,
    );
    await assert.rejects(house.call('removeHome', 2), /INVALID_INPUT|no home has the number 2/);
    await flat!.call('open');
    await world.sees(office!, UNLOCKED);

    await house.call('factoryReset');
    await until(
      () => house.call('status'),
      ({ state }) => state === 'unpaired',
    );
    assert.equal((await house.call('pairing'))?.openForMs, null);
    const again = world.home('Again');
    await again.call('pair', await house.call('codes'));
    await world.sees(again, UNLOCKED);
  });

  it('kill -9 and a start anew: the home is back by itself, and sees what is read then', async () => {
    const first = await world.house({ pinFor: 'none' });
    const home = world.home('Flat');
    await home.call('pair', await first.call('codes'));
    await world.sees(home, LOCKED);
    const { endpoint } = await world.lockOf(home);
    const codes = await first.call('codes');
    await first.kill();

    const matter = path.join(world.folder, 'matter', 'house');
    assert.equal((await stat(matter)).mode & 0o777, 0o700);
    // What a power cut leaves: the number of a process that is another's now.
    await writeFile(path.join(matter, 'bridge', 'matter.pid'), `${process.pid} 0011223344556677`);
    const second = await world.house({ pinFor: 'none', bolt: 'open' });
    assert.deepEqual(await second.call('status'), { state: 'paired', homes: 1 });
    assert.deepEqual(await second.call('codes'), codes);
    // Nothing is done to the home: it finds the bridge, and what was read meanwhile, by itself.
    await until(
      () => world.lockOf(home),
      ({ lockState }) => lockState === UNLOCKED,
      90_000,
    );
    await home.call('close');
    assert.equal((await world.lockOf(home)).endpoint, endpoint);
    assert.deepEqual(await second.call('moves'), ['close']);
  });

  it('deploys of every kind: numbers stay by lock, a new lock is seen, the home is back', async () => {
    const house = await world.house({ pinFor: 'none', names: ['front', 'cellar'] });
    const home = world.home('Flat');
    await home.call('pair', await house.call('codes'));
    const numbers = async (): Promise<Record<string, number>> =>
      Object.fromEntries((await home.call('states')).map(({ name, endpoint }) => [name, endpoint]));
    const before = await until(numbers, (seen) => Object.keys(seen).length === 2);
    await house.call('deploy', ['cellar', 'front', 'garage']);
    const after = await until(numbers, (seen) => Object.keys(seen).length === 3);
    assert.equal(after['Front door'], before['Front door']);
    assert.equal(after.cellar, before.cellar);
    await house.call('redeployBridge', ['garage', 'front']);
    await until(
      () => house.call('status'),
      ({ state }) => state === 'paired',
      60_000,
    );
    await until(
      () =>
        home.call('close').then(
          () => true,
          () => false,
        ),
      (isBack) => isBack,
      90_000,
    );
    const last = await numbers();
    assert.deepEqual([last['Front door'], last.garage], [before['Front door'], after.garage]);
  });

  it('codes that a home sets open the lock, are kept hashed, and go with the home', async () => {
    const house = await world.house({ pinFor: 'release', pin: PIN, appCodes: true });
    const home = world.home('Flat');
    await home.call('pair', await house.call('codes'));
    await world.sees(home, LOCKED);
    const code = '25801470';
    const { status, userIndex } = await home.call('setCode', code);
    assert.deepEqual([status, userIndex], [0, 1]);
    await assert.rejects(home.call('open', '25801471'), /code 1\b/);
    await home.call('open', code);
    await world.sees(home, UNLOCKED);
    const events = await until(
      () => home.call('events'),
      (all) => all.some(({ name }) => name === 'lockOperation'),
    );
    assert.equal(events.find(({ name }) => name === 'lockOperation')?.userIndex, 1);

    const kept = path.join(world.folder, 'matter', 'house', 'bridge');
    const files = await readdir(kept);
    const texts = await Promise.all(files.map((file) => readFile(path.join(kept, file), 'latin1').catch(() => '')));
    const forms = [code, Buffer.from(code).toString('hex'), Buffer.from(code).toString('base64')];
    for (const form of forms) assert.ok(!texts.join('\n').includes(form), 'a code can be read in the folder');

    const other = world.home('Upstairs');
    await house.call('pairAnother');
    await other.call('pair', await house.call('codes'));
    await house.call('removeHome', 1);
    await until(
      () => house.call('homes'),
      (left) => left.length === 1,
    );
    await assert.rejects(other.call('open', code), /code 1\b/);
    await other.call('open', PIN);
  });

  it('codes cannot be set where they are not wanted, nor the rules be changed', async () => {
    const house = await world.house({ pinFor: 'release', pin: PIN });
    const home = world.home('Flat');
    await home.call('pair', await house.call('codes'));
    await world.sees(home, LOCKED);
    assert.notEqual((await home.call('setCode', '2580')).status, 0);
    await assert.rejects(home.call('needNoPin'));
    await assert.rejects(home.call('open'), /code 1\b/);
  });

  it('a slow gateway: the home is answered in time, and learns of a failure as an event', async () => {
    const house = await world.house({ pinFor: 'none' });
    const home = world.home('Flat');
    await home.call('pair', await house.call('codes'));
    await world.sees(home, LOCKED);
    await house.call('slow', 4000);
    await home.call('open');
    await world.sees(home, UNLOCKED);
    await house.call('goAway');
    await world.sees(home, null);
    await home.call('close');
    await until(
      () => home.call('events'),
      (all) => all.some(({ name }) => name === 'lockOperationError'),
    );
    assert.deepEqual(await house.call('moves'), ['open']);
  });

  it('a machine that slept does not open the door for a home that gave up', async () => {
    const house = await world.house({ pinFor: 'none' });
    const home = world.home('Flat');
    await home.call('pair', await house.call('codes'));
    await world.sees(home, LOCKED);
    house.process.kill('SIGSTOP');
    const opened = home.call('open').then(
      () => 'opened',
      () => 'given up',
    );
    await new Promise((resolve) => setTimeout(resolve, 13_000));
    house.process.kill('SIGCONT');
    assert.equal(await opened, 'given up');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.deepEqual(await house.call('moves'), []);
    await until(
      () =>
        home.call('open').then(
          () => true,
          () => false,
        ),
      (isBack) => isBack,
    );
  });

  it('a port, a folder or a network that it cannot have is told in words, and ends nothing', async () => {
    const house = await world.house({});
    const neighbour = await world.house({ id: 'neighbour' });
    const told = async (remote: typeof house): Promise<string> => {
      const status = await until(
        () => remote.call('status'),
        ({ state }) => state !== 'starting',
        60_000,
      );
      return status.state === 'failed' ? status.reason : status.state;
    };
    assert.equal(await told(neighbour), 'portInUse');
    assert.equal(await told(await world.house({ port: 5541 })), 'folderInUse');
    assert.equal(await told(await world.house({ id: 'third', port: 5542, interface: 'nosuch0' })), 'noInterface');
    assert.equal(await told(await world.house({ id: 'fourth', port: 5543, interface: world.device })), 'unpaired');
    assert.equal(await told(house), 'unpaired');
  });

  it('two bridges in one process: each with its port and its homes', async () => {
    const house = await world.house({ pinFor: 'none', second: { id: 'annex', port: 5550 } });
    await until(
      () => house.call('secondStatus'),
      ({ state }) => state === 'unpaired',
      60_000,
    );
    const [home, annex] = [world.home('Flat'), world.home('Annex')];
    await Promise.all([
      home.call('pair', await house.call('codes')),
      annex.call('pair', await house.call('secondCodes')),
    ]);
    await home.call('open');
    await world.sees(home, UNLOCKED);
    assert.equal((await world.lockOf(annex)).lockState, null);
  });

  it('600 commands in a row: none is lost, and the memory stays', async () => {
    const house = await world.house({ pinFor: 'none', isInstant: true });
    const home = world.home('Flat');
    await home.call('pair', await house.call('codes'));
    await home.call('many', 100);
    const before = await house.call('memory');
    await home.call('many', 500);
    const grown = (await house.call('memory')) - before;
    assert.equal(await house.call('commands'), 600);
    assert.ok(grown < 60 * 1024 * 1024, `${Math.round(grown / 1024 / 1024)} MB more`);
  });
});
