/** The importable example for Matter, deployed as it is: the lock that its gateway drives, and the one that a flow decides on. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { NodeAPI } from 'node-red';
import matterBridge from '../../nodes/matter-bridge';
import matterLock from '../../nodes/matter-lock';
import { FRONT, type FlowItem } from '../support/lock-flow';
import { MatterFlow, PIN } from '../support/matter-flow';

const core = createRequire(require.resolve('node-red/package.json'));
const CORE = ['common/90-comment', 'function/10-switch', 'function/15-change'].map(
  (name) => core(`@node-red/nodes/core/${name}.js`) as (RED: NodeAPI) => void,
);
const FILE = path.join(__dirname, '../../examples/16 - The lock by Matter.json');
const HOURS = '[8..20]';

/** The test helper knows one Catch node in a flow; those of the example lead to the same node. */
function oneCatch(items: FlowItem[]): FlowItem[] {
  const [first, ...others] = items.filter(({ type }) => type === 'catch');
  const scope = [first, ...others].flatMap((each) => (each?.scope ?? []) as string[]);
  return items.filter((item) => !others.includes(item)).map((item) => (item === first ? { ...item, scope } : item));
}

describe('the example for Matter', function () {
  this.timeout(30_000);
  let flow: MatterFlow;
  let byGateway: string;
  let byFlow: string;
  beforeEach(async () => {
    flow = new MatterFlow();
    await flow.begin();
  });
  afterEach(() => flow.end());

  /** @param hours of the day at which the flow lets homes unlock */
  const start = async (hours: string): Promise<void> => {
    const text = readFileSync(FILE, 'utf8');
    assert.ok(text.includes(HOURS));
    const items = oneCatch(JSON.parse(text.replace(HOURS, hours)) as FlowItem[]).map((item) =>
      item.type === 'gateway-config' ? { ...item, host: flow.running.host, identifier: FRONT.identifier } : item,
    );
    const idOf = (matches: (item: FlowItem) => boolean): string => items.find(matches)?.id ?? '';
    byGateway = idOf(({ drives }) => drives === 'gateway');
    byFlow = idOf(({ drives }) => drives === 'flow');
    const gateway = idOf(({ type }) => type === 'gateway-config');
    const credentials = { [gateway]: { code: FRONT.code }, [byGateway]: { pin: PIN }, [byFlow]: { pin: PIN } };
    await flow.load(items, credentials, [matterBridge, matterLock, ...CORE]);
    await flow.worker.until(() => [byGateway, byFlow].every((id) => flow.worker.shown(id)?.bolt === 'locked'));
  };

  it('shows one lock in two forms, and whichever opens it, both say so', async () => {
    await start('[0..23]');
    assert.equal(await flow.worker.command(byGateway, 'open', PIN), undefined);
    await flow.worker.until(() => flow.worker.shown(byGateway)?.bolt === 'unlocked');
    assert.equal(await flow.worker.command(byFlow, 'close'), undefined);
    await flow.worker.until(() => flow.worker.shown(byFlow)?.bolt === 'locked');
    await flow.worker.until(() => flow.worker.shown(byGateway)?.bolt === 'locked');
    assert.equal(await flow.worker.command(byFlow, 'open', PIN), undefined);
    assert.equal(flow.world.lock(FRONT.identifier).state, 'open');
  });

  it('lets the flow refuse: at night the home gets a no, and the door stays shut', async () => {
    await start('[24]');
    assert.equal(await flow.worker.command(byFlow, 'open', PIN), 'failed');
    assert.ok(!flow.world.journal.paths.includes('/open'));
    assert.equal(await flow.worker.command(byFlow, 'close'), undefined);
  });
});
