/** The importable example that watches a lock, deployed as it is: a deploy is no movement. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import helper from 'node-red-node-test-helper';
import type { NodeAPI } from 'node-red';
import { FRONT, LockFlow, type FlowItem } from '../support/lock-flow';

const core = createRequire(require.resolve('node-red/package.json'));
const CORE = [
  ...['common/20-inject', 'common/21-debug', 'common/25-catch', 'common/90-comment'],
  ...['function/10-switch', 'function/15-change', 'function/80-template', 'function/89-trigger'],
].map((name) => core(`@node-red/nodes/core/${name}.js`) as (RED: NodeAPI) => void);

describe('the examples for locks', () => {
  const flow = new LockFlow();
  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  it('02: says that the door was opened when it was, and nothing at a deploy', async () => {
    const file = path.join(__dirname, '../../examples/02 - Watch and notify.json');
    const items = (JSON.parse(readFileSync(file, 'utf8')) as FlowItem[]).map((item) => {
      if (item.type === 'gateway-config') return { ...item, host: flow.running.host, identifier: FRONT.identifier };
      return item.type === 'lock-status' ? { ...item, interval: '1' } : item;
    });
    const config = items.find(({ type }) => type === 'gateway-config')!;
    const [door] = items.filter(({ type }) => type === 'lock-status');
    const said: unknown[] = [];
    const load = async (): Promise<void> => {
      await flow.load(items, { [config.id]: { code: FRONT.code } }, CORE);
      for (const { id, type } of items) {
        if (type === 'debug') helper.getNode(id).on('input', ({ payload }) => said.push(payload));
      }
    };
    await load();
    await flow.arrived('/locker_status');
    await flow.polledAgain();
    assert.deepEqual(said, [], 'the first reading is no movement');
    flow.world.lock(FRONT.identifier).turnByHand('open');
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(said, ['The door was opened']);
    assert.equal(door?.emit ?? 'change', 'change');
  });
});
