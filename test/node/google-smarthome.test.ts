import assert from 'node:assert/strict';
import { GoogleFlow, ACCOUNT, type FlowItem } from '../support/google-nodes';
import { GUIDE } from '../support/google-guide';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import type { CommandMessage } from '../../src/google/home';

/** A node that answers as a test says, in the place of a person's own flow. */
function flowOf(reply: (message: CommandMessage & Record<string, unknown>) => unknown) {
  return (RED: NodeAPI): void => {
    RED.nodes.registerType('test-flow', function (this: Node, config: NodeDef) {
      RED.nodes.createNode(this, config);
      this.on('input', (message, send, done) => {
        const payload = reply(message as never);
        if (payload !== undefined) send({ ...message, payload });
        done();
      });
    });
  };
}

const chain = (device: object): FlowItem[] => [
  ACCOUNT,
  { id: 'in', type: 'google-smarthome-in', account: 'account', wires: [['flow']], ...device },
  { id: 'flow', type: 'test-flow', wires: [['out']] },
  { id: 'out', type: 'google-smarthome-out', account: 'account', device: '', wires: [] },
  { id: 'state', type: 'google-smarthome-out', account: 'account', device: '123', wires: [] },
];

describe("Google's security system guide over HTTP", () => {
  let flow: GoogleFlow | undefined;
  afterEach(() => flow?.stop());

  for (const sample of GUIDE) {
    it(sample.name, async () => {
      const [device] = sample.devices;
      const told: CommandMessage[] = [];
      flow = await GoogleFlow.start(
        chain(device!.settings),
        { in: { pin: device!.pin } },
        {
          modules: [
            flowOf((message) => {
              told.push(message);
              return device!.reply(message);
            }),
          ],
        },
      );
      const anna = await flow.link();
      for (const { deviceId, payload } of sample.before ?? []) {
        assert.equal(deviceId, '123');
        await flow.receive('state', { payload });
      }
      for (const turn of sample.turns) {
        turn.check(await anna.post(turn.request));
        assert.equal(told.length, turn.told, turn.name);
      }
    });
  }
});
