/** A flow with a Matter bridge, whose thread is a stand-in, and a simulated gateway. */
import matterBridge from '../../nodes/matter-bridge';
import matterLock from '../../nodes/matter-lock';
import { FRONT, LockFlow, type FlowItem } from './lock-flow';
import { StandInWorker } from './matter-worker';

export const PIN = '4711';
export const HOME = { index: 1, label: 'Our home', vendor: 'Apple Home' };

export class MatterFlow extends LockFlow {
  readonly worker = new StandInWorker();
  readonly bridge: FlowItem = { id: 'bridge', type: 'matter-bridge' };

  override begin(): Promise<void> {
    this.worker.homes = [HOME];
    return super.begin({}, {}, { matterBridgeThread: this.worker.spawn });
  }

  /** A lock that its gateway drives. */
  byGateway(more: Record<string, unknown> = {}): FlowItem[] {
    return [
      this.bridge,
      this.gateway(),
      {
        id: 'lock',
        type: 'matter-lock',
        bridge: 'bridge',
        lockName: 'Front door',
        gateway: 'gw',
        wires: [['out']],
        ...more,
      },
    ];
  }

  /** A lock that a flow drives: whatever comes out ends at `out`. */
  byFlow(more: Record<string, unknown> = {}): FlowItem[] {
    return this.byGateway({ drives: 'flow', gateway: '', ...more });
  }

  /** @param caught where errors go besides */
  async deployed(items: FlowItem[], credentials: Record<string, unknown> = {}, ...caught: string[]): Promise<void> {
    const all = { gw: { code: FRONT.code }, lock: { pin: PIN }, ...credentials };
    const whole = this.whole(...items).map((item) =>
      item.type === 'catch' ? { ...item, wires: [['caught', ...caught]] } : item,
    );
    await this.load(whole, all, [matterBridge, matterLock]);
  }

  /** The same, until the thread of the bridge knows the lock. */
  async start(items: FlowItem[], credentials: Record<string, unknown> = {}, ...caught: string[]): Promise<void> {
    await this.deployed(items, credentials, ...caught);
    await this.worker.until(() => this.worker.locks.has('lock'));
  }
}

/** A flow of its own for each test of a suite. */
export function eachWithMatter(use: (flow: MatterFlow) => void): void {
  let flow: MatterFlow;
  beforeEach(async () => {
    flow = new MatterFlow();
    use(flow);
    await flow.begin();
  });
  afterEach(() => flow.end());
}
