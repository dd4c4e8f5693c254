/**
 * The probe of fault campaigns in a real Node-RED, at the moment that is easy to get wrong: while a deploy replaces a node,
 * Node-RED has none of that name. Each message handed over must be said to be taken or not, or a command would be missed.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { NodeRed, type FlowNode } from '../support/node-red';
import { ProbeLink } from '../support/probe-link';

/** A node that takes its time to close, as one whose gateway is speaking does. */
const SLOW = `module.exports = function (RED) {
  RED.nodes.registerType('slow-to-close', function (config) {
    RED.nodes.createNode(this, config);
    this.on('input', (message, send, done) => done());
    this.on('close', (done) => setTimeout(done, 300));
  });
};`;

describe('the probe of a fault campaign', () => {
  let probe: ProbeLink;
  let nodeRed: NodeRed;
  let slow: string;

  before(async function () {
    this.timeout(60_000);
    slow = await mkdtemp(path.join(os.tmpdir(), 'slow-'));
    await writeFile(path.join(slow, 'slow.js'), SLOW);
    await writeFile(
      path.join(slow, 'slow.html'),
      `<script>RED.nodes.registerType('slow-to-close', { category: 'x', defaults: {}, inputs: 1, outputs: 0 });</script>`,
    );
    const manifest = { name: 'slow', version: '1.0.0', 'node-red': { nodes: { slow: 'slow.js' } } };
    await writeFile(path.join(slow, 'package.json'), JSON.stringify(manifest));
    probe = await ProbeLink.start();
    nodeRed = await NodeRed.start({ packages: { probe: probe.folder, slow }, env: probe.env });
    await probe.connected();
    await probe.ask({ do: 'watch' });
  });

  after(async () => {
    await nodeRed.stop();
    await probe.stop();
    await rm(slow, { recursive: true, force: true });
  });

  for (const type of ['nodes', 'flows', 'full'] as const) {
    it(`says of each message of a deploy (${type}) what became of it`, async () => {
      const flow = (name: string): FlowNode[] => [
        { id: 'tab', type: 'tab', label: '' },
        { id: 'slow', type: 'slow-to-close', z: 'tab', name, x: 10, y: 10, wires: [] },
      ];
      await nodeRed.deploy(flow('before'));
      const taken = new Map<number, boolean>();
      const completed: number[] = [];
      probe.onEvent = (event) => {
        if (event.event === 'sent') taken.set(event.id, event.taken);
        if (event.event === 'complete') completed.push(event.id);
      };
      let sent = 0;
      const sending = setInterval(() => probe.send('slow', { probe: (sent += 1) }), 5);
      await nodeRed.deploy(flow('after'), type).finally(() => clearInterval(sending));
      // An answer to this comes after all that was told before.
      await probe.usage();
      await probe.usage();
      assert.equal(taken.size, sent);
      assert.ok([...taken.values()].includes(false), 'no message came while there was no node');
      assert.deepEqual(
        completed,
        [...taken].filter(([, was]) => was).map(([id]) => id),
      );
    });
  }
});
