/**
 * The other side of a campaign: simulated gateways on real HTTP, half of them behind a proxy that cuts or swallows, with faults
 * by chance at all times. Each command gets a fresh lock; a few locks stay, and are polled and turned by hand.
 */
import { systemClock, type Clock } from '../src/common/clock';
import { SimulatedGateway, type SimulatedGatewayOptions } from '../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../simulators/gateway/server';
import { SLOPPY_HTTP } from '../simulators/gateway/wire';
import { TcpProxy } from '../test/support/redis';

/** The machine's monotonic clock, which the probe inside Node-RED reads too. */
export const machineClock: Clock = {
  now: () => Date.now(),
  elapsed: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  after: (ms, run) => systemClock.after(ms, run),
};

export const CODE = 'demo-share-code-1';
/** Much quicker than a real one, so that thousands of commands fit into minutes. */
const TIMES = { latencyMs: 3, bleMs: 12, travelMs: 40, synchronizeMs: 300, updateMs: 300, restartMs: 300 };
/** How long a lock stays known after its command's deadline: long enough to catch one that comes late. */
export const KEEP_LOCK_MS = 15_000;

export interface Site {
  gateway: SimulatedGateway;
  server: RunningGateway;
  /** Every other gateway is reached through one. */
  proxy: TcpProxy | undefined;
  host: string;
  /** The same gateway, spelt in another way. */
  otherHost: string;
  /** The lock that stays. */
  resident: string;
}

export class World {
  readonly sites: Site[] = [];

  static async start(count: number, seed: number): Promise<World> {
    const world = new World();
    for (let index = 0; index < count; index += 1) {
      const resident = String(100 + index);
      const options: SimulatedGatewayOptions = {
        locks: [{ identifier: resident, code: CODE, counts: index % 2 === 0 ? 'start' : 'end' }],
        clock: machineClock,
        times: TIMES,
        // Ways of real gateways, so that each is met: some answer before the bolt moves, some drop what overlaps, some
        // compare the time with their own.
        answerMoves: index % 2 === 0 ? 'after' : 'before',
        overlap: index % 3 === 0 ? 'drop' : 'busy',
        overlappingReads: index % 3 === 1,
        date: index % 2 === 0,
        // The first ones speak HTTP as they should.
        ...(index >= 3 ? { sloppy: SLOPPY_HTTP[index % SLOPPY_HTTP.length] } : {}),
        ...(index % 4 === 3 ? { clockTolerance: 600, clockRefusal: 38 as const } : {}),
      };
      const gateway = new SimulatedGateway(options);
      gateway.faults.random({ seed: seed * 1000 + index, rate: 0.12 });
      const server = await serve(gateway);
      const proxy = index % 2 === 1 ? await TcpProxy.start(server.port) : undefined;
      const port = proxy?.port ?? server.port;
      world.sites.push({
        gateway,
        server,
        proxy,
        host: `127.0.0.1:${port}`,
        otherHost: `http://localhost:${port}`,
        resident,
      });
    }
    return world;
  }

  site(index: number): Site {
    const site = this.sites[index];
    if (site === undefined) throw new Error(`no site ${index}`);
    return site;
  }

  /** A lock for one command. It is forgotten when nothing can come any more. */
  addLock(site: Site, identifier: string, state: 'open' | 'closed', deadlineMs: number): void {
    site.gateway.addLock({ identifier, code: CODE, state });
    setTimeout(() => site.gateway.locks.delete(identifier), deadlineMs + KEEP_LOCK_MS).unref();
  }

  calm(): void {
    for (const { gateway, proxy } of this.sites) {
      gateway.faults.clear();
      gateway.comeBack();
      if (proxy !== undefined) proxy.blackHole = false;
    }
  }

  async stop(): Promise<void> {
    for (const { server, proxy } of this.sites) {
      await proxy?.stop();
      await server.close();
    }
  }
}
