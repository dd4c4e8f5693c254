/**
 * What a Matter bridge costs a Node-RED that has one: the longest time for which its main loop is held, memory, and the way of
 * a command. Each house is a process of its own; needs the right to make network namespaces. Without a bridge nothing of it
 * is loaded (`startup`).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { HousesAndHomes } from '../test/matter/houses';
import type { House } from '../test/matter/house';
import type { Remote } from '../test/matter/remote';
import { median, type Row } from './table';

const LOCKS = [1, 10, 50];
const COMMANDS = 10;
const MB = 1e6;
/** After the start, until nothing is being set up any more. */
const REST_MS = 3000;
/** After a command, until it has been read back and the gateway is idle. */
const IDLE_MS = 4000;

export async function run(): Promise<Row[]> {
  const world = new HousesAndHomes();
  await world.begin();
  await world.fresh();
  try {
    const rows: Row[] = [];
    const bare = await begun(world, { id: 'bare', isWithout: true, port: 5600 });
    const without = await bare.call('memory');
    rows.push({ name: 'a process without a bridge: memory', value: without / MB, unit: 'MB' });
    for (const locks of LOCKS) {
      const names = Array.from({ length: locks }, (_, index) => `lock ${index}`);
      const house = await begun(world, { id: `of-${locks}`, names, isInstant: true, port: 5600 + locks });
      if (locks === 1) {
        const value = await house.call('stall');
        rows.push({ name: 'begin a bridge: the main loop is held', value, unit: 'ms', goal: { atMost: 100 } });
      }
      const value = ((await house.call('memory')) - without) / MB;
      rows.push({ name: `added by a bridge with ${locks} locks: memory`, value, unit: 'MB' });
      await house.kill();
    }
    rows.push(await wayOfACommand(world));
    return rows;
  } finally {
    await world.clear();
    world.end();
  }
}

async function begun(world: HousesAndHomes, settings: Parameters<HousesAndHomes['house']>[0]): Promise<Remote<House>> {
  const house = await world.house({ pinFor: 'none', ...settings });
  await pause(REST_MS);
  return house;
}

/** From UnlockDoor to the request at the gateway, by turns with the same command given directly. */
async function wayOfACommand(world: HousesAndHomes): Promise<Row> {
  const house = await world.house({ pinFor: 'none', id: 'way', port: 5700 });
  const home = world.home('Flat');
  await home.call('pair', await house.call('codes'));
  const byMatter: number[] = [];
  const directly: number[] = [];
  for (let round = 0; round < COMMANDS; round += 1) {
    const sent = await home.call('timedOpen');
    byMatter.push((await house.call('openedAt')) - sent);
    await pause(IDLE_MS);
    const given = await house.call('openDirectly');
    directly.push((await house.call('openedAt')) - given);
    await pause(IDLE_MS);
  }
  const against = { name: 'given directly', value: median(directly) };
  return { name: 'from UnlockDoor to the request at the gateway', value: median(byMatter), unit: 'ms', against };
}
