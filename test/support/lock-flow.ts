/** Flows with lock nodes, against a simulated gateway on HTTP. */
import gatewayConfig from '../../nodes/gateway-config';
import gatewaySync from '../../nodes/gateway-sync';
import lockAction from '../../nodes/lock-action';
import lockStatus from '../../nodes/lock-status';
import { gatewaysOf } from '../../nodes/shared/gateway-access';
import type { Timing } from '../../src/thekeys/gateway';
import { SimulatedGateway, type SimulatedGatewayOptions } from '../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../simulators/gateway/server';
import { HURRIED, Runtime, tick, type FlowItem, type Module } from './runtime';

export { HURRIED, type FlowItem, type Received } from './runtime';

export const FRONT = { identifier: '45961123', code: 'demo-front-code' };
export const BACK = { identifier: '45961124', code: 'demo-back-code' };
export const NODES = [gatewayConfig, lockAction, lockStatus, gatewaySync];

export class LockFlow extends Runtime {
  world!: SimulatedGateway;
  running!: RunningGateway;

  async begin(
    options: Partial<SimulatedGatewayOptions> = {},
    timing: Partial<Timing> = {},
    settings: object = {},
  ): Promise<void> {
    this.world = new SimulatedGateway({ locks: [FRONT, BACK], ...options });
    this.running = await serve(this.world);
    await this.open({ gatewayConfigTiming: { ...HURRIED, ...timing }, ...settings });
  }

  override async end(): Promise<void> {
    await super.end(async () => {
      await this.running.close();
      await gatewaysOf(this.RED).closed();
    });
  }

  /** The gateway configuration that most flows use. */
  gateway(more: Record<string, unknown> = {}): FlowItem {
    return { id: 'gw', type: 'gateway-config', host: this.running.host, identifier: FRONT.identifier, ...more };
  }

  /** @param more modules besides the lock nodes */
  load(items: FlowItem[], credentials: object = { gw: { code: FRONT.code } }, more: Module[] = []): Promise<void> {
    return this.loadWith([...NODES, ...more], items, credentials);
  }

  /** Waits until a request for this path has reached the gateway. */
  async arrived(where: string): Promise<void> {
    while (!this.world.journal.paths.includes(where)) await tick(5);
  }

  /** Two more polls of the gateway's list, or attempts at it. */
  async polledAgain(): Promise<void> {
    const { journal } = this.world;
    if (this.world.present) {
      const before = journal.paths.filter((each) => each === '/lockers').length;
      while (journal.paths.filter((each) => each === '/lockers').length < before + 2) await tick(50);
    } else {
      // Nobody counts attempts at a gateway that is not there; the shortest interval is a second.
      await tick(2300);
    }
  }
}
