/** The attack suite against the nodes alone, without Node-RED's editor before them. The same on an installed package: test/package. */
import helper from 'node-red-node-test-helper';
import { ATTACKED, attackSuite } from '../support/google-attacks';
import { GoogleFlow } from '../support/google-nodes';

describe('strangers at the Google account', () => {
  let flow: GoogleFlow;
  const told: unknown[] = [];

  before(async () => {
    const items = [...ATTACKED.items, { id: 'told', type: 'helper', wires: [] }];
    flow = await GoogleFlow.start(items, ATTACKED.credentials);
    helper.getNode('told').on('input', ({ payload }) => told.push(payload));
  });
  after(() => flow.stop());

  attackSuite('attacks by name', () => ({
    base: flow.base,
    told: async (atLeast) => {
      while (told.length < atLeast) await new Promise((resolve) => setTimeout(resolve, 5));
      return told;
    },
    log: () => {
      const calls = (helper.log() as unknown as { args: [{ msg: unknown }][] }).args;
      return calls.map(([{ msg }]) => String(msg)).join('\n');
    },
  }));
});
