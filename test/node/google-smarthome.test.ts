import assert from 'node:assert/strict';
import { HomeGraphStandIn, type SyncedDevice } from '../../simulators/google/home-graph';
import { GoogleFlow, ACCOUNT, CREDENTIALS, type FlowItem } from '../support/google-nodes';
import { GUIDE } from '../support/google-guide';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import type { CommandMessage } from '../../src/google/flow-messages';
import type { JsonObject } from '../../src/google/types';

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

const chain = (device: object, account = ACCOUNT): FlowItem[] => [
  account,
  { id: 'in', type: 'google-smarthome-in', account: 'account', wires: [['flow']], ...device },
  { id: 'flow', type: 'test-flow', wires: [['out']] },
  { id: 'out', type: 'google-smarthome-out', account: 'account', device: '', wires: [] },
  { id: 'state', type: 'google-smarthome-out', account: 'account', device: '123', wires: [] },
];

describe("Google's security system guide over HTTP", () => {
  let flow: GoogleFlow | undefined;
  let graph: HomeGraphStandIn;
  beforeEach(async () => {
    graph = await new HomeGraphStandIn().start();
  });
  afterEach(async () => {
    await flow?.stop();
    await graph.close();
  });

  for (const sample of GUIDE) {
    it(sample.name, async () => {
      const [device] = sample.devices;
      const told: CommandMessage[] = [];
      flow = await GoogleFlow.start(
        chain(device!.settings, { ...ACCOUNT, homeGraphEndpoint: graph.endpoint } as typeof ACCOUNT),
        {
          in: { pin: device!.pin },
          account: { ...CREDENTIALS, serviceAccountKey: graph.serviceAccountKey() },
        },
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

describe('a PIN of digits alone, which an environment of the flow may hold as a number', () => {
  let flow: GoogleFlow | undefined;
  afterEach(() => flow?.stop());

  const opening = (challenge?: JsonObject): JsonObject => ({
    requestId: '1',
    inputs: [
      {
        intent: 'action.devices.EXECUTE',
        payload: {
          commands: [
            {
              devices: [{ id: '123' }],
              execution: [
                {
                  command: 'action.devices.commands.OpenClose',
                  params: { openPercent: 100 },
                  ...(challenge && { challenge }),
                },
              ],
            },
          ],
        },
      },
    ],
  });

  it('is asked for, and taken', async () => {
    const garage = {
      deviceId: '123',
      deviceType: 'CUSTOM',
      customType: 'GARAGE',
      customTraits: ['OpenClose'],
    };
    flow = await GoogleFlow.start(
      chain(garage),
      { in: { pin: 1234 } },
      { modules: [flowOf(() => ({ openPercent: 100 }))] },
    );
    const anna = await flow.link();
    const status = async (challenge?: JsonObject): Promise<unknown> => {
      const { payload } = (await anna.post(opening(challenge))) as { payload: { commands: JsonObject[] } };
      const [{ status, challengeNeeded } = {}] = payload.commands;
      return (challengeNeeded as JsonObject | undefined)?.type ?? status;
    };
    assert.equal(await status(), 'pinNeeded');
    assert.equal(await status({ pin: '4321' }), 'challengeFailedPinNeeded');
    assert.equal(await status({ pin: '1234' }), 'SUCCESS');
  });
});

describe('settings that cannot work', () => {
  let flow: GoogleFlow | undefined;
  afterEach(() => flow?.stop());

  for (const [whose, account, device] of [
    ['of a device', {}, { customTraits: [] }],
    ['of the account', { path: 'smart home' }, {}],
  ] as const) {
    it(`${whose} are told to the Catch node, once, though it is made after the device`, async () => {
      const caught: { error: { code: string; cause: { hint: string }; source: { id: string } } }[] = [];
      flow = await GoogleFlow.start(
        [
          { ...ACCOUNT, ...account },
          {
            id: 'in',
            type: 'google-smarthome-in',
            account: 'account',
            deviceType: 'CUSTOM',
            customType: 'LIGHT',
            customTraits: ['OnOff'],
            wires: [],
            ...device,
          },
          { id: 'catch', type: 'catch', scope: null, wires: [['flow']] },
          { id: 'flow', type: 'test-flow', wires: [] },
        ],
        {},
        { modules: [flowOf((message) => void caught.push(message as never))] },
      );
      while (caught.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const [{ error }] = caught as [(typeof caught)[number]];
      assert.deepEqual([error.code, error.source.id, caught.length], ['INVALID_INPUT', 'in', 1]);
      assert.ok(error.cause.hint.length > 20);
    });
  }
});

describe('a message that sends Google everything anew', () => {
  let flow: GoogleFlow;
  let graph: HomeGraphStandIn;
  beforeEach(async () => {
    graph = await new HomeGraphStandIn().start();
    const account = { ...ACCOUNT, homeGraphEndpoint: graph.endpoint };
    const lock = { deviceId: '123', deviceType: 'LOCK', pinFor: 'none' };
    flow = await GoogleFlow.start(
      chain(lock, account),
      { account: { ...CREDENTIALS, serviceAccountKey: graph.serviceAccountKey() } },
      { modules: [flowOf(() => undefined)] },
    );
  });
  afterEach(async () => {
    await flow.stop();
    await graph.close();
  });

  async function agentUserId(): Promise<string> {
    const { payload } = await (await flow.link()).post({ requestId: '1', inputs: [{ intent: 'action.devices.SYNC' }] });
    const { agentUserId, devices } = payload as unknown as { agentUserId: string; devices: SyncedDevice[] };
    graph.learn(agentUserId, devices);
    return agentUserId;
  }

  it('asks for the list of devices to be read, and says so', async () => {
    const user = await agentUserId();
    const before = graph.taken('requestSync').length;
    const { fill, text } = await flow.receive('out', { payload: { operation: 'sync' } });
    assert.deepEqual([fill, text], ['green', 'sync requested']);
    assert.equal(graph.taken('requestSync').length, before + 1);
    assert.equal(graph.taken('requestSync').at(-1)!.agentUserId, user);
  });

  it('reports what every device is, also what Google knows already', async () => {
    const user = await agentUserId();
    const reports = (): unknown[] => graph.taken('reportStateAndNotification');
    await flow.receive('state', { payload: { isLocked: true } });
    while (reports().length < 1) await new Promise((resolve) => setImmediate(resolve));
    await flow.receive('state', { payload: { isLocked: true } });
    const { text } = await flow.receive('out', { payload: { operation: 'report' } });
    assert.equal(text, 'reported');
    while (reports().length < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(graph.statesOf(user, '123'), { online: true, isJammed: false, isLocked: true });
  });

  it('shows what is missing where nothing can be sent', async () => {
    const { fill, text } = await flow.receive('out', { payload: { operation: 'sync' } });
    assert.deepEqual([fill, text], ['grey', 'not linked yet']);
  });

  it('is an error where Google refuses', async () => {
    await agentUserId();
    graph.mishaps.push({ at: 'requestSync', status: 403 });
    const { fill } = await flow.receive('out', { payload: { operation: 'sync' } });
    assert.equal(fill, 'red');
  });

  it('never takes an answer to a command for one, nor a state with more in it', async () => {
    await agentUserId();
    const before = graph.taken('requestSync').length;
    await flow.receive('out', { payload: { operation: 'sync' }, google: 'a handle' });
    await flow.receive('state', { payload: { operation: 'sync', isLocked: true } });
    assert.equal(graph.taken('requestSync').length, before);
  });
});
