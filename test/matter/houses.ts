/** Houses and homes of a test, each a process in one network: begun, asked, and cleared away. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { CurrentController, LockStates } from './controller';
import type { House, HouseSettings } from './house';
import { makeNamespace, type Namespace } from './namespace';
import { olderMatter } from './older';
import { Remote } from './remote';
import { builtWorker } from './worker';

/** As Matter numbers the states of a lock. */
export const NOT_FULLY_LOCKED = 0;
export const LOCKED = 1;
export const UNLOCKED = 2;
export const PIN = '471108';

export async function until<T>(look: () => Promise<T>, wanted: (seen: T) => boolean, ms = 30_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (wanted(seen)) return seen;
    if (Date.now() > end) throw new Error(`it never came to pass; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A network for the tests of the block in which it is called, with nothing in it when each of them begins. */
export function useHousesAndHomes(): HousesAndHomes {
  const world = new HousesAndHomes();
  before(() => world.begin());
  after(() => world.end());
  beforeEach(() => world.fresh());
  afterEach(() => world.clear());
  return world;
}

export class HousesAndHomes {
  folder = '';
  private network: Namespace | undefined;
  private worker = '';
  private older = '';
  private processes: Remote<House | CurrentController>[] = [];

  async begin(): Promise<void> {
    this.network = makeNamespace();
    this.worker = await builtWorker();
  }

  end(): void {
    this.network?.end();
  }

  async fresh(): Promise<void> {
    this.folder = await mkdtemp(path.join(os.tmpdir(), 'the-keys-matter-'));
  }

  async clear(): Promise<void> {
    await Promise.all(this.processes.map((each) => each.kill()));
    this.processes = [];
    await rm(this.folder, { recursive: true, force: true });
  }

  /** One end of the cable. */
  get device(): string {
    return this.running.device;
  }

  /** Resolves when its bridge is online, or has said why not. */
  async house(settings: Partial<HouseSettings>): Promise<Remote<House>> {
    const words = [JSON.stringify({ folder: this.folder, worker: this.worker, ...settings })];
    const house = this.start<House>('house', words);
    await until(
      () => house.call('status'),
      ({ state }) => state !== 'starting',
      60_000,
    );
    return house;
  }

  home(name: string): Remote<CurrentController> {
    return this.start<CurrentController>('controller-current', [path.join(this.folder, name), name]);
  }

  async olderHome(name: string): Promise<Remote<CurrentController>> {
    this.older ||= await olderMatter();
    return this.start<CurrentController>('controller-older', [path.join(this.folder, name), name, this.older]);
  }

  async lockOf(home: Remote<CurrentController>): Promise<LockStates> {
    const [lock] = await home.call('states');
    assert.ok(lock !== undefined, 'no lock is to be seen');
    return lock;
  }

  /** Resolves when the home sees this state. */
  sees(home: Remote<CurrentController>, state: number | null): Promise<LockStates> {
    return until(
      () => this.lockOf(home),
      ({ lockState }) => lockState === state,
    );
  }

  private get running(): Namespace {
    assert.ok(this.network !== undefined);
    return this.network;
  }

  private start<H extends House | CurrentController>(script: string, words: string[]): Remote<H> {
    const remote = Remote.start<H>(this.running.command, path.join(__dirname, `${script}.ts`), words);
    this.processes.push(remote);
    return remote;
  }
}
